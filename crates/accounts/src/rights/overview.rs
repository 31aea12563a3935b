//! GET /account/data: what is held, what was asked for, and what can be.

use super::{HOME, Kind, state_of, texts::EN};
use crate::{
    Accounts,
    chrome::Frame,
    profile::{Done, ways},
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{AccountCaller, FormToken, problem::Answer, see_other, session::LiveSession};
use privacy::package;
use store::rights::{cases, places, restrict};
use ui::{Act, Cell, Facts, Field, Form, Links, Notice, Page, Section, Table, Tone};

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
    let page = Page::new(EN.data)
        .lead(EN.data_lead)
        .add(ways(HOME))
        .add(notice)
        .add(restricted)
        .add(ask(csrf, wrong))
        .add(Section::new(EN.requests).add(requests(accounts, session).await?))
        .add(Section::new(EN.held).add(held(accounts, session).await?));
    let frame = Frame { accounts, session: Some(session), token, path: HOME };
    frame.again(status, &page).await
}

/// What can be asked for here, what each means, and the form. An erasure has a page of its own, which says first what it does.
fn ask(csrf: &str, wrong: Option<(Kind, &str)>) -> Section {
    const KINDS: [Kind; 4] = [Kind::Access, Kind::Portability, Kind::Restriction, Kind::Objection];
    let meanings = KINDS.into_iter().fold(Facts::new(), |facts, kind| facts.fact(EN.button(kind), EN.about(kind)));
    let chosen = wrong.map_or(Kind::Access, |(kind, _)| kind);
    let kind = Field::select("kind", EN.what, KINDS.map(|kind| (kind.word(), EN.button(kind)))).value(chosen.word());
    let form =
        Form::post("/account/data/requests", csrf, EN.ask).field(kind).field(email(wrong.map(|(_, words)| words)));
    Section::new(EN.ask).add(meanings).add(form).add(Links::new().link("/account/data/erase", EN.plan_link))
}

/// The address, typed once more.
pub(super) fn email(error: Option<&str>) -> Field {
    Field::email("email", EN.email).hint(EN.email_hint).error(error).longest(254)
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
    let mut table = Table::new(EN.held, [EN.place, EN.rows]);
    for (name, rows) in places::held(accounts.store(), session.account).await? {
        table = table.row([place(&name), Cell::text(rows.to_string())]);
    }
    Ok(table)
}

/// A place on the data map, in the words of the copy.
pub(super) fn place(table: &str) -> Cell {
    let section = package::section_of(table);
    let (title, about) = package::words_of(section).unwrap_or((section, ""));
    Cell::lines(title, about)
}

pub(super) async fn lift(State(accounts): State<Accounts>, AccountCaller(session): AccountCaller) -> Answer<Response> {
    restrict::set(accounts.store(), session.account, false, None).await?;
    Ok(see_other("/account/data?done=lifted"))
}
