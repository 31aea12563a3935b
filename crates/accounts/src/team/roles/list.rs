//! The published list of routes: what a program that attacks them, ours or anybody's, goes by.

use axum::http::{Method, header::CONTENT_TYPE};
use ingress::{
    Auth, Cache, Policy, Route, RouteTable,
    policy::{Face, Proof},
};
use kernel::Permission;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where the list stands.
pub const PATH: &str = "/.well-known/wordbond/routes.json";

/// One route, as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The method.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    /// Who may call it: `public`, `visitor`, `pending`, `account`, `admin`, `operator`, or a permission.
    pub auth: String,
    /// `page` or `api`.
    pub face: String,
    /// Whether the session must have been confirmed lately.
    pub fresh: bool,
    /// Whether what changes something must prove where it comes from: `form`, `origin`, `carried`.
    pub proof: String,
    /// The largest content that is taken, in bytes.
    pub body: usize,
    /// How many calls a minute from one address.
    pub per_minute: u32,
    /// How many at once.
    pub burst: u32,
}

impl Listed {
    fn of(route: &Route) -> Self {
        let policy = route.policy();
        Self {
            method: route.method().to_string(),
            path: route.path().to_owned(),
            auth: policy.auth.to_string(),
            face: if policy.face == Face::Page { "page" } else { "api" }.to_owned(),
            fresh: policy.fresh,
            proof: match policy.proof {
                Proof::Form => "form",
                Proof::Origin => "origin",
                Proof::Carried => "carried",
            }
            .to_owned(),
            body: policy.body,
            per_minute: policy.limit.per_minute,
            burst: policy.limit.burst,
        }
    }

    /// The permission that the route asks for, where it asks for one.
    #[must_use]
    pub fn permission(&self) -> Option<Permission> {
        Permission::ALL.into_iter().find(|permission| permission.as_str() == self.auth)
    }

    /// Whether it only reads.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// The names of its parameters, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The path with these values for its parameters; the last one stands for those that are missing.
    #[must_use]
    pub fn filled(&self, values: &[String]) -> String {
        let mut next = values.iter();
        let mut last = String::new();
        let segment = |segment: &str| {
            if !segment.starts_with('{') {
                return segment.to_owned();
            }
            if let Some(value) = next.next() {
                last.clone_from(value);
            }
            last.clone()
        };
        self.path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }
}

/// Every route of a table.
#[must_use]
pub fn listed(table: &RouteTable) -> Vec<Listed> {
    table.iter().map(Listed::of).collect()
}

/// The route that publishes the list of `table` and of itself.
#[must_use]
pub fn document(table: &RouteTable) -> Route {
    let policy = Policy { cache: Cache::Seconds(300), ..Policy::PAGE };
    let own = Listed::of(&Route::get(PATH, policy, || async {}));
    let mut all = listed(table);
    all.push(own);
    let text: Arc<str> = serde_json::to_string(&all).unwrap_or_default().into();
    Route::new(Method::GET, PATH, policy, move || {
        let text = Arc::clone(&text);
        async move { ([(CONTENT_TYPE, "application/json")], text.to_string()) }
    })
}

/// Whether a policy names who may call, in the words of the list.
#[must_use]
pub fn is_known(auth: Auth) -> bool {
    let word = auth.to_string();
    matches!(word.as_str(), "public" | "visitor" | "pending" | "account" | "admin" | "operator")
        || Permission::ALL.into_iter().any(|permission| permission.as_str() == word)
}
