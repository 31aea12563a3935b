//! On the way to the provider.

use super::{COOKIE, PATIENCE, texts::EN};
use crate::{Accounts, team::view::Viewer};
use axum::{
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header::SET_COOKIE},
    response::Response,
};
use identity::oidc::Pending;
use ingress::{
    cookie,
    form::Form,
    problem::{Answer, internal},
    reply::own_path,
};
use kernel::{AccountId, Problem};
use serde::{Deserialize, Serialize};
use store::one_time;
use ui::{Links, Page};

/// What a trip to a provider is remembered by.
pub(super) const PURPOSE: &str = "provider-trip";

/// A trip to a provider, as it is remembered.
#[derive(Serialize, Deserialize)]
pub(super) struct Trip {
    pub(super) provider: String,
    pub(super) pending: Pending,
    /// Who is to be linked; `None` to sign in.
    pub(super) link: Option<AccountId>,
    pub(super) next: String,
}

/// Where to go on afterwards, and whether the signed-in account is to be linked.
#[derive(Deserialize)]
pub(super) struct Starting {
    #[serde(default)]
    next: String,
    #[serde(default)]
    link: String,
}

/// POST /sign-in/with/{provider}. The answer is a page that leads on, not a redirect: forms may lead to this service only.
pub(super) async fn start(
    State(accounts): State<Accounts>,
    viewer: Viewer,
    Path(name): Path<String>,
    Form(starting): Form<Starting>,
) -> Answer<Response> {
    let known = accounts.settings().providers.get(&name).ok_or_else(Problem::not_found)?;
    let provider = known.found().await.map_err(unreachable)?;
    let (url, pending) = provider.begin(accounts.now()).map_err(internal)?;
    let whole = viewer.session.as_ref().filter(|session| !session.pending);
    let link = whole.filter(|_| starting.link == "yes").map(|session| session.account);
    let next = own_path(&starting.next).unwrap_or_default().to_owned();
    let trip = Trip { provider: name, pending, link, next };
    let payload = serde_json::to_string(&trip).map_err(internal)?;
    let token = one_time::issue(accounts.store(), None, PURPOSE, &payload, PATIENCE).await?;
    let page = Page::new(format!("{} {}", EN.leading, known.config.title))
        .lead(EN.leading_lead)
        .add(Links::new().link(url.as_str(), format!("{} {}", EN.go_on, known.config.title)));
    let mut response = viewer.show(&accounts, "/sign-in", StatusCode::OK, &page).await?;
    response.headers_mut().append(SET_COOKIE, cookie::set(COOKIE, token.expose(), Some(PATIENCE)));
    let refresh = HeaderValue::from_str(&format!("0; url={url}")).map_err(internal)?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}

/// A provider that cannot be asked.
pub(super) fn unreachable(error: impl std::fmt::Display) -> ingress::Failure {
    tracing::warn!(cause = %error, "a provider cannot be asked");
    Problem::new(502, "provider", "The provider cannot be reached").detail(EN.unreachable).into()
}
