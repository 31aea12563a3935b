//! Control `full-export`: what a person gets can be read back, and says the same afterwards.
//!
//! The enforcement is [`privacy::package`] and its reader; this module attacks it. What would make it false and leave it green: a
//! document whose files are not what they say, a reader that drops what it says it read, a policy that hides what is old from
//! whoever exports, a second reading that makes everything twice. Each is looked for.

mod canonical;
mod faults;

pub use faults::FAULTS;

use super::taken::{self, Gathered, Taken};
use crate::attack::{Plant, Stop};
use canonical::Canonical;
use ingress::visitor::{Visitor, words};
use kernel::{AccountId, Span};
use outbound::Site;
use privacy::package::{self, Reach};
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use serde::Deserialize;
use store::{
    Store, accounts, blobs,
    copy::{blind::blind, walk},
    rights::list,
};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "full-export",
    title: "A full export that can be read back",
    about: "The probe writes notes and uploads drawings as a planted person, asks for the data to take along, and reads the \
            document back as somebody new who has nothing. Every row that the service gathers must be fetched as it is held, \
            column for column, instants included. That person's own export must then say the same: name, notes, and \
            every drawing byte for byte; only ids, instants and addresses differ. Reading it a second time must make nothing \
            twice, nor reading the archive, whose tables and files must be all of that again; and what is no export, or one that was altered, must be refused. For a sample of all accounts, drawn anew \
            each time and not the planted one alone, every note and drawing that the database has recorded must be in the \
            export, counted by a role that must see every row which the superuser sees; at a managed server, which has none \
            for us, that role is believed. Every file of anybody's must lie in the object store in its whole length. Where a service keeps no drawings none are tried.",
    wing: "privacy",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(6),
    freshness: Span::hours(20),
    covers: &["everything"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["20(1)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] },
};

/// How many accounts' exports are gathered in one attack.
const SAMPLE: u32 = 12;
/// How what is taken along is sent back.
const DOCUMENT: &str = "application/json";
const ARCHIVE: &str = "application/zip";
/// What people make and can take along.
const MADE: [&str; 2] = ["wordbond.note", "wordbond.drawing"];
/// The tables that tell whose it is, and these.
const COUNTED: [&str; 4] = ["wordbond.person", "wordbond.membership", "wordbond.note", "wordbond.drawing"];

/// Attacks the promise on `plant`.
pub async fn probe(site: &Site, store: &Store, plant: &Plant) -> Finding {
    match attack(site, store, plant).await {
        Ok(finding) => finding,
        // What the pages cannot show may be rows that are in no export: the database is asked before it is called a failure.
        Err(Stop::Failed(why)) => match everybody(store).await {
            Err(Stop::Broke(how)) => Finding::broke(format!("{how}; {why}")),
            Ok(_) | Err(Stop::Failed(_)) => Finding::failed(why),
        },
        Err(stop) => stop.finding(),
    }
}

async fn attack(site: &Site, store: &Store, plant: &Plant) -> Result<Finding, Stop> {
    let mut visitor = taken::enter(site, plant).await?;
    let (title, text, name) = (words(3), format!("={}\n\"{}\"", words(4), words(2)), words(2));
    let note = taken::note(&mut visitor, &title, &text).await?;
    let drawn = taken::draw(&mut visitor, &format!("{name}.png"), &taken::picture()).await?;
    let gathered = Gathered::before(store, plant, Reach::Portability).await?;
    let Export { body, archive, taken: exported } = export(&mut visitor, store, plant.email()).await?;
    let fetched = gathered.compare(store, &exported).await?;
    let first = Canonical::of(&exported);
    if !first.holds(&title, &text, drawn.then_some(name.as_str())) {
        return Err(Stop::Broke("what was just made is not in the export".to_owned()));
    }
    let back = Plant::sow(site).await?;
    let mut other = taken::enter(site, &back).await?;
    refused(&mut other, &body).await?;
    let done = read_back(&mut other, DOCUMENT, &body).await?;
    if done.notes + done.drawings != first.rows() || done.refused > 0 {
        return Err(Stop::Broke(format!(
            "of {} notes and drawings {} were read back",
            first.rows(),
            done.notes + done.drawings
        )));
    }
    let again = read_back(&mut other, DOCUMENT, &body).await?;
    if (again.notes, again.drawings) != (0, 0) || again.present != first.rows() {
        return Err(Stop::Broke("a second reading made things twice".to_owned()));
    }
    let tables = read_back(&mut other, ARCHIVE, &archive).await?;
    if (tables.notes, tables.drawings, tables.refused) != (0, 0, 0) || tables.present != first.rows() {
        return Err(Stop::Broke("the tables and files of the archive are not what the document says".to_owned()));
    }
    let second = export(&mut other, store, back.email()).await?.taken;
    if first != Canonical::of(&second) {
        return Err(Stop::Broke("what was read back is exported otherwise than it was".to_owned()));
    }
    let (accounts, rows) = everybody(store).await?;
    visitor.send_json("DELETE", &format!("/api/notes/{note}"), None).await?;
    let saw = format!(
        "{} notes and drawings came out, went into another account and came out the same; {rows} of {accounts} accounts are in their exports",
        first.rows()
    );
    let finding = Finding::held(saw)
        .tried("wrote and uploaded, asked for the data to take along, read it back as somebody new, and compared the two exports")
        .tried("read it back a second time, from the archive's tables, and altered, and as another document")
        .tried("gathered the exports of a sample of all accounts, and counted the rows under a role that sees every row")
        .covered("notes and drawings", first.rows())
        .covered("rows fetched", fetched)
        .covered("accounts", accounts)
        .covered("rows", rows);
    // A service without drawings has none to cover.
    Ok(if drawn { finding.covered("drawings", first.drawings()) } else { finding })
}

/// What is taken along.
struct Export {
    /// The document as it came.
    body: Vec<u8>,
    /// The archive.
    archive: Vec<u8>,
    /// The document, read.
    taken: Taken,
}

/// The data to take along, as programs fetch it.
async fn export(visitor: &mut Visitor, store: &Store, email: &str) -> Result<Export, Stop> {
    let case = taken::ask(visitor, email, "portability").await?;
    list::of_probe(store, case).await?;
    let body = taken::fetch(visitor, &format!("/api/account/requests/{case}/package.json")).await?;
    let archive = taken::fetch(visitor, &format!("{}/requests/{case}/package.zip", super::HOME)).await?;
    let taken = taken::read_package(&body)?;
    Ok(Export { body, archive, taken })
}

#[derive(Deserialize)]
struct Done {
    notes: usize,
    drawings: usize,
    present: usize,
    refused: usize,
}

async fn send(visitor: &mut Visitor, kind: &str, body: &[u8]) -> Result<outbound::Answer, Stop> {
    let token = visitor.form_token("/account").await?;
    let origin = visitor.site().url().to_owned();
    let headers = [
        (ingress::csrf::HEADER, token.as_str()),
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", kind),
    ];
    Ok(visitor.send("POST", "/api/account/import?name=true", &headers, body).await?)
}

async fn read_back(visitor: &mut Visitor, kind: &str, body: &[u8]) -> Result<Done, Stop> {
    let answer = send(visitor, kind, body).await?;
    if answer.status != 200 {
        return Err(Stop::Broke(format!("reading an export back was answered with {}", answer.status)));
    }
    answer.json().map_err(|_| Stop::Failed("reading back was answered in another form".to_owned()))
}

/// What is no export, or was altered, is not read.
async fn refused(visitor: &mut Visitor, body: &[u8]) -> Result<(), Stop> {
    let text = String::from_utf8_lossy(body);
    let other = text.replacen("wordbond.package", "somebody.else", 1);
    let newer = text.replacen("\"schema_version\":1", "\"schema_version\":2", 1);
    let short = text.get(..text.len().min(40)).unwrap_or_default().to_owned();
    for (what, wrong) in [("another document", other), ("another version", newer), ("half of one", short)] {
        let status = send(visitor, DOCUMENT, wrong.as_bytes()).await?.status;
        if status != 422 {
            return Err(Stop::Broke(format!("{what} was answered with {status}")));
        }
    }
    Ok(())
}

/// Every note and drawing of a sample of all accounts is in their export.
async fn everybody(store: &Store) -> Result<(usize, usize), Stop> {
    if let Some((table, hidden)) = blind(store, &COUNTED).await? {
        return Err(Stop::Broke(format!("{hidden} rows of {table} are kept from the role that counts")));
    }
    let (mut seen, mut all) = (0, 0);
    for account in accounts::sample(store, SAMPLE).await? {
        let exported = exported(store, account).await;
        // Whoever was erased since the sample was drawn has no export, or half of one.
        if accounts::by_id(store, account).await?.is_none() {
            continue;
        }
        all += exported?;
        seen += 1;
    }
    let kept = blobs::kept(store).await?;
    if !kept.lost.is_empty() {
        return Err(Stop::Broke(format!("{} of {} files are in exports by name alone", kept.lost.len(), kept.rows)));
    }
    Ok((seen, all))
}

/// How many notes and drawings of one account are in its export, all of them.
async fn exported(store: &Store, account: AccountId) -> Result<usize, Stop> {
    let mut missing = 0;
    // What is written between two looks is there at the second.
    for _ in 0..2 {
        let expected = walk::expected(store, account).await?;
        let package = package::gather(store, account, Reach::Portability).await?;
        let given = |table: &str| package.section(package::section_of(table)).map_or(0, |section| section.rows.len());
        let rows = |table: &str| expected.rows.get(table).copied().unwrap_or_default();
        let drawings = rows("wordbond.drawing").saturating_sub(package.files.len());
        missing = MADE.iter().map(|table| rows(table).saturating_sub(given(table))).sum::<usize>() + drawings;
        if missing == 0 {
            return Ok(MADE.iter().map(|table| rows(table)).sum());
        }
    }
    Err(Stop::Broke(format!("{missing} notes and drawings of somebody are in no export of theirs")))
}
