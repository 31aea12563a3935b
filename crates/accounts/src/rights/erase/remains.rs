//! Where the person was, and what is left of them.

use super::{garden::Garden, person::Person, trace::Counts};
use crate::attack::Stop;
use kernel::{PersonId, TenantId};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use store::{
    DataMap, Store, accounts, blobs,
    data_map::OnErase,
    forensics::{self, Kind, Marked, Needles, Searched},
    operator_tenant,
};
use tokio::time::sleep;
use uuid::Uuid;
use vault::Subject;

/// How long jobs may still be on the queue that clean up behind an erasure.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// Tables that no visitor can plant in: only an administrator's look or hold is there, or the request itself.
const OF_OTHERS: &[&str] =
    &["wordbond.admin_look", "wordbond.legal_hold", "wordbond.rights_request", "wordbond.ticket"];
/// Tables whose rows are there for moments only: what is left of them is looked for, and none can be counted on before.
const OF_MOMENTS: &[&str] = &["wordbond.job", "wordbond.mail"];
/// Tables that are there for products alone.
const OF_DRAWINGS: &[&str] = &["wordbond.drawing", "wordbond.drawing_grant", "wordbond.blob"];
const OF_OBJECTIVES: &[&str] =
    &["wordbond.objective", "wordbond.key_result", "wordbond.check_in", "wordbond.objective_revision"];

/// What is looked for.
const WORDS: &str = "what they wrote";
const TOKEN: &str = "a token";
const CIPHERTEXT: &str = "ciphertext";
const KEY: &str = "a key";
const OBJECT: &str = "an object";

type Rows = BTreeMap<String, Vec<String>>;

/// Where somebody is.
pub(super) struct Before {
    account: Uuid,
    own: (TenantId, PersonId),
    guest: (TenantId, PersonId),
    /// Who others put down under their addresses, in the team of whoever stays.
    written: Vec<PersonId>,
    draws: bool,
    /// Ids and bytes of theirs, as they stand in rows.
    texts: Vec<String>,
    rows: Rows,
    /// Rows of others, and of theirs what must be there afterwards.
    others: Rows,
    needles: Needles,
    left_out: String,
}

impl Before {
    /// Finds them in every table and every file.
    pub(super) async fn look(store: &Store, data_dir: &Path, person: &Person, garden: &Garden) -> Result<Self, Stop> {
        let account = accounts::by_email(store, &person.who.email).await?;
        let account = account.ok_or_else(|| Stop::Failed("the planted account is in no table".to_owned()))?.id.uuid();
        let own = (TenantId::from(person.own.tenant), PersonId::from(person.own.person));
        let guest = (TenantId::from(person.guest.tenant), PersonId::from(person.guest.person));
        let written: Vec<PersonId> = person.written.iter().map(|one| PersonId::from(one.person)).collect();
        let index = store.keys().blind_index(guest.0).map_err(store::StoreError::from)?;
        let ids = [account, person.own.person, person.guest.person, person.own.tenant];
        let ids = ids.into_iter().chain(written.iter().map(|one| one.uuid()));
        let indexes = [&person.who.email, &person.former].map(|address| hex(&index.email(address)));
        let mut texts: Vec<String> = ids.map(|id| id.to_string()).chain(indexes).collect();
        let rows = forensics::rows_with(store, &texts).await?;
        let bytes = bytes_of(&rows, &own.0.to_string())?;
        texts.extend(bytes.iter().map(|bytes| hex(bytes.get(2..).unwrap_or_default()).chars().take(40).collect()));
        let mut before = Self {
            account,
            own,
            guest,
            written,
            draws: person.draws,
            others: Rows::new(),
            needles: Needles::new(),
            left_out: String::new(),
            texts,
            rows,
        };
        before.reaches(person)?;
        before.others(store, garden).await?;
        before.files(store, data_dir, person, &bytes).await?;
        Ok(before)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.values().map(Vec::len).sum()
    }

    pub(super) fn tables(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn left_out(&self) -> &str {
        &self.left_out
    }

    /// Every table on the map that names people must hold something of them, or be one that no visitor reaches.
    fn reaches(&mut self, person: &Person) -> Result<(), Stop> {
        let mut left_out = Vec::new();
        for table in DataMap::own()?.tables.iter().filter(|table| !table.people.is_empty()) {
            let name = table.name.as_str();
            let is_served =
                (person.draws || !OF_DRAWINGS.contains(&name)) && (person.aims || !OF_OBJECTIVES.contains(&name));
            match (self.rows.contains_key(name), OF_OTHERS.contains(&name) || OF_MOMENTS.contains(&name), is_served) {
                (true, ..) => {}
                (false, false, true) => {
                    let why = format!("the probe plants nothing in {name}, and it is on the data map");
                    return Err(Stop::Failed(why));
                }
                (false, ..) => left_out.push(name.trim_start_matches("wordbond.").to_owned()),
            }
        }
        self.left_out = left_out.join(", ");
        Ok(())
    }

    /// What must be there afterwards: every row of whoever stays, and the team's own without the person's id.
    async fn others(&mut self, store: &Store, garden: &Garden) -> Result<(), Stop> {
        let me = garden.me()?;
        let stay = accounts::by_email(store, garden.email()).await?.map(|account| account.id.to_string());
        let ids: Vec<String> = [me.tenant.to_string(), me.person.to_string()].into_iter().chain(stay).collect();
        self.others = forensics::rows_with(store, &ids).await?;
        for (table, rows) in &mut self.others {
            let lasts = !matches!(
                table.as_str(),
                "wordbond.session" | "wordbond.job" | "wordbond.ticket" | "wordbond.one_time"
            );
            rows.retain(|row| {
                let of_session =
                    table == "wordbond.sign_in" && !row.contains("\"email\"") && !row.contains("\"token\"");
                lasts && !of_session && !self.texts.iter().any(|text| row.contains(text))
            });
        }
        let guest = self.guest.1.to_string();
        for table in DataMap::own()?.tables {
            let mine = self.rows.get(&table.name).into_iter().flatten();
            let mine = mine.filter(|row| row.contains(&me.tenant.to_string()) && row.contains(&guest));
            let left: Vec<String> = match table.on_erase {
                OnErase::Delete => continue,
                OnErase::Keep => mine.cloned().collect(),
                OnErase::Anonymise => mine.map(|row| row.replace(&format!("\"{guest}\""), "null")).collect(),
            };
            self.others.entry(table.name).or_default().extend(left);
        }
        Ok(())
    }

    /// Finds their ciphertext, keys and objects in the raw files: a search that does not find them now proves nothing later.
    async fn files(&mut self, store: &Store, data_dir: &Path, person: &Person, bytes: &[Vec<u8>]) -> Result<(), Stop> {
        let with = |needles: Needles, name, bytes: &[u8]| needles.bytes(name, bytes).encoded(name, bytes);
        let sealed = bytes.iter().map(|bytes| bytes.get(2..).unwrap_or_default());
        let mut needles = sealed.fold(Needles::new(), |needles, bytes| with(needles, CIPHERTEXT, bytes));
        let keys = store.keys().folders().map(|folder| (KEY, folder));
        for (name, folder) in keys.chain(store.blobs().lie_in().map(|folder| (OBJECT, folder))) {
            for file in self.named_after_them(folder) {
                let content =
                    fs::read(&file).map_err(|error| Stop::Failed(format!("{}: {error}", folder.display())))?;
                needles = with(needles, name, content.get(8..).unwrap_or_default());
            }
        }
        needles = person.wrote.iter().fold(needles, |needles, text| needles.words(WORDS, text));
        self.needles = person.secrets().fold(needles, |needles, secret| needles.words(TOKEN, secret));
        let has_objects = self.objects(store).await? > 0;
        if self.draws && !has_objects {
            return Err(Stop::Failed("an upload became no object".to_owned()));
        }
        let Some(marked) = search(store, data_dir, &self.needles).await? else { return Ok(()) };
        let searched = &marked.searched;
        in_the_clear(searched)?;
        marked.proves(|_| true).map_err(Stop::Failed)?;
        let local = has_objects && store.blobs().lie_in().is_some();
        let must = [(CIPHERTEXT, Kind::Table), (CIPHERTEXT, Kind::Wal), (KEY, Kind::Keys), (OBJECT, Kind::Objects)];
        for (needle, kind) in must.into_iter().filter(|(needle, _)| local || *needle != OBJECT) {
            if searched.times(needle, kind) == 0 {
                return Err(Stop::Failed(format!(
                    "the search does not even find {needle} of somebody who is there in: {kind}"
                )));
            }
        }
        Ok(())
    }

    /// How often their words, ciphertext, keys and objects are found, by kind of place.
    pub(super) async fn count(&self, store: &Store, data_dir: &Path) -> Result<Counts, Stop> {
        let nowhere = || Stop::Failed("the raw files are a provider's".to_owned());
        let marked = search(store, data_dir, &self.needles).await?.ok_or_else(nowhere)?;
        marked.proves(|_| true).map_err(Stop::Failed)?;
        let searched = &marked.searched;
        let times = |kind| {
            let words = searched.times(WORDS, kind) + searched.times(TOKEN, kind);
            [words, searched.times(CIPHERTEXT, kind), searched.times(KEY, kind), searched.times(OBJECT, kind)]
        };
        let kinds = searched.files.keys().filter(|kind| **kind != Kind::Mails);
        Ok(kinds.map(|kind| (*kind, times(*kind))).collect())
    }

    fn named_after_them(&self, folder: &Path) -> Vec<PathBuf> {
        let ids = [self.account, self.own.1.uuid(), self.guest.1.uuid(), self.own.0.uuid()].map(|id| id.to_string());
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if ids.iter().any(|id| path.to_string_lossy().contains(id.as_str())) {
                    found.push(path);
                }
            }
        }
        found
    }

    async fn objects(&self, store: &Store) -> Result<usize, Stop> {
        let mut count = 0;
        for (tenant, person) in [self.own, self.guest] {
            count += blobs::objects_of(store, tenant, person).await?.len();
        }
        Ok(count)
    }

    fn subjects(&self) -> Vec<(TenantId, Subject)> {
        let here = self.written.iter().map(|one| (self.guest.0, Subject::Person(*one)));
        let there = [
            (operator_tenant(), Subject::Person(self.account.into())),
            (self.own.0, Subject::Person(self.own.1)),
            (self.own.0, Subject::Tenant),
            (self.guest.0, Subject::Person(self.guest.1)),
        ];
        there.into_iter().chain(here).collect()
    }
}

/// What is left.
pub(super) struct After {
    /// Rows of others that are as they were.
    pub(super) others: usize,
    /// How often ciphertext of theirs stands in the database's files.
    pub(super) ciphertext: u64,
    /// How many raw files were searched.
    pub(super) files: Option<usize>,
}

impl After {
    /// Looks for them everywhere.
    pub(super) async fn look(store: &Store, data_dir: &Path, before: &Before) -> Result<Self, Stop> {
        let begun = Instant::now();
        loop {
            match left(store, before).await {
                Ok(()) => break,
                // What cleans up behind an erasure is enqueued with it.
                Err(Stop::Broke(_)) if begun.elapsed() < SETTLED_WITHIN => sleep(Duration::from_millis(500)).await,
                Err(stop) => return Err(stop),
            }
        }
        if let Some(place) = forensics::elsewhere(store).await? {
            return Err(Stop::Broke(format!("something lies where no row is and no erasure reaches: {place}")));
        }
        let others = compare(store, before).await?;
        let Some(marked) = search(store, data_dir, &before.needles).await? else {
            return Ok(Self { others, ciphertext: 0, files: None });
        };
        let searched = &marked.searched;
        in_the_clear(searched)?;
        for hit in &searched.hits {
            let is_kept =
                hit.needle == CIPHERTEXT && hit.kind.is_database() && !matches!(hit.kind, Kind::Log | Kind::Temporary);
            if !is_kept {
                let (needle, kind, file) = (&hit.needle, hit.kind, hit.file.display());
                return Err(Stop::Broke(format!("{needle} of somebody who was erased is still in: {kind} ({file})")));
            }
        }
        marked.proves(|_| true).map_err(Stop::Failed)?;
        let ciphertext = searched.hits.iter().map(|hit| hit.times).sum();
        Ok(Self { others, ciphertext, files: Some(searched.all_files()) })
    }
}

/// Rows, keys and objects of theirs.
async fn left(store: &Store, before: &Before) -> Result<(), Stop> {
    let guest = before.guest.1.to_string();
    let map = DataMap::own()?;
    let may_name: BTreeSet<&str> = map
        .tables
        .iter()
        .filter(|table| table.on_erase == OnErase::Keep && !table.people.is_empty())
        .map(|table| table.name.as_str())
        .collect();
    for (table, rows) in forensics::rows_with(store, &before.texts).await? {
        let stays = |row: &String| {
            may_name.contains(table.as_str()) && before.texts.iter().all(|text| *text == guest || !row.contains(text))
        };
        let left = rows.iter().filter(|row| !stays(row)).count();
        if left > 0 {
            return Err(Stop::Broke(format!("{left} rows of {table} still hold something of somebody who was erased")));
        }
    }
    for (tenant, subject) in before.subjects() {
        if store.keys().lies(tenant, subject).map_err(store::StoreError::from)? {
            return Err(Stop::Broke(
                "a wrapped key of somebody who was erased still lies in the key store or its mirror".to_owned(),
            ));
        }
    }
    match before.objects(store).await? {
        0 => Ok(()),
        count => Err(Stop::Broke(format!("{count} objects of somebody who was erased are still there"))),
    }
}

/// Every row that must be there is there as it was. Yields how many there are.
async fn compare(store: &Store, before: &Before) -> Result<usize, Stop> {
    let ids = [before.guest.0.to_string(), before.guest.1.to_string()];
    let mut texts: BTreeSet<String> = ids.into_iter().collect();
    // Rows of an account name neither the team nor the membership: each is looked for by what it holds.
    let of_account = before.others.values().flatten().filter_map(|row| account_in(row));
    texts.extend(of_account);
    let now = forensics::rows_with(store, &texts.into_iter().collect::<Vec<_>>()).await?;
    let none = Vec::new();
    let mut count = 0;
    for (table, rows) in &before.others {
        let there: BTreeSet<&String> = now.get(table).unwrap_or(&none).iter().collect();
        if let Some(missing) = rows.iter().find(|row| !there.contains(row)) {
            let changed = missing.len();
            return Err(Stop::Broke(format!("a row of others in {table}, {changed} letters long, is not as it was")));
        }
        count += rows.len();
    }
    Ok(count)
}

fn account_in(row: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(row).ok()?;
    value.as_object()?.get("account_id")?.as_str().map(str::to_owned)
}

/// No word of theirs may stand anywhere in the clear, now as before. Mails that were sent are the addressee's.
fn in_the_clear(searched: &Searched) -> Result<(), Stop> {
    let words = |hit: &&forensics::Hit| matches!(hit.needle.as_str(), WORDS | TOKEN) && hit.kind != Kind::Mails;
    match searched.hits.iter().find(words) {
        Some(hit) => {
            Err(Stop::Broke(format!("{} stands in the clear in: {} ({})", hit.needle, hit.kind, hit.file.display())))
        }
        None => Ok(()),
    }
}

/// Searches the raw files, marks included. `None` where they are a provider's.
async fn search(store: &Store, data_dir: &Path, needles: &Needles) -> Result<Option<Marked>, Stop> {
    let Some(mut marked) = forensics::search_marked(store, data_dir, needles).await? else { return Ok(None) };
    marked.searched.hits.retain(|hit| hit.kind != Kind::Mails);
    Ok(Some(marked))
}

/// The bytes in rows that go: ciphertext, look-up keys, hashes. Those of teams that stay are the teams'.
fn bytes_of(rows: &Rows, tenant: &str) -> Result<Vec<Vec<u8>>, Stop> {
    let map = DataMap::own()?;
    let mut found = BTreeSet::new();
    for (table, rows) in rows {
        let goes = map.table(table).is_none_or(|table| table.on_erase == OnErase::Delete);
        for row in rows.iter().filter(|row| goes || row.contains(tenant)) {
            // Bytes stand in JSON as "\\x0123…".
            for part in row.split("\\\\x").skip(1) {
                let digits = part.split('"').next().unwrap_or_default();
                found.extend(unhex(digits).filter(|bytes| bytes.len() >= 32));
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_out_of_rows() {
        assert_eq!(unhex("0aff"), Some(vec![10, 255]));
        assert_eq!(unhex("0g"), None);
        let long = hex(&[7; 40]);
        let row = format!("{{\"a\": \"\\\\x{long}\", \"b\": \"\\\\x00\"}}");
        let rows = Rows::from([("wordbond.token".to_owned(), vec![row])]);
        assert_eq!(bytes_of(&rows, "none").ok(), Some(vec![vec![7; 40]]));
    }
}
