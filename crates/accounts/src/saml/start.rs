//! On the way to the provider of a team.

use super::{PATIENCE, REQUEST_COOKIE, provider, service, texts::EN};
use crate::{Accounts, Mail, chrome::Frame};
use ::saml::{IdpMetadata, RequestSecret};
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header::SET_COOKIE},
    response::Response,
};
use ingress::{
    Form, FormToken, Query,
    problem::{Answer, internal},
};
use kernel::TenantId;
use serde::Deserialize;
use store::{accounts, team};
use ui::{Field, Links, Notice, Page};
use uuid::Uuid;

/// Which team, or whose.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    team: String,
}

/// GET /sign-in/saml.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    token: FormToken,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    frame(&accounts, &token).show(&form(&token, &asked.team, None)).await
}

fn form(token: &FormToken, typed: &str, wrong: Option<&'static str>) -> Page {
    let form = ui::Form::post("/sign-in/saml", token.as_str(), EN.start_button)
        .field(Field::text("team", EN.team).hint(EN.team_hint).value(typed).error(wrong).longest(254).focus());
    Page::new(EN.start).lead(EN.start_lead).add(form).add(Links::new().link("/sign-in", EN.other_ways))
}

pub(super) const fn frame<'a>(accounts: &'a Accounts, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: None, token, path: "/sign-in" }
}

/// POST /sign-in/saml. An address is answered by mail: whether it is anybody's, and in which team, no page tells.
pub(super) async fn start(
    State(accounts): State<Accounts>,
    token: FormToken,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    let typed = asked.team.trim();
    if typed.contains('@') && typed.len() <= 254 {
        let (after, email) = (accounts.clone(), typed.to_owned());
        tokio::spawn(async move {
            if let Err(error) = remind(&after, &email).await {
                tracing::error!(%error, "a mail about signing in over SAML was not written");
            }
        });
        let page = Page::new(EN.mailed).add(Notice::info(EN.mailed, EN.mailed_lead));
        return frame(&accounts, &token).show(&page).await;
    }
    let found = match typed.parse::<Uuid>() {
        Ok(tenant) => Some(TenantId::from(tenant)).zip(provider(&accounts, tenant.into()).await?),
        Err(_) => None,
    };
    let Some((tenant, idp)) = found else {
        let page = form(&token, typed, Some(EN.no_team));
        return frame(&accounts, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
    };
    let now = accounts.now();
    let idp = match IdpMetadata::parse(&idp.metadata, now) {
        Ok(idp) => idp,
        Err(error) => {
            tracing::warn!(cause = %error, "the metadata of a team's provider is no longer accepted");
            let page = form(&token, typed, Some(EN.stale));
            return frame(&accounts, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let secret = RequestSecret::fresh().map_err(internal)?;
    let url = service(&accounts, tenant).authn_request(&idp, &secret, now);
    // Forms may lead to this service only: the page leads on, and not the form.
    let page = Page::new(EN.leading).lead(EN.leading_lead).add(Links::new().link(url.as_str(), EN.go_on));
    let mut response = frame(&accounts, &token).show(&page).await?;
    response.headers_mut().append(SET_COOKIE, request_cookie(secret.cookie(), PATIENCE.as_secs()).map_err(internal)?);
    let refresh = HeaderValue::from_str(&format!("0; url={url}")).map_err(internal)?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}

/// The one cookie that other sites' posts carry.
pub(super) fn request_cookie(value: &str, seconds: u64) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
    HeaderValue::from_str(&format!(
        "{REQUEST_COOKIE}={value}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=None"
    ))
}

/// Writes to an address how its teams sign in over SAML, if it has any.
async fn remind(accounts: &Accounts, email: &str) -> Result<(), store::StoreError> {
    let Some(account) = accounts::by_email(accounts.store(), email).await? else { return Ok(()) };
    for membership in team::memberships(accounts.store(), account.id).await? {
        if membership.suspended || provider(accounts, membership.tenant).await?.is_none() {
            continue;
        }
        let path = format!("/sign-in/saml?team={}", membership.tenant);
        accounts
            .post_typed(Mail {
                to: account.email.clone(),
                subject: EN.mail_subject.to_owned(),
                paragraphs: vec![EN.mail_lead.to_owned()],
                link: Some((EN.mail_link.to_owned(), accounts.link(&path))),
            })
            .await;
    }
    Ok(())
}
