//! Access tokens for programs.

use crate::{
    Accounts,
    chrome::Frame,
    input, policy,
    profile::{Done, ways},
    texts::ACCOUNT,
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{
    AccountCaller, Auth, Caller, Form, FormToken, Policy, Route, RouteTable, input::Ids, problem::Answer, see_other,
    session::LiveSession,
};
use kernel::{Span, access::Permission};
use serde::Deserialize;
use store::{accounts, tenancy::LONGEST_TOKEN};
use ui::{Act, Cell, Field, Links, Notice, Page, Scroll, Table, Tone};
use uuid::Uuid;

/// A token belongs to a membership, so a team must be active.
const MEMBER: Auth = Auth::Person(Permission::OwnAccount);

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    let form = Policy { auth: MEMBER, ..policy::OWN_FRESH };
    RouteTable::new([
        Route::get_with("/account/tokens", Policy::page(MEMBER), show, accounts),
        Route::post_with("/account/tokens", form, make, accounts),
        Route::post_with("/account/tokens/{id}/revoke", Policy { fresh: false, ..form }, revoke, accounts),
    ])
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewToken {
    label: String,
    days: String,
}

/// For how many days a token may be made; the longest when nobody chooses.
const DAYS: [(u64, &str); 4] =
    [(365, ACCOUNT.token_year), (90, ACCOUNT.token_quarter), (30, ACCOUNT.token_month), (1, ACCOUNT.token_day)];

/// The life that was chosen; `None` for one that is not offered.
fn life(days: &str) -> Option<Span> {
    if days.is_empty() {
        return Some(LONGEST_TOKEN);
    }
    DAYS.into_iter().find(|(offered, _)| offered.to_string() == days).map(|(offered, _)| Span::days(offered))
}

async fn page(
    accounts: &Accounts,
    caller: Caller,
    token: &FormToken,
    wrong: Option<&str>,
    notice: Option<Notice>,
) -> Answer<Page> {
    let csrf = token.as_str();
    let heads = [ACCOUNT.named, ACCOUNT.added, ACCOUNT.token_until, ""];
    let now = accounts.now();
    let mut table = Table::new(ACCOUNT.tokens, heads).empty(ACCOUNT.tokens_none);
    for one in accounts::tokens(accounts.store(), caller.tenant, caller.person).await? {
        let label = one.label.unwrap_or_default();
        let revoke = Act::new(format!("/account/tokens/{}/revoke", one.id), csrf, ACCOUNT.token_revoke).about(&label);
        let until =
            if one.expires_at > now { Cell::part(ui::day(one.expires_at)) } else { Cell::text(ACCOUNT.token_expired) };
        let added = Cell::part(ui::day(one.created_at));
        table = table.row([Cell::text(&label), added, until, Cell::part(revoke.tone(Tone::Danger))]);
    }
    let form = ui::Form::post("/account/tokens", csrf, ACCOUNT.token_make)
        .title(ACCOUNT.token_new)
        .field(Field::text("label", ACCOUNT.token_label).hint(ACCOUNT.token_label_hint).error(wrong).longest(100))
        .field(Field::select("days", ACCOUNT.token_life, DAYS.map(|(days, words)| (days.to_string(), words))));
    Ok(Page::new(ACCOUNT.tokens)
        .lead(ACCOUNT.tokens_lead)
        .add(ways("/account/tokens"))
        .add(notice)
        .add(table)
        .add(form))
}

async fn show(
    State(accounts): State<Accounts>,
    caller: Caller,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(done): ingress::Query<Done>,
) -> Answer<Response> {
    let notice = (done.done == "revoked").then(|| Notice::done(ACCOUNT.token_revoked, ""));
    let page = page(&accounts, caller, &token, None, notice).await?;
    frame(&accounts, &session, &token).show(&page).await
}

const fn frame<'a>(accounts: &'a Accounts, session: &'a LiveSession, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: Some(session), token, path: "/account/tokens" }
}

async fn make(
    State(accounts): State<Accounts>,
    caller: Caller,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Form(typed): Form<NewToken>,
) -> Answer<Response> {
    let named = input::name(&typed.label, ACCOUNT.token_label_missing);
    let chosen = named.and_then(|label| Ok((label, life(&typed.days).ok_or(ACCOUNT.token_life_missing)?)));
    let (label, lives) = match chosen {
        Ok(chosen) => chosen,
        Err(wrong) => {
            let page = page(&accounts, caller, &token, Some(wrong), None).await?;
            return frame(&accounts, &session, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let made = accounts::new_token(accounts.store(), caller.tenant, caller.person, label, lives).await?;
    let page = Page::new(ACCOUNT.token_shown)
        .lead(ACCOUNT.token_shown_lead)
        .add(Scroll::new(ACCOUNT.token_field, [made.expose()]))
        .add(Links::new().button("/account/tokens", ACCOUNT.token_kept, Tone::Main));
    frame(&accounts, &session, &token).show(&page).await
}

async fn revoke(State(accounts): State<Accounts>, caller: Caller, Ids(id): Ids<Uuid>) -> Answer<Response> {
    accounts::revoke_token(accounts.store(), caller.tenant, caller.person, id).await?;
    Ok(see_other("/account/tokens?done=revoked"))
}
