//! Passkeys: signing in with one, giving one as the second factor, confirming with one, adding and removing them. The script
//! fetches options, asks the browser, and posts what it says; the answer names where to go on.

use crate::{
    Accounts,
    context::signed_in,
    entry::{self, Entry},
    letters::Topic,
    policy,
    second::own,
    texts::ACCOUNT,
};
use axum::{
    Json as Reply,
    extract::State,
    http::{
        HeaderMap, HeaderValue,
        header::{LOCATION, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};
use identity::passkeys::{Challenge, Passkey, Person, Purpose, Refusal, credential_id};
use ingress::{
    AccountCaller, FormToken, Route, RouteTable,
    gate::Visitor,
    input::{Ids, Json},
    problem::{Answer, Failure, internal},
    see_other,
    session::LiveSession,
};
use kernel::{AccountId, Problem, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    StoreError,
    accounts::{self, Account},
    factors, one_time,
    sessions::{self, Strength},
};
use uuid::Uuid;

/// What keeps a challenge until it is answered.
const USE: &str = "passkey";
/// The same for a new passkey.
const MAKE: &str = "passkey-new";
/// How long that may take.
const PATIENCE: Span = Span::minutes(5);
/// The longest name of a passkey, in characters.
const LONGEST_LABEL: usize = 60;

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::post_with("/sign-in/passkey/options", policy::OPEN_CALL, sign_in_options, accounts),
        Route::post_with("/sign-in/passkey", policy::OPEN_CALL, sign_in, accounts),
        Route::post_with("/confirm/passkey/options", policy::CONFIRM_CALL, confirm_options, accounts),
        Route::post_with("/confirm/passkey", policy::CONFIRM_CALL, confirm, accounts),
        Route::post_with("/account/passkeys/options", policy::OWN_CALL, new_options, accounts),
        Route::post_with("/account/passkeys", policy::OWN_CALL, add, accounts),
        Route::post_with("/account/passkeys/{id}/remove", policy::OWN_FRESH, remove, accounts),
    ])
}

/// What the script is given.
#[derive(Serialize)]
struct Options {
    state: String,
    #[serde(rename = "publicKey")]
    public_key: Value,
}

/// What the script posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    state: String,
    credential: Value,
    #[serde(default)]
    next: String,
    #[serde(default)]
    label: String,
}

/// Where the script goes on.
#[derive(Serialize)]
struct Next<'a> {
    next: &'a str,
}

/// A challenge as it is kept: with the form token of the browser that asked, so that it is of use to no other.
#[derive(Serialize, Deserialize)]
struct Kept {
    challenge: Challenge,
    browser: String,
}

async fn keep(
    accounts: &Accounts,
    account: Option<AccountId>,
    purpose: &'static str,
    challenge: Challenge,
    token: &FormToken,
) -> Answer<String> {
    let kept = serde_json::to_string(&Kept { challenge, browser: token.to_string() }).map_err(internal)?;
    let state = one_time::issue(accounts.store(), account, purpose, &kept, PATIENCE).await?;
    Ok(state.expose().to_owned())
}

/// The challenge that this browser was given, once.
async fn kept(
    accounts: &Accounts,
    account: Option<AccountId>,
    purpose: &str,
    state: &str,
    token: &FormToken,
) -> Answer<Challenge> {
    let taken = one_time::take(accounts.store(), state, purpose).await?.filter(|taken| taken.account == account);
    let kept = taken.and_then(|taken| serde_json::from_str::<Kept>(&taken.payload).ok());
    let kept = kept.filter(|kept| kept.browser == token.as_str());
    kept.map(|kept| kept.challenge).ok_or_else(|| refused("the question is over; ask again"))
}

fn refused(why: &'static str) -> Failure {
    Problem::new(422, "passkey", "The passkey was not accepted").detail(why).into()
}

/// Why is for the log: it tells whoever tries nothing, and holds nothing of the passkey.
fn not_accepted(refusal: Refusal) -> Failure {
    tracing::info!(%refusal, "a passkey was refused");
    refused("the passkey was not accepted")
}

async fn sign_in_options(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
) -> Answer<Reply<Options>> {
    // Who has given a password is asked for one of their own; everybody else for whichever they have.
    let (purpose, owner) = match visitor.0.filter(|session| session.pending) {
        Some(session) => (Purpose::SecondFactor, Some(session.account)),
        None => (Purpose::SignIn, None),
    };
    options(&accounts, purpose, owner, &token).await
}

async fn options(
    accounts: &Accounts,
    purpose: Purpose,
    owner: Option<AccountId>,
    token: &FormToken,
) -> Answer<Reply<Options>> {
    let allowed = match owner {
        Some(owner) => passkeys_of(accounts, owner).await?,
        None => Vec::new(),
    };
    if owner.is_some() && allowed.is_empty() {
        return Err(refused("there is no passkey"));
    }
    let (public_key, challenge) =
        accounts.party().begin_authentication(purpose, &allowed, accounts.now()).map_err(internal)?;
    let state = keep(accounts, owner, USE, challenge, token).await?;
    Ok(Reply(Options { state, public_key }))
}

async fn passkeys_of(accounts: &Accounts, account: AccountId) -> Answer<Vec<Passkey>> {
    let stored = factors::passkeys(accounts.store(), account).await?;
    stored.iter().map(|one| serde_json::from_slice(&one.secret).map_err(internal)).collect()
}

/// Looks at what the browser says: whose passkey it is, and that it answers the challenge.
async fn prove(accounts: &Accounts, owner: Option<AccountId>, said: &Said, token: &FormToken) -> Answer<AccountId> {
    let challenge = kept(accounts, owner, USE, &said.state, token).await?;
    let answer = said.credential.to_string();
    let id = credential_id(&answer).ok_or_else(|| not_accepted(Refusal::Malformed))?;
    let account = factors::account_of_passkey(accounts.store(), &id).await?;
    let account = account.ok_or_else(|| not_accepted(Refusal::Credential))?;
    if owner.is_some_and(|owner| owner != account) {
        return Err(not_accepted(Refusal::Owner));
    }
    let stored = factors::passkeys(accounts.store(), account).await?;
    let stored =
        stored.into_iter().find(|one| one.credential_id == id).ok_or_else(|| not_accepted(Refusal::Credential))?;
    let mut passkey: Passkey = serde_json::from_slice(&stored.secret).map_err(internal)?;
    let used = accounts.party().finish_authentication(&answer, &challenge, &passkey, accounts.now());
    let used = used.map_err(not_accepted)?;
    passkey.note(&used);
    let secret = serde_json::to_vec(&passkey).map_err(internal)?;
    let counter = u64::from(used.counter);
    if !factors::used_passkey(accounts.store(), account, stored.id, counter, Some(&secret)).await? {
        return Err(not_accepted(Refusal::Counter));
    }
    Ok(account)
}

async fn sign_in(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    headers: HeaderMap,
    Json(said): Json<Said>,
) -> Answer<Response> {
    let before = visitor.0.as_ref();
    let answer = match before.filter(|session| session.pending) {
        Some(session) => {
            prove(&accounts, Some(session.account), &said, &token).await?;
            accounts::succeeded(accounts.store(), session.account).await?;
            let done = sessions::complete(accounts.store(), session.account, session.id, Strength::Passkey).await?;
            entry::welcome(&accounts, session.account, &done, &said.next, &headers).await?
        }
        None => {
            let account = prove(&accounts, None, &said, &token).await?;
            let entry =
                Entry { account, strength: Strength::Passkey, pending: false, proved_at: None, next: &said.next };
            entry.open(&accounts, before, &headers).await?
        }
    };
    Ok(as_json(&answer))
}

/// A script cannot read where a redirect leads: the same as JSON, with the cookies.
fn as_json(redirect: &Response) -> Response {
    let next = redirect.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or("/");
    let mut answer = Reply(Next { next }).into_response();
    for cookie in redirect.headers().get_all(SET_COOKIE) {
        answer.headers_mut().append(SET_COOKIE, HeaderValue::clone(cookie));
    }
    answer
}

async fn confirm_options(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
) -> Answer<Reply<Options>> {
    options(&accounts, Purpose::SecondFactor, Some(session.account), &token).await
}

async fn confirm(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Json(said): Json<Said>,
) -> Answer<Response> {
    prove(&accounts, Some(session.account), &said, &token).await?;
    let renewed = sessions::confirm(accounts.store(), session.account, session.id).await?;
    let answer = entry::with_session(see_other(entry::target(&accounts, &said.next)), &accounts, &renewed);
    Ok(as_json(&answer))
}

async fn new_options(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
) -> Answer<Reply<Options>> {
    let account = own(&accounts, &session).await?;
    let existing = passkeys_of(&accounts, account.id).await?;
    let handle = account.id.uuid();
    let person = Person { handle: handle.as_bytes(), name: &account.email, display: &account.name };
    let begun = accounts.party().begin_registration(&person, &existing, accounts.now());
    let (public_key, challenge) = begun.map_err(internal)?;
    let state = keep(&accounts, Some(account.id), MAKE, challenge, &token).await?;
    Ok(Reply(Options { state, public_key }))
}

async fn add(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    Json(said): Json<Said>,
) -> Answer<Response> {
    let session = signed_in(&visitor).ok_or_else(Problem::unauthorized)?;
    let account = own(&accounts, session).await?;
    let challenge = kept(&accounts, Some(account.id), MAKE, &said.state, &token).await?;
    let made = accounts.party().finish_registration(&said.credential.to_string(), &challenge, accounts.now());
    let made = made.map_err(not_accepted)?;
    let secret = serde_json::to_vec(&made).map_err(internal)?;
    match factors::add_passkey(accounts.store(), account.id, made.id(), &secret, &label(&said.label)).await {
        Ok(_) => {}
        Err(StoreError::Taken(_)) => return Err(not_accepted(Refusal::Known)),
        Err(error) => return Err(error.into()),
    }
    accounts.tell(account.id, &account.email, &Topic::FactorAdded(ACCOUNT.passkey_unnamed)).await;
    finish_adding(&accounts, session, &account).await
}

fn label(typed: &str) -> String {
    let clean: String = typed.trim().chars().filter(|sign| !sign.is_control()).take(LONGEST_LABEL).collect();
    if clean.is_empty() { ACCOUNT.passkey_unnamed.to_owned() } else { clean }
}

async fn finish_adding(accounts: &Accounts, session: &LiveSession, account: &Account) -> Answer<Response> {
    // Sessions that began without the passkey must give it: they sign in again.
    sessions::revoke_all(accounts.store(), account.id, Some(session.id)).await?;
    let renewed = sessions::strengthen(accounts.store(), account.id, session.id, Strength::Passkey).await?;
    let answer = entry::with_session(see_other("/account/security?done=passkey"), accounts, &renewed);
    Ok(as_json(&answer))
}

async fn remove(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    factors::remove_passkey(accounts.store(), session.account, id).await?;
    if let Some(account) = accounts::by_id(accounts.store(), session.account).await? {
        accounts.tell(account.id, &account.email, &Topic::FactorRemoved(ACCOUNT.passkey_unnamed)).await;
    }
    let renewed = sessions::rotate(accounts.store(), session.account, session.id).await?;
    Ok(entry::with_session(see_other("/account/security?done=passkey-removed"), &accounts, &renewed))
}
