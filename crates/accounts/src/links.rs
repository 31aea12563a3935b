//! Links in mails. Opening one changes nothing, since programs that scan mails open them too: it shows a button.

use crate::{Accounts, chrome::Frame, context::signed_in, letters::Topic, policy, sign_up::VERIFY, texts::ENTRY};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Form, FormToken, Route, RouteTable, gate::Visitor, problem::Answer};
use serde::Deserialize;
use store::{StoreError, accounts, one_time};
use ui::{Field, Links, Notice, Page};

/// What the token that confirms a new address is for.
pub(crate) const EMAIL: &str = "change-email";

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/verify-email", policy::OPEN_PAGE, show_verify, accounts),
        Route::post_with("/verify-email", policy::SIGN_IN_FORM, verify, accounts),
        Route::get_with("/account/email/confirm", policy::OPEN_PAGE, show_change, accounts),
        Route::post_with("/account/email/confirm", policy::SIGN_IN_FORM, change, accounts),
    ])
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    token: String,
}

/// The page for a link that does not work any more.
pub(crate) async fn dead(frame: &Frame<'_>, again: &str) -> Answer<Response> {
    let words = if again == "/forgot" { ENTRY.forgot } else { ENTRY.sign_in };
    let page = Page::new(ENTRY.link_dead).lead(ENTRY.link_dead_lead).add(Links::new().link(again, words));
    frame.again(StatusCode::NOT_FOUND, &page).await
}

/// A page with one button that sends the token.
fn button(path: &'static str, token: &FormToken, link: &str, title: &str, lead: &str, label: &str) -> Page {
    let form = ui::Form::post(path, token.as_str(), label).field(Field::hidden("token", link));
    Page::new(title).lead(lead).add(form)
}

async fn show_verify(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    ingress::Query(link): ingress::Query<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/verify-email" };
    if one_time::peek(accounts.store(), &link.token, VERIFY).await?.is_none() {
        return dead(&frame, "/sign-in").await;
    }
    let page = button("/verify-email", &token, &link.token, ENTRY.verify, ENTRY.verify_lead, ENTRY.verify_button);
    frame.show(&page).await
}

async fn verify(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    Form(link): Form<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/verify-email" };
    let taken = one_time::take(accounts.store(), &link.token, VERIFY).await?;
    let Some((id, address)) = taken.and_then(|taken| Some((taken.account?, taken.payload))) else {
        return dead(&frame, "/sign-in").await;
    };
    // The link proves the address that it was sent to, not one that the account has got since.
    let account = accounts::by_id(accounts.store(), id).await?;
    if account.is_none_or(|account| !account.email.eq_ignore_ascii_case(address.trim())) {
        return dead(&frame, "/sign-in").await;
    }
    accounts::set_verified(accounts.store(), id).await?;
    done(&frame, ENTRY.verified, ENTRY.verified_text).await
}

async fn done(frame: &Frame<'_>, title: &str, text: &str) -> Answer<Response> {
    let links = match frame.session {
        Some(_) => Links::new().link(frame.accounts.settings().home, ENTRY.continue_button),
        None => Links::new().link("/sign-in", ENTRY.sign_in),
    };
    frame.show(&Page::new(title).add(Notice::done(title, text)).add(links)).await
}

async fn show_change(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    ingress::Query(link): ingress::Query<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/account" };
    if one_time::peek(accounts.store(), &link.token, EMAIL).await?.is_none() {
        return dead(&frame, "/sign-in").await;
    }
    let (title, lead, label) = (ENTRY.email_confirm, ENTRY.email_confirm_lead, ENTRY.email_confirm_button);
    frame.show(&button("/account/email/confirm", &token, &link.token, title, lead, label)).await
}

async fn change(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    Form(link): Form<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/account" };
    let taken = one_time::take(accounts.store(), &link.token, EMAIL).await?;
    let Some((id, address)) = taken.and_then(|taken| Some((taken.account?, taken.payload))) else {
        return dead(&frame, "/sign-in").await;
    };
    let Some(before) = accounts::by_id(accounts.store(), id).await? else { return dead(&frame, "/sign-in").await };
    match accounts::set_email(accounts.store(), id, &address).await {
        Ok(()) => {}
        // Somebody has signed up with it meanwhile; they proved it no less than this account did.
        Err(StoreError::Taken(_)) => return dead(&frame, "/sign-in").await,
        Err(error) => return Err(error.into()),
    }
    accounts.tell(&before.email, &Topic::EmailChanged);
    done(&frame, ENTRY.email_changed, "").await
}
