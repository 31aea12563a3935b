//! A person's own cases: asking, looking, taking back.

use super::{HOME, Kind, Refused, ask as take, case_of, overview, plan, receipt_path, state_of, texts::EN, told};
use crate::{Accounts, chrome::Frame, profile::ways};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{
    AccountCaller, Failure, Form as Sent, FormToken, input::Ids, problem::Answer, see_other, session::LiveSession,
};
use privacy::case::{self, Own, State as Far};
use serde::Deserialize;
use store::StoreError;
use ui::{Act, Facts, Field, Form, Links, Page, Section, Tone};
use uuid::Uuid;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Typed {
    kind: String,
    email: String,
}

/// What somebody answers.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Answered {
    answer: String,
}

/// POST /account/data/requests.
pub(super) async fn ask(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Sent(typed): Sent<Typed>,
) -> Answer<Response> {
    let kind: Kind = typed.kind.parse().map_err(ingress::problem::unacceptable)?;
    taken(&accounts, &session, &token, kind, &typed.email).await
}

/// POST /account/data/erase.
pub(super) async fn ask_erasure(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Sent(typed): Sent<Typed>,
) -> Answer<Response> {
    taken(&accounts, &session, &token, Kind::Erasure, &typed.email).await
}

async fn taken(
    accounts: &Accounts,
    session: &LiveSession,
    token: &FormToken,
    kind: Kind,
    email: &str,
) -> Answer<Response> {
    let (status, words) = match take(accounts, session, kind, email).await? {
        Ok(case) => return Ok(see_other(&format!("{HOME}/requests/{}", case.id))),
        Err(Refused::Address) => (StatusCode::UNPROCESSABLE_ENTITY, EN.email_wrong.to_owned()),
        Err(Refused::Rule(why)) => (StatusCode::UNPROCESSABLE_ENTITY, why),
        Err(Refused::Open(why)) => (StatusCode::CONFLICT, why.to_owned()),
    };
    if kind == Kind::Erasure {
        return plan::render(accounts, session, token, status, Some(&words)).await;
    }
    overview::render(accounts, session, token, status, None, Some((kind, &words))).await
}

/// GET /account/data/requests/{case}.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let own = case_of(&accounts, session.account, id).await?;
    let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: HOME };
    frame.show(&page(&accounts, &own, token.as_str(), None)).await
}

/// What was typed as an answer, and what is wrong with it.
type Wrong<'a> = (&'a str, &'a str);

fn page(accounts: &Accounts, own: &Own, csrf: &str, wrong: Option<Wrong<'_>>) -> Page {
    let case = &own.case;
    let path = format!("{HOME}/requests/{}", case.id);
    let mut facts = Facts::new()
        .fact(EN.what, EN.kind(case.kind))
        .fact(EN.state_head, state_of(case))
        .html(EN.asked, ui::moment(case.opened_at))
        .html(EN.due, ui::moment(case.due_at));
    if let Some(closed) = case.closed_at {
        facts = facts.html(EN.closed, ui::moment(closed));
    }
    let notice = own.notice.as_deref().map(|words| told(EN.notice, words));
    let answered = own.answer.as_deref().map(|words| told(EN.answered, words));
    let copy = (case.state == Far::Done && matches!(case.kind, Kind::Access | Kind::Portability)).then(|| {
        let links = Links::new()
            .link(format!("{path}/package.html"), EN.copy_html)
            .link(format!("{path}/package.json"), EN.copy_json)
            .link(format!("{path}/package.zip"), EN.copy_zip);
        Section::new(EN.copy).add(ui::Prose::soft(EN.copy_lead)).add(links)
    });
    let receipt = Section::new(EN.receipt)
        .add(ui::Prose::soft(EN.receipt_keep))
        .add(Facts::new().code(EN.receipt_address, accounts.link(&receipt_path(case))))
        .add(Links::new().link(receipt_path(case), EN.receipt));
    let waits = (case.state == Far::Paused).then(|| {
        let words = Field::area("answer", EN.answer_words, 4)
            .optional()
            .hint(EN.answer_hint)
            .error(wrong.map(|(_, why)| why))
            .value(wrong.map_or("", |(typed, _)| typed))
            .longest(2_000);
        Form::post(format!("{path}/answer"), csrf, EN.answer).title(EN.answer).lead(EN.answer_lead).field(words)
    });
    let open = matches!(case.state, Far::Open | Far::Paused);
    let back = open.then(|| Act::new(format!("{path}/withdraw"), csrf, EN.withdraw).tone(Tone::Danger));
    Page::new(EN.title(case.kind))
        .add(ways(HOME))
        .add(notice)
        .add(answered)
        .add(facts)
        .add(copy)
        .add(waits)
        .add(receipt)
        .add(back)
        .add(Links::new().link(HOME, EN.back))
}

/// POST /account/data/requests/{case}/withdraw.
pub(super) async fn withdraw(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let done = store::rights::cases::withdraw(accounts.store(), session.account, id).await;
    finish(done, &format!("{HOME}?done=withdrawn"))
}

/// POST /account/data/requests/{case}/answer.
pub(super) async fn answered(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Ids(id): Ids<Uuid>,
    Sent(answered): Sent<Answered>,
) -> Answer<Response> {
    let words = &answered.answer;
    let done = case::answered(accounts.store(), accounts.calendar(), session.account, id, words).await;
    let Err(StoreError::Invalid(why)) = done else { return finish(done, &format!("{HOME}/requests/{id}")) };
    let own = case_of(&accounts, session.account, id).await?;
    let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: HOME };
    let page = page(&accounts, &own, token.as_str(), Some((words, &why))).error(Some(&why));
    frame.again(StatusCode::UNPROCESSABLE_ENTITY, &page).await
}

fn finish(done: Result<(), StoreError>, to: &str) -> Answer<Response> {
    done.map(|()| see_other(to)).map_err(Failure::from)
}
