//! The pages.

mod check_in;
pub(crate) mod export;
mod history;
mod key_result;
mod list;
mod objective;
mod put_away;
mod show;

use crate::{Okrs, export::LARGEST, texts::EN};
use ingress::{Auth, Policy, Route, RouteTable};
use kernel::Permission;
use std::num::ParseIntError;
use store::objectives::{LONGEST_TEXT, Refusal};
use ui::Notice;
use uuid::Uuid;

/// The list, with which everything begins.
pub(crate) const HOME: &str = "/objectives";

/// The largest form: a description, each character of it encoded, and what is around it.
const FORM: usize = LONGEST_TEXT * 12 + 16 * 1024;

pub(crate) fn routes(okrs: &Okrs) -> RouteTable {
    let read = Policy::page(Auth::Person(Permission::ObjectivesRead));
    let write = Policy::page(Auth::Person(Permission::ObjectivesWrite));
    let form = Policy::form(Auth::Person(Permission::ObjectivesWrite), FORM);
    let back = Policy::form(Auth::Person(Permission::TeamOwn), LARGEST);
    RouteTable::new([
        Route::get_with(HOME, read, list::list, okrs),
        Route::post_with(HOME, form, objective::create, okrs),
        Route::get_with("/objectives/new", write, objective::new, okrs),
        Route::get_with("/objectives/export", read, export::page, okrs),
        Route::get_with("/objectives/export.json", read, export::document, okrs),
        Route::get_with("/objectives/export.zip", read, export::archive, okrs),
        Route::get_with("/objectives/export/{file}", read, export::file, okrs),
        Route::post_with(export::IMPORT, back, export::import, okrs),
        Route::get_with("/objectives/{id}", read, show::show, okrs),
        Route::post_with("/objectives/{id}", form, objective::save, okrs),
        Route::get_with("/objectives/{id}/edit", write, objective::edit, okrs),
        Route::get_with("/objectives/{id}/history", read, history::history, okrs),
        Route::get_with("/objectives/{id}/archive", write, put_away::ask, okrs),
        Route::post_with("/objectives/{id}/archive", form, put_away::archive, okrs),
        Route::post_with("/objectives/{id}/restore", form, put_away::restore, okrs),
        Route::get_with("/objectives/{id}/key-results/new", write, key_result::new, okrs),
        Route::post_with("/objectives/{id}/key-results", form, key_result::create, okrs),
        Route::get_with("/objectives/{id}/key-results/{key_result}", read, check_in::show, okrs),
        Route::post_with("/objectives/{id}/key-results/{key_result}", form, key_result::save, okrs),
        Route::get_with("/objectives/{id}/key-results/{key_result}/edit", write, key_result::edit, okrs),
        Route::post_with("/objectives/{id}/key-results/{key_result}/check-ins", form, check_in::check_in, okrs),
        Route::get_with("/objectives/{id}/key-results/{key_result}/archive", write, put_away::ask_key_result, okrs),
        Route::post_with("/objectives/{id}/key-results/{key_result}/archive", form, put_away::archive_key_result, okrs),
        Route::post_with("/objectives/{id}/key-results/{key_result}/restore", form, put_away::restore_key_result, okrs),
    ])
}

/// The page of an objective.
fn at(id: Uuid) -> String {
    format!("{HOME}/{id}")
}

/// The page of a key result.
fn at_key_result(objective: Uuid, id: Uuid) -> String {
    format!("{HOME}/{objective}/key-results/{id}")
}

/// What was done, after a form has led here.
fn done(word: Option<&str>) -> Option<Notice> {
    let words = match word? {
        "create" => EN.done_create,
        "save" => EN.done_save,
        "archive" => EN.done_archive,
        "restore" => EN.done_restore,
        "check-in" => EN.done_check_in,
        "import" => EN.done_import,
        "stale" => return Some(Notice::warning(EN.stale_act, "")),
        _ => return None,
    };
    Some(Notice::done(words, ""))
}

/// The version that a form carries.
fn version(text: &str) -> Result<u64, ParseIntError> {
    text.parse()
}

/// Why a form is shown again, and with which status.
enum Again {
    /// The answer is 422; the words are about the whole form.
    Wrong(String),
    /// The answer is 409.
    Stale,
}

impl Again {
    /// What a person can mend in the form; everything else is an answer of its own.
    fn of(refusal: Refusal) -> Result<Self, Refusal> {
        match refusal {
            Refusal::Stale => Ok(Self::Stale),
            Refusal::Store(store::StoreError::Invalid(why)) => Ok(Self::Wrong(why)),
            other => Err(other),
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Wrong(why) => why,
            Self::Stale => EN.stale,
        }
    }

    const fn status(&self) -> axum::http::StatusCode {
        match self {
            Self::Wrong(_) => axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            Self::Stale => axum::http::StatusCode::CONFLICT,
        }
    }
}
