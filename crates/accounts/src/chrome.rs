//! The head of a page: who is signed in, in which team, and what they can go to.

use crate::Accounts;
use axum::{http::StatusCode, response::Response};
use ingress::{
    FormToken, html, html_with,
    problem::{Answer, internal},
    session::LiveSession,
};
use kernel::{Actor, access::TeamRole};
use store::{accounts, tenancy};
use ui::{Nav, Page, Shell};

/// The whole page as text.
pub(crate) async fn page(
    accounts: &Accounts,
    session: Option<&LiveSession>,
    token: &FormToken,
    path: &str,
    page: &Page,
) -> Answer<String> {
    let nav = match session.filter(|session| !session.pending) {
        Some(session) => Some(nav(accounts, session, token).await?),
        None => None,
    };
    let shell = Shell { service: accounts.settings().service.clone(), path: path.to_owned(), nav };
    page.render(&shell).map_err(internal)
}

/// What one request's pages share.
pub(crate) struct Frame<'a> {
    pub(crate) accounts: &'a Accounts,
    pub(crate) session: Option<&'a LiveSession>,
    pub(crate) token: &'a FormToken,
    pub(crate) path: &'a str,
}

impl Frame<'_> {
    /// The page as the answer.
    pub(crate) async fn show(&self, page: &Page) -> Answer<Response> {
        Ok(html(self::page(self.accounts, self.session, self.token, self.path, page).await?))
    }

    /// The page with a form whose errors it shows, or with another status.
    pub(crate) async fn again(&self, status: StatusCode, page: &Page) -> Answer<Response> {
        Ok(html_with(status, self::page(self.accounts, self.session, self.token, self.path, page).await?))
    }
}

async fn nav(accounts: &Accounts, session: &LiveSession, token: &FormToken) -> Answer<Nav> {
    let account = accounts::by_id(accounts.store(), session.account).await?;
    let team = match (session.tenant, session.person) {
        (Some(tenant), Some(person)) if !session.suspended => {
            let mut scoped = accounts.store().scoped(tenant, &Actor::Person { id: person }).await?;
            Some(tenancy::name(&mut scoped).await?)
        }
        _ => None,
    };
    Ok(Nav {
        team,
        name: account.map(|account| account.name).unwrap_or_default(),
        role: session.role.map(|role| role_word(role).to_owned()),
        csrf: token.as_str().to_owned(),
        items: accounts.settings().items.clone(),
    })
}

/// A role as people read it.
pub(crate) const fn role_word(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Viewer => "Viewer",
        TeamRole::Member => "Member",
        TeamRole::Admin => "Admin",
        TeamRole::Owner => "Owner",
    }
}
