//! What was done in the team, and when the operator looked.

use super::{texts::EN, view::Viewer};
use crate::Accounts;
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Caller, problem::Answer};
use kernel::Actor;
use store::{
    audit::{self, AuditEntry},
    looks::{self, Look},
};
use ui::{Cell, Page, Prose, Section, Table};

/// How many events are shown.
const MOST: u32 = 200;

/// GET /team/log.
pub(super) async fn show(State(accounts): State<Accounts>, caller: Caller, viewer: Viewer) -> Answer<Response> {
    let mut scoped = accounts.store().scoped(caller.tenant, &caller.actor()).await?;
    let looks = looks::of_tenant(&mut scoped).await?;
    let events = audit::list(&mut scoped, MOST).await?;
    drop(scoped);
    let page = Page::new(EN.log)
        .lead(EN.log_lead)
        .wide()
        .add(Section::new(EN.looks).add(Prose::soft(EN.looks_lead)).add(look_table(&looks)))
        .add(event_table(&events));
    viewer.show(&accounts, "/team/log", StatusCode::OK, &page).await
}

fn look_table(looks: &[Look]) -> Table {
    let mut table = Table::new(EN.looks, [EN.reason, EN.from, EN.until]).empty(EN.no_looks);
    for look in looks {
        let until = look.ended_at.unwrap_or(look.expires_at);
        table = table.row([Cell::text(&look.reason), Cell::moment(look.created_at), Cell::moment(until)]);
    }
    table
}

fn event_table(events: &[AuditEntry]) -> Table {
    let mut table = Table::new(EN.events, [EN.what, EN.at, EN.who, EN.details, EN.leaf]).empty(EN.no_events);
    for entry in events {
        let event = &entry.event;
        let mut details = event.targets.clone();
        details.extend(event.context.iter().map(|(name, value)| format!("{name}: {value}")));
        let (who, id) = who(&event.actor);
        table = table.row([
            Cell::text(&event.action),
            Cell::moment(event.at),
            Cell::lines(who, id),
            Cell::text(details.join(", ")),
            match entry.leaf {
                Some(leaf) => Cell::link(format!("/trust/proofs/{leaf}"), leaf.to_string()),
                None => Cell::text(EN.not_sealed),
            },
        ]);
    }
    table
}

fn who(actor: &Actor) -> (&'static str, String) {
    match actor {
        Actor::Person { id } => (EN.by_person, id.to_string()),
        Actor::Operator => (EN.by_operator, String::new()),
        Actor::Job { name } => (EN.by_system, name.clone()),
        Actor::Visitor => (EN.by_visitor, String::new()),
    }
}
