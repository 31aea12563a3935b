//! Signing in through a provider: Google, Clerk, or any issuer that can be discovered. What a provider vouches for is a
//! subject; which account that is, only its owner says, on a page of ours and with a proven address.

mod callback;
pub mod config;
mod consent;
pub mod gate;
mod links;
pub mod loopback;
pub(crate) mod memory;
pub mod oidc_signin;
pub mod planting;
mod start;
pub mod texts;

pub use config::{Config, ConfigError, Entry, Kind};
pub use gate::SessionTokens;
pub use links::section;

use crate::Accounts;
use aws_lc_rs::digest::{SHA256, digest};
use axum::{handler::Handler, http::Method};
use identity::{
    Fetch,
    jwt::KeySet,
    oidc::{Client, OidcError, Provider},
};
use ingress::{Auth, Limit, Policy, Route, RouteTable, policy::Fails};
use kernel::Span;
use std::{collections::BTreeMap, fmt, sync::Arc};
use tokio::sync::OnceCell;

/// The cookie that ties the answer of a provider to the browser that asked.
pub const COOKIE: &str = "__Host-provider";
/// How long somebody may take at the provider, and on the page that asks for consent.
const PATIENCE: Span = Span::minutes(10);
/// The largest form here: a name, a team's name and tokens.
const SMALL: usize = 8 * 1024;
/// Each call may make the provider be called.
const LIMIT: Limit = Limit { per_minute: 240, burst: 120, fails: Fails::Closed };

/// The routes of providers.
#[must_use]
pub fn routes(accounts: &Accounts) -> RouteTable {
    let form = |auth| Policy::form(auth, SMALL).limited(LIMIT);
    let a = accounts;
    let back = Policy::page(Auth::Visitor).limited(LIMIT);
    RouteTable::new([
        route(a, Method::POST, "/sign-in/with/{provider}", form(Auth::Visitor), start::start),
        route(a, Method::GET, "/sign-in/with/{provider}/callback", back, callback::callback),
        route(a, Method::POST, "/sign-in/with/{provider}/new", form(Auth::Visitor), consent::sign_up),
        route(a, Method::POST, "/account/links", form(Auth::Account).fresh(), consent::link),
        route(a, Method::POST, "/account/links/{provider}/remove", form(Auth::Account).fresh(), links::remove),
    ])
}

fn route<H, T>(accounts: &Accounts, method: Method, path: &'static str, policy: Policy, handler: H) -> Route
where
    H: Handler<T, Accounts>,
    T: 'static,
{
    Route::with_state(method, path, policy, handler, accounts.clone())
}

/// The providers of a service. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers(Arc<BTreeMap<String, Known>>);

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One provider, with what has been learnt of it.
pub(crate) struct Known {
    pub(crate) config: Config,
    client: Client,
    fetch: Arc<dyn Fetch>,
    found: OnceCell<Provider>,
    /// Its keys for session tokens, where such are taken.
    sessions: Option<KeySet>,
}

impl Providers {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These, asked through `fetch`, for a service at `public_url`.
    #[must_use]
    pub fn new(entries: Vec<Entry>, fetch: &Arc<dyn Fetch>, public_url: &str) -> Self {
        let known = |Entry { config, secret }: Entry| {
            let client = Client {
                issuer: config.issuer.clone(),
                id: config.client_id.clone(),
                secret,
                redirect_uri: format!("{public_url}/sign-in/with/{}/callback", config.name),
                scopes: vec!["email".to_owned(), "profile".to_owned()],
            };
            let keys = || {
                let url = format!("{}/.well-known/jwks.json", config.issuer.trim_end_matches('/'));
                KeySet::new(&url, Arc::clone(fetch))
            };
            let sessions = (!config.session_parties.is_empty()).then(keys);
            let name = config.name.clone();
            (name, Known { config, client, fetch: Arc::clone(fetch), found: OnceCell::new(), sessions })
        };
        Self(Arc::new(entries.into_iter().map(known).collect()))
    }

    /// The providers that are offered on the sign-in page: name and title.
    #[must_use]
    pub fn buttons(&self) -> Vec<(String, String)> {
        let shown = self.0.values().filter(|known| known.config.button);
        shown.map(|known| (known.config.name.clone(), known.config.title.clone())).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(name)
    }

    /// The provider's title for an issuer; the issuer itself where no provider has it any more.
    pub(crate) fn title_of(&self, issuer: &str) -> String {
        let found = self.0.values().find(|known| known.config.issuer == issuer);
        found.map_or_else(|| issuer.to_owned(), |known| known.config.title.clone())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.values()
    }
}

/// The name under which an issuer's subjects are linked. It is the issuer's and not the provider's: a subject stays who they
/// are when the operator renames an entry.
pub(crate) fn link_name(issuer: &str) -> String {
    let hash = digest(&SHA256, issuer.as_bytes());
    hash.as_ref().iter().take(16).fold("iss-".to_owned(), |name, byte| name + &format!("{byte:02x}"))
}

impl Known {
    /// The provider as it describes itself: asked once, and again after a failure.
    pub(crate) async fn found(&self) -> Result<&Provider, OidcError> {
        let discover = || Provider::discover(self.client.clone(), Arc::clone(&self.fetch));
        self.found.get_or_try_init(discover).await
    }
}
