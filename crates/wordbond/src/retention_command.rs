//! `wordbond retention`: what has run out by the data map, among the logs and among stored objects, and letting it go now rather
//! than at the next hour.

use crate::{check, cli::DataDir, nightly, output::say, running::Ready};
use clap::Args;
use std::error::Error;
use store::{
    DataMap, Store, StoreError, blobs, log_retention,
    rights::{retention, rows::Counts},
    upkeep,
};

/// How many teams' accounts are looked at in one step.
const TEAMS: u32 = 100;

/// `wordbond retention`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Retention {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Only say what has run out
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Retention) -> Result<u8, Box<dyn Error>> {
    let ready = Ready::find(&arguments.data.data_dir)?;
    let system = check::attach(&arguments.data.data_dir, &ready).await?;
    let (store, dry, keep) = (&system.store, arguments.dry_run, nightly::keep(&system.in_force.profile));
    let logs = log_retention::sweep(store, &system.data_dir, keep, dry).await?;
    let now = store.clock().now();
    let objects = if dry { blobs::due(store, now).await? } else { blobs::sweep(store, now).await? };
    let due = retention::due(store).await?;
    let counts = if dry { due } else { went(due, &let_go(store).await?) };
    if arguments.json {
        let all = serde_json::json!({ "dry_run": dry, "rows": counts, "logs": logs, "objects": objects });
        say(serde_json::to_string(&all)?);
        return Ok(0);
    }
    let map = DataMap::own()?;
    let kept = |name: &String| map.table(name).map(|table| table.retention.clone()).unwrap_or_default();
    let rows = counts.iter().map(|(name, rows)| (*rows, format!("rows of {name}"), kept(name)));
    let files = [
        (logs.days as u64, "logs of a day".to_owned(), keep.to_string()),
        (logs.lines as u64, "lines of the log of starts".to_owned(), keep.to_string()),
        (logs.reports, "reports of browsers among the logs".to_owned(), keep.to_string()),
        (objects.orphans as u64, "objects without a row".to_owned(), "an hour".to_owned()),
        (objects.unfinished as u64, "files whose writing was cut short".to_owned(), "an hour".to_owned()),
    ];
    let verb = if dry { "have run out" } else { "went" };
    let all: Vec<_> = rows.chain(files).filter(|(count, ..)| *count > 0).collect();
    for (count, what, keep) in &all {
        say(format!("{count:>8} {what} {verb} (kept {keep})"));
    }
    if all.is_empty() {
        say("nothing has run out");
    }
    Ok(0)
}

/// Runs everything by which anything runs out by the map. Yields what is still there.
async fn let_go(store: &Store) -> Result<Counts, StoreError> {
    retention::sweep(store).await?;
    upkeep::of_visitors(store).await?;
    let mut after = None;
    loop {
        after = upkeep::of_accounts(store, after, TEAMS).await?;
        if after.is_none() {
            return retention::due(store).await;
        }
    }
}

/// What is not there any more.
fn went(due: Counts, left: &Counts) -> Counts {
    let gone = due.into_iter().map(|(table, rows)| {
        let left = left.get(&table).copied().unwrap_or_default();
        (table, rows.saturating_sub(left))
    });
    gone.filter(|(_, rows)| *rows > 0).collect()
}
