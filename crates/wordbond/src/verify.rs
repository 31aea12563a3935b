//! `wordbond verify`: read a service's whole ledger and recompute its page.

use crate::{
    catalogue,
    cli::Verify,
    output::{json, say},
    system::{self, trust},
};
use kernel::{Clock, SystemClock};
use outbound::Site;
use std::{error::Error, path::PathBuf};

/// The exit code when only the rows of a page could be compared, because another version made it.
const UNPROVEN: u8 = 3;

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Verify) -> Result<u8, Box<dyn Error>> {
    let site = Site::new(&arguments.url, trust(arguments.ca.as_deref())?)?;
    let catalogue = catalogue::catalogue();
    let memory = arguments.memory.or_else(|| remembered(&site));
    let report = page::verify::verify(&site, &catalogue, memory.as_deref(), SystemClock.now()).await?;
    if arguments.json {
        json(&report);
    } else {
        say(report.to_string());
    }
    Ok(match (report.is_honest(), report.another_version) {
        (true, false) => 0,
        // Not every word could be compared: nothing was found, and not everything was looked at.
        (true, true) => UNPROVEN,
        (false, _) => 1,
    })
}

/// Where this person's machine remembers what it saw of a service. `None` where there is no home to remember in; the report
/// then says so.
fn remembered(site: &Site) -> Option<PathBuf> {
    Some(system::state()?.join("seen").join(format!("{}-{}.json", site.host(), site.port())))
}
