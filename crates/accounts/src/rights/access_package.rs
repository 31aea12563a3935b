//! Control `access-package`: the copy that a person gets holds everything about them and nothing about others.
//!
//! The enforcement is [`privacy::package`] over [`store::copy`]; this module attacks it. What would make it false and leave it
//! green: a table that no section names, a column that is emptied on the way, a policy that hides what is old, a row of a
//! colleague that is taken for one's own, a page that shows less than the document. Each is looked for.

mod faults;
mod look;
mod plant;

pub use faults::FAULTS;
pub use plant::Copied;

use super::taken::{self, Gathered, Taken};
use crate::attack::Stop;
use kernel::Span;
use look::Files;
use outbound::Site;
use privacy::package::Reach;
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use store::{Store, rights::list};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "access-package",
    title: "A copy of a person's data is complete",
    about: "The probe plants a person through the public pages: name, address, notes, a drawing, an objective with a check-in, \
            a token, an invitation, a share, as far as they are served. It asks for a copy as that person, waits until it is \
            there, and looks for every planted text in the page, in the document and in the archive, which must agree; and for \
            what belongs to a colleague, whose name, address, ids and texts must be in none of them. Every row that the service \
            gathers of the plant must be fetched as it is held, column for column. For a sample of all \
            accounts, drawn anew each time and not the planted one alone, it gathers the copy and compares it, table by table \
            of the data map, with the rows that name the account in the database, and event by event with what the logs tell \
            of it, as a role reads them that must see every row which the superuser sees; and no id of anybody else in the \
            same teams may be in it. No table that is not on the map may name any of them. Of sessions, and of invitations to \
            somebody's address, only those are looked for that the probe made. Secrets that open the account are not \
            given, and the copy says so. It cannot judge whether a free text that the person wrote is about somebody else.",
    wing: "privacy",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(6),
    freshness: Span::hours(20),
    covers: &["everything", "nothing"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["15(1)", "15(3)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] },
};

/// How many accounts' copies are gathered in one attack.
const SAMPLE: u32 = 12;

/// Attacks the promise on `plant`.
pub async fn probe(site: &Site, store: &Store, plant: &Copied) -> Finding {
    match attack(site, store, plant).await {
        Ok(finding) => finding,
        // What the pages cannot show may be rows that are in no copy: the database is asked before it is called a failure.
        Err(Stop::Failed(why)) => match look::everybody(store, SAMPLE).await {
            Err(Stop::Broke(how)) => Finding::broke(format!("{how}; {why}")),
            Ok(_) | Err(Stop::Failed(_)) => Finding::failed(why),
        },
        Err(stop) => stop.finding(),
    }
}

async fn attack(site: &Site, store: &Store, plant: &Copied) -> Result<Finding, Stop> {
    let mut visitor = taken::enter(site, &plant.plant).await?;
    let planted = plant.write(site, &mut visitor).await?;
    let gathered = Gathered::before(store, &plant.plant, Reach::Access).await?;
    let case = taken::ask(&mut visitor, plant.plant.email(), "access").await?;
    list::of_probe(store, case).await?;
    let path = |name: &str| format!("{}/requests/{case}/package.{name}", super::HOME);
    let files = Files {
        json: taken::fetch(&mut visitor, &path("json")).await?,
        html: taken::fetch(&mut visitor, &path("html")).await?,
        zip: taken::fetch(&mut visitor, &path("zip")).await?,
    };
    look::closed(site, store, &case.to_string()).await?;
    let package: Taken = files.agree(&planted)?;
    let fetched = gathered.compare(store, &package).await?;
    let walked = look::everybody(store, SAMPLE).await?;
    plant.clear(&mut visitor, &planted).await?;
    let saw = format!(
        "{} planted texts and {fetched} rows stood in page, document and archive, and none of {} texts of a colleague; {} rows of {} accounts are in their copies",
        planted.own.len(),
        planted.others.len(),
        walked.rows,
        walked.accounts
    );
    Ok(Finding::held(saw)
        .tried("planted a person, asked for a copy as them, and looked for every planted text in the page, the document and the archive")
        .tried("looked for a colleague's name, address, ids and texts in all three")
        .tried("asked for the copy as nobody and as somebody else")
        .tried("gathered the copies of a sample of all accounts, and counted the rows that name each under a role that sees every row")
        .covered("planted texts", planted.own.len())
        .covered("sections", package.sections.len())
        .covered("accounts", walked.accounts)
        .covered("rows", walked.rows))
}
