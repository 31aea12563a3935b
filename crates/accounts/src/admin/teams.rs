//! Teams as numbers, and what can be done to one without seeing into it.

use super::{Why, texts::EN};
use crate::{Accounts, team::view::Viewer};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Failure, form::Form, gate::AccountCaller, input::Ids, problem::Answer, reply::see_other};
use kernel::{Problem, TenantId};
use store::{
    StoreError,
    looks::{self, TeamRow},
    tenancy,
};
use ui::{Cell, Facts, Field, Form as Sheet, Links, Page, Table, Tone};
use uuid::Uuid;

/// How many teams are listed.
const MOST: u32 = 200;

/// GET /admin.
pub(super) async fn list(State(accounts): State<Accounts>, caller: AccountCaller, viewer: Viewer) -> Answer<Response> {
    let running = looks::current(accounts.store(), caller.account).await?;
    let teams = looks::teams(accounts.store(), MOST).await?;
    let mut looking = Table::new(EN.running, [EN.team, EN.reason, EN.until]).empty(EN.no_running);
    for look in running {
        let link = Cell::link(format!("/admin/looks/{}", look.id), look.tenant.to_string());
        looking = looking.row([link, Cell::text(&look.reason), Cell::moment(look.expires_at)]);
    }
    let mut table = Table::new(EN.teams, [EN.team, EN.since, EN.state]).empty(EN.no_teams);
    for team in teams {
        let link = Cell::link(format!("/admin/teams/{}", team.tenant), team.tenant.to_string());
        table = table.row([link, Cell::moment(team.created_at), Cell::badge(state(&team))]);
    }
    let ways = Links::new().link("/admin/sessions", EN.sessions);
    let page = Page::new(EN.admin).lead(EN.admin_lead).wide().add(ways).add(looking).add(table);
    viewer.show(&accounts, "/admin", StatusCode::OK, &page).await
}

/// GET /admin/teams/{id}.
pub(super) async fn show(State(accounts): State<Accounts>, viewer: Viewer, Ids(id): Ids<Uuid>) -> Answer<Response> {
    render(&accounts, &viewer, TenantId::from(id), None).await
}

/// The page of one team, after an act that went wrong too.
pub(super) async fn render(
    accounts: &Accounts,
    viewer: &Viewer,
    tenant: TenantId,
    error: Option<String>,
) -> Answer<Response> {
    let (team, members) = looks::team(accounts.store(), tenant).await?.ok_or_else(Problem::not_found)?;
    let facts = Facts::new()
        .fact(EN.team, tenant.to_string())
        .html(EN.since, ui::moment(team.created_at))
        .fact(EN.state, state(&team))
        .fact(EN.members, members.to_string());
    let form = |verb: &str, submit: &str, lead: &str, tone: Tone| {
        Sheet::post(format!("/admin/teams/{tenant}/{verb}"), viewer.csrf(), submit)
            .title(submit)
            .lead(lead)
            .field(Field::text("reason", EN.reason).id(format!("reason-{verb}")).hint(EN.reason_hint).longest(500))
            .tone(tone)
    };
    let failed = error.is_some();
    let act = if team.suspended_at.is_some() {
        form("resume", EN.resume, EN.resume_lead, Tone::Quiet)
    } else {
        form("suspend", EN.suspend, EN.suspend_lead, Tone::Danger)
    };
    let page = Page::new(EN.team)
        .lead(EN.team_lead)
        .error(error)
        .add(facts)
        .add(form("look", EN.look_begin, EN.look_lead, Tone::Main))
        .add(act)
        .add(Links::new().link("/admin", EN.back));
    let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    viewer.show(accounts, "/admin", status, &page).await
}

/// POST /admin/teams/{id}/suspend.
pub(super) async fn suspend(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let tenant = TenantId::from(id);
    let done = tenancy::suspend_by(accounts.store(), tenant, caller.account, &why.reason).await;
    finish(&accounts, &viewer, tenant, done).await
}

/// POST /admin/teams/{id}/resume.
pub(super) async fn resume(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let tenant = TenantId::from(id);
    let done = tenancy::resume_by(accounts.store(), tenant, caller.account, &why.reason).await;
    finish(&accounts, &viewer, tenant, done).await
}

async fn finish(
    accounts: &Accounts,
    viewer: &Viewer,
    tenant: TenantId,
    done: Result<(), StoreError>,
) -> Answer<Response> {
    match done {
        Ok(()) => Ok(see_other(&format!("/admin/teams/{tenant}"))),
        Err(StoreError::Invalid(why)) => render(accounts, viewer, tenant, Some(why)).await,
        Err(other) => Err(Failure::from(other)),
    }
}

const fn state(team: &TeamRow) -> &'static str {
    if team.suspended_at.is_some() { EN.suspended } else { EN.active }
}
