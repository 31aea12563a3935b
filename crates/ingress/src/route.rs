//! The one table of routes. A route is method, path, policy and handler; without a policy there is no route to build, and
//! what is not in the table is answered with 404.

use crate::{
    enforce::{self, Guard},
    gate::{Gate, Later},
    meter::Counted,
    nowhere,
    openapi::Doc,
    passing::{Choose, Handle, Passing},
    policy::{Face, Policy, Proof},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler,
    http::{Method, request::Parts},
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use std::{collections::BTreeMap, fmt, sync::Arc};
use tower_service::Service as _;

/// One route.
#[derive(Clone)]
pub struct Route {
    method: Method,
    path: &'static str,
    policy: Policy,
    doc: Option<Box<Doc>>,
    handler: MethodRouter,
}

impl Route {
    /// A route whose handler takes no state. GET also answers HEAD. `path` is in the framework's notation: `/a/{id}`,
    /// `/a/{*rest}`.
    #[must_use]
    pub fn new<H, T>(method: Method, path: &'static str, policy: Policy, handler: H) -> Self
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        Self::with_state(method, path, policy, handler, ())
    }

    /// A route whose handler takes `state`.
    #[must_use]
    pub fn with_state<H, T, S>(method: Method, path: &'static str, policy: Policy, handler: H, state: S) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        // Methods outside the framework's list have no route; `RouteTable::router` reports them.
        let handler =
            MethodFilter::try_from(method.clone()).map_or_else(|_| MethodRouter::new(), |filter| on(filter, handler));
        Self { method, path, policy, doc: None, handler: handler.with_state(state) }
    }

    /// A GET whose handler takes `state`.
    #[must_use]
    pub fn get_with<H, T, S>(path: &'static str, policy: Policy, handler: H, state: &S) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        Self::with_state(Method::GET, path, policy, handler, state.clone())
    }

    /// A POST whose handler takes `state`.
    #[must_use]
    pub fn post_with<H, T, S>(path: &'static str, policy: Policy, handler: H, state: &S) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        Self::with_state(Method::POST, path, policy, handler, state.clone())
    }

    /// A GET without state; the handler is anything that the framework takes.
    #[must_use]
    pub fn get<H, T>(path: &'static str, policy: Policy, handler: H) -> Self
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        Self::new(Method::GET, path, policy, handler)
    }

    /// The same route with its entry in the OpenAPI document.
    #[must_use]
    pub fn documented(mut self, doc: Doc) -> Self {
        self.doc = Some(Box::new(doc));
        self
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path, with its parameters in braces.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// What the route is allowed to do.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Its entry in the OpenAPI document, where it has one.
    #[must_use]
    pub fn doc(&self) -> Option<&Doc> {
        self.doc.as_deref()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Policy { auth, cache, body, limit, face, fresh, proof, .. } = self.policy;
        let face = match face {
            Face::Page => "page",
            Face::Api => "api",
        };
        let cache = cache.control().unwrap_or_else(|| "as the handler says".to_owned());
        let (method, path) = (self.method.as_str(), self.path);
        write!(f, "{method:<6} {path:<44} {:<24} {face:<4} body<={body:<8} {limit:<36} {cache}", auth.to_string())?;
        match proof {
            Proof::Form => {}
            Proof::Origin => f.write_str(", proof: origin")?,
            Proof::Carried => f.write_str(", proof: carried")?,
        }
        f.write_str(if fresh { ", fresh" } else { "" })
    }
}

/// Why a table cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The same method and path twice.
    #[error("the route {0} {1} is declared twice")]
    Twice(Method, &'static str),
    /// Two paths that differ in nothing but the names of their parameters.
    #[error("the routes {0} and {1} cannot be told apart")]
    Ambiguous(&'static str, &'static str),
    /// No path: it must begin with a slash.
    #[error("the route {0} does not begin with a slash")]
    Path(&'static str),
    /// A method that cannot be routed.
    #[error("the method {0} cannot be routed")]
    Method(Method),
}

/// Every route of a listener.
#[derive(Clone, Default)]
pub struct RouteTable {
    routes: Vec<Route>,
    rest: Option<(Choose, Handle)>,
}

impl RouteTable {
    /// A table of these routes.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        Self { routes: routes.into_iter().collect(), rest: None }
    }

    /// Both tables as one. Where both have something for the rest, the first one's stays.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self.rest = self.rest.or(other.rest);
        self
    }

    /// The same table, with a handler for whatever no route of it matches, by any method, behind the policy that `choose`
    /// finds for the request.
    #[must_use]
    pub fn fallback<C, H, F>(mut self, choose: C, handle: H) -> Self
    where
        C: Fn(&Parts) -> Policy + Send + Sync + 'static,
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        self.rest = Some((Arc::new(choose), Arc::new(move |request| Box::pin(handle(request)))));
        self
    }

    /// The same table with one more route.
    #[must_use]
    pub fn with(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Every route, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// The table as it is served, with each route behind its policy.
    ///
    /// # Errors
    /// Two routes collide, or one cannot be routed.
    pub fn router(self, gate: &Arc<dyn Gate>) -> Result<Served, RouteError> {
        let paths = self.check()?;
        let Self { routes, rest } = self;
        let router = routes.into_iter().fold(Router::new(), |router, route| {
            let counted = Counted::new(format!("{} {}", route.method, route.path), route.policy.limit).into();
            let guard = Guard { path: route.path, counted, policy: route.policy, gate: Arc::clone(gate) };
            router.route(route.path, route.handler.route_layer(from_fn_with_state(guard, enforce::enforce)))
        });
        // Each policy has its own limit, which is read before any extractor sees the body.
        let router = router.layer(DefaultBodyLimit::disable());
        let rest = rest.map(|(choose, handle)| Rest {
            paths: Arc::new(paths),
            passing: Passing::new(choose, handle, Arc::clone(gate)),
        });
        let gate = Arc::clone(gate);
        let router = router.fallback(move |request: Request| std::future::ready(nowhere::answer(&gate, &request)));
        Ok(Served { router, rest })
    }

    /// The framework panics where two routes collide; a table says so instead. Yields the paths that have a route.
    fn check(&self) -> Result<matchit::Router<()>, RouteError> {
        let mut paths = matchit::Router::new();
        let mut shapes: BTreeMap<String, &'static str> = BTreeMap::new();
        for (at, route) in self.routes.iter().enumerate() {
            if !route.path.starts_with('/') {
                return Err(RouteError::Path(route.path));
            }
            if MethodFilter::try_from(route.method.clone()).is_err() {
                return Err(RouteError::Method(route.method.clone()));
            }
            if self.routes.iter().take(at).any(|other| other.method == route.method && other.path == route.path) {
                return Err(RouteError::Twice(route.method.clone(), route.path));
            }
            match shapes.insert(shape(route.path), route.path) {
                Some(other) if other != route.path => return Err(RouteError::Ambiguous(other, route.path)),
                Some(_) => {}
                None => {
                    paths.insert(route.path, ()).map_err(|_| RouteError::Ambiguous(route.path, route.path))?;
                }
            }
        }
        Ok(paths)
    }
}

/// A table as it is served. Cheap to clone.
#[derive(Clone)]
pub struct Served {
    router: Router,
    rest: Option<Rest>,
}

/// What answers where no route matches. Most requests of a service that stands before an application come this way, so that
/// they do not go through the framework's router: it only says which paths have a route.
#[derive(Clone)]
struct Rest {
    paths: Arc<matchit::Router<()>>,
    passing: Passing,
}

impl Served {
    /// Answers one request. What is boxed is copied once, so that each way has a box of its own size.
    pub(crate) fn answer(&self, request: Request) -> Later<'_, Response> {
        match &self.rest {
            Some(rest) if rest.paths.at(request.uri().path()).is_err() => rest.passing.answer(request),
            _ => {
                let answer = self.router.clone().call(request);
                Box::pin(async move { answer.await.unwrap_or_else(|never| match never {}) })
            }
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served(..)")
    }
}

impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.routes.iter().try_for_each(|route| writeln!(f, "{}", route.to_string().trim_end()))
    }
}

/// A path with the names of its parameters taken out.
fn shape(path: &str) -> String {
    let segment = |segment: &str| match segment {
        rest if rest.starts_with("{*") => "{*}".to_owned(),
        parameter if parameter.starts_with('{') => "{}".to_owned(),
        fixed => fixed.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing() {}

    fn route(path: &'static str) -> Route {
        Route::get(path, Policy::PAGE, nothing)
    }

    #[test]
    fn collisions_are_errors_and_not_panics() {
        let refused = |routes: Vec<Route>| RouteTable::new(routes).check().unwrap_err();
        assert_eq!(refused(vec![route("/a"), route("/a")]), RouteError::Twice(Method::GET, "/a"));
        assert_eq!(refused(vec![route("/{a}/x"), route("/{b}/x")]), RouteError::Ambiguous("/{a}/x", "/{b}/x"));
        assert_eq!(refused(vec![route("a")]), RouteError::Path("a"));
        let odd = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(refused(vec![Route::new(odd.clone(), "/pot", Policy::PAGE, nothing)]), RouteError::Method(odd));
    }

    #[test]
    fn one_path_may_have_several_methods() {
        let table = RouteTable::new([route("/a")]).with(Route::new(Method::PUT, "/a", Policy::open(9), nothing));
        assert!(table.check().is_ok());
        insta::assert_snapshot!(table);
    }
}
