//! Password, second factors, recovery codes: what keeps others out.

use crate::{
    Accounts,
    chrome::Frame,
    confirm,
    factor::{self, Checked},
    input,
    letters::Topic,
    lockout, policy,
    profile::{Done, ways},
    provider,
    reset::least,
    second::own,
    sign_up::refused,
    texts::{ACCOUNT, ENTRY, fill},
};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{AccountCaller, Form, FormToken, Route, RouteTable, problem::Answer, see_other, session::LiveSession};
use serde::Deserialize;
use store::{
    accounts::{self, Account},
    factors,
};
use ui::{Act, Cell, Field, Links, Notice, Page, Passkey, Prose, Scroll, Section, Table, Tone};

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/account/security", policy::OWN_PAGE, show, accounts),
        Route::post_with("/account/password", policy::OWN_GUESS, change, accounts),
        Route::post_with("/account/recovery-codes", policy::OWN_FRESH, recovery, accounts),
    ])
}

/// What is wrong with each field of the password form.
#[derive(Default)]
struct Wrong {
    current: Option<String>,
    password: Option<String>,
}

async fn page(
    accounts: &Accounts,
    session: &LiveSession,
    token: &FormToken,
    wrong: &Wrong,
    notice: Option<Notice>,
) -> Answer<Page> {
    let account = own(accounts, session).await?;
    let owed = session.needs_second.then(|| Notice::warning(ACCOUNT.required, ACCOUNT.required_text));
    let csrf = token.as_str();
    Ok(Page::new(ACCOUNT.security)
        .lead(ACCOUNT.security_lead)
        .add(ways("/account/security"))
        .add(notice)
        .add(owed)
        .add(password_form(csrf, &account, wrong))
        .add(totp_card(csrf, &account))
        .add(passkeys_card(accounts, csrf, &account).await?)
        .add(recovery_card(accounts, csrf, &account).await?)
        .add(provider::section(accounts, account.id, csrf).await?))
}

fn password_form(csrf: &str, account: &Account, wrong: &Wrong) -> ui::Form {
    let least = least(account).to_string();
    let current = account
        .password_hash
        .as_ref()
        .map(|_| Field::password("current", ACCOUNT.password_current).error(wrong.current.as_deref()));
    ui::Form::post("/account/password", csrf, ACCOUNT.password_button)
        .title(ACCOUNT.password_title)
        .lead(ACCOUNT.password_lead)
        .fields(current)
        .field(
            Field::new_password("password", ENTRY.new_password)
                .hint(fill(ENTRY.new_password_hint, &[("least", &least)]))
                .error(wrong.password.as_deref()),
        )
        .tone(Tone::Quiet)
}

fn totp_card(csrf: &str, account: &Account) -> Section {
    let card = Section::new(ACCOUNT.totp_title);
    if account.has_totp {
        let remove = Act::new("/account/totp/remove", csrf, ACCOUNT.totp_remove).tone(Tone::Danger);
        card.add(Prose::soft(ACCOUNT.totp_on)).add(remove)
    } else {
        card.add(Prose::soft(ACCOUNT.totp_off)).add(Act::new("/account/totp/start", csrf, ACCOUNT.totp_start))
    }
}

async fn passkeys_card(accounts: &Accounts, csrf: &str, account: &Account) -> Answer<Section> {
    let heads = [ACCOUNT.named, ACCOUNT.added, ACCOUNT.used, ""];
    let mut table = Table::new(ACCOUNT.passkeys_title, heads).empty(ACCOUNT.passkeys_none);
    for key in factors::passkeys(accounts.store(), account.id).await? {
        let remove = Act::new(format!("/account/passkeys/{}/remove", key.id), csrf, ACCOUNT.remove);
        table = table.row([
            Cell::text(&key.label),
            Cell::part(ui::day(key.created_at)),
            key.used_at.map_or_else(|| Cell::text(ACCOUNT.never), Cell::moment),
            Cell::part(remove.about(&key.label).tone(Tone::Danger)),
        ]);
    }
    let add = Passkey::create("/account/passkeys/options", "/account/passkeys", csrf)
        .says(ACCOUNT.passkey_add, ACCOUNT.passkey_failed);
    Ok(Section::new(ACCOUNT.passkeys_title).add(Prose::soft(ACCOUNT.passkeys_lead)).add(table).add(add))
}

async fn recovery_card(accounts: &Accounts, csrf: &str, account: &Account) -> Answer<Option<Section>> {
    if !account.has_totp && !account.has_passkeys {
        return Ok(None);
    }
    let left = factors::recovery_codes_left(accounts.store(), account.id).await?;
    let all = identity::recovery::COUNT.to_string();
    let state = match left {
        0 => ACCOUNT.recovery_none.to_owned(),
        left => fill(ACCOUNT.recovery_left, &[("left", &left.to_string()), ("all", &all)]),
    };
    let make = Act::new("/account/recovery-codes", csrf, ACCOUNT.recovery_make);
    Ok(Some(Section::new(ACCOUNT.recovery_title).add(Prose::soft(state)).add(make)))
}

async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    ingress::Query(done): ingress::Query<Done>,
) -> Answer<Response> {
    let words = match done.done.as_str() {
        "password" => Some(ACCOUNT.password_saved),
        "totp" => Some(ACCOUNT.totp_done),
        "totp-removed" => Some(ACCOUNT.totp_removed),
        "passkey" => Some(ACCOUNT.passkey_added),
        "passkey-removed" => Some(ACCOUNT.passkey_removed),
        _ => None,
    };
    let notice = words.map(|words| Notice::done(words, ""));
    let page = page(&accounts, &session, &token, &Wrong::default(), notice).await?;
    frame(&accounts, &session, &token).show(&page).await
}

const fn frame<'a>(accounts: &'a Accounts, session: &'a LiveSession, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: Some(session), token, path: "/account/security" }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewPassword {
    current: String,
    password: String,
}

async fn change(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    Form(typed): Form<NewPassword>,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    // Who has no password yet came in through a provider and sets the first one by mail, which proves the address.
    if account.password_hash.is_none() {
        return Ok(see_other("/forgot"));
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let mut wrong = Wrong::default();
    match confirm::password(&accounts, &account, &typed.current).await? {
        Checked::Right => {}
        Checked::Wrong | Checked::Shut => wrong.current = Some(ENTRY.password_wrong.to_owned()),
        Checked::Later(wait) => {
            status = StatusCode::TOO_MANY_REQUESTS;
            wrong.current = Some(fill(ACCOUNT.too_many, &[("minutes", &lockout::wait_words(wait))]));
        }
    }
    let second = account.has_totp || account.has_passkeys;
    wrong.password = input::password(&accounts, &typed.password, second, &[&account.name, &account.email]).await;
    if wrong.current.is_some() || wrong.password.is_some() {
        let page = page(&accounts, &session, &token, &wrong, None).await?;
        return frame(&accounts, &session, &token).again(status, &page).await;
    }
    let hash = accounts.settings().hasher.hash(&typed.password).await.map_err(refused)?;
    accounts::set_password(accounts.store(), account.id, &hash, Some(session.id)).await?;
    accounts.tell(account.id, &account.email, &Topic::PasswordChanged).await;
    let renewed = store::sessions::rotate(accounts.store(), session.account, session.id).await?;
    Ok(crate::entry::with_session(see_other("/account/security?done=password"), &accounts, &renewed))
}

async fn recovery(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
) -> Answer<Response> {
    let account = own(&accounts, &session).await?;
    if !account.has_totp && !account.has_passkeys {
        return Ok(see_other("/account/security"));
    }
    let codes = factor::new_recovery_codes(&accounts, account.id).await?;
    accounts.tell(account.id, &account.email, &Topic::RecoveryMade).await;
    frame(&accounts, &session, &token).show(&recovery_page(None, &codes)).await
}

/// The only page that shows recovery codes.
pub(crate) fn recovery_page(notice: Option<Notice>, codes: &[String]) -> Page {
    Page::new(ACCOUNT.recovery_shown)
        .lead(ACCOUNT.recovery_shown_lead)
        .add(notice)
        .add(Scroll::new(ACCOUNT.recovery_label, codes.iter().map(String::as_str)))
        .add(Links::new().button("/account/security", ACCOUNT.recovery_done, Tone::Main))
}
