//! What the routes of this crate stand on.

use crate::{
    bucket::Bucket,
    gate::{Caller, Gate, Later},
    operator_token::OperatorToken,
    problem::Failure,
};
use kernel::Problem;
use outbound::Dialler;
use std::{sync::Arc, time::Duration};
use store::{Store, StoreError, tenancy};

/// How many reports of browsers are taken at once, and how long one more takes to be allowed. Per process: several
/// instances take so many each, and what is kept is bounded in the database besides.
const REPORTS: (u32, Duration) = (60, Duration::from_millis(500));

/// What the routes of this crate stand on. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) store: Store,
    pub(crate) dialler: Dialler,
    pub(crate) reports: Arc<Bucket>,
    operator: OperatorToken,
}

impl State {
    /// Routes over `store`, whose outgoing calls take `dialler` and whose operator holds the token `operator`.
    #[must_use]
    pub fn new(store: Store, dialler: Dialler, operator: impl AsRef<str>) -> Self {
        let reports = Arc::new(Bucket::new(REPORTS.0, REPORTS.1));
        Self { store, dialler, reports, operator: OperatorToken::of(operator.as_ref()) }
    }

    /// The gate for [`crate::RouteTable::router`].
    #[must_use]
    pub fn gate(&self) -> Arc<dyn Gate> {
        Arc::new(self.clone())
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Gate for State {
    fn person<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>> {
        Box::pin(async move {
            match tenancy::authenticate(&self.store, token).await? {
                Some(session) if session.suspended => Err(Problem::forbidden().detail("the team is suspended").into()),
                Some(session) => Ok(Some(Caller { tenant: session.tenant, person: session.person })),
                None => Ok(None),
            }
        })
    }

    fn operator(&self, token: &str) -> bool {
        self.operator.is(token)
    }
}

/// What the caller can do about it; causes from inside go to the log.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Problem::not_found().into(),
            StoreError::Invalid(why) => crate::problem::unacceptable(why),
            StoreError::Taken(what) => Problem::new(409, "taken", "This is taken already").detail(what).into(),
            StoreError::NoPerson => Problem::forbidden().into(),
            cause => crate::problem::internal(cause),
        }
    }
}
