//! Looks into a team: with a reason, for half an hour, by one administrator, and in the team's own log.

use super::{LOOK, Why, teams, texts::EN};
use crate::{
    Accounts,
    team::{texts::EN as TEAM, view::Viewer},
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Failure, form::Form, gate::AccountCaller, input::Ids, problem::Answer, reply::see_other};
use jiff::SignedDuration;
use kernel::{Actor, PersonId, Problem, TenantId};
use store::{StoreError, looks, team};
use ui::{Act, Cell, Facts, Page, Table, Tone};
use uuid::Uuid;

/// POST /admin/teams/{id}/look.
pub(super) async fn begin(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let tenant = TenantId::from(id);
    let seconds = i64::try_from(LOOK.as_secs()).unwrap_or_default();
    let until = accounts.now() + SignedDuration::from_secs(seconds);
    match looks::begin(accounts.store(), caller.account, tenant, &why.reason, until).await {
        Ok(look) => Ok(see_other(&format!("/admin/looks/{look}"))),
        Err(StoreError::Invalid(why)) => teams::render(&accounts, &viewer, tenant, Some(why)).await,
        Err(other) => Err(Failure::from(other)),
    }
}

/// GET /admin/looks/{id}. Whose look it is not, or whose time has passed, finds nothing.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let look = looks::get(accounts.store(), caller.account, id).await?.ok_or_else(Problem::not_found)?;
    // People are shown to people only: the scope carries the administrator, who owns nothing in it.
    let actor = Actor::Person { id: PersonId::from(caller.account.uuid()) };
    let mut scoped = accounts.store().scoped(look.tenant, &actor).await?;
    let settings = team::settings(&mut scoped).await?;
    let members = team::members(&mut scoped).await?;
    let now = accounts.now();
    let open = team::invitations(&mut scoped).await?;
    let open = open.iter().filter(|one| one.accepted_at.is_none() && one.revoked_at.is_none() && one.expires_at > now);
    let facts = Facts::new()
        .fact(EN.team, &settings.name)
        .fact(EN.reason, &look.reason)
        .html(EN.until, ui::moment(look.expires_at))
        .fact(EN.second_factor, if settings.require_second_factor { EN.yes } else { EN.no })
        .fact(EN.invitations, open.count().to_string());
    drop(scoped);
    let mut table = Table::new(EN.members, [EN.name, EN.role, EN.joined]);
    for member in &members {
        table = table.row([
            Cell::lines(&member.name, &member.email),
            Cell::badge(TEAM.of(member.role)),
            Cell::moment(member.created_at),
        ]);
    }
    let end = Act::new(format!("/admin/looks/{id}/end"), viewer.csrf(), EN.end).tone(Tone::Main);
    let page = Page::new(EN.looking).lead(EN.looking_lead).wide().add(facts).add(table).add(end);
    viewer.show(&accounts, "/admin", StatusCode::OK, &page).await
}

/// POST /admin/looks/{id}/end.
pub(super) async fn end(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    looks::end(accounts.store(), caller.account, id).await?;
    Ok(see_other("/admin"))
}
