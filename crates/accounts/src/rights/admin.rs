//! The operator's side: every case by its number, without whose it is, and what can be decided about it.

use super::{SMALL, state_of, texts::EN};
use crate::{Accounts, team::view::Viewer};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Auth, Failure, Form, Ids, Policy, Route, RouteTable, gate::AccountCaller, problem::Answer, see_other};
use jiff::{civil::Date, tz::TimeZone};
use kernel::{Problem, Timestamp};
use privacy::case::{self, Case, Kind, State as Far};
use serde::Deserialize;
use store::{
    StoreError,
    rights::{
        cases,
        decide::{self, Decision},
    },
};
use ui::{Cell, Facts, Field, Form as Sheet, Links, Page, Table, Tone};
use uuid::Uuid;

const HOME: &str = "/admin/cases";

pub(super) fn routes(accounts: &Accounts) -> RouteTable {
    let (page, form) = (Policy::page(Auth::Admin), Policy::form(Auth::Admin, SMALL).fresh());
    RouteTable::new([
        Route::get_with(HOME, page, list, accounts),
        Route::get_with("/admin/cases/{id}", page, show, accounts),
        Route::post_with("/admin/cases/{id}/extend", form, extend, accounts),
        Route::post_with("/admin/cases/{id}/pause", form, pause, accounts),
        Route::post_with("/admin/cases/{id}/resume", form, resume, accounts),
        Route::post_with("/admin/cases/{id}/refuse", form, refuse, accounts),
        Route::post_with("/admin/cases/{id}/grant", form, grant, accounts),
        Route::post_with("/admin/cases/{id}/hold", form, hold, accounts),
        Route::post_with("/admin/cases/{id}/release", form, release, accounts),
    ])
}

/// Why somebody decides, and until when.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Why {
    reason: String,
    until: String,
}

async fn list(State(accounts): State<Accounts>, viewer: Viewer) -> Answer<Response> {
    let now = accounts.now();
    let mut table = Table::new(EN.cases, [EN.case, EN.what, EN.asked, EN.due, EN.state_head]).empty(EN.no_cases);
    for case in cases::all(accounts.store()).await? {
        let late = case.closed_at.unwrap_or(now) > case.due_at && case.paused_at.is_none();
        let state = if late { format!("{}, {}", state_of(&case), EN.late) } else { state_of(&case) };
        table = table.row([
            Cell::link(format!("{HOME}/{}", case.id), case.id.to_string()),
            Cell::text(case.kind.word()),
            Cell::moment(case.opened_at),
            Cell::moment(case.due_at),
            Cell::badge(state),
        ]);
    }
    let page = Page::new(EN.cases).lead(EN.cases_lead).wide().add(table).add(Links::new().link("/admin", EN.back));
    viewer.show(&accounts, "/admin", StatusCode::OK, &page).await
}

async fn show(State(accounts): State<Accounts>, viewer: Viewer, Ids(id): Ids<Uuid>) -> Answer<Response> {
    render(&accounts, &viewer, id, None).await
}

async fn render(accounts: &Accounts, viewer: &Viewer, id: Uuid, error: Option<String>) -> Answer<Response> {
    let case = find(accounts, id).await?;
    let mut facts = Facts::new()
        .fact(EN.case, case.id.to_string())
        .fact(EN.what, case.kind.word())
        .fact(EN.state_head, state_of(&case))
        .html(EN.asked, ui::moment(case.opened_at))
        .html(EN.due, ui::moment(case.due_at));
    if let Some(closed) = case.closed_at {
        facts = facts.html(EN.closed, ui::moment(closed));
    }
    let failed = error.is_some();
    let mut page = Page::new(EN.case).error(error).add(facts);
    for sheet in sheets(&case, viewer.csrf()) {
        page = page.add(sheet);
    }
    let page = page.add(Links::new().link(HOME, EN.back));
    let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    viewer.show(accounts, "/admin", status, &page).await
}

async fn find(accounts: &Accounts, id: Uuid) -> Answer<Case> {
    Ok(cases::by_id(accounts.store(), id).await?.ok_or_else(Problem::not_found)?)
}

/// What can be decided about a case as it is.
fn sheets(case: &Case, csrf: &str) -> Vec<Sheet> {
    let sheet = |verb: &str, label: &'static str, lead: &'static str, tone: Tone| {
        let reason = Field::text("reason", EN.reason).id(format!("reason-{verb}")).hint(EN.reason_hint).longest(500);
        Sheet::post(format!("{HOME}/{}/{verb}", case.id), csrf, label).title(label).lead(lead).field(reason).tone(tone)
    };
    let until = || Field::date("until", EN.until);
    let mut out = Vec::new();
    if case.state == Far::Open {
        out.push(sheet("pause", EN.pause, EN.pause_lead, Tone::Quiet));
    }
    if case.state == Far::Paused {
        out.push(sheet("resume", EN.resume, "", Tone::Main));
    }
    if matches!(case.state, Far::Open | Far::Paused) {
        if case.extended_at.is_none() {
            out.push(sheet("extend", EN.extend, EN.extend_lead, Tone::Quiet));
        }
        if case.kind == Kind::Objection && case.state == Far::Open {
            out.push(sheet("grant", EN.grant, EN.grant_lead, Tone::Main));
        }
        out.push(sheet("refuse", EN.refuse, EN.refuse_lead, Tone::Danger));
    }
    if case.state != Far::Working {
        out.push(sheet("hold", EN.hold, EN.hold_lead, Tone::Quiet).field(until()));
        out.push(sheet("release", EN.release, "", Tone::Quiet));
    }
    out
}

async fn finish(accounts: &Accounts, viewer: &Viewer, id: Uuid, done: Result<(), StoreError>) -> Answer<Response> {
    match done {
        Ok(()) => Ok(see_other(&format!("{HOME}/{id}"))),
        Err(StoreError::Invalid(why)) => render(accounts, viewer, id, Some(why)).await,
        Err(other) => Err(Failure::from(other)),
    }
}

const fn decision<'a>(caller: &AccountCaller, case: Uuid, why: &'a Why) -> Decision<'a> {
    Decision { case, admin: caller.0.account, reason: why.reason.as_str() }
}

async fn extend(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let due = case::extended(accounts.calendar(), &find(&accounts, id).await?);
    let done = decide::extend(accounts.store(), decision(&caller, id, &why), due).await;
    finish(&accounts, &viewer, id, done).await
}

async fn pause(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let done = decide::pause(accounts.store(), decision(&caller, id, &why)).await;
    finish(&accounts, &viewer, id, done).await
}

async fn resume(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let due = case::resumed(accounts.calendar(), &find(&accounts, id).await?, accounts.now());
    let done = decide::resume(accounts.store(), decision(&caller, id, &why), due).await;
    finish(&accounts, &viewer, id, done).await
}

async fn refuse(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let done = decide::refuse(accounts.store(), decision(&caller, id, &why)).await;
    finish(&accounts, &viewer, id, done).await
}

async fn grant(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let done = decide::grant(accounts.store(), decision(&caller, id, &why)).await;
    finish(&accounts, &viewer, id, done).await
}

async fn hold(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let Some(until) = end_of(&why.until) else {
        return render(&accounts, &viewer, id, Some(EN.until_wrong.to_owned())).await;
    };
    let done = decide::hold(accounts.store(), decision(&caller, id, &why), until).await.map(drop);
    finish(&accounts, &viewer, id, done).await
}

async fn release(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let done = decide::release(accounts.store(), decision(&caller, id, &why)).await;
    finish(&accounts, &viewer, id, done).await
}

/// The end of a day.
fn end_of(day: &str) -> Option<Timestamp> {
    let next = day.trim().parse::<Date>().ok()?.tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_until_the_end_of_its_day() {
        assert_eq!(end_of("2027-12-31").unwrap().to_string(), "2028-01-01T00:00:00Z");
        assert_eq!(end_of("31.12.2027"), None);
    }
}
