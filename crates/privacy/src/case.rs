//! Cases: what a person may ask for, and until when it must be answered.

use crate::{deadline::Calendar, erasure};
use jiff::{SignedDuration, Timestamp};
use kernel::AccountId;
pub use store::rights::{
    Kind, State,
    cases::{Case, Own},
};
use store::{Store, StoreError, rights::cases};
use uuid::Uuid;

/// How many calendar months there are to answer in (GDPR article 12(3)).
pub const MONTHS: u8 = 1;

/// How many more may be taken, with notice.
pub const FURTHER: u8 = 2;

/// Opens a case. Its clock runs from now.
///
/// # Errors
/// [`StoreError::Taken`] when one of the same kind is open; [`StoreError::Invalid`] for an erasure that must wait until a team
/// has another owner, in the words that the person reads.
pub async fn open(store: &Store, calendar: &Calendar, account: AccountId, kind: Kind) -> Result<Case, StoreError> {
    if kind == Kind::Erasure
        && let Some(why) = erasure::obstacle(store, account).await?
    {
        return Err(StoreError::Invalid(why));
    }
    cases::open(store, account, kind, calendar.due(store.clock().now(), MONTHS)).await
}

/// When a case is due if more time is taken: as many months after it was opened as there may be, and as long as its clock
/// stood.
#[must_use]
pub fn extended(calendar: &Calendar, case: &Case) -> Timestamp {
    let due = calendar.due(case.opened_at, MONTHS + FURTHER);
    calendar.later(due, stood(case.paused_seconds))
}

/// When a case whose clock stands is due if it goes on at `now`.
#[must_use]
pub fn resumed(calendar: &Calendar, case: &Case, now: Timestamp) -> Timestamp {
    let stood = case.paused_at.map(|since| now.duration_since(since)).unwrap_or_default();
    calendar.later(case.due_at, stood.max(SignedDuration::ZERO))
}

fn stood(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The person has answered what was asked: their case goes on.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when its clock runs.
pub async fn answered(store: &Store, calendar: &Calendar, account: AccountId, id: Uuid) -> Result<(), StoreError> {
    let own = cases::one(store, account, id).await?.ok_or(StoreError::NotFound)?;
    let due = resumed(calendar, &own.case, store.clock().now());
    store::rights::decide::answer(store, account, id, due).await
}
