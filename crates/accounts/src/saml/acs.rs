//! Back from the provider: the browser posts what it said.

use super::{
    PATIENCE, REQUEST_COOKIE,
    arrive::{self, Vouched},
    provider, service,
    start::{frame, request_cookie},
    texts::EN,
};
use crate::Accounts;
use ::saml::{Assertion, Expect, IdpMetadata, Refusal, RequestSecret, Unspent};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use ingress::{
    Form, FormToken, cookie,
    problem::{Answer, internal},
};
use kernel::{Span, TenantId};
use serde::Deserialize;
use store::one_time;
use ui::{Facts, Field, Links, Notice, Page};
use uuid::Uuid;

/// What is remembered of assertions that were presented.
const SEEN: &str = "saml-assertion";
/// A sign-in that the provider began, while the person is asked.
const UNASKED: &str = "saml-unasked";

/// What a provider's page posts. What it says of where to go on is not followed.
#[derive(Deserialize)]
pub(super) struct Posted {
    #[serde(rename = "SAMLResponse")]
    response: String,
}

/// POST /saml/{tenant}/acs.
pub(super) async fn answer(
    State(accounts): State<Accounts>,
    Path(tenant): Path<Uuid>,
    token: FormToken,
    headers: HeaderMap,
    Form(posted): Form<Posted>,
) -> Answer<Response> {
    let tenant = TenantId::from(tenant);
    let mut response = match accepted(&accounts, tenant, &headers, &posted.response).await? {
        Ok((vouched, true)) => arrive::arrive(&accounts, &token, &headers, &vouched).await?,
        Ok((vouched, false)) => ask(&accounts, &token, &vouched).await?,
        Err(refusal) => {
            // The reason says nothing of the content.
            tracing::info!(%tenant, cause = %refusal, "a SAML answer was refused");
            refused(&accounts, &token, StatusCode::FORBIDDEN, EN.refused, EN.refused_lead, Some(refusal)).await?
        }
    };
    // A request is answered once.
    response.headers_mut().append(SET_COOKIE, request_cookie("", 0).map_err(internal)?);
    Ok(response)
}

/// For whom the provider vouches, and whether this browser had asked it to.
async fn accepted(
    accounts: &Accounts,
    tenant: TenantId,
    headers: &HeaderMap,
    posted: &str,
) -> Answer<Result<(Vouched, bool), Refusal>> {
    // A team without a provider answers like one whose provider did not say this.
    let Some(stored) = provider(accounts, tenant).await? else { return Ok(Err(Refusal::UnknownKey)) };
    let now = accounts.now();
    let Ok(idp) = IdpMetadata::parse(&stored.metadata, now) else { return Ok(Err(Refusal::MetadataExpired)) };
    let sp = service(accounts, tenant);
    let secret = cookie::get(headers, REQUEST_COOKIE).and_then(RequestSecret::from_cookie);
    let id = secret.map(|secret| secret.request_id(&sp));
    // A browser that asked is answered, or begins again: there is no falling back to what nobody asked for.
    let outcome = sp.accept(posted, Expect { idp: &idp, in_response_to: id.as_deref(), now });
    let unspent = match outcome {
        Ok(unspent) => unspent,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let first = first(accounts, tenant, &idp, &unspent).await?;
    Ok(unspent.spend(first).map(|assertion| (vouched(tenant, &idp, assertion), id.is_some())))
}

/// Whether the assertion is presented for the first time. All instances have one memory.
async fn first(accounts: &Accounts, tenant: TenantId, idp: &IdpMetadata, unspent: &Unspent) -> Answer<bool> {
    let left = unspent.remember_until().as_second().saturating_sub(accounts.now().as_second());
    let ttl = Span::seconds(u64::try_from(left).unwrap_or_default().max(1));
    let id = format!("{tenant}\0{}\0{}", idp.entity_id, unspent.id());
    Ok(one_time::first(accounts.store(), SEEN, id.as_bytes(), ttl).await?)
}

fn vouched(tenant: TenantId, idp: &IdpMetadata, assertion: Assertion) -> Vouched {
    let said = |names: &[&str]| {
        names.iter().filter_map(|name| assertion.attributes.get(*name)?.first()).find(|text| !text.is_empty())
    };
    let whole = said(&["urn:oid:2.16.840.1.113730.3.1.241", "displayName", "urn:oid:2.5.4.3", "cn", "name"]);
    let name = whole.map(|name| name.chars().filter(|c| !c.is_control()).take(200).collect::<String>());
    Vouched {
        tenant,
        // No identifier of an entity has white space in it, so that no two pairs look alike.
        subject: format!("{} {}", idp.entity_id, assertion.name_id),
        email: assertion.email.unwrap_or_default(),
        name: name.unwrap_or_default(),
        since: assertion.authenticated_at,
    }
}

/// Nobody is signed in by a page that somebody else sent them to: who did not ask is asked.
async fn ask(accounts: &Accounts, token: &FormToken, vouched: &Vouched) -> Answer<Response> {
    let payload = serde_json::to_string(vouched).map_err(internal)?;
    let grant = one_time::issue(accounts.store(), None, UNASKED, &payload, PATIENCE).await?;
    let form = ui::Form::post("/sign-in/saml/continue", token.as_str(), EN.unasked_button)
        .field(Field::hidden("grant", grant.expose()));
    let page = Page::new(EN.unasked).lead(EN.unasked_lead).add(Facts::new().fact(EN.email, &vouched.email)).add(form);
    frame(accounts, token).show(&page).await
}

/// What was agreed to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agreed {
    grant: String,
}

/// POST /sign-in/saml/continue.
pub(super) async fn go_on(
    State(accounts): State<Accounts>,
    token: FormToken,
    headers: HeaderMap,
    Form(agreed): Form<Agreed>,
) -> Answer<Response> {
    let Some(taken) = one_time::take(accounts.store(), &agreed.grant, UNASKED).await? else {
        return refused(&accounts, &token, StatusCode::BAD_REQUEST, EN.refused, EN.late, None).await;
    };
    let vouched: Vouched = serde_json::from_str(&taken.payload).map_err(internal)?;
    arrive::arrive(&accounts, &token, &headers, &vouched).await
}

/// A page that says why it goes no further.
pub(super) async fn refused(
    accounts: &Accounts,
    token: &FormToken,
    status: StatusCode,
    title: &str,
    lead: &str,
    reason: Option<Refusal>,
) -> Answer<Response> {
    let mut page = Page::new(title).add(Notice::warning(title, lead));
    if let Some(reason) = reason {
        page = page.add(Facts::new().fact(EN.reason, reason.to_string()));
    }
    frame(accounts, token).again(status, &page.add(Links::new().link("/sign-in", EN.other_ways))).await
}
