//! A new password by mail. The link proves the address; it does not replace the second factor.

use crate::{
    Accounts, Mail,
    chrome::Frame,
    entry,
    errands::Errand,
    input,
    letters::{self, Topic},
    links,
    pace::Pace,
    policy,
    sign_up::refused,
    texts::{ENTRY, fill},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use identity::Rules;
use ingress::{Form, FormToken, Route, RouteTable, problem::Answer, see_other};
use kernel::Span;
use serde::Deserialize;
use store::{
    StoreError,
    accounts::{self, Account},
    one_time,
};
use ui::{Field, Links, Page};

/// What the token in the mail is for.
const RESET: &str = "reset-password";
/// How long it works.
const RESET_FOR: Span = Span::hours(1);

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/forgot", policy::OPEN_PAGE, ask, accounts),
        Route::post_with("/forgot", policy::SIGN_IN_FORM, send, accounts),
        Route::get_with("/reset", policy::OPEN_PAGE, show, accounts),
        Route::post_with("/reset", policy::SIGN_IN_FORM, save, accounts),
    ])
}

const fn frame<'a>(accounts: &'a Accounts, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: None, token, path: "/forgot" }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Forgot {
    email: String,
}

fn forgot_form(token: &FormToken, typed: &str, wrong: Option<&str>) -> Page {
    let form = ui::Form::post("/forgot", token.as_str(), ENTRY.forgot_button).field(
        Field::email("email", ENTRY.email).autocomplete("username").value(typed).error(wrong).longest(254).focus(),
    );
    Page::new(ENTRY.forgot).lead(ENTRY.forgot_lead).add(form).add(Links::new().link("/sign-in", ENTRY.sign_in))
}

async fn ask(State(accounts): State<Accounts>, token: FormToken) -> Answer<Response> {
    frame(&accounts, &token).show(&forgot_form(&token, "", None)).await
}

async fn send(State(accounts): State<Accounts>, token: FormToken, Form(typed): Form<Forgot>) -> Answer<Response> {
    let pace = Pace::begin(accounts.settings().pace);
    let email = match input::email(&typed.email) {
        Ok(email) => email.to_owned(),
        Err(wrong) => {
            let page = forgot_form(&token, &typed.email, Some(wrong));
            return frame(&accounts, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    // Everything that depends on whether there is an account comes after the answer.
    write_to(&accounts, &email).await;
    let page = Page::new(ENTRY.check_mail)
        .lead(ENTRY.forgot_sent_lead)
        .add(Links::new().link("/sign-in", ENTRY.check_mail_sign_in));
    let answer = frame(&accounts, &token).show(&page).await;
    pace.settle().await;
    answer
}

/// Sends the link to whoever has an account with this address, if anybody has.
pub(crate) async fn write_to(accounts: &Accounts, email: &str) {
    accounts.errand(None, &Errand::Reset { email: email.to_owned() }).await;
}

/// The mail with that link.
pub(crate) async fn letter(accounts: &Accounts, email: &str, first: bool) -> Result<Option<Mail>, StoreError> {
    let Some(account) = accounts::by_email(accounts.store(), email).await? else { return Ok(None) };
    if first && !accounts.may_write(&account.email).await {
        return Ok(None);
    }
    let token = one_time::issue(accounts.store(), Some(account.id), RESET, "", RESET_FOR).await?;
    Ok(Some(letters::about(accounts, &account.email, &Topic::Reset(token.expose()))))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    token: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reset {
    token: String,
    password: String,
}

fn reset_form(token: &FormToken, link: &str, account: &Account, wrong: Option<&str>) -> Page {
    let least = least(account).to_string();
    let form = ui::Form::post("/reset", token.as_str(), ENTRY.reset_button).field(Field::hidden("token", link)).field(
        Field::new_password("password", ENTRY.new_password)
            .hint(fill(ENTRY.new_password_hint, &[("least", &least)]))
            .error(wrong)
            .focus(),
    );
    Page::new(ENTRY.reset).lead(ENTRY.reset_lead).add(form)
}

/// The shortest password for this account.
pub(crate) const fn least(account: &Account) -> usize {
    Rules::least(account.has_totp || account.has_passkeys)
}

async fn show(
    State(accounts): State<Accounts>,
    token: FormToken,
    ingress::Query(asked): ingress::Query<Asked>,
) -> Answer<Response> {
    let Some(account) = whose(&accounts, &asked.token).await? else {
        return links::dead(&frame(&accounts, &token), "/forgot").await;
    };
    frame(&accounts, &token).show(&reset_form(&token, &asked.token, &account, None)).await
}

/// The account whose link this is, while it works.
async fn whose(accounts: &Accounts, token: &str) -> Answer<Option<Account>> {
    let taken = one_time::peek(accounts.store(), token, RESET).await?;
    match taken.and_then(|taken| taken.account) {
        Some(account) => Ok(accounts::by_id(accounts.store(), account).await?),
        None => Ok(None),
    }
}

async fn save(
    State(accounts): State<Accounts>,
    token: FormToken,
    headers: HeaderMap,
    Form(typed): Form<Reset>,
) -> Answer<Response> {
    let Some(account) = whose(&accounts, &typed.token).await? else {
        return links::dead(&frame(&accounts, &token), "/forgot").await;
    };
    let second = account.has_totp || account.has_passkeys;
    let wrong = input::password(&accounts, &typed.password, second, &[&account.name, &account.email]).await;
    if let Some(wrong) = wrong {
        let page = reset_form(&token, &typed.token, &account, Some(&wrong));
        return frame(&accounts, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &page).await;
    }
    let hash = accounts.settings().hasher.hash(&typed.password).await.map_err(refused)?;
    // Only now is the link used up; of two who press at once, one gets through.
    if one_time::take(accounts.store(), &typed.token, RESET).await?.is_none() {
        return links::dead(&frame(&accounts, &token), "/forgot").await;
    }
    accounts::recover(accounts.store(), account.id, &hash).await?;
    accounts.tell(account.id, &account.email, &Topic::PasswordChanged).await;
    // Whoever guesses at the account does not keep its owner out: the browser has its own count of attempts from now on.
    entry::remember(see_other("/sign-in?done=reset"), &accounts, account.id, &headers).await
}
