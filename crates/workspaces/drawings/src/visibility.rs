//! Control `drawing-visibility`: a drawing is open to whoever uploaded it and to whom they invited, and to nobody else.
//!
//! The enforcement is [`store::drawings`] and the policies of its tables; this module attacks it.

mod client;
mod faults;
mod plant;
mod routes;

pub use faults::FAULTS;
pub use plant::{Member, Plant, PlantError};

use kernel::Span;
use outbound::Site;
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use store::{Store, drawings::attack, told};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "drawing-visibility",
    title: "A drawing belongs to its uploader",
    about: "The probe uploads a drawing through the public API and shares it with two colleagues, one of whom then leaves the \
            team. A stranger, somebody with a made-up token, the former member, a colleague without a grant and the owner of \
            another team then try every route that knows drawings; whom it is shared with tries every route that changes it. \
            Afterwards the drawing must be as it was, shared as it was, and closed again to whom the share is taken back \
            from. Then, under the application's own role, raw SQL from the seats of strangers, members and former members \
            tries to read, change and delete every drawing there is, not the planted one alone; and no share may outlive a \
            membership, nor stand in the database without somebody's having shared it, as the team's log tells. It cannot see what a superuser of the database or whoever controls the host does.",
    wing: "workspaces",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["nobody else", "only"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)", "25(2)"],
        iso27001: &["5.15", "8.3"],
        soc2: &["CC6.1", "CC6.3"],
        asvs: &["8.2.2", "8.4.1"],
    },
};

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

/// Attacks the promise with `plant`, people of the probe's own, and changes which drawing of theirs it remembers.
pub async fn probe(site: &Site, store: &Store, plant: &mut Plant) -> Finding {
    match attack(site, store, plant).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        // What the routes cannot show may be a drawing that lies open: the database is asked before it is called a failure.
        Err(Stop::Failed(why)) => match raw(store).await {
            Err(Stop::Broke(how)) => Finding::broke(format!("{how}; {why}")),
            Ok(_) | Err(Stop::Failed(_)) => Finding::failed(why),
        },
    }
}

async fn attack(site: &Site, store: &Store, plant: &mut Plant) -> Result<Finding, Stop> {
    let before = plant.drawing;
    let staged = plant.stage(site).await?;
    plant.drawing = Some(staged.drawing);
    let tried = routes::attack(site, plant, &staged).await?;
    let found = raw(store).await?;
    // The drawing of the round before was attacked once more in the database, and goes only now.
    if let Some(before) = before {
        plant.discard(site, before).await?;
    }
    let saw = format!(
        "{} calls on {} routes and {} statements from {} seats opened none of {} drawings",
        tried.calls, tried.routes, found.attempts, found.seats, found.drawings
    );
    Ok(Finding::held(saw)
        .tried(
            "as a stranger, with a made-up token, as a former member, a colleague, another team's owner: every route",
        )
        .tried("as somebody it is shared with: every route that changes it")
        .tried("took a share back, and removed a member it was shared with")
        .tried("raw SQL under the application's role: SELECT, UPDATE, DELETE on every drawing, part and grant")
        .tried("compared every share with the logs of the teams")
        .covered("routes", tried.routes)
        .covered("calls", tried.calls)
        .covered("drawings", found.drawings)
        .covered("seats", found.seats))
}

async fn raw(store: &Store) -> Result<attack::Attacked, Stop> {
    let failed = |error: store::StoreError| Stop::Failed(error.to_string());
    let found = attack::attack(store).await.map_err(failed)?;
    let untold = told::walk(store).await.map_err(failed)?.shares;
    if untold > 0 {
        return Err(Stop::Broke(format!(
            "{untold} drawings are shared with somebody, and no log tells that they were"
        )));
    }
    match found.leaks.first() {
        None => Ok(found),
        Some(first) => {
            let more = found.leaks.len() - 1;
            Err(Stop::Broke(if more == 0 { first.clone() } else { format!("{first}; and {more} more") }))
        }
    }
}
