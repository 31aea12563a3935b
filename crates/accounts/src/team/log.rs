//! What was done in the team, and when the operator looked.

use super::{texts::EN, view::Viewer};
use crate::Accounts;
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Caller, problem::Answer};
use kernel::{Actor, PersonId};
use std::collections::HashMap;
use store::{
    audit::{self, AuditEntry},
    looks::{self, Look},
    team,
};
use ui::{Cell, Heading, Links, Page, Prose, Section, Table};

/// How many events are shown.
const MOST: u32 = 200;

/// GET /team/log.
pub(super) async fn show(State(accounts): State<Accounts>, caller: Caller, viewer: Viewer) -> Answer<Response> {
    let mut scoped = accounts.store().scoped(caller.tenant, &caller.actor()).await?;
    let looks = looks::of_tenant(&mut scoped).await?;
    let events = audit::list(&mut scoped, MOST).await?;
    let names: Names = team::members(&mut scoped).await?.into_iter().map(|one| (one.person, one.name)).collect();
    drop(scoped);
    let page = Page::new(EN.log)
        .lead(EN.log_lead)
        .wide()
        .add(Section::new(EN.looks).add(Prose::soft(EN.looks_lead)).add(look_table(&looks)))
        .add(Heading::new(EN.events))
        .add(event_table(&events, &names))
        .add(Links::new().link("/team", EN.back));
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

/// What the members are called.
type Names = HashMap<PersonId, String>;

fn event_table(events: &[AuditEntry], names: &Names) -> Table {
    let mut table = Table::new(EN.events, [EN.what, EN.at, EN.who, EN.details, EN.leaf]).empty(EN.no_events);
    for entry in events {
        let event = &entry.event;
        let mut details: Vec<String> = event.targets.iter().map(|target| named(target, names)).collect();
        details.extend(event.context.iter().map(|(name, value)| format!("{name}: {value}")));
        let (who, id) = who(&event.actor, names);
        table = table.row([
            Cell::text(&event.action),
            Cell::moment(event.at),
            Cell::lines(who, id),
            Cell::lines("", details.join(", ")),
            match entry.leaf {
                Some(leaf) => Cell::link(format!("/trust/proofs/{leaf}"), leaf.to_string()),
                None => Cell::text(EN.not_sealed),
            },
        ]);
    }
    table
}

/// A target as it stands in the event, with the name in place of a member's id.
fn named(target: &str, names: &Names) -> String {
    let person = target.strip_prefix("person:").and_then(|id| id.parse().ok());
    person.and_then(|id: PersonId| names.get(&id)).cloned().unwrap_or_else(|| target.to_owned())
}

fn who<'a>(actor: &Actor, names: &'a Names) -> (&'a str, String) {
    match actor {
        Actor::Person { id } => match names.get(id) {
            Some(name) => (name.as_str(), String::new()),
            None => (EN.former, id.to_string()),
        },
        Actor::Operator => (EN.by_operator, String::new()),
        Actor::Job { name } => (EN.by_system, name.clone()),
        Actor::Visitor => (EN.by_visitor, String::new()),
    }
}
