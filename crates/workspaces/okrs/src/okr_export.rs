//! Control `okr-export`: everything that a workspace has can be taken along, and read back elsewhere.
//!
//! The enforcement is [`crate::export`] and [`store::objectives::import`]; this module attacks it. What would make it false and
//! leave it green: an export that forgets what is archived, a table without its rows, a column that is emptied on the way, a
//! policy that hides what is old from whoever exports, an import that drops what it says it read. Each is looked for.

mod client;
mod compare;
mod faults;
mod plant;

pub use faults::FAULTS;
pub use plant::{Member, Plant, PlantError};

use crate::export::{Canonical, Document};
use client::call;
use kernel::Span;
use outbound::Site;
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use store::{Store, StoreError, objectives::walk};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "okr-export",
    title: "The whole workspace as files",
    about: "The probe writes objectives, key results, check-ins and changes in a planted workspace, archives some, and exports \
            it through the pages as anybody can: as an archive, as JSON and as tables. Each must agree with the others and, row \
            for row, with what the database has recorded, as a role reads it that must see every row which the superuser sees, \
            and with what a colleague exports. The document is then read back into an empty workspace of another team, exported again, and must say the same; only \
            ids differ, and who wrote what elsewhere is nobody there. A second import, a member's import and a stranger's \
            export must be refused. For a sample of all teams, drawn anew each time, what an export by anybody of the team \
            gathers is compared with what is recorded. It cannot see what a browser does with the file.",
    wing: "workspaces",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(6),
    freshness: Span::hours(20),
    covers: &["all of it", "at any time"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["20(1)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &["1.2.10"] },
};

/// How many teams are compared in one attack.
const TEAMS: u32 = 50;

/// How an attack ends early.
enum Stop {
    /// The promise is broken.
    Broke(String),
    /// The probe could not go on.
    Failed(String),
}

impl From<outbound::OutboundError> for Stop {
    fn from(error: outbound::OutboundError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<PlantError> for Stop {
    fn from(error: PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Attacks the promise with `plant`, a team of the probe's own.
pub async fn probe(site: &Site, store: &Store, plant: &mut Plant) -> Finding {
    match attack(site, store, plant).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        // What the routes cannot show may be rows that no export has: the database is asked before it is called a failure.
        Err(Stop::Failed(why)) => match everybody(store).await {
            Err(Stop::Broke(how)) => Finding::broke(format!("{how}; {why}")),
            Ok(_) | Err(Stop::Failed(_)) => Finding::failed(why),
        },
    }
}

async fn attack(site: &Site, store: &Store, plant: &mut Plant) -> Result<Finding, Stop> {
    let written = plant.write(site).await?;
    let exported = compare::exports(site, &plant.owner, &written).await?;
    compare::with_recorded(store, plant, &exported).await?;
    let theirs = compare::document(site, &plant.colleague).await?;
    if (Document { exported_at: exported.exported_at, ..theirs }) != exported {
        return Err(Stop::Broke("a member's export is not the same as the owner's".to_owned()));
    }
    let rows = exported.rows();
    refused(site, plant, &exported).await?;
    let back = plant.elsewhere(site).await?;
    read_back(site, &back, &exported).await?;
    let walked = everybody(store).await?;
    plant.put_away(site, &written).await?;
    let saw = format!(
        "{rows} rows came out as archive, document and tables, as the database has them, and went into another workspace; \
         {} rows of {} teams are all in what an export gathers",
        walked.rows, walked.teams
    );
    Ok(Finding::held(saw)
        .tried("wrote, changed, checked in and archived, then exported as archive, JSON and CSV")
        .tried("compared every row with the database, under a role that no policy hides anything from")
        .tried("read the document back into an empty workspace, exported that, and compared the two")
        .tried("as a stranger and as a member: every export and import that is not theirs")
        .tried("compared what an export gathers with what is recorded, for a sample of all teams")
        .covered("rows", rows)
        .covered("files", compare::FILES)
        .covered("teams", walked.teams)
        .covered("rows of teams", walked.rows))
}

/// The document goes into an empty workspace once, and comes out of it as it went in.
async fn read_back(site: &Site, back: &Member, exported: &Document) -> Result<(), Stop> {
    let unreadable = |_| Stop::Failed("a document that cannot be written".to_owned());
    let text = serde_json::to_vec(exported).map_err(unreadable)?;
    let token = Some(back.token.as_str());
    let answer = call(site, token, "POST", "/api/objectives/import", Some(&text)).await?;
    if answer.status != 201 {
        return Err(Stop::Broke(format!("reading an export back was answered with {}", answer.status)));
    }
    let again = compare::document(site, back).await?;
    if let Some(at) = Canonical::from(exported).difference(&Canonical::from(&again)) {
        return Err(Stop::Broke(format!("what was read back differs from what was exported at {at}")));
    }
    let answer = call(site, token, "POST", "/api/objectives/import", Some(&text)).await?;
    if answer.status != 409 {
        return Err(Stop::Broke(format!("a second import was answered with {}", answer.status)));
    }
    Ok(())
}

/// Nobody else exports the workspace, and nobody but an owner reads one back.
async fn refused(site: &Site, plant: &Plant, exported: &Document) -> Result<(), Stop> {
    for (who, token) in [("a stranger", None), ("the owner of another team", Some(plant.stranger.token.as_str()))] {
        for path in compare::PATHS {
            let answer = call(site, token, "GET", path, None).await?;
            if let Some(row) = exported.ids().find(|id| answer.text().contains(id)) {
                return Err(Stop::Broke(format!("{who} finds row {row} of a workspace in GET {path}")));
            }
            if token.is_none() && answer.status == 200 {
                return Err(Stop::Broke(format!("{who} was answered with 200 by GET {path}")));
            }
        }
    }
    let text = serde_json::to_vec(exported).unwrap_or_default();
    for (who, token) in [("a stranger", None), ("a member", Some(plant.colleague.token.as_str()))] {
        let answer = call(site, token, "POST", "/api/objectives/import", Some(&text)).await?;
        if !matches!(answer.status, 401 | 403) {
            return Err(Stop::Broke(format!("{who} was answered with {} by an import", answer.status)));
        }
    }
    Ok(())
}

async fn everybody(store: &Store) -> Result<walk::Walked, Stop> {
    let walked = walk::walk(store, TEAMS).await?;
    match walked.differences.first() {
        None => Ok(walked),
        Some(first) => Err(Stop::Broke(first.clone())),
    }
}
