//! Cases: what a person may ask for, and until when it must be answered.

use crate::{deadline::Calendar, erasure};
use jiff::{SignedDuration, Timestamp};
use kernel::AccountId;
pub use store::rights::{
    Kind, State,
    cases::{Case, Own},
};
use store::{
    Store, StoreError,
    rights::{cases, decide},
};
use uuid::Uuid;

/// How many calendar months there are to answer in (GDPR article 12(3)).
pub const MONTHS: u8 = 1;

/// How many more may be taken, with notice.
pub const FURTHER: u8 = 2;

/// Opens a case. Its clock runs from now; that of an erasure for which a team must be handed over first stands until the person
/// has done it, and they read so.
///
/// # Errors
/// [`StoreError::Taken`] when one of the same kind is open.
pub async fn open(store: &Store, calendar: &Calendar, account: AccountId, kind: Kind) -> Result<Case, StoreError> {
    let first = if kind == Kind::Erasure { erasure::obstacle(store, account).await? } else { None };
    cases::open(store, account, kind, calendar.due(store.clock().now(), MONTHS), first.as_deref()).await
}

/// When a case is due if more time is taken: as many months after it was opened as there may be, and as long as its clock
/// stood.
#[must_use]
pub fn extended(calendar: &Calendar, case: &Case) -> Timestamp {
    calendar.later(calendar.due(case.opened_at, MONTHS + FURTHER), stood(case.paused_seconds))
}

/// When a case whose clock stands is due if it goes on at `now`: by its own deadline and all the time that it has stood, so that
/// many short pauses are worth as much as one long one.
#[must_use]
pub fn resumed(calendar: &Calendar, case: &Case, now: Timestamp) -> Timestamp {
    let months = if case.extended_at.is_some() { MONTHS + FURTHER } else { MONTHS };
    let last = case.paused_at.map(|since| now.duration_since(since)).unwrap_or_default();
    let all = stood(case.paused_seconds).saturating_add(last.max(SignedDuration::ZERO));
    calendar.later(calendar.due(case.opened_at, months), all)
}

fn stood(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The person has answered what was asked, in words where it takes some: their case goes on.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when its clock runs, and for words that are too many.
pub async fn answered(
    store: &Store,
    calendar: &Calendar,
    account: AccountId,
    id: Uuid,
    words: &str,
) -> Result<(), StoreError> {
    decide::answer(store, account, id, words, |case, now| resumed(calendar, case, now)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A case whose clock stood so often, for so many seconds each time, one hour apart.
    fn after(pauses: &[u32]) -> (Timestamp, Timestamp) {
        let calendar = Calendar::house();
        let opened: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let due = calendar.due(opened, MONTHS);
        let mut case = Case {
            id: Uuid::nil(),
            kind: Kind::Objection,
            state: State::Paused,
            opened_at: opened,
            due_at: due,
            extended_at: None,
            paused_at: None,
            paused_seconds: 0,
            held_until: None,
            closed_at: None,
            receipt_id: Uuid::nil(),
            receipt: None,
            entry: None,
            of_probe: false,
        };
        let mut now = opened;
        for seconds in pauses {
            now += SignedDuration::from_hours(1);
            case.paused_at = Some(now);
            now += SignedDuration::from_secs(i64::from(*seconds));
            case.due_at = resumed(&calendar, &case, now);
            case.paused_seconds += u64::from(*seconds);
        }
        (due, case.due_at)
    }

    proptest! {
        #[test]
        fn many_short_pauses_are_worth_as_much_as_one_long_one(pauses in proptest::collection::vec(0_u32..90_000, 1..12)) {
            let (due, late) = after(&pauses);
            let all: i64 = pauses.iter().map(|seconds| i64::from(*seconds)).sum();
            prop_assert_eq!(late, Calendar::house().later(due, SignedDuration::from_secs(all)));
            if all < 86_400 {
                prop_assert_eq!(late, due);
            }
        }
    }
}
