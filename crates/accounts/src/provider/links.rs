//! The providers that an account is linked with.

use super::{link_name, texts::EN};
use crate::{Accounts, letters::Topic};
use axum::{
    extract::{Path, State},
    response::Response,
};
use ingress::{Failure, gate::AccountCaller, problem::Answer, reply::see_other};
use kernel::{AccountId, Problem};
use store::{accounts, links};
use ui::{Act, Cell, Prose, Section, Table, Tone};

/// POST /account/links/{provider}/remove. Who has neither a password nor another link keeps the last one: nobody locks
/// themselves out.
pub(super) async fn remove(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    Path(name): Path<String>,
) -> Answer<Response> {
    let known = accounts.settings().providers.get(&name).ok_or_else(Problem::not_found)?;
    let store = accounts.store();
    let issuer = link_name(&known.config.issuer);
    let linked = links::list(store, caller.account).await?;
    if !linked.iter().any(|link| link.provider == issuer) {
        return Err(Problem::not_found().into());
    }
    let account = accounts::by_id(store, caller.account).await?.ok_or_else(Problem::not_found)?;
    if linked.len() == 1 && account.password_hash.is_none() && !account.has_passkeys {
        return Err(Failure::from(Problem::new(409, "last-way-in", EN.last).detail(EN.last_lead)));
    }
    links::remove(store, caller.account, &issuer).await?;
    accounts.tell(account.id, &account.email, &Topic::Unlinked(&known.config.title)).await;
    Ok(see_other("/account/security"))
}

/// What the account's page shows: the links there are, and the providers that could be linked. `None` without providers.
///
/// # Errors
/// The database cannot be asked.
pub async fn section(accounts: &Accounts, account: AccountId, csrf: &str) -> Answer<Option<Section>> {
    let linked = links::list(accounts.store(), account).await?;
    let providers = &accounts.settings().providers;
    let is_linked = |issuer: &str| linked.iter().any(|link| link.provider == link_name(issuer));
    let mut table = Table::new(EN.links, [EN.provider, EN.since, ""]).empty(EN.no_links);
    let mut offered = Vec::new();
    for known in providers.iter() {
        let config = &known.config;
        for link in linked.iter().filter(|link| link.provider == link_name(&config.issuer)) {
            let path = format!("/account/links/{}/remove", config.name);
            let remove = Act::new(path, csrf, EN.remove).about(&config.title).tone(Tone::Danger);
            table = table.row([Cell::text(&config.title), Cell::moment(link.created_at), Cell::part(remove)]);
        }
        if config.button && !is_linked(&config.issuer) {
            let path = format!("/sign-in/with/{}", config.name);
            offered.push(Act::new(path, csrf, format!("{} {}", EN.link_with, config.title)).with("link", "yes"));
        }
    }
    if offered.is_empty() && linked.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section::new(EN.links).add(Prose::soft(EN.links_lead)).add(table).add(offered)))
}
