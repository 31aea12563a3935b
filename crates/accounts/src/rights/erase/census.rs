//! Every erasure that was ever reported done.

use crate::attack::Stop;
use store::{Store, forensics};

/// What was compared.
pub(super) struct Census {
    pub(super) tombstones: usize,
    pub(super) ids: usize,
}

/// Nothing of what was erased may have come back, and nothing may be reported erased that is there.
pub(super) async fn take(store: &Store) -> Result<Census, Stop> {
    let empty = forensics::empty_reports(store).await?;
    if empty > 0 {
        return Err(Stop::Broke(format!(
            "{empty} erasures are reported done, and the account is there or nothing was noted"
        )));
    }
    let risen = forensics::risen(store).await?;
    match risen.found.first() {
        Some(first) => {
            let more = risen.found.len();
            Err(Stop::Broke(format!("{more} times something that was erased is there: {first}")))
        }
        None => Ok(Census { tombstones: risen.tombstones, ids: risen.ids }),
    }
}
