//! The outbox as a page for the operator, in development: what would have been mailed.

use crate::Accounts;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ingress::{Auth, Policy, Route, RouteTable, problem::Answer};
use kernel::Problem;

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([Route::get_with("/dev/outbox", Policy::call(Auth::Operator, 0), show, accounts)])
}

async fn show(State(accounts): State<Accounts>) -> Answer<Response> {
    let sent = accounts.outbox().ok_or_else(Problem::not_found)?;
    let text: Vec<String> = sent.into_iter().map(|mail| format!("--- {}\r\n{}", mail.name, mail.text)).collect();
    Ok((StatusCode::OK, [("content-type", "text/plain; charset=utf-8")], text.join("\r\n")).into_response())
}
