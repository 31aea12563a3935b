//! Whoever looks at a page, and the page for them.

use crate::{Accounts, chrome::Frame};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};
use ingress::{Failure, FormToken, gate::Visitor, problem::Answer, session::LiveSession};
use ui::Page;

/// Whoever looks at a page: their session, if they have one, and the token of their forms.
pub(crate) struct Viewer {
    pub(crate) session: Option<LiveSession>,
    pub(crate) token: FormToken,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Ok(Visitor(session)) = Visitor::from_request_parts(parts, state).await;
        Ok(Self { session, token: FormToken::from_request_parts(parts, state).await? })
    }
}

impl Viewer {
    /// The value of the hidden field of their forms.
    pub(crate) fn csrf(&self) -> &str {
        self.token.as_str()
    }

    /// The page for them.
    pub(crate) async fn show(
        &self,
        accounts: &Accounts,
        path: &str,
        status: StatusCode,
        page: &Page,
    ) -> Answer<Response> {
        let frame = Frame { accounts, session: self.session.as_ref(), token: &self.token, path };
        frame.again(status, page).await
    }
}
