//! The same as JSON.

use super::{
    Kind, Refused, ask as take, case_of,
    texts::EN,
    wire::{Asked, Listed, Opened, Shown},
};
use crate::Accounts;
use axum::{Json as Reply, extract::State, http::StatusCode};
use ingress::{
    AccountCaller, Ids, Json,
    problem::{Answer, unacceptable},
};
use kernel::Problem;
use store::rights::cases;
use uuid::Uuid;

/// POST /api/account/requests.
pub(super) async fn ask(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Json(asked): Json<Asked>,
) -> Answer<(StatusCode, Reply<Opened>)> {
    let kind: Kind = asked.kind.parse().map_err(unacceptable)?;
    match take(&accounts, &session, kind, &asked.email).await? {
        Ok(case) => Ok((StatusCode::ACCEPTED, Reply(Opened::from(&case)))),
        Err(Refused::Address) => Err(unacceptable(EN.email_wrong)),
        Err(Refused::Rule(why)) => Err(unacceptable(why)),
        Err(Refused::Open(why)) => Err(Problem::new(409, "taken", "There is one already").detail(why).into()),
    }
}

/// GET /api/account/requests.
pub(super) async fn list(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
) -> Answer<Reply<Listed>> {
    let own = cases::of_account(accounts.store(), session.account).await?;
    Ok(Reply(Listed { requests: own.into_iter().map(Shown::of).collect() }))
}

/// GET /api/account/requests/{case}.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Reply<Shown>> {
    Ok(Reply(Shown::of(case_of(&accounts, session.account, id).await?)))
}
