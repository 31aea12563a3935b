//! What the pages of this crate have in common: who looks, and the frame around.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};
use ingress::{Answer, Caller, Failure, FormToken, LiveSession, Visitor, gate::Later, html_with};
use kernel::Problem;
use std::sync::Arc;
use store::{Scoped, Store, objectives::Writer};
use ui::Page;

/// Puts a page into the frame that the service's other pages have: for a session, with the form token, at a path.
pub type Chrome = Arc<
    dyn for<'a> Fn(Option<&'a LiveSession>, &'a FormToken, &'a str, &'a Page) -> Later<'a, Answer<String>>
        + Send
        + Sync,
>;

/// What the routes of this crate stand on. Cheap to clone.
#[derive(Clone)]
pub struct Okrs {
    state: ingress::State,
    chrome: Chrome,
}

impl Okrs {
    /// The workspace over `state`, with its pages in `chrome`.
    #[must_use]
    pub fn new(state: &ingress::State, chrome: Chrome) -> Self {
        Self { state: state.clone(), chrome }
    }

    pub(crate) fn store(&self) -> &Store {
        self.state.store()
    }

    /// A transaction of the caller's.
    pub(crate) async fn scoped(&self, caller: Caller) -> Answer<Scoped> {
        Ok(self.store().scoped(caller.tenant, &caller.actor()).await?)
    }

    /// An answer with a page.
    pub(crate) async fn show(&self, view: &View, status: StatusCode, path: &str, page: &Page) -> Answer<Response> {
        let text = (self.chrome)(view.session.0.as_ref(), &view.token, path, page).await?;
        Ok(html_with(status, text))
    }
}

impl std::fmt::Debug for Okrs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Okrs").finish_non_exhaustive()
    }
}

/// Whoever looks at a page.
pub(crate) struct View {
    pub(crate) caller: Caller,
    pub(crate) token: FormToken,
    session: Visitor,
}

impl View {
    /// The caller as who writes.
    pub(crate) const fn writer(&self) -> Writer {
        writer(self.caller)
    }
}

/// A caller as who writes.
pub(crate) const fn writer(caller: Caller) -> Writer {
    Writer { person: caller.person, role: caller.role }
}

impl<S: Send + Sync> FromRequestParts<S> for View {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let token = FormToken::from_request_parts(parts, state).await.map_err(|_| Failure(Problem::unauthorized()))?;
        let Ok(session) = Visitor::from_request_parts(parts, state).await;
        Ok(Self { caller, token, session })
    }
}
