//! x
use crate::cli::Verify;
use std::error::Error;
pub(crate) async fn run(_: Verify) -> Result<u8, Box<dyn Error>> { Ok(0) }
