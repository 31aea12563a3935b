//! Where somebody is signed in, and ending it.

use crate::{
    Accounts,
    chrome::Frame,
    policy,
    profile::{Done, ways},
    texts::ACCOUNT,
};
use axum::{extract::State, http::header::SET_COOKIE, response::Response};
use ingress::{AccountCaller, FormToken, Route, RouteTable, cookie, input::Ids, problem::Answer, see_other};
use kernel::SessionId;
use store::sessions;
use ui::{Act, Cell, Notice, Page, Table, Tone};

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/account/sessions", policy::OWN_PAGE, show, accounts),
        Route::post_with("/account/sessions/{id}/revoke", policy::OWN_FRESH, revoke, accounts),
        Route::post_with("/account/sessions/revoke-others", policy::OWN_FRESH, revoke_others, accounts),
    ])
}

async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(done): ingress::Query<Done>,
) -> Answer<Response> {
    let csrf = token.as_str();
    let mut table = Table::new(ACCOUNT.sessions, [ACCOUNT.device, ACCOUNT.begun, ACCOUNT.seen, ""]);
    let listed = sessions::list(accounts.store(), session.account).await?;
    let others = listed.len() > 1;
    for one in listed {
        let (is_this, note) = match (one.id == session.id, one.pending) {
            (true, _) => (true, ""),
            (false, true) => (false, ACCOUNT.owing),
            (false, false) => (false, ""),
        };
        let end = Act::new(format!("/account/sessions/{}/revoke", one.id), csrf, ACCOUNT.end).about(&one.device);
        let end = if is_this { Cell::badge(ACCOUNT.this_one) } else { Cell::part(end.tone(Tone::Danger)) };
        let seen = Cell::moment(one.seen_at);
        table = table.row([Cell::lines(one.device, note), Cell::moment(one.created_at), seen, end]);
    }
    let notice = (done.done == "ended").then(|| Notice::done(ACCOUNT.ended, ""));
    let all = others.then(|| Act::new("/account/sessions/revoke-others", csrf, ACCOUNT.end_others).tone(Tone::Danger));
    let page = Page::new(ACCOUNT.sessions)
        .lead(ACCOUNT.sessions_lead)
        .add(ways("/account/sessions"))
        .add(notice)
        .add(table)
        .add(all);
    let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/account/sessions" };
    frame.show(&page).await
}

async fn revoke(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<SessionId>,
) -> Answer<Response> {
    sessions::revoke(accounts.store(), session.account, id).await?;
    if id == session.id {
        let mut answer = see_other("/sign-in?done=out");
        answer.headers_mut().append(SET_COOKIE, cookie::clear(cookie::SESSION));
        return Ok(answer);
    }
    Ok(see_other("/account/sessions?done=ended"))
}

async fn revoke_others(State(accounts): State<Accounts>, AccountCaller(session): AccountCaller) -> Answer<Response> {
    sessions::revoke_all(accounts.store(), session.account, Some(session.id)).await?;
    Ok(see_other("/account/sessions?done=ended"))
}
