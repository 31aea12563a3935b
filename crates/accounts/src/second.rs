//! The second factor at sign-in. Until it is given, the session opens nothing but this page and the way out.

use crate::{
    Accounts,
    chrome::Frame,
    entry,
    factor::{self, Checked},
    lockout, policy,
    texts::{ACCOUNT, ENTRY, fill},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ingress::{AccountCaller, Form, FormToken, Route, RouteTable, problem::Answer, see_other};
use kernel::Problem;
use serde::Deserialize;
use store::{
    accounts::{self, Account},
    sessions::{self, Strength},
};
use ui::{Act, Acts, Field, Page, Passkey};

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/sign-in/second", policy::SECOND_PAGE, show, accounts),
        Route::post_with("/sign-in/second", policy::SECOND_FORM, give, accounts),
    ])
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Second {
    code: String,
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
}

fn form(token: &FormToken, account: &Account, next: &str, wrong: Option<&str>) -> Page {
    let (lead, hint) = if account.has_totp {
        (ENTRY.second_lead, ENTRY.code_hint)
    } else {
        (ENTRY.second_passkey_lead, ENTRY.recovery_hint)
    };
    let key = account.has_passkeys.then(|| {
        Passkey::sign_in("/sign-in/passkey/options", "/sign-in/passkey", token.as_str())
            .says(ENTRY.passkey_use, ENTRY.passkey_failed)
            .next(next)
    });
    let form = ui::Form::post("/sign-in/second", token.as_str(), ENTRY.continue_button)
        .field(Field::code("code", ENTRY.code).hint(hint).error(wrong).longest(40).focus())
        .field(Field::hidden("next", next));
    let page = Page::new(ENTRY.second).lead(lead);
    // First what the lead speaks of.
    let page = if account.has_totp { page.add(form).add(key) } else { page.add(key).add(form) };
    page.add(Acts::of([Act::new("/sign-out", token.as_str(), ENTRY.second_leave)]))
}

async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(asked): ingress::Query<Asked>,
) -> Answer<Response> {
    if !session.pending {
        return Ok(see_other(entry::target(&accounts, &asked.next)));
    }
    let account = own(&accounts, &session).await?;
    frame(&accounts, &token).show(&form(&token, &account, &asked.next, None)).await
}

const fn frame<'a>(accounts: &'a Accounts, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: None, token, path: "/sign-in/second" }
}

/// The account of whoever is signed in.
pub(crate) async fn own(accounts: &Accounts, session: &ingress::session::LiveSession) -> Answer<Account> {
    Ok(accounts::by_id(accounts.store(), session.account).await?.ok_or_else(Problem::unauthorized)?)
}

async fn give(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    headers: HeaderMap,
    Form(typed): Form<Second>,
) -> Answer<Response> {
    if !session.pending {
        return Ok(see_other(entry::target(&accounts, &typed.next)));
    }
    let account = own(&accounts, &session).await?;
    let (status, wrong) = match factor::check(&accounts, &account, &typed.code, &headers).await? {
        Checked::Right => {
            let done = sessions::complete(accounts.store(), session.account, session.id, Strength::Second).await?;
            return entry::welcome(&accounts, session.account, &done, &typed.next, &headers).await;
        }
        Checked::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, ENTRY.code_wrong.to_owned()),
        Checked::Shut => (StatusCode::TOO_MANY_REQUESTS, ENTRY.code_shut.to_owned()),
        Checked::Later(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, fill(ACCOUNT.too_many, &[("minutes", &lockout::wait_words(wait))]))
        }
    };
    frame(&accounts, &token).again(status, &form(&token, &account, &typed.next, Some(&wrong))).await
}
