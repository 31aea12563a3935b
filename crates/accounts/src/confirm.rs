//! Step-up: whoever is signed in shows once more that it is them, before what is dangerous. Whoever has a second factor gives
//! that one: a password alone must not undo it.

use crate::{
    Accounts,
    chrome::Frame,
    entry,
    factor::{self, Checked},
    lockout::{self, Turn},
    policy,
    second::own,
    sign_up::refused,
    texts::{ACCOUNT, ENTRY, fill},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ingress::{AccountCaller, Form, FormToken, Route, RouteTable, problem::Answer, see_other};
use serde::Deserialize;
use store::{accounts::Account, sessions};
use ui::{Field, Links, Page, Passkey, Prose};

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/confirm", policy::OWN_PAGE, show, accounts),
        Route::post_with("/confirm", policy::OWN_GUESS, give, accounts),
    ])
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Confirm {
    password: String,
    code: String,
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
}

/// Whether a code is asked for rather than the password.
const fn by_factor(account: &Account) -> bool {
    account.has_totp || account.has_passkeys
}

fn form(token: &FormToken, account: &Account, next: &str, wrong: Option<&str>) -> Page {
    let page = Page::new(ENTRY.confirm).lead(ENTRY.confirm_lead);
    let field = if by_factor(account) {
        let hint = if account.has_totp { ENTRY.code_hint } else { ENTRY.recovery_hint };
        Field::code("code", ENTRY.code).hint(hint).longest(40)
    } else if account.password_hash.is_some() {
        Field::password("password", ENTRY.password)
    } else {
        return page.add(Prose::new(ENTRY.confirm_none)).add(Links::new().link("/forgot", ENTRY.forgot));
    };
    let key = account.has_passkeys.then(|| {
        Passkey::sign_in("/confirm/passkey/options", "/confirm/passkey", token.as_str())
            .says(ENTRY.passkey_use, ENTRY.passkey_failed)
            .next(next)
    });
    let form = ui::Form::post("/confirm", token.as_str(), ENTRY.confirm_button)
        .field(field.error(wrong).focus())
        .field(Field::hidden("next", next));
    if account.has_totp { page.add(form).add(key) } else { page.add(key).add(form) }
}

async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(asked): ingress::Query<Asked>,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/confirm" };
    frame.show(&form(&token, &account, &asked.next, None)).await
}

async fn give(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    headers: HeaderMap,
    Form(typed): Form<Confirm>,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    let checked = if by_factor(&account) {
        factor::check(&accounts, &account, &typed.code, &headers).await?
    } else {
        password(&accounts, &account, &typed.password).await?
    };
    let (status, wrong) = match checked {
        Checked::Right => {
            let renewed = sessions::confirm(accounts.store(), session.account, session.id).await?;
            return Ok(entry::with_session(see_other(entry::target(&accounts, &typed.next)), &accounts, &renewed));
        }
        Checked::Wrong if by_factor(&account) => (StatusCode::UNPROCESSABLE_ENTITY, ENTRY.code_wrong.to_owned()),
        Checked::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, ENTRY.password_wrong.to_owned()),
        Checked::Shut => (StatusCode::TOO_MANY_REQUESTS, ENTRY.code_shut.to_owned()),
        Checked::Later(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, fill(ACCOUNT.too_many, &[("minutes", &lockout::wait_words(wait))]))
        }
    };
    let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/confirm" };
    frame.again(status, &form(&token, &account, &typed.next, Some(&wrong))).await
}

/// Tries the password of somebody who is signed in.
pub(crate) async fn password(accounts: &Accounts, account: &Account, typed: &str) -> Answer<Checked> {
    let counted = match lockout::code(accounts, account.id).await? {
        Turn::Yes(counted) => counted,
        Turn::Later(wait) => return Ok(Checked::Later(wait)),
    };
    let stored = account.password_hash.as_deref();
    if !accounts.settings().hasher.verify(stored, typed).await.map_err(refused)?.ok {
        return Ok(Checked::Wrong);
    }
    counted.forget(accounts).await?;
    Ok(Checked::Right)
}
