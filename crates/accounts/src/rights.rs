//! A person's rights, as pages and as JSON: what is held, requests and their clocks, copies to take along, receipts; and the
//! operator's side of the same cases. What is done about a request stands in `privacy`.

pub mod access_package;
mod admin;
mod api;
mod cases;
pub mod clock;
mod copies;
pub mod erase;
pub mod full_export;
mod import;
mod letters;
mod overview;
mod plan;
mod receipts;
pub mod recipients;
mod taken;
mod texts;
mod wire;

use crate::{Accounts, policy, second::own};
use axum::http::Method;
use ingress::{Auth, Limit, Policy, Route, RouteTable, Stands, openapi::Doc, problem::Answer, session::LiveSession};
use kernel::AccountId;
use letters::{News, Owner};
use privacy::case::{self, Case, Kind};
use store::StoreError;
use texts::EN;
use ui::{Prose, Section};
use wire::{Asked, Opened, Shown, ShownReceipt};

/// The largest form here: a kind, an address, a reason.
const SMALL: usize = 4 * 1024;

/// The largest answer: 2 000 signs, each of them up to twelve bytes as a form sends it.
const ANSWER: usize = 32 * 1024;

/// Where everything about one's own data stands.
pub(crate) const HOME: &str = "/account/data";

/// What it is called.
pub(crate) const NAME: &str = EN.data;

/// Copies are made anew for each call, out of every table.
const COPIES: Limit = Limit::SIGN_IN;

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    let copy = policy::OWN_PAGE.limited(COPIES).fresh();
    pages(accounts).merge(calls(accounts)).merge(import::routes(accounts)).merge(admin::routes(accounts)).merge(
        RouteTable::new([
            Route::get_with("/account/data/requests/{case}/package.html", copy, copies::html, accounts),
            Route::get_with("/account/data/requests/{case}/package.json", copy, copies::json, accounts),
            Route::get_with("/account/data/requests/{case}/package.zip", copy, copies::zip, accounts),
            Route::get_with("/receipts/{token}", Policy::page(Auth::Visitor), receipts::show, accounts),
        ]),
    )
}

fn pages(accounts: &Accounts) -> RouteTable {
    let (page, form) = (policy::OWN_PAGE, policy::OWN_FORM.stands(Stands::Above));
    let fresh = policy::OWN_FRESH.stands(Stands::Above);
    let ask = policy::OWN_FRESH.limited(Limit::SIGN_IN);
    let answer = Policy::form(Auth::Account, ANSWER).stands(Stands::Above);
    RouteTable::new([
        Route::get_with(HOME, page, overview::show, accounts),
        Route::post_with("/account/data/lift", fresh, overview::lift, accounts),
        Route::get_with("/account/data/erase", page, plan::show, accounts),
        Route::post_with("/account/data/erase", ask.stands(Stands::Here), cases::ask_erasure, accounts),
        Route::post_with("/account/data/requests", ask.stands(Stands::Above), cases::ask, accounts),
        Route::get_with("/account/data/requests/{case}", page, cases::show, accounts),
        Route::post_with("/account/data/requests/{case}/withdraw", form, cases::withdraw, accounts),
        Route::post_with("/account/data/requests/{case}/answer", answer, cases::answered, accounts),
    ])
}

fn calls(accounts: &Accounts) -> RouteTable {
    let read = Policy { limit: Limit::READS, ..Policy::call(Auth::Account, 0) };
    let ask = Policy::call(Auth::Account, SMALL).limited(Limit::SIGN_IN).fresh();
    let doc = |id, about| Doc::new(id, about).tag("rights");
    let one = |id, about| doc(id, about).id("case", "The case");
    let route = |method, path, policy| (method, path, policy);
    let (get, post) = (Method::GET, Method::POST);
    let a = accounts;
    let (method, path, policy) = route(post, "/api/account/requests", ask);
    let asked = doc("askForData", "Asks for a copy of one's data, for its erasure, or for another right over it")
        .takes::<Asked>()
        .gives::<Opened>(202, "The case, and until when it is answered")
        .problems(&[409, 422]);
    RouteTable::new([
        Route::with_state(method, path, policy, api::ask, a.clone()).documented(asked),
        Route::with_state(get.clone(), path, read, api::list, a.clone()).documented(
            doc("listRequests", "What the caller has asked for").gives::<wire::Listed>(200, "The newest first"),
        ),
        Route::with_state(get.clone(), "/api/account/requests/{case}", read, api::show, a.clone())
            .documented(one("getRequest", "One request").gives::<Shown>(200, "The request")),
        Route::with_state(
            get.clone(),
            "/api/account/requests/{case}/package.json",
            read.limited(COPIES).fresh(),
            copies::json,
            a.clone(),
        )
        .documented(one("getPackage", "The copy that was asked for").gives_file(
            200,
            "A copy",
            &["application/json"],
        )),
        Route::with_state(
            get,
            "/api/receipts/{token}",
            Policy { auth: Auth::Public, ..read },
            receipts::json,
            a.clone(),
        )
        .documented(
            doc("getReceipt", "What became of a request, in counts, for whoever knows the receipt's address")
                .id("token", "The receipt")
                .gives::<ShownReceipt>(200, "The receipt"),
        ),
    ])
}

/// Why a request was not taken.
pub(crate) enum Refused {
    /// The address is not that of the account.
    Address,
    /// A rule, in words for the person.
    Rule(String),
    /// One of the same kind is open.
    Open(&'static str),
}

/// Opens a case for whoever is signed in, who has typed their address once more. They are told by mail: whoever sits at
/// somebody else's browser does not do this unseen.
pub(crate) async fn ask(
    accounts: &Accounts,
    session: &LiveSession,
    kind: Kind,
    email: &str,
) -> Answer<Result<Case, Refused>> {
    let account = own(accounts, session).await?;
    if !same_address(email, &account.email) {
        return Ok(Err(Refused::Address));
    }
    match case::open(accounts.store(), accounts.calendar(), session.account, kind).await {
        Ok(case) => {
            let owner = Owner::new(session.account, account.email);
            letters::write(accounts, &owner, &case, News::Asked).await;
            if case.state == case::State::Paused {
                letters::write(accounts, &owner, &case, News::Question).await;
            }
            Ok(Ok(case))
        }
        Err(StoreError::Taken(why)) => Ok(Err(Refused::Open(why))),
        Err(StoreError::Invalid(why)) => Ok(Err(Refused::Rule(why))),
        Err(other) => Err(other.into()),
    }
}

fn same_address(typed: &str, own: &str) -> bool {
    typed.trim().to_lowercase() == own.trim().to_lowercase()
}

/// A case of an account. Whose it is not finds nothing.
async fn case_of(accounts: &Accounts, account: AccountId, id: uuid::Uuid) -> Answer<case::Own> {
    let found = store::rights::cases::one(accounts.store(), account, id).await?;
    Ok(found.ok_or_else(kernel::Problem::not_found)?)
}

/// Where a receipt is shown.
pub(crate) fn receipt_path(case: &Case) -> String {
    format!("/receipts/{}", case.receipt_id)
}

/// What a person was told about a case: a paragraph for each time, the last first.
fn told(title: &str, words: &str) -> Section {
    words.split("\n\n").fold(Section::new(title), |section, words| section.add(Prose::new(words)))
}

/// How far a case has come, for its person.
fn state_of(case: &Case) -> String {
    held_by_law(case).unwrap_or_else(|| EN.state(case.state).to_owned())
}

/// The same for the operator.
fn state_seen(case: &Case) -> String {
    held_by_law(case).unwrap_or_else(|| EN.state_seen(case.state).to_owned())
}

/// That a law holds back what was asked for. Nothing but an erasure waits for that.
fn held_by_law(case: &Case) -> Option<String> {
    held_until(case).map(|until| format!("{} {}", EN.held_until, texts::last_day(until)))
}

/// Until when a law holds back what was asked for.
fn held_until(case: &Case) -> Option<kernel::Timestamp> {
    case.held_until.filter(|_| case.kind == Kind::Erasure && !case.state.is_closed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        assert!(same_address(" Ada@Example.org ", "ada@example.org"));
        assert!(!same_address("", "ada@example.org"));
        assert!(!same_address("ada@example.com", "ada@example.org"));
    }
}
