//! Logs that no sweep would ever take: packed ones, ones of another form, ones that lie elsewhere.

use super::{day_of, entries, logs, unexpected};
use crate::{StoreError, forensics::Places, server::Layout};
use kernel::Timestamp;
use std::fs;

/// The first file that nobody sweeps: in the folder of the logs one that is not named after its day, and anywhere else below the
/// data directory a log that was not written to since `limit`, or has an entry from before.
pub(super) fn first(places: &Places, layout: &Layout, limit: Timestamp) -> Result<Option<String>, StoreError> {
    let stray = logs(&layout.logs())?.into_iter().find(|path| path.is_file() && day_of(path).is_none());
    if let Some(path) = stray {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Some(format!("the folder of the logs holds {name}, which nobody sweeps")));
    }
    for (path, shown) in places.paths()? {
        let is_log = path.file_name().is_some_and(|name| name.to_string_lossy().contains(".log"));
        if path.starts_with(layout.logs()) || !is_log && !entries::begins_as_log(&path) {
            continue;
        }
        let written = match fs::metadata(&path).and_then(|meta| meta.modified()) {
            Ok(written) => written,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unexpected(&path, &error)),
        };
        if Timestamp::try_from(written).is_ok_and(|written| written < limit) {
            return Ok(Some(format!(
                "{} was written to for the last time longer ago than logs are kept",
                shown.display()
            )));
        }
        if let Some(old) = entries::before(&path, limit)? {
            return Ok(Some(format!(
                "{} has an entry of {old}, which is longer ago than logs are kept",
                shown.display()
            )));
        }
    }
    Ok(None)
}
