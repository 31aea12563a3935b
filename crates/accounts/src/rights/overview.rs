//! GET /account/data: what is held, what was asked for, and what can be.

use super::{HOME, Kind, state_of, texts::EN};
use crate::{
    Accounts,
    chrome::Frame,
    profile::{Done, ways},
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{AccountCaller, FormToken, problem::Answer, see_other, session::LiveSession};
use store::{
    DataMap,
    rights::{cases, places, restrict},
};
use ui::{Act, Cell, Field, Form, Links, Notice, Page, Section, Table, Tone};

pub(super) async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(done): ingress::Query<Done>,
) -> Answer<Response> {
    let notice = match done.done.as_str() {
        "lifted" => Some(Notice::done(EN.lifted, "")),
        "withdrawn" => Some(Notice::done(EN.withdrawn, "")),
        _ => None,
    };
    render(&accounts, &session, &token, StatusCode::OK, notice, None).await
}

/// The page, after a request that was not taken too.
pub(super) async fn render(
    accounts: &Accounts,
    session: &LiveSession,
    token: &FormToken,
    status: StatusCode,
    notice: Option<Notice>,
    wrong: Option<(Kind, &str)>,
) -> Answer<Response> {
    let csrf = token.as_str();
    let restricted = restrict::is_on(accounts.store(), session.account).await?.then(|| {
        let lift = Act::new("/account/data/lift", csrf, EN.lift).tone(Tone::Quiet);
        Section::new(EN.restricted).add(Notice::info(EN.restricted_text, "")).add(lift)
    });
    let mut page = Page::new(EN.data)
        .lead(EN.data_lead)
        .add(ways(HOME))
        .add(notice)
        .add(restricted)
        .add(requests(accounts, session).await?)
        .add(held(accounts, session).await?)
        .add(Links::new().link("/account/data/erase", EN.plan_link));
    for kind in [Kind::Access, Kind::Portability, Kind::Restriction, Kind::Objection] {
        let error = wrong.filter(|(of, _)| *of == kind).map(|(_, words)| words);
        page = page.add(form(kind, csrf, error));
    }
    let frame = Frame { accounts, session: Some(session), token, path: HOME };
    frame.again(status, &page).await
}

/// The form that asks for something.
pub(super) fn form(kind: Kind, csrf: &str, error: Option<&str>) -> Form {
    let tone = if kind == Kind::Erasure { Tone::Danger } else { Tone::Quiet };
    let email =
        Field::email("email", EN.email).id(format!("email-{kind}")).hint(EN.email_hint).error(error).longest(254);
    Form::post("/account/data/requests", csrf, EN.button(kind))
        .title(EN.button(kind))
        .lead(EN.about(kind))
        .field(Field::hidden("kind", kind.word()))
        .field(email)
        .tone(tone)
}

async fn requests(accounts: &Accounts, session: &LiveSession) -> Answer<Table> {
    let mut table = Table::new(EN.requests, [EN.what, EN.asked, EN.due, EN.state_head]).empty(EN.none);
    for own in cases::of_account(accounts.store(), session.account).await? {
        let case = own.case;
        let link = Cell::link(format!("/account/data/requests/{}", case.id), EN.kind(case.kind));
        table =
            table.row([link, Cell::moment(case.opened_at), Cell::moment(case.due_at), Cell::badge(state_of(&case))]);
    }
    Ok(table)
}

async fn held(accounts: &Accounts, session: &LiveSession) -> Answer<Table> {
    let map = DataMap::own()?;
    let mut table = Table::new(EN.held, [EN.place, EN.rows]);
    for (name, rows) in places::held(accounts.store(), session.account).await? {
        let about = map.table(&name).map(|table| table.about.clone()).unwrap_or_default();
        table = table.row([Cell::text(&about), Cell::text(rows.to_string())]);
    }
    Ok(table)
}

pub(super) async fn lift(State(accounts): State<Accounts>, AccountCaller(session): AccountCaller) -> Answer<Response> {
    restrict::set(accounts.store(), session.account, false, None).await?;
    Ok(see_other("/account/data?done=lifted"))
}
