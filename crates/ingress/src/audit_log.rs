//! Control `audit-log`: every act of an administrator has its entry in the ledger, made in the transaction that makes the
//! change, and no stored byte of it can be changed unnoticed.
//!
//! The enforcement is [`store::audit`] and the `ledger` crate; this module attacks it.

mod acts;
mod faults;
mod plant;
mod remote;

pub use faults::FAULTS;
pub use plant::{Plant, PlantError};

use kernel::Span;
use outbound::{Operator, Site};
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use store::{Store, trail};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "audit-log",
    title: "An audit log of every administrator's act, which nobody can edit",
    about: "An act and its event are one transaction; the ledger holds a salted commitment to the event, and the event itself \
            is kept sealed. The probe suspends and resumes a team that it made through the public API, and tries the same \
            without credentials, without a reason and for a team that is not there. Each act must be told once in the team's \
            log and once in the operator's, open to the commitment that stands in the ledger, and be sealed within ten \
            seconds; each refused act must change and tell nothing. For every team, not the planted one alone, the \
            transaction that last wrote its row must be one that appended an event of it, every kept event must open to the \
            commitment of its entry in the ledger, and every such entry must have its event; and for a sample of teams, drawn \
            anew, somebody of the team must see all of them. Then the whole ledger is read from outside and verified \
            against its tiles and signed checkpoint, so that one changed byte is found. It cannot see an act of \
            which both row and event were overwritten by a later act before it was looked at.",
    wing: "ingress",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every act", "all admin actions", "every administrator"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["5(2)", "32(1)(b)"],
        iso27001: &["8.15", "5.28"],
        soc2: &["CC7.2", "CC7.3"],
        asvs: &["16.2.1", "16.3.3", "16.4.2"],
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

/// Attacks the promise on `plant`, a team of the probe's own that nobody else uses meanwhile.
pub async fn probe(site: &Site, store: &Store, operator: &Operator, plant: &Plant) -> Finding {
    match attack(site, store, operator, plant).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        // What the routes cannot show may be a log that was tampered with: the database is asked before it is called a failure.
        Err(Stop::Failed(why)) => match walk(store).await {
            Err(Stop::Broke(how)) => Finding::broke(format!("{how}; {why}")),
            Ok(_) | Err(Stop::Failed(_)) => Finding::failed(why),
        },
    }
}

/// Walks the trail of every team.
async fn walk(store: &Store) -> Result<trail::Trail, Stop> {
    let trail = trail::walk(store).await.map_err(|error| Stop::Failed(error.to_string()))?;
    judge(&trail)?;
    Ok(trail)
}

async fn attack(site: &Site, store: &Store, operator: &Operator, plant: &Plant) -> Result<Finding, Stop> {
    let acts = acts::act(site, operator, plant).await?;
    let refused = acts::refuse(site, operator, plant).await?;
    let told = acts::told(site, operator, plant, &acts).await?;
    let log = remote::read(site).await?;
    for event in &told {
        event.stands_in(&log)?;
    }
    let trail = walk(store).await?;
    let (entries, size) = (told.len(), log.entries.len());
    let saw = format!(
        "{} acts have {entries} entries; {size} ledger entries, {} events and {} teams verify",
        acts.len(),
        trail.events,
        trail.tenants
    );
    Ok(Finding::held(saw)
        .tried(
            "suspended and resumed a team, and looked for the events in its log, in the operator's and in the ledger",
        )
        .tried(format!("tried {refused} acts that must be refused, and looked for traces"))
        .tried("read the whole ledger from outside and verified every entry against tiles and signed checkpoint")
        .tried("compared, for every team, the transaction of its last change with those of its events")
        .tried("opened every kept event and compared it with its entry, and looked for entries without an event")
        .covered("acts", acts.len())
        .covered("entries", size)
        .covered("events", trail.events)
        .covered("tenants", trail.tenants))
}

fn judge(trail: &trail::Trail) -> Result<(), Stop> {
    let count =
        |count: usize, what: &str| if count == 0 { Ok(()) } else { Err(Stop::Broke(format!("{count} {what}"))) };
    count(trail.unexplained, "teams were changed in a transaction that told nothing of it")?;
    count(trail.unanchored, "events of the audit log are not in the ledger")?;
    count(trail.unopened, "events of the audit log do not open to the commitment in the ledger")?;
    count(trail.hidden, "events of the audit log are hidden from the team that they are about")?;
    count(trail.untold, "entries of the ledger have no event, or more than one, in the audit log")
}
