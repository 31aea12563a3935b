//! What was done in the caller's team.

use super::wire::{AuditEvent, Trail};
use crate::{
    gate::Caller,
    openapi::Doc,
    policy::Policy,
    problem::Answer,
    route::{Route, RouteTable},
    state::State,
};
use axum::{Json as Reply, extract, http::Method};
use kernel::Permission;
use store::audit;

/// How many events are shown.
pub(crate) const MOST: u32 = 1_000;

pub(super) fn routes(state: &State) -> RouteTable {
    let doc = Doc::new("listAudit", "What was done in the caller's team, newest first").tag("audit");
    RouteTable::new([Route::with_state(
        Method::GET,
        "/api/audit",
        Policy::read(Permission::AuditRead),
        list,
        state.clone(),
    )
    .documented(doc.gives::<Trail>(200, "At most 1000 events"))])
}

async fn list(extract::State(state): extract::State<State>, caller: Caller) -> Answer<Reply<Trail>> {
    let mut scoped = state.store.scoped(caller.tenant, &caller.actor()).await?;
    let events = audit::list(&mut scoped, MOST).await?.into_iter().map(AuditEvent::from).collect();
    Ok(Reply(Trail { events }))
}
