//! The id of the request that is being answered.

use crate::problem::Failure;
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, request::Parts},
};
use kernel::{Problem, RequestId};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};
use uuid::{Builder, NoContext, Timestamp, fmt::Hyphenated};

/// A new id, time-ordered as every other. Its random part need only differ, so it asks the system for randomness once and not
/// at every request.
pub(crate) fn fresh() -> RequestId {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (seconds, nanos) = Timestamp::now(NoContext).to_unix();
    let [a, b, c, d, e, f, g, h] = SEED.hash_one(count).to_be_bytes();
    let [.., i, j] = count.to_be_bytes();
    let bytes = [i, j, a, b, c, d, e, f, g, h];
    let millis = seconds.saturating_mul(1_000).saturating_add(u64::from(nanos / 1_000_000));
    RequestId::from(Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

/// The id as a header's value.
#[must_use]
pub fn value(id: RequestId) -> HeaderValue {
    let mut text = [0; Hyphenated::LENGTH];
    // Digits, letters and hyphens.
    HeaderValue::from_str(id.uuid().hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static(""))
}

/// The id of the request, for handlers. The edge makes it; one that comes from outside is never taken over, because the
/// log must not be written by strangers.
#[derive(Clone, Copy, Debug)]
pub struct Request(pub RequestId);

impl<S: Sync> FromRequestParts<S> for Request {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().copied().ok_or(Failure(Problem::internal()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_differ_and_are_ordered_by_time() {
        let ids: BTreeSet<RequestId> = (0..10_000).map(|_| fresh()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.uuid().get_version_num() == 7));
        let before = RequestId::new().uuid().get_timestamp().unwrap().to_unix().0;
        let after = fresh().uuid().get_timestamp().unwrap().to_unix().0;
        assert!((before..=before + 5).contains(&after));
    }
}
