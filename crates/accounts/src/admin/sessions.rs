//! Signing somebody out everywhere, whose account is in wrong hands.

use super::texts::EN;
use crate::{
    Accounts,
    letters::{self, Topic},
    profile::Done,
    team::view::Viewer,
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{form::Form, gate::AccountCaller, problem::Answer, reply::see_other};
use serde::Deserialize;
use store::{accounts::by_email, sessions};
use ui::{Field, Form as Sheet, Links, Notice, Page, Tone};

/// The longest reason, in characters.
const LONGEST: usize = 500;

/// Whose sessions, and why.
#[derive(Default, Deserialize)]
pub(super) struct Whose {
    email: String,
    reason: String,
}

#[derive(Default)]
struct Wrong {
    email: Option<&'static str>,
    reason: Option<String>,
}

/// GET /admin/sessions.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    viewer: Viewer,
    ingress::Query(done): ingress::Query<Done>,
) -> Answer<Response> {
    let notice = (done.done == "ended").then(|| Notice::done(EN.sessions_ended, ""));
    render(&accounts, &viewer, Whose::default(), Wrong::default(), notice).await
}

/// POST /admin/sessions/end.
pub(super) async fn end(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Form(whose): Form<Whose>,
) -> Answer<Response> {
    let reason = whose.reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > LONGEST {
        let wrong = Wrong { reason: Some(format!("a reason has one to {LONGEST} characters")), ..Wrong::default() };
        return render(&accounts, &viewer, whose, wrong, None).await;
    }
    let Some(account) = by_email(accounts.store(), &whose.email).await? else {
        let wrong = Wrong { email: Some(EN.nobody), ..Wrong::default() };
        return render(&accounts, &viewer, whose, wrong, None).await;
    };
    sessions::revoke_all_by(accounts.store(), account.id, caller.account).await?;
    letters::to_owner(&accounts, account.id, &Topic::SessionsEnded(reason)).await?;
    Ok(see_other("/admin/sessions?done=ended"))
}

async fn render(
    accounts: &Accounts,
    viewer: &Viewer,
    typed: Whose,
    wrong: Wrong,
    notice: Option<Notice>,
) -> Answer<Response> {
    let failed = wrong.email.is_some() || wrong.reason.is_some();
    let reason = Field::text("reason", EN.reason).hint(EN.sessions_reason_hint).value(typed.reason).error(wrong.reason);
    let sheet = Sheet::post("/admin/sessions/end", viewer.csrf(), EN.sessions_end)
        .field(Field::email("email", EN.address).autocomplete("off").value(typed.email).error(wrong.email))
        .field(reason.longest(500))
        .tone(Tone::Danger);
    let page =
        Page::new(EN.sessions).lead(EN.sessions_lead).add(notice).add(sheet).add(Links::new().link("/admin", EN.back));
    let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    viewer.show(accounts, "/admin", status, &page).await
}
