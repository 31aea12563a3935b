//! The provider of a team, as its owner sets it. Whoever sets it says who everybody in the team is, and so it takes an owner.

use super::{link_name, service, texts::EN};
use crate::{Accounts, chrome::Frame};
use ::saml::IdpMetadata;
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{AccountCaller, Caller, Form, FormToken, problem::Answer, see_other};
use serde::Deserialize;
use store::{StoreError, saml};
use ui::{Act, Facts, Field, Notice, Page, Prose, Section, Tone};

/// What is typed.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Typed {
    metadata: String,
    enabled: String,
}

/// GET /team/saml.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    caller: Caller,
    AccountCaller(session): AccountCaller,
    token: FormToken,
) -> Answer<Response> {
    let mut scoped = accounts.store().scoped(caller.tenant, &caller.actor()).await?;
    let known = saml::get(&mut scoped).await?;
    drop(scoped);
    let typed = known.as_ref().map(|idp| Typed {
        metadata: idp.metadata.clone(),
        enabled: if idp.enabled { "yes".to_owned() } else { String::new() },
    });
    let page = page(&accounts, caller, &token, &typed.unwrap_or_default(), known.is_some(), None);
    Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/team" }.show(&page).await
}

fn page(
    accounts: &Accounts,
    caller: Caller,
    token: &FormToken,
    typed: &Typed,
    known: bool,
    wrong: Option<String>,
) -> Page {
    let sp = service(accounts, caller.tenant);
    let state = IdpMetadata::parse(&typed.metadata, accounts.now());
    let mut page = Page::new(EN.settings).lead(EN.settings_lead);
    if let Some(error) = state.as_ref().err().filter(|_| known && wrong.is_none()) {
        page = page.add(Notice::warning(EN.stale, error.to_string()));
    }
    let ours = Facts::new()
        .code(EN.entity_id, &sp.entity_id)
        .code(EN.acs, &sp.acs_url)
        .code(EN.team, caller.tenant.to_string());
    page = page.add(Section::new(EN.ours).add(Prose::soft(EN.ours_lead)).add(ours));
    if let Ok(idp) = &state {
        let keys = idp.keys.len().to_string();
        page = page.add(
            Section::new(EN.theirs)
                .add(Facts::new().fact(EN.provider, &idp.entity_id).fact(EN.sso, &idp.sso_url).fact(EN.keys, keys)),
        );
    }
    let form = ui::Form::post("/team/saml", token.as_str(), EN.save)
        .title(EN.theirs_form)
        .field(
            Field::area("metadata", EN.metadata, 10).hint(EN.metadata_hint).value(typed.metadata.as_str()).error(wrong),
        )
        .field(Field::check("enabled", EN.enabled, typed.enabled == "yes").hint(EN.enabled_hint));
    page = page.add(form);
    if known {
        let remove = Act::new("/team/saml/remove", token.as_str(), EN.remove).tone(Tone::Danger);
        page = page.add(Section::new(EN.remove).add(Prose::soft(EN.remove_lead)).add(remove));
    }
    page
}

/// POST /team/saml.
pub(super) async fn set(
    State(accounts): State<Accounts>,
    caller: Caller,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Form(typed): Form<Typed>,
) -> Answer<Response> {
    if let Err(error) = IdpMetadata::parse(&typed.metadata, accounts.now()) {
        let page = page(&accounts, caller, &token, &typed, false, Some(error.to_string()));
        let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/team" };
        return frame.again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
    }
    saml::set(accounts.store(), caller.tenant, caller.person, &typed.metadata, typed.enabled == "yes").await?;
    tracing::info!(provider = link_name(caller.tenant), "a team set its identity provider");
    Ok(see_other("/team/saml"))
}

/// POST /team/saml/remove.
pub(super) async fn remove(State(accounts): State<Accounts>, caller: Caller) -> Answer<Response> {
    match saml::remove(accounts.store(), caller.tenant, caller.person).await {
        Ok(()) | Err(StoreError::NotFound) => Ok(see_other("/team/saml")),
        Err(other) => Err(other.into()),
    }
}
