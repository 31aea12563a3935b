//! How a session begins, whichever way somebody signed in.

use crate::{
    Accounts, device,
    lockout::{KNOWN, KNOWN_FOR},
};
use axum::{
    http::{
        HeaderMap,
        header::{SET_COOKIE, USER_AGENT},
    },
    response::Response,
};
use ingress::{cookie, own_path, problem::Answer, see_other, session::LiveSession, with_next};
use kernel::{AccountId, Timestamp};
use store::{
    StoreError, one_time,
    sessions::{self, NewSession, Strength},
    team,
    tenancy::Token,
};

/// Somebody who has just proven who they are.
pub(crate) struct Entry<'a> {
    pub(crate) account: AccountId,
    pub(crate) strength: Strength,
    /// Whether a second factor is owed.
    pub(crate) pending: bool,
    /// When they proved it, where that was not just now.
    pub(crate) proved_at: Option<Timestamp>,
    /// Where they wanted to go.
    pub(crate) next: &'a str,
}

impl Entry<'_> {
    /// Opens a new session, ends the one that the browser had, and leads on.
    pub(crate) async fn open(
        &self,
        accounts: &Accounts,
        before: Option<&LiveSession>,
        headers: &HeaderMap,
    ) -> Answer<Response> {
        if let Some(before) = before {
            end(accounts, before).await?;
        }
        let memberships = team::memberships(accounts.store(), self.account).await?;
        let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let opened = sessions::open(
            accounts.store(),
            NewSession {
                account: self.account,
                tenant: memberships.iter().find(|membership| !membership.suspended).map(|membership| membership.tenant),
                strength: self.strength,
                pending: self.pending,
                device: &device::named(agent),
                lifetimes: accounts.lifetimes(),
                proved_at: self.proved_at,
            },
        )
        .await?;
        if self.pending {
            return Ok(with_session(see_other(&with_next("/sign-in/second", self.next)), accounts, &opened.token));
        }
        welcome(accounts, self.account, &opened.token, self.next, headers).await
    }
}

/// Ends a session. One that somebody else has ended meanwhile is ended too.
pub(crate) async fn end(accounts: &Accounts, session: &LiveSession) -> Answer<()> {
    match sessions::revoke(accounts.store(), session.account, session.id).await {
        Ok(()) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Leads on to where somebody wanted to go, with the session's cookie; the browser is known from now on.
pub(crate) async fn welcome(
    accounts: &Accounts,
    account: AccountId,
    token: &Token,
    next: &str,
    headers: &HeaderMap,
) -> Answer<Response> {
    let answer = with_session(see_other(target(accounts, next)), accounts, token);
    remember(answer, accounts, account, headers).await
}

/// The answer with the cookie by which the browser is known from now on.
pub(crate) async fn remember(
    mut answer: Response,
    accounts: &Accounts,
    account: AccountId,
    headers: &HeaderMap,
) -> Answer<Response> {
    let known = match cookie::get(headers, cookie::KNOWN) {
        Some(token) => one_time::peek(accounts.store(), token, KNOWN).await?.and_then(|taken| taken.account),
        None => None,
    };
    if known != Some(account) {
        let token = one_time::issue(accounts.store(), Some(account), KNOWN, "", KNOWN_FOR).await?;
        answer.headers_mut().append(SET_COOKIE, cookie::set(cookie::KNOWN, token.expose(), Some(KNOWN_FOR)));
    }
    Ok(answer)
}

/// The answer with a session's cookie.
pub(crate) fn with_session(mut answer: Response, accounts: &Accounts, token: &Token) -> Response {
    let keep = accounts.lifetimes().absolute;
    answer.headers_mut().append(SET_COOKIE, cookie::set(cookie::SESSION, token.expose(), Some(keep)));
    answer
}

/// Where to after signing in: what was asked for, or the product's first page.
pub(crate) fn target<'a>(accounts: &'a Accounts, next: &'a str) -> &'a str {
    own_path(next).filter(|path| *path != "/").unwrap_or(accounts.settings().home)
}
