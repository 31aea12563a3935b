//! What the routes of this crate stand on.

use crate::{
    admin::Allowlist,
    buckets::Buckets,
    cookie,
    gate::{Caller, Draw, Gate, Later, Who},
    operator_token::OperatorToken,
    policy::Limit,
    problem::Failure,
    session::{LiveSession, Strength},
};
use axum::http::HeaderMap;
use kernel::{Problem, Span, Timestamp};
use outbound::Dialler;
use std::{future::ready, sync::Arc};
use store::{
    Store, StoreError, accounts,
    limits::{Limiter, Quota, Verdict},
    sessions::{self, Cache, Lifetimes, Standing},
    tenancy,
};

/// How long sessions live where nothing else is said.
pub const LIFETIMES: Lifetimes = Lifetimes { idle: Span::hours(12), absolute: Span::days(30) };

/// Whom the credentials of another issuer stand for: for teams that keep their identity provider.
pub trait Provider: Send + Sync + 'static {
    /// Whom a bearer token stands for; `None` where it is nobody's here.
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>>;

    /// The session that the request's cookies stand for. Its `csrf` must be a secret of that session's alone.
    fn session<'a>(&'a self, headers: &'a HeaderMap) -> Later<'a, Result<Option<LiveSession>, Failure>>;
}

/// Makes a page of a problem.
pub type ErrorPage = Arc<dyn Fn(&Problem) -> String + Send + Sync>;

/// What the routes of this crate stand on. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) store: Store,
    pub(crate) dialler: Dialler,
    operator: OperatorToken,
    admins: Arc<Allowlist>,
    origin: Option<Arc<str>>,
    page: Option<ErrorPage>,
    sessions: Cache,
    lifetimes: Lifetimes,
    limiter: Limiter,
    buckets: Arc<Buckets>,
    provider: Option<Arc<dyn Provider>>,
}

impl State {
    /// Routes over `store`, whose outgoing calls take `dialler` and whose operator holds the token `operator`. Must be called
    /// within a runtime: it listens there for sessions that end.
    #[must_use]
    pub fn new(store: Store, dialler: Dialler, operator: impl AsRef<str>) -> Self {
        let operator = OperatorToken::of(operator.as_ref());
        let (sessions, limiter) = (Cache::new(store.clone()), Limiter::new(store.clone()));
        let buckets = Arc::new(Buckets::of(&store));
        Self {
            store,
            dialler,
            operator,
            admins: Arc::default(),
            origin: None,
            page: None,
            sessions,
            lifetimes: LIFETIMES,
            limiter,
            buckets,
            provider: None,
        }
    }

    /// The same, with sessions that live so long.
    #[must_use]
    pub const fn with_lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// The same, that also knows the credentials of another issuer.
    #[must_use]
    pub fn with_provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// How long sessions live.
    #[must_use]
    pub const fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    /// Whether a caller who was let in still may be: their membership, its role and their session are as they were. Where that
    /// cannot be found out, they may not.
    pub async fn lives(&self, caller: &Caller) -> bool {
        // Sessions of another issuer are not in the database; their ids tell.
        let session = caller.session.filter(|session| session.uuid().get_version_num() == 7);
        let standing = Standing {
            tenant: caller.tenant,
            person: caller.person,
            role: caller.role,
            session: caller.account.zip(session),
        };
        let lives = sessions::still(&self.store, standing, self.lifetimes, self.now()).await;
        lives.inspect_err(|error| tracing::warn!(%error, "it is not known whether a session lives")).unwrap_or(false)
    }

    /// Counts something else than calls of a route, such as failed attempts at one account.
    #[must_use]
    pub const fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// The same, public at this address: its origin is the one from which forms are accepted.
    #[must_use]
    pub fn at(mut self, public_url: &str) -> Self {
        self.origin = Some(public_url.trim_end_matches('/').into());
        self
    }

    /// The same with these administrators; without, there are none.
    #[must_use]
    pub fn with_admins(mut self, admins: Allowlist) -> Self {
        self.admins = Arc::new(admins);
        self
    }

    /// The same with pages for errors at pages.
    #[must_use]
    pub fn with_error_page(mut self, page: impl Fn(&Problem) -> String + Send + Sync + 'static) -> Self {
        self.page = Some(Arc::new(page));
        self
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The way out.
    #[must_use]
    pub const fn dialler(&self) -> &Dialler {
        &self.dialler
    }

    /// The administrators.
    #[must_use]
    pub fn admins(&self) -> &Allowlist {
        &self.admins
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
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>> {
        Box::pin(async move {
            match tenancy::authenticate(&self.store, token).await? {
                Some(session) if session.suspended => Err(Problem::forbidden().detail("the team is suspended").into()),
                // A token counts for one factor at most: it goes on only where its owner could give the second.
                Some(session) if session.needs_second => {
                    Err(Problem::new(403, "second-factor", "A second factor is required").into())
                }
                Some(tenancy::Session { tenant, person, role, account, .. }) => {
                    Ok(Some(Caller::by_token(tenant, person, role, account)))
                }
                None => match &self.provider {
                    Some(provider) => provider.bearer(token).await,
                    None => Ok(None),
                },
            }
        })
    }

    fn session<'a>(&'a self, headers: &'a HeaderMap) -> Later<'a, Result<Option<LiveSession>, Failure>> {
        let token = cookie::get(headers, cookie::SESSION);
        // A conversation with the database is a large future: what is remembered needs none.
        if let Some(session) = token.and_then(|token| self.sessions.remembered(token, self.lifetimes, self.now())) {
            return Box::pin(ready(Ok(Some(session))));
        }
        Box::pin(async move {
            if let Some(token) = token
                && let Some(session) = self.sessions.find(token, self.lifetimes, self.now()).await?
            {
                return Ok(Some(session));
            }
            match &self.provider {
                Some(provider) => provider.session(headers).await,
                None => Ok(None),
            }
        })
    }

    fn is_admin<'a>(&'a self, session: &'a LiveSession) -> Later<'a, Result<bool, Failure>> {
        Box::pin(async move {
            let strong = matches!(session.strength, Strength::Second | Strength::Passkey);
            if !strong || session.pending || self.admins.why_closed().is_some() {
                return Ok(false);
            }
            let account = accounts::by_id(&self.store, session.account).await?;
            Ok(account.is_some_and(|account| account.verified && self.admins.holds(&account.email)))
        })
    }

    fn draw<'a>(&'a self, route: &'a str, who: Who, limit: Limit) -> Later<'a, Result<Draw, Failure>> {
        let key = self.buckets.key(route, who);
        let quota = Quota { burst: limit.burst, per: Span::seconds(limit.window().into()) };
        match self.limiter.remembered(&key, quota) {
            Some(verdict) => Box::pin(ready(Ok(drawn(verdict)))),
            None => Box::pin(async move { Ok(drawn(self.limiter.take(&key, quota, self.now()).await?)) }),
        }
    }

    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    fn operator(&self, token: &str) -> bool {
        self.operator.is(token)
    }

    fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    fn page(&self, problem: &Problem) -> Option<String> {
        self.page.as_ref().map(|page| page(problem))
    }
}

fn drawn(verdict: Verdict) -> Draw {
    let wait = verdict.reset_in.as_millis().div_ceil(1_000);
    Draw { granted: verdict.allowed, left: verdict.left, reset: u32::try_from(wait).unwrap_or(u32::MAX) }
}

/// What the caller can do about it; causes from inside go to the log.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Problem::not_found().into(),
            StoreError::Invalid(why) => crate::problem::unacceptable(why),
            StoreError::Taken(what) => Problem::new(409, "taken", "This is taken already").detail(what).into(),
            StoreError::NoPerson => Problem::forbidden().into(),
            StoreError::Gone => Problem::unauthorized().into(),
            cause => crate::problem::internal(cause),
        }
    }
}
