//! One's own account: name, address, and the way to everything else. A correction reaches every copy there is.

use crate::{
    Accounts, Mail,
    chrome::Frame,
    errands::Errand,
    input,
    letters::{self, Topic},
    links::EMAIL,
    policy,
    second::own,
    sign_up::send_verification,
    texts::{ACCOUNT, ENTRY},
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{AccountCaller, Form, FormToken, Route, RouteTable, problem::Answer, see_other};
use kernel::{AccountId, Span};
use serde::Deserialize;
use store::{
    accounts::{self, Account},
    one_time,
};
use ui::{Act, Cell, Facts, Field, Links, Notice, Page, Section, Tone};

/// How long the link to a new address works.
const EMAIL_FOR: Span = Span::hours(1);

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/account", policy::OWN_PAGE, show, accounts),
        Route::post_with("/account/profile", policy::OWN_FORM, rename, accounts),
        Route::post_with("/account/email", policy::OWN_GUESS.fresh(), change_email, accounts),
        Route::post_with("/account/email/verify", policy::OWN_GUESS, verify_again, accounts),
    ])
}

/// What is said at the head of a page after something was done there; the words are ours, the key is in the address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    pub(crate) done: String,
}

#[derive(Default)]
struct Wrong {
    name: Option<&'static str>,
    email: Option<&'static str>,
    typed_name: Option<String>,
    typed_email: String,
}

fn page(token: &FormToken, account: &Account, admin: bool, wrong: &Wrong, notice: Option<Notice>) -> Page {
    let csrf = token.as_str();
    let name = wrong.typed_name.as_deref().unwrap_or(&account.name);
    let rename = ui::Form::post("/account/profile", csrf, ACCOUNT.save)
        .title(ACCOUNT.name_title)
        .lead(ACCOUNT.name_lead)
        .field(Field::text("name", ENTRY.name).autocomplete("name").value(name).error(wrong.name).longest(200));
    let state = if account.verified { ACCOUNT.email_verified } else { ACCOUNT.email_unverified };
    let facts = Facts::new()
        .html(ACCOUNT.email_now, Cell::lines(&account.email, state).into())
        .html(ACCOUNT.since, ui::day(account.created_at));
    let again = (!account.verified).then(|| Act::new("/account/email/verify", csrf, ACCOUNT.verify_again));
    let email = ui::Form::post("/account/email", csrf, ACCOUNT.email_button)
        .field(Field::email("email", ACCOUNT.email_new).value(&wrong.typed_email).error(wrong.email).longest(254))
        .tone(Tone::Quiet);
    Page::new(ACCOUNT.profile)
        .lead(ACCOUNT.profile_lead)
        .add(ways("/account"))
        .add(notice)
        .add(rename)
        .add(Section::new(ACCOUNT.email_title).add(facts).add(again).add(email))
        .add(admin.then(|| Links::new().link("/admin", crate::admin::texts::EN.admin)))
}

/// The pages of an account, beside each other.
pub(crate) fn ways(here: &str) -> Links {
    let pages = [
        ("/account", ACCOUNT.profile_short),
        ("/account/security", ACCOUNT.security_short),
        ("/account/sessions", ACCOUNT.sessions_short),
        ("/account/tokens", ACCOUNT.tokens),
        (crate::rights::HOME, crate::rights::NAME),
    ];
    pages.into_iter().fold(
        Links::row(),
        |links, (path, label)| {
            if path == here { links.here(path, label) } else { links.link(path, label) }
        },
    )
}

/// Whether the way to the admin area is shown. The gate asks more of whoever goes there.
fn may_administer(accounts: &Accounts, account: &Account) -> bool {
    account.verified && accounts.settings().state.admins().holds(&account.email)
}

async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(done): ingress::Query<Done>,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    let notice = match done.done.as_str() {
        "saved" => Some(Notice::done(ACCOUNT.saved, "")),
        "email" => Some(Notice::info(ACCOUNT.email_sent, ACCOUNT.email_sent_text)),
        "verify" => Some(Notice::info(ACCOUNT.email_sent, ACCOUNT.verify_sent)),
        _ => None,
    };
    let frame = Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/account" };
    let admin = may_administer(&accounts, &account);
    frame.show(&page(&token, &account, admin, &Wrong::default(), notice)).await
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rename {
    name: String,
}

async fn rename(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Form(typed): Form<Rename>,
) -> Answer<Response> {
    let name = match input::name(&typed.name, ENTRY.name_missing) {
        Ok(name) => name,
        Err(words) => {
            let wrong = Wrong { name: Some(words), typed_name: Some(typed.name), ..Wrong::default() };
            return again(&accounts, &session, &token, &wrong).await;
        }
    };
    accounts::set_name(accounts.store(), session.account, name).await?;
    Ok(see_other("/account?done=saved"))
}

async fn again(
    accounts: &Accounts,
    session: &ingress::session::LiveSession,
    token: &FormToken,
    wrong: &Wrong,
) -> Answer<Response> {
    let account = own(accounts, session).await?;
    let frame = Frame { accounts, session: Some(session), token, path: "/account" };
    let admin = may_administer(accounts, &account);
    frame.again(StatusCode::UNPROCESSABLE_ENTITY, &page(token, &account, admin, wrong, None)).await
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewEmail {
    email: String,
}

async fn change_email(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Form(typed): Form<NewEmail>,
) -> Answer<Response> {
    let address = match input::email(&typed.email) {
        Ok(address) => address.to_owned(),
        Err(words) => {
            let wrong = Wrong { email: Some(words), typed_email: typed.email, ..Wrong::default() };
            return again(&accounts, &session, &token, &wrong).await;
        }
    };
    let account = own(&accounts, &session).await?;
    accounts.tell(account.id, &account.email, &Topic::EmailAsked).await;
    // Whether the address has an account is told to whoever reads its mail, and to nobody else: after the answer.
    let errand = Errand::NewAddress { account: account.id.uuid(), email: address };
    accounts.errand(Some(account.id), &errand).await;
    Ok(see_other("/account?done=email"))
}

/// The mail to a new address, by which its owner confirms it, or learns that they have an account.
pub(crate) async fn letter(
    accounts: &Accounts,
    account: AccountId,
    address: &str,
    first: bool,
) -> Result<Option<Mail>, store::StoreError> {
    if first && !accounts.may_write(address).await {
        return Ok(None);
    }
    if accounts::by_email(accounts.store(), address).await?.is_some() {
        return Ok(Some(letters::about(accounts, address, &Topic::EmailTaken)));
    }
    // One change at a time: an older link is void.
    one_time::void(accounts.store(), account, EMAIL).await?;
    let token = one_time::issue(accounts.store(), Some(account), EMAIL, address, EMAIL_FOR).await?;
    Ok(Some(letters::about(accounts, address, &Topic::EmailConfirm(token.expose()))))
}

async fn verify_again(State(accounts): State<Accounts>, AccountCaller(session): AccountCaller) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    if !account.verified {
        send_verification(&accounts, account.id, &account.email).await;
    }
    Ok(see_other("/account?done=verify"))
}
