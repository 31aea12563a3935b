//! One request through the gate.

use crate::{
    Upstream, origin,
    pages::{self, Asked, wants_page},
    request::{self, Known},
    response,
    settings::Settings,
    token::{Signer, Tokens},
};
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{
        HeaderMap, HeaderName, Method, StatusCode, Uri, Version,
        header::{
            CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
            UPGRADE,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use ingress::{
    Auth, Cache, Caller, Face, Failure, Limit, Peer, Policy, Proof, Route, RouteTable, gate::Later,
    problem::for_status, request_id,
};
use kernel::{Permission, Problem, RequestId};
use outbound::upstream::{Switched, Waiting};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::sleep;

/// Where the keys are with which the application checks identity tokens.
pub const KEYS: &str = "/.well-known/wordbond/jwks.json";

/// Says that a script asks to stand between the browser and all pages.
static SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");

/// How often a tunnel's caller is looked at again.
const LOOK: Duration = Duration::from_secs(10);

/// Knows whether a caller who was let in still may be: a tunnel outlives the request that opened it.
pub trait Watch: Send + Sync + 'static {
    /// Whether the caller's session, membership and role are as they were.
    fn lives<'a>(&'a self, caller: &'a Caller) -> Later<'a, bool>;
}

/// The gate. Cheap to clone.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    upstream: Upstream,
    signer: Arc<dyn Signer>,
    settings: Settings,
    tokens: Tokens,
    watch: Option<Arc<dyn Watch>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("upstream", &self.0.upstream).field("settings", &self.0.settings).finish()
    }
}

/// The route of the keys, for a service that signs tokens and stands in front of nothing, too.
#[must_use]
pub fn keys(signer: Arc<dyn Signer>) -> RouteTable {
    let policy = Policy { cache: Cache::Seconds(300), ..Policy::open(0) }.limited(Limit::READS);
    RouteTable::new([Route::get(KEYS, policy, move || {
        let keys = signer.keys();
        async move { ([(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"))], keys) }
    })])
}

impl Proxy {
    /// A gate in front of `upstream`. Without a watch, a tunnel lives until its time is over.
    #[must_use]
    pub fn new(upstream: Upstream, signer: Arc<dyn Signer>, settings: Settings, watch: Option<Arc<dyn Watch>>) -> Self {
        Self(Arc::new(Inner { upstream, signer, settings, tokens: Tokens::default(), watch }))
    }

    /// The application.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.0.upstream
    }

    /// The routes that the gate itself has: the keys.
    #[must_use]
    pub fn routes(&self) -> RouteTable {
        keys(Arc::clone(&self.0.signer))
    }

    /// Everything that is to be mounted: [`Proxy::routes`], and the application wherever no other route matches.
    #[must_use]
    pub fn table(&self) -> RouteTable {
        let (proxy, answering) = (self.clone(), self.clone());
        let answer = move |request: Request| answering.clone().answer(request);
        self.routes().fallback(move |parts: &Parts| proxy.policy(parts), answer)
    }

    /// What a request to a path that is not ours is allowed to do: on an open path anybody may call, elsewhere any member of a
    /// team. Where a request comes from is looked at here, since that concerns WebSockets too.
    #[must_use]
    pub fn policy(&self, parts: &Parts) -> Policy {
        let open = self.0.settings.is_open(parts.uri.path());
        let auth = if open { Auth::Visitor } else { Auth::Person(Permission::TeamRead) };
        let page = !open && is_safe(&parts.method) && wants_page(&parts.headers);
        let face = if page { Face::Page } else { Face::Api };
        let largest = usize::try_from(self.0.upstream.limits().largest).unwrap_or(usize::MAX);
        let policy = Policy { cache: Cache::Theirs, face, ..Policy::call(auth, largest) };
        policy.limited(self.0.settings.limit).proven_by(Proof::Carried).streamed()
    }

    /// Answers a request that no route of ours has.
    pub async fn answer(self, request: Request) -> Response {
        self.pass(request).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn pass(&self, mut request: Request) -> Result<Response, Failure> {
        let id = request.extensions().get::<request_id::Request>().map_or_else(RequestId::new, |request| request.0);
        let settings = &self.0.settings;
        let socket = is_socket(&request);
        vet(&request, settings, self.0.upstream.limits().largest)?;
        let caller = request.extensions().get::<Caller>().copied();
        let open = settings.is_open(request.uri().path());
        let own = origin::is_own(request.headers(), settings);
        if !open && caller.is_none() {
            // The route's policy has seen to that already; it may be mounted without one.
            return Err(Problem::unauthorized().into());
        }
        if !own && !open && (socket || !is_safe(request.method())) {
            let refused = Problem::new(403, "csrf", "The request cannot be shown to come from this service");
            return Err(refused.detail("the request comes from another site").into());
        }
        // On an open path, what another site sends is sent by nobody.
        let caller = caller.filter(|_| own);
        let identity = caller.map(|caller| self.0.tokens.of(&caller, settings, &*self.0.signer)).transpose();
        let identity = identity.map_err(ingress::problem::internal)?;
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let known = Known { settings, peer, id, identity, version: request.version(), socket };
        let asked = Asked { id, page: wants_page(request.headers()) && is_safe(request.method()) };
        let waiting = socket.then(|| Waiting::of(&mut request));
        let (parts, body) = request.into_parts();
        let target = target(&parts.uri)?;
        let onward = || onward(&parts, &target, &known);
        if let Some(waiting) = waiting {
            return Ok(self.switch(onward().map(|()| Body::empty()), waiting, caller, &asked).await);
        }
        let body = if body.is_end_stream() { Body::empty() } else { body };
        Ok(match self.0.upstream.send(onward, body).await {
            Ok(answer) => self.finish(answer.map(Body::new)),
            Err(error) => pages::of(&error, &asked),
        })
    }

    fn finish(&self, mut answer: Response) -> Response {
        response::clean(answer.headers_mut(), &self.0.settings, self.0.upstream.place());
        *answer.version_mut() = Version::HTTP_11;
        answer.extensions_mut().insert(ingress::Foreign);
        answer
    }

    async fn switch(
        &self,
        request: axum::http::Request<Body>,
        waiting: Waiting,
        caller: Option<Caller>,
        asked: &Asked,
    ) -> Response {
        let (head, tunnel) = match self.0.upstream.switch(request).await {
            Ok(Switched::Agreed(head, tunnel)) => (head, tunnel),
            Ok(Switched::Answered(answer)) => return self.finish(answer.map(Body::new)),
            Err(error) => return pages::of(&error, asked),
        };
        if !has_token(head.headers(), &UPGRADE, "websocket") {
            let why = "it switched to a protocol that nobody asked for".to_owned();
            return pages::of(&outbound::upstream::UpstreamError::Broke(why), asked);
        }
        let ((life, idle), watch) = (self.0.settings.tunnel, self.0.watch.clone());
        tokio::spawn(async move { tunnel.run(waiting, idle, ended(life, watch, caller)).await });
        let mut answer = self.finish(head.map(|()| Body::empty()));
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        answer
    }
}

/// Done when a tunnel's time is over, or its caller may no longer call.
async fn ended(life: Duration, watch: Option<Arc<dyn Watch>>, caller: Option<Caller>) {
    let (Some(watch), Some(caller)) = (watch, caller) else { return sleep(life).await };
    let gone = async {
        while watch.lives(&caller).await {
            sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = sleep(life) => {}
        () = gone => tracing::debug!("a tunnel was closed: its caller may no longer call"),
    }
}

/// Refuses what no application should see.
fn vet(request: &Request, settings: &Settings, largest: u64) -> Result<(), Failure> {
    let method = request.method();
    if *method == Method::TRACE || *method == Method::CONNECT {
        // The first would show the caller the headers that we add; the second is for proxies of another kind.
        return Err(for_status(StatusCode::METHOD_NOT_ALLOWED).into());
    }
    if !host(request).is_some_and(|host| settings.is_own(host)) {
        return Err(Problem::new(421, "misdirected", "This service has another name").into());
    }
    if request.headers().contains_key(&SERVICE_WORKER) {
        return Err(Problem::forbidden()
            .detail("the application may not take over the pages of the whole address")
            .into());
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > largest) {
        let detail = format!("at most {largest} bytes are accepted here");
        return Err(for_status(StatusCode::PAYLOAD_TOO_LARGE).detail(detail).into());
    }
    Ok(())
}

fn host(request: &Request) -> Option<&str> {
    let authority = request.uri().authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| request.headers().get(HOST)?.to_str().ok())
}

/// The same target in origin form.
fn target(uri: &Uri) -> Result<Uri, Failure> {
    Ok(match uri.path_and_query() {
        // What has an empty path in absolute form is the root (RFC 9112 section 3.2.1).
        Some(target) if target.as_str().starts_with('?') => {
            format!("/{}", target.as_str()).parse().map_err(|_| malformed())?
        }
        Some(target) => Uri::from(target.clone()),
        None => Uri::from_static("/"),
    })
}

/// The head of the request for the application.
fn onward(parts: &Parts, target: &Uri, known: &Known<'_>) -> axum::http::Request<()> {
    let mut onward = axum::http::Request::new(());
    *onward.method_mut() = parts.method.clone();
    *onward.uri_mut() = target.clone();
    *onward.headers_mut() = request::headers(&parts.headers, known);
    onward
}

fn malformed() -> Failure {
    Problem::bad_request("the request's address is malformed").into()
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a WebSocket is asked for (RFC 6455 section 4.1). Anything else that `Upgrade` asks for is not passed on: behind
/// another protocol, requests would come past this gate.
fn is_socket(request: &Request) -> bool {
    let headers = request.headers();
    let one = |name| headers.get_all::<HeaderName>(name).iter().count() == 1;
    request.version() == Version::HTTP_11
        && *request.method() == Method::GET
        && request.body().is_end_stream()
        && one(UPGRADE)
        && has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &CONNECTION, "upgrade")
        && one(SEC_WEBSOCKET_KEY)
        && one(SEC_WEBSOCKET_VERSION)
        && headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}
