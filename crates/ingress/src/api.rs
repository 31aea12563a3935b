//! The public API: tenants, people, notes. Handlers parse, call the store once, and render.

mod audit;
mod notes;
mod people;
mod wire;

pub(crate) use wire::{AuditEvent, Trail};

use crate::{
    openapi,
    policy::{Cache, Policy},
    route::{Route, RouteTable},
    state::State,
};
use axum::http::{Method, header::CONTENT_TYPE};
use std::sync::Arc;

/// Where the document of the API is.
pub const DOCUMENT: &str = "/openapi.json";

/// The routes of the API.
#[must_use]
pub fn routes(state: &State) -> RouteTable {
    people::routes(state).merge(notes::routes(state)).merge(audit::routes(state))
}

/// The route that serves the OpenAPI document of `table`.
#[must_use]
pub fn document(table: &RouteTable) -> Route {
    let text: Arc<str> = openapi::document(table).to_json().unwrap_or_default().into();
    let policy = Policy { cache: Cache::Seconds(300), ..Policy::ASSET };
    Route::new(Method::GET, DOCUMENT, policy, move || {
        let text = Arc::clone(&text);
        async move { ([(CONTENT_TYPE, "application/json")], text.to_string()) }
    })
}
