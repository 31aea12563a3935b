//! `wordbond verify`: read a service's whole ledger and recompute its page.

use crate::{
    catalogue,
    cli::Verify,
    output::{json, say},
    system::trust,
};
use kernel::{Clock, SystemClock};
use outbound::Site;
use std::error::Error;

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Verify) -> Result<u8, Box<dyn Error>> {
    let site = Site::new(&arguments.url, trust(arguments.ca.as_deref())?)?;
    let catalogue = catalogue::catalogue();
    let report = page::verify::verify(&site, &catalogue, arguments.memory.as_deref(), SystemClock.now()).await?;
    if arguments.json {
        json(&report);
    } else {
        say(report.to_string());
    }
    Ok(u8::from(!report.is_honest()))
}
