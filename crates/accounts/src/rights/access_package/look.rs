//! What is looked for in a copy.

use super::super::taken::{self, Taken};
use super::plant::Planted;
use crate::attack::Stop;
use ingress::visitor::Visitor;
use kernel::AccountId;
use outbound::Site;
use privacy::package::{self, Package, Reach};
use std::collections::BTreeSet;
use store::{
    DataMap, Store, accounts, blobs,
    copy::{blind::blind, walk},
    forensics,
};
use uuid::Uuid;

/// The largest archive that is unpacked.
const MOST: u64 = 256 * 1024 * 1024;

/// A copy in its three forms.
pub(super) struct Files {
    pub(super) json: Vec<u8>,
    pub(super) html: Vec<u8>,
    pub(super) zip: Vec<u8>,
}

impl Files {
    /// The three say the same, all of what was planted, and nothing of a colleague.
    pub(super) fn agree(&self, planted: &Planted) -> Result<Taken, Stop> {
        let broke = |why: &str| Stop::Broke(why.to_owned());
        let package = taken::read_package(&self.json)?;
        let unpacked = package::unzip(&self.zip, MOST).ok_or_else(|| broke("the archive of a copy cannot be read"))?;
        let inner = unpacked.get("package.json").ok_or_else(|| broke("the archive of a copy has no document"))?;
        let inner = taken::read_package(inner)?;
        for (one, other) in package.sections.iter().zip(&inner.sections) {
            // What was done to get the copy is told in the log by then.
            let grows = matches!(
                one.section.as_str(),
                "audit_event" | "session" | "sign_in" | "one_time" | "job" | "mail" | "rights_case"
            );
            if one.section != other.section || (!grows && one.rows != other.rows) {
                return Err(Stop::Broke(format!("the section {} differs between document and archive", one.section)));
            }
        }
        if package.sections.len() != inner.sections.len() || package.files.len() != inner.files.len() {
            return Err(broke("document and archive do not hold the same"));
        }
        let tables =
            unpacked.iter().filter(|(name, _)| name.starts_with("tables/")).flat_map(|(_, table)| table.clone());
        let tables: Vec<u8> = tables.collect();
        let texts = [("document", &self.json), ("page", &self.html), ("tables", &tables)];
        for (wher, bytes) in texts {
            let text = String::from_utf8_lossy(bytes);
            if let Some(at) = planted.own.iter().position(|own| !text.contains(own.as_str())) {
                return Err(Stop::Broke(format!("planted text {at} is not in the {wher} of the copy")));
            }
            if let Some(at) = planted.others.iter().position(|other| text.contains(other.as_str())) {
                return Err(Stop::Broke(format!("text {at} of a colleague is in the {wher} of the copy")));
            }
        }
        if let Some((name, content)) = &planted.drawing {
            let in_archive = unpacked.iter().any(|(path, bytes)| path.contains(name.as_str()) && bytes == content);
            let in_document =
                package.files.iter().any(|one| one.file.name.contains(name.as_str()) && &one.bytes() == content);
            if !in_archive || !in_document {
                return Err(broke("a planted drawing is not in the copy as it was uploaded"));
            }
        }
        Ok(package)
    }
}

/// The copy is its person's: nobody else gets it, signed in or not.
pub(super) async fn closed(site: &Site, store: &Store, case: &str) -> Result<(), Stop> {
    let mut stranger = Visitor::stranger(site).await;
    for name in ["json", "html", "zip"] {
        let answer = stranger.get(&format!("{}/requests/{case}/package.{name}", super::super::HOME)).await?;
        if answer.status == 200 {
            return Err(Stop::Broke(format!("a stranger was given package.{name}")));
        }
    }
    // Whoever else there is: the store is asked as their request would ask it.
    let id: Uuid = case.parse().map_err(|_| Stop::Failed("a case without an id".to_owned()))?;
    for account in accounts::sample(store, 3).await? {
        let whose = store::rights::cases::whose(store, id).await?;
        if whose != Some(account) && store::rights::cases::one(store, account, id).await?.is_some() {
            return Err(Stop::Broke("somebody else finds the case of a person".to_owned()));
        }
    }
    Ok(())
}

/// What was compared.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) accounts: usize,
    pub(super) rows: usize,
}

/// Gathers the copies of a sample of all accounts and compares them with the rows that name each.
pub(super) async fn everybody(store: &Store, most: u32) -> Result<Walked, Stop> {
    let tables = walk::counted()?;
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    if let Some((table, hidden)) = blind(store, &tables).await? {
        return Err(Stop::Broke(format!("{hidden} rows of {table} are kept from the role that counts")));
    }
    let (mut walked, mut ids) = (Walked::default(), BTreeSet::new());
    for account in accounts::sample(store, most).await? {
        let compared = compared(store, account).await;
        // Whoever was erased since the sample was drawn has no copy, or half of one.
        if accounts::by_id(store, account).await?.is_none() {
            continue;
        }
        let (rows, own) = compared?;
        walked.rows += rows;
        walked.accounts += 1;
        ids.extend(own.iter().map(Uuid::to_string));
    }
    off_the_map(store, ids.into_iter().collect()).await?;
    let kept = blobs::kept(store).await?;
    if !kept.lost.is_empty() {
        return Err(Stop::Broke(format!("{} of {} files are in copies by name alone", kept.lost.len(), kept.rows)));
    }
    Ok(walked)
}

/// No table names any of these that is not on the map: what it holds would be in nobody's copy.
async fn off_the_map(store: &Store, ids: Vec<String>) -> Result<(), Stop> {
    let map = DataMap::own()?;
    let found = forensics::rows_with(store, &ids).await?;
    match found.iter().find(|(table, _)| map.table(table).is_none()) {
        Some((table, rows)) => {
            Err(Stop::Broke(format!("{} rows of {table}, which is not on the data map, are in no copy", rows.len())))
        }
        None => Ok(()),
    }
}

/// How many rows of one account are in its copy, all of them, and the ids that are its own.
async fn compared(store: &Store, account: AccountId) -> Result<(usize, BTreeSet<Uuid>), Stop> {
    let mut wrong = String::new();
    // What is written between two looks is there at the second.
    for _ in 0..2 {
        let expected = walk::expected(store, account).await?;
        let package = package::gather(store, account, Reach::Access).await?;
        match differs(&expected, &package) {
            None => return Ok((expected.rows.values().sum::<usize>() + expected.events.len(), expected.own)),
            Some(why) => wrong = why,
        }
    }
    Err(Stop::Broke(wrong))
}

fn differs(expected: &walk::Expected, package: &Package) -> Option<String> {
    if expected.unled > 0 {
        return Some("somebody stands as another person's account in a team, and is in that person's copy".to_owned());
    }
    for (table, rows) in &expected.rows {
        let given = package.section(package::section_of(table)).map_or(0, |section| section.rows.len());
        if given < *rows {
            return Some(format!(
                "{} of {rows} rows of {table} that name somebody are not in their copy",
                rows - given
            ));
        }
    }
    let log = package.section(package::section_of("wordbond.audit_event"));
    let told: BTreeSet<Uuid> = log
        .into_iter()
        .flat_map(|section| &section.rows)
        .filter_map(|row| row.get("event_id")?.as_str()?.parse().ok())
        .collect();
    let untold = expected.events.difference(&told).count();
    if untold > 0 {
        return Some(format!("{untold} of {} events that name somebody are not in their copy", expected.events.len()));
    }
    let text = serde_json::to_string(&package.sections).unwrap_or_default();
    let mut ids =
        text.split(|sign: char| !(sign.is_ascii_hexdigit() || sign == '-')).filter_map(|word| word.parse().ok());
    let others: &BTreeSet<Uuid> = &expected.others;
    ids.any(|id| others.contains(&id)).then(|| "a copy names somebody else".to_owned())
}
