//! Signing in with a password, and leaving.

use crate::{
    Accounts,
    chrome::Frame,
    context::signed_in,
    entry::{self, Entry},
    letters::Topic,
    lockout::{self, Counted, MOST_FAILURES, Turn},
    pace::Pace,
    policy,
    provider::gate,
    reset,
    sign_up::refused,
    texts::{ENTRY, fill},
};
use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{RETRY_AFTER, SET_COOKIE},
    },
    response::Response,
};
use identity::{
    Rules,
    passwords::{About, Weakness},
};
use ingress::{
    AccountCaller, Form, FormToken, Route, RouteTable, cookie, gate::Visitor, peer::Peer, problem::Answer, see_other,
};
use serde::Deserialize;
use std::time::Duration;
use store::{
    accounts::{self, Account},
    sessions::Strength,
};
use ui::{Act, Acts, Field, Links, Notice, Page, Passkey};

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/sign-in", policy::OPEN_PAGE, show, accounts),
        Route::post_with("/sign-in", policy::SIGN_IN_FORM, enter, accounts),
        Route::post_with("/sign-out", policy::LEAVE, leave, accounts),
    ])
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
    done: String,
}

fn form(accounts: &Accounts, token: &FormToken, typed: &SignIn, wrong: Option<&str>) -> Page {
    let form = ui::Form::post("/sign-in", token.as_str(), ENTRY.sign_in_button)
        .field(
            Field::email("email", ENTRY.email)
                .value(&typed.email)
                .autocomplete("username webauthn")
                .longest(254)
                .focus(),
        )
        .field(Field::password("password", ENTRY.password))
        .field(Field::hidden("next", &typed.next));
    let key = Passkey::sign_in("/sign-in/passkey/options", "/sign-in/passkey", token.as_str())
        .says(ENTRY.passkey_button, ENTRY.passkey_failed)
        .next(&typed.next);
    let sign_up = ingress::with_next("/sign-up", &typed.next);
    let links = Links::new()
        .link("/forgot", ENTRY.forgot_link)
        .link(sign_up, ENTRY.no_account)
        .link("/sign-in/saml", ENTRY.company_link);
    Page::new(ENTRY.sign_in).error(wrong).add(form).add(key).add(providers(accounts, token, &typed.next)).add(links)
}

/// A button for each provider that is offered.
fn providers(accounts: &Accounts, token: &FormToken, next: &str) -> Acts {
    let act = |(name, title): (String, String)| {
        let label = fill(ENTRY.provider_button, &[("provider", &title)]);
        Act::new(format!("/sign-in/with/{name}"), token.as_str(), label).with("next", next)
    };
    Acts::of(accounts.settings().providers.buttons().into_iter().map(act))
}

async fn show(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    ingress::Query(asked): ingress::Query<Asked>,
) -> Answer<Response> {
    if signed_in(&visitor).is_some() {
        return Ok(see_other(entry::target(&accounts, &asked.next)));
    }
    let done = match asked.done.as_str() {
        "reset" => Some(Notice::done(ENTRY.reset_done, ENTRY.reset_done_text)),
        "out" => Some(Notice::done(ENTRY.signed_out, "")),
        _ => None,
    };
    let typed = SignIn { next: asked.next, ..SignIn::default() };
    let page = form(&accounts, &token, &typed, None);
    // The notice stands above the form: a page is read from its head.
    let page = match done {
        Some(done) => Page::new(ENTRY.sign_in).add(done).merge(page),
        None => page,
    };
    frame(&accounts, &token).show(&page).await
}

const fn frame<'a>(accounts: &'a Accounts, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: None, token, path: "/sign-in" }
}

/// What came of an attempt.
enum Attempt {
    Right(Box<Account>),
    Wrong,
    Later(Duration),
}

async fn enter(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    peer: Peer,
    token: FormToken,
    headers: HeaderMap,
    Form(typed): Form<SignIn>,
) -> Answer<Response> {
    let pace = Pace::begin(accounts.settings().pace);
    let attempt = attempt(&accounts, &typed, peer, &headers).await;
    if let Ok(Attempt::Right(account)) = attempt {
        let pending = owes(&account);
        if !pending && is_short(&typed.password) {
            return outgrown(&accounts, &token, &account).await;
        }
        let entry =
            Entry { account: account.id, strength: Strength::Password, pending, proved_at: None, next: &typed.next };
        return entry.open(&accounts, visitor.0.as_ref(), &headers).await;
    }
    // From here on nothing may tell an address that is somebody's from one that is nobody's.
    let answer = match attempt {
        Ok(Attempt::Later(wait)) => later(&accounts, &token, &typed, wait).await,
        Ok(_) => {
            let page = form(&accounts, &token, &typed, Some(ENTRY.sign_in_wrong));
            frame(&accounts, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await
        }
        Err(failure) => Err(failure),
    };
    pace.settle().await;
    answer
}

/// Whether a second factor is owed after the password.
const fn owes(account: &Account) -> bool {
    account.has_totp || account.has_passkeys
}

/// Whether a password is too short to be the only factor.
fn is_short(password: &str) -> bool {
    let found = Rules::new().weaknesses(password, &About { second_factor: false, words: &[] });
    found.iter().any(|weakness| matches!(weakness, Weakness::TooShort(_)))
}

/// The password was set beside a second factor that is gone: it opens nothing, and its owner chooses another by mail.
async fn outgrown(accounts: &Accounts, token: &FormToken, account: &Account) -> Answer<Response> {
    reset::write_to(accounts, &account.email).await;
    let page = Page::new(ENTRY.check_mail).add(Notice::warning(ENTRY.outgrown, ENTRY.outgrown_lead));
    frame(accounts, token).again(StatusCode::FORBIDDEN, &page).await
}

async fn later(accounts: &Accounts, token: &FormToken, typed: &SignIn, wait: Duration) -> Answer<Response> {
    let words = fill(ENTRY.sign_in_later, &[("minutes", &lockout::wait_words(wait))]);
    let page = form(accounts, token, typed, Some(&words));
    let mut answer = frame(accounts, token).again(StatusCode::TOO_MANY_REQUESTS, &page).await?;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    Ok(answer)
}

async fn attempt(accounts: &Accounts, typed: &SignIn, peer: Peer, headers: &HeaderMap) -> Answer<Attempt> {
    let account = accounts::by_email(accounts.store(), &typed.email).await?;
    let whose = account.as_ref().map(|account| account.id);
    let counted = match lockout::password(accounts, &typed.email, whose, peer, headers).await? {
        Turn::Yes(counted) => counted,
        Turn::Later(wait) => return Ok(Attempt::Later(wait)),
    };
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let verified = accounts.settings().hasher.verify(stored, &typed.password).await.map_err(refused)?;
    let Some(account) = account else { return Ok(Attempt::Wrong) };
    let shut = account.failures >= MOST_FAILURES && !counted.known;
    if !verified.ok || shut {
        if !verified.ok {
            count_failure(accounts, &account);
        }
        return Ok(Attempt::Wrong);
    }
    right(accounts, &account, counted, verified.rehash.then_some(typed.password.as_str())).await?;
    Ok(Attempt::Right(Box::new(account)))
}

/// Counts a wrong password, after the answer.
fn count_failure(accounts: &Accounts, account: &Account) {
    let (accounts, id, email) = (accounts.clone(), account.id, account.email.clone());
    tokio::spawn(async move {
        match accounts::failed(accounts.store(), id).await {
            Ok(MOST_FAILURES) => accounts.tell(id, &email, &Topic::Locked).await,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "a wrong password was not counted"),
        }
    });
}

async fn right(accounts: &Accounts, account: &Account, counted: Counted, rehash: Option<&str>) -> Answer<()> {
    counted.forget(accounts).await?;
    // Where a second factor is owed, the row of wrong attempts ends with that one.
    if account.failures > 0 && !owes(account) {
        accounts::succeeded(accounts.store(), account.id).await?;
    }
    if let Some(password) = rehash {
        let hash = accounts.settings().hasher.hash(password).await.map_err(refused)?;
        accounts::rehash(accounts.store(), account.id, &hash).await?;
    }
    Ok(())
}

async fn leave(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    headers: HeaderMap,
) -> Answer<Response> {
    entry::end(&accounts, &session).await?;
    gate::end(accounts.store(), &session).await?;
    let mut answer = see_other("/sign-in?done=out");
    answer.headers_mut().append(SET_COOKIE, cookie::clear(cookie::SESSION));
    if cookie::get(&headers, gate::COOKIE).is_some() {
        answer.headers_mut().append(SET_COOKIE, cookie::clear(gate::COOKIE));
    }
    Ok(answer)
}
