//! Setting up and removing an authenticator app.

use crate::{
    Accounts,
    chrome::Frame,
    entry, factor,
    letters::Topic,
    lockout::{self, Turn},
    policy,
    second::own,
    security::recovery_page,
    texts::{ACCOUNT, ENTRY, fill},
};
use axum::{extract::State, http::StatusCode, response::Response};
use identity::{
    encode::{base64url, from_base64url},
    qr,
    totp::Secret,
};
use ingress::{
    AccountCaller, Form, FormToken, Route, RouteTable,
    problem::{Answer, internal},
    see_other,
    session::LiveSession,
};
use kernel::Span;
use serde::Deserialize;
use store::{
    accounts::Account,
    factors, one_time,
    sessions::{self, Strength},
};
use ui::{Facts, Field, Html, Links, Notice, Page};

/// What keeps the key until the app has shown that it has it.
const SETUP: &str = "totp-setup";
/// How long that may take.
const SETUP_FOR: Span = Span::minutes(15);

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::post_with("/account/totp/start", policy::OWN_FRESH, start, accounts),
        Route::post_with("/account/totp", policy::OWN_FRESH, finish, accounts),
        Route::post_with("/account/totp/remove", policy::OWN_FRESH, remove, accounts),
    ])
}

const fn frame<'a>(accounts: &'a Accounts, session: &'a LiveSession, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: Some(session), token, path: "/account/security" }
}

fn setup_page(
    accounts: &Accounts,
    token: &FormToken,
    account: &Account,
    secret: &Secret,
    state: &str,
    wrong: Option<&str>,
) -> Page {
    let uri = secret.uri(&accounts.settings().service, &account.email);
    // The drawing is ours from end to end: modules as a path, and a title that is escaped.
    let drawing = qr::svg(&uri, ACCOUNT.totp_qr).unwrap_or_default().replacen("<svg ", "<svg class=\"qr\" ", 1);
    let form = ui::Form::post("/account/totp", token.as_str(), ACCOUNT.totp_finish)
        .field(Field::hidden("state", state))
        .field(Field::code("code", ENTRY.code).hint(ACCOUNT.totp_code_hint).error(wrong).longest(12).focus());
    Page::new(ACCOUNT.totp_setup)
        .lead(ACCOUNT.totp_setup_lead)
        .add(Html::drawing(&drawing))
        .add(Facts::new().code(ACCOUNT.totp_typed, secret.typed()))
        .add(form)
        .add(Links::new().link("/account/security", ACCOUNT.security_back))
}

async fn start(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    if account.has_totp {
        return Ok(see_other("/account/security"));
    }
    let secret = Secret::random().map_err(internal)?;
    one_time::void(accounts.store(), account.id, SETUP).await?;
    let kept = base64url(secret.expose());
    let state = one_time::issue(accounts.store(), Some(account.id), SETUP, &kept, SETUP_FOR).await?;
    let page = setup_page(&accounts, &token, &account, &secret, state.expose(), None);
    frame(&accounts, &session, &token).show(&page).await
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Finish {
    state: String,
    code: String,
}

async fn finish(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Form(typed): Form<Finish>,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    let kept = one_time::peek(accounts.store(), &typed.state, SETUP).await?;
    let kept = kept.filter(|kept| kept.account == Some(account.id)).map(|kept| kept.payload);
    let secret = kept.and_then(|kept| Secret::from_bytes(&from_base64url(&kept)?));
    let Some(secret) = secret.filter(|_| !account.has_totp) else { return Ok(see_other("/account/security")) };
    let counted = match lockout::code(&accounts, account.id).await? {
        Turn::Yes(counted) => counted,
        Turn::Later(wait) => {
            let words = fill(ACCOUNT.too_many, &[("minutes", &lockout::wait_words(wait))]);
            let page = setup_page(&accounts, &token, &account, &secret, &typed.state, Some(&words));
            return frame(&accounts, &session, &token).again(StatusCode::TOO_MANY_REQUESTS, &page).await;
        }
    };
    let Some(step) = secret.verify(&typed.code, accounts.now(), None) else {
        let page = setup_page(&accounts, &token, &account, &secret, &typed.state, Some(ENTRY.code_wrong));
        return frame(&accounts, &session, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
    };
    counted.forget(&accounts).await?;
    if one_time::take(accounts.store(), &typed.state, SETUP).await?.is_none() {
        return Ok(see_other("/account/security"));
    }
    let factor = factors::add_totp(accounts.store(), account.id, secret.expose(), ACCOUNT.totp_title).await?;
    // The code that was just shown is used up.
    factors::use_totp_step(accounts.store(), account.id, factor, u64::try_from(step).map_err(internal)?).await?;
    accounts.tell(account.id, &account.email, &Topic::FactorAdded(ACCOUNT.totp_title)).await;
    enrolled(&accounts, &session, &token, ACCOUNT.totp_done).await
}

/// After a factor was added: the session has given it, other codes are made where there were none.
async fn enrolled(accounts: &Accounts, session: &LiveSession, token: &FormToken, done: &str) -> Answer<Response> {
    let notice = Notice::done(done, "");
    let left = factors::recovery_codes_left(accounts.store(), session.account).await?;
    let answer = if left == 0 {
        let codes = factor::new_recovery_codes(accounts, session.account).await?;
        frame(accounts, session, token).show(&recovery_page(Some(notice), &codes)).await?
    } else {
        see_other("/account/security?done=totp")
    };
    // Sessions that began without the factor must give it: they sign in again.
    sessions::revoke_all(accounts.store(), session.account, Some(session.id)).await?;
    let renewed = sessions::strengthen(accounts.store(), session.account, session.id, Strength::Second).await?;
    Ok(entry::with_session(answer, accounts, &renewed))
}

async fn remove(State(accounts): State<Accounts>, AccountCaller(session): AccountCaller) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    if account.has_totp {
        factors::remove_totp(accounts.store(), account.id).await?;
        accounts.tell(account.id, &account.email, &Topic::FactorRemoved(ACCOUNT.totp_title)).await;
    }
    let renewed = sessions::rotate(accounts.store(), session.account, session.id).await?;
    Ok(entry::with_session(see_other("/account/security?done=totp-removed"), &accounts, &renewed))
}
