//! `wordbond retention`: what has run out by the data map, and letting it go now rather than at the next hour.

use crate::{check, cli::DataDir, output::say, running::Ready};
use clap::Args;
use std::error::Error;
use store::{
    DataMap, Store, StoreError,
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
    let store = check::attach(&arguments.data.data_dir, &ready).await?.store.clone();
    let due = retention::due(&store).await?;
    let counts = if arguments.dry_run { due } else { went(due, &let_go(&store).await?) };
    if arguments.json {
        say(serde_json::to_string(&serde_json::json!({ "dry_run": arguments.dry_run, "rows": counts }))?);
        return Ok(0);
    }
    let map = DataMap::own()?;
    let verb = if arguments.dry_run { "have run out" } else { "went" };
    for (name, rows) in counts.iter().filter(|(_, rows)| **rows > 0) {
        let keep = map.table(name).map(|table| table.retention.clone()).unwrap_or_default();
        say(format!("{rows:>8} rows of {name} {verb} (kept {keep})"));
    }
    if counts.values().all(|rows| *rows == 0) {
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
