//! Control `retention-active`: what runs out goes, and nothing of anybody's who is still here goes with it.
//!
//! The enforcement is [`crate::rights::retention`], [`crate::upkeep`] and the data map; this module attacks it.

mod faults;
pub(crate) mod rows;

pub use faults::FAULTS;

use crate::{
    Store, StoreError, blobs,
    copy::blind::blind,
    forensics::words,
    reports,
    rights::retention,
    sealed_columns::{Body, PlantError, call},
    time::At,
    told::lasting::{self, Lasting},
    upkeep,
};
use jiff::SignedDuration;
use kernel::{Span, Timestamp};
use outbound::Site;
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use rows::Rows;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeSet, fmt, time::Duration};
use tokio::time::sleep;
use uuid::Uuid;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "retention-active",
    title: "Active customers keep their data",
    about: "What runs out is said on the data map, table by table, and nowhere else; retention jobs delete that. The log tells how much \
            of rows, logs and objects went; sessions, what was good for one use and mails go without a word of their own. \
            The probe leaves something that has run out, takes every row of the oldest and the newest teams and of others drawn anew, runs every \
            retention job of the system itself, and compares: what is missing must have run out by the map, unless somebody \
            of the team was at work meanwhile, as its log tells. Before it runs any of them it counts, in every table in which \
            rows run out, what did so more than two hours ago: the system's own sweeps must have taken it. What the probe wrote at the attack before must still be \
            there, and what had run out must be gone. Rows of anybody's that are dated before they were made, by the time in \
            their id, would run out early: there must be none. The jobs would have run within the hour anyway, so that the \
            attack takes nothing that the system would not have taken. Sessions are left to the promise about them, and nothing \
            is counted of whoever restricted processing: it stays.",
    wing: "store",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(24),
    freshness: Span::hours(50),
    covers: &["every retention job", "all retention jobs"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["5.33", "8.10"], soc2: &["P4.2"], asvs: &[] },
};

/// How long ago that was which has run out: longer than anything is kept that the probe can leave.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(24 * 400);

/// How long ago it was that what is still there ran out: the sweeps of an hour and of a minute have come by then.
const OVERDUE: SignedDuration = SignedDuration::from_hours(2);
/// How often what is overdue is looked at again while it does not get less, and how long after each look. A system that was
/// down catches up when it starts.
const LOOKS: u32 = 15;
const PAUSE: Duration = Duration::from_secs(1);

/// How many teams' accounts are looked through at a time.
const TEAMS: u32 = 200;

/// A team of the probe's own, with what it wrote. Nothing about it tells the application so.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plant {
    tenant: Uuid,
    token: String,
    /// The rows of the attack before.
    rows: Vec<(String, String)>,
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plant({})", self.tenant)
    }
}

impl Plant {
    /// Founds a team through the public API, and writes something.
    ///
    /// # Errors
    /// The API does not answer, or refuses.
    pub async fn sow(site: &Site) -> Result<Self, PlantError> {
        #[derive(Deserialize)]
        struct Founded {
            tenant: Uuid,
            token: String,
        }
        let email = format!("{}@{}.example", words(2)?.replace(' ', "."), words(1)?).to_lowercase();
        let body = json!({ "name": words(2)?, "person": { "name": words(2)?, "email": email } });
        let answer = call(site, None, "POST", "/api/tenants", Body::Json(&body)).await?;
        let Founded { tenant, token } =
            answer.json().map_err(|_| PlantError::Refused("POST /api/tenants", answer.status))?;
        let note = json!({ "title": words(2)?, "text": words(9)? });
        let answer = call(site, Some(&token), "POST", "/api/notes", Body::Json(&note)).await?;
        if answer.status != 201 {
            return Err(PlantError::Refused("POST /api/notes", answer.status));
        }
        Ok(Self { tenant, token, rows: Vec::new() })
    }
}

/// How an attack ends early.
enum Stop {
    Broke(String),
    Failed(String),
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
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(site: &Site, store: &Store, plant: &mut Plant) -> Result<Finding, Stop> {
    let misdated = rows::misdated(store).await?;
    if let Some((table, count)) = misdated.first() {
        return Err(Stop::Broke(format!("{count} rows of {table} are dated before they were made, and run out early")));
    }
    let answer = call(site, Some(&plant.token), "GET", "/api/me", Body::Nothing).await;
    if !answer.is_ok_and(|answer| answer.status == 200) {
        return Err(Stop::Broke("a team that is still here cannot be entered any more".to_owned()));
    }
    let lasting = lasts(store).await?;
    let run_out = nothing_overdue(store).await?;
    let mut teams = rows::sample(store).await?;
    teams.insert(plant.tenant);
    let before = Rows::of(store, &teams).await?;
    stands(plant, &before)?;
    let word = leave_something_old(store).await?;
    let run = sweep(store).await?;
    let after = Rows::of(store, &teams).await?;
    let gone = before.missing(&after, store.clock().now())?;
    if let Some((table, count)) = gone.wrongly.first() {
        return Err(Stop::Broke(format!("a retention job took {count} rows of {table} that had not run out")));
    }
    if reports::list(store).await?.iter().any(|report| report.blocked == word) {
        // Other probes miss what they were to find gone, too: this one was never anybody's.
        seen_last(store, &word, store.clock().now()).await?;
        return Err(Stop::Broke("what had run out is still there after every retention job".to_owned()));
    }
    plant.rows = after.of_team(plant.tenant);
    let (all, busy) = (before.count(), gone.busy);
    Ok(Finding::held(format!(
        "{run} retention jobs took {} rows that had run out, and left {all} rows of {} teams as they were",
        gone.rightly,
        teams.len()
    ))
    .tried("counted what ran out two hours ago and was still there, before any job of the probe's own")
    .tried("left something that had run out, and ran every retention job")
    .tried("compared every row of the oldest and the newest teams, and of others drawn anew, before and after")
    .tried("looked for what was written at the attack before, and for rows that are dated before they were made")
    .tried("looked for everything that the logs say was written and not deleted, for everybody's account, and for the objects of files")
    .tried(format!("{busy} teams were at work meanwhile, and were not compared"))
    .covered("rows", all)
    .covered("teams", teams.len() - busy.min(teams.len()))
    .covered("things written", lasting.written)
    .covered("tables in which rows run out", run_out)
    .covered("jobs", run))
}

/// What ran out so long ago must have been swept by the system itself. Yields in how many tables that was looked at.
async fn nothing_overdue(store: &Store) -> Result<usize, Stop> {
    let (mut least, mut looks) = (u64::MAX, 0);
    loop {
        let mut overdue = retention::overdue(store, OVERDUE).await?;
        overdue.remove("wordbond.session");
        let tables: Vec<&str> = overdue.keys().map(String::as_str).collect();
        if let Some((table, hidden)) = blind(store, &tables).await? {
            return Err(Stop::Broke(format!(
                "{hidden} rows of {table} are kept from the role that counts what ran out"
            )));
        }
        let rows = overdue.values().sum();
        let Some((table, first)) = overdue.iter().find(|(_, rows)| **rows > 0) else { return Ok(overdue.len()) };
        looks = if rows < least { 0 } else { looks + 1 };
        if looks >= LOOKS {
            return Err(Stop::Broke(format!(
                "{first} rows of {table} ran out more than {} hours ago, and no sweep took them",
                OVERDUE.as_hours()
            )));
        }
        least = rows;
        sleep(PAUSE).await;
    }
}

/// What was ever written and not deleted must be there, whoever took it and whenever: rows, accounts, and the objects of files
/// in their whole length.
async fn lasts(store: &Store) -> Result<Lasting, Stop> {
    let tables = rows::compared()?;
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    if let Some((table, hidden)) = blind(store, &tables).await? {
        return Err(Stop::Broke(format!("{hidden} rows of {table} are kept from the role that compares")));
    }
    let lasting = lasting::walk(store).await?;
    if lasting.gone > 0 {
        return Err(Stop::Broke(format!(
            "{} of {} notes, drawings, objectives, key results and check-ins that somebody wrote, and nobody deleted, are gone",
            lasting.gone, lasting.written
        )));
    }
    if lasting.accountless > 0 {
        return Err(Stop::Broke(format!(
            "the accounts of {} people who are still in a team are gone",
            lasting.accountless
        )));
    }
    let kept = blobs::kept(store).await?;
    match kept.lost.len() {
        0 => Ok(lasting),
        lost => Err(Stop::Broke(format!("{lost} of {} files are gone from the object store, or cut short", kept.rows))),
    }
}

/// What was written at the attack before must be there as it was. How long a token is good is another promise's, and that
/// it is still good was seen where it was used.
fn stands(plant: &Plant, now: &Rows) -> Result<(), Stop> {
    let there: BTreeSet<(String, String)> = now.of_team(plant.tenant).into_iter().collect();
    match plant.rows.iter().find(|row| row.0 != "wordbond.token" && !there.contains(*row)) {
        Some((table, _)) => {
            Err(Stop::Broke(format!("a row of {table} of a team that is still here is gone or altered")))
        }
        None => Ok(()),
    }
}

/// A report that nobody made for so long that it has run out.
async fn leave_something_old(store: &Store) -> Result<String, StoreError> {
    let word = format!("m{}", Uuid::new_v4().simple());
    reports::count(store, "connect-src", &word, "/").await?;
    seen_last(store, &word, store.clock().now().checked_sub(LONG_AGO).unwrap_or(Timestamp::MIN)).await?;
    Ok(word)
}

/// Dates the probe's own report.
async fn seen_last(store: &Store, word: &str, at: Timestamp) -> Result<(), StoreError> {
    let mut system = store.system().await?;
    sqlx::query("UPDATE wordbond.csp_report SET last_seen = $1 WHERE blocked = $2")
        .bind(At(at))
        .bind(word)
        .execute(system.conn())
        .await?;
    system.commit().await
}

/// Runs every job by which anything runs out. Yields how many there are.
async fn sweep(store: &Store) -> Result<usize, StoreError> {
    retention::sweep(store).await?;
    upkeep::of_visitors(store).await?;
    upkeep::of_accounts(store, None, TEAMS).await?;
    blobs::sweep(store, store.clock().now()).await?;
    Ok(4)
}
