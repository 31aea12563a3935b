//! The pages.

mod delete;
mod list;
mod show;
mod upload;

use crate::Drawings;
use ingress::{Auth, Policy, Route, RouteTable};
use kernel::Permission;
use store::drawings::LARGEST;
use uuid::Uuid;

/// The list, with which everything begins.
pub(crate) const HOME: &str = "/drawings";

/// The largest form without a file.
const FORM: usize = 8 * 1024;
/// What a form needs beside the file: names, boundaries, the token.
const AROUND: usize = 64 * 1024;

pub(crate) fn routes(drawings: &Drawings) -> RouteTable {
    let read = Policy::page(Auth::Person(Permission::DrawingsRead));
    let write = Policy::page(Auth::Person(Permission::DrawingsWrite));
    let form = Policy::form(Auth::Person(Permission::DrawingsWrite), FORM);
    let upload = Policy::form(Auth::Person(Permission::DrawingsWrite), LARGEST + AROUND);
    RouteTable::new([
        Route::get_with(HOME, read, list::list, drawings),
        Route::post_with(HOME, upload, upload::upload, drawings),
        Route::get_with("/drawings/new", write, upload::form, drawings),
        Route::get_with("/drawings/{id}", read, show::show, drawings),
        Route::get_with("/drawings/{id}/original", read, show::original, drawings),
        Route::post_with("/drawings/{id}/share", form, show::share, drawings),
        Route::post_with("/drawings/{id}/grants/{person}/remove", form, show::unshare, drawings),
        Route::get_with("/drawings/{id}/delete", write, delete::ask, drawings),
        Route::post_with("/drawings/{id}/delete", form, delete::delete, drawings),
    ])
}

/// The page of a drawing.
fn at(id: Uuid) -> String {
    format!("{HOME}/{id}")
}
