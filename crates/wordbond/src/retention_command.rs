//! `wordbond retention`: what has run out by the data map, and letting it go now rather than at the next hour.

use crate::{check, cli::DataDir, output::say, running::Ready};
use clap::Args;
use std::error::Error;
use store::{DataMap, rights::retention};

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
    let counts = if arguments.dry_run { retention::due(&store).await? } else { retention::sweep(&store).await? };
    if arguments.json {
        say(serde_json::to_string(&serde_json::json!({ "dry_run": arguments.dry_run, "rows": counts }))?);
        return Ok(0);
    }
    let map = DataMap::own()?;
    let verb = if arguments.dry_run { "have run out" } else { "went" };
    for (name, rows) in &counts {
        let keep = map.table(name).map(|table| table.retention.clone()).unwrap_or_default();
        say(format!("{rows:>8} rows of {name} {verb} (kept {keep})"));
    }
    if counts.is_empty() {
        say("nothing has run out");
    }
    Ok(0)
}
