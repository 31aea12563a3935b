//! Links in mails. Opening one changes nothing, since programs that scan mails open them too: it shows a button.
//!
//! The button is for who is signed in to the account. Whoever signs up with the address of somebody else, or changes to it,
//! would otherwise have the owner of the address confirm an account that is not theirs.

use crate::{Accounts, chrome::Frame, context::signed_in, letters::Topic, policy, sign_up::VERIFY, texts::ENTRY};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Form, FormToken, Route, RouteTable, gate::Visitor, problem::Answer, with_next};
use kernel::AccountId;
use serde::Deserialize;
use store::{StoreError, accounts, one_time};
use ui::{Act, Field, Links, Page};

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
    match whose(&frame, VERIFY, &link.token).await? {
        Whose::Nobodys => dead(&frame, "/sign-in").await,
        Whose::Anothers => sign_in_first(&frame, "/verify-email", &link.token, StatusCode::OK).await,
        Whose::Theirs => {
            let (title, lead, label) = (ENTRY.verify, ENTRY.verify_lead, ENTRY.verify_button);
            frame.show(&button("/verify-email", &token, &link.token, title, lead, label)).await
        }
    }
}

/// For whose account a link is.
enum Whose {
    /// It does not work.
    Nobodys,
    /// Not the one that is signed in.
    Anothers,
    /// The one that is signed in.
    Theirs,
}

async fn whose(frame: &Frame<'_>, purpose: &str, token: &str) -> Answer<Whose> {
    let Some(kept) = one_time::peek(frame.accounts.store(), token, purpose).await? else { return Ok(Whose::Nobodys) };
    let theirs = frame.session.is_some_and(|session| Some(session.account) == kept.account);
    Ok(if theirs { Whose::Theirs } else { Whose::Anothers })
}

/// The page that leads to the sign-in and back.
async fn sign_in_first(frame: &Frame<'_>, path: &str, link: &str, status: StatusCode) -> Answer<Response> {
    let page = Page::new(ENTRY.link_own).lead(ENTRY.link_own_lead);
    let page = match frame.session {
        Some(_) => page.add(Act::new("/sign-out", frame.token.as_str(), ENTRY.second_leave)),
        None => {
            let back = with_next("/sign-in", &format!("{path}?token={link}"));
            page.add(Links::new().link(back, ENTRY.link_own_button).link("/forgot", ENTRY.forgot))
        }
    };
    frame.again(status, &page).await
}

async fn verify(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    Form(link): Form<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/verify-email" };
    let (id, address) = match used(&frame, VERIFY, "/verify-email", &link.token).await? {
        Ok(used) => used,
        Err(answer) => return Ok(answer),
    };
    // The link proves the address that it was sent to, not one that the account has got since.
    let account = accounts::by_id(accounts.store(), id).await?;
    if account.is_none_or(|account| !account.email.eq_ignore_ascii_case(address.trim())) {
        return dead(&frame, "/sign-in").await;
    }
    accounts::set_verified(accounts.store(), id).await?;
    done(&frame, ENTRY.verified, ENTRY.verified_text).await
}

/// Uses a link up for who is signed in to its account: the account, and what was kept with the link. Else what to answer.
async fn used(
    frame: &Frame<'_>,
    purpose: &str,
    path: &str,
    link: &str,
) -> Answer<Result<(AccountId, String), Response>> {
    match whose(frame, purpose, link).await? {
        Whose::Nobodys => return Ok(Err(dead(frame, "/sign-in").await?)),
        Whose::Anothers => return Ok(Err(sign_in_first(frame, path, link, StatusCode::FORBIDDEN).await?)),
        Whose::Theirs => {}
    }
    let taken = one_time::take(frame.accounts.store(), link, purpose).await?;
    match taken.and_then(|taken| Some((taken.account?, taken.payload))) {
        Some(used) => Ok(Ok(used)),
        None => Ok(Err(dead(frame, "/sign-in").await?)),
    }
}

async fn done(frame: &Frame<'_>, title: &str, text: &str) -> Answer<Response> {
    let links = Links::new().link(frame.accounts.settings().home, ENTRY.continue_button);
    frame.show(&Page::new(title).lead(text).add(links)).await
}

async fn show_change(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    ingress::Query(link): ingress::Query<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/account" };
    match whose(&frame, EMAIL, &link.token).await? {
        Whose::Nobodys => dead(&frame, "/sign-in").await,
        Whose::Anothers => sign_in_first(&frame, "/account/email/confirm", &link.token, StatusCode::OK).await,
        Whose::Theirs => {
            let (title, lead, label) = (ENTRY.email_confirm, ENTRY.email_confirm_lead, ENTRY.email_confirm_button);
            frame.show(&button("/account/email/confirm", &token, &link.token, title, lead, label)).await
        }
    }
}

async fn change(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    Form(link): Form<Link>,
) -> Answer<Response> {
    let frame = Frame { accounts: &accounts, session: signed_in(&visitor), token: &token, path: "/account" };
    let (id, address) = match used(&frame, EMAIL, "/account/email/confirm", &link.token).await? {
        Ok(used) => used,
        Err(answer) => return Ok(answer),
    };
    let Some(before) = accounts::by_id(accounts.store(), id).await? else { return dead(&frame, "/sign-in").await };
    match accounts::set_email(accounts.store(), id, &address).await {
        Ok(()) => {}
        // Somebody has signed up with it meanwhile; they proved it no less than this account did.
        Err(StoreError::Taken(_)) => return dead(&frame, "/sign-in").await,
        Err(error) => return Err(error.into()),
    }
    accounts.tell(before.id, &before.email, &Topic::EmailChanged).await;
    done(&frame, ENTRY.email_changed, ENTRY.email_changed_text).await
}
