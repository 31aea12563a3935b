//! The list of cases, a page at a time, for people and for programs.

use super::{
    super::{held_until, texts::EN},
    HOME, state_seen,
};
use crate::{Accounts, team::view::Viewer};
use axum::{
    Json as Reply,
    extract::State,
    http::{Method, StatusCode},
    response::Response,
};
use ingress::{
    Auth, Limit, Policy, Query, Route,
    openapi::Doc,
    problem::{Answer, unacceptable},
};
use kernel::Timestamp;
use privacy::case::{Case, Kind};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use store::rights::list::{self, Sought, Stage};
use ui::{Cell, Links, Page, Prose, Table};
use utoipa::ToSchema;
use uuid::Uuid;

/// How many stand on a page.
const SHOWN: usize = 50;

/// Where programs read it.
const CALL: &str = "/api/admin/cases";

/// Which cases are asked for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    state: Option<String>,
    kind: Option<String>,
    probes: bool,
    after: Option<Uuid>,
}

/// Cases, without whose they are.
#[derive(Serialize, ToSchema)]
struct Listed {
    cases: Vec<Seen>,
    /// What to ask for with `after`, where there are more.
    next: Option<Uuid>,
}

/// A case as the operator sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = SeenCase)]
struct Seen {
    case: Uuid,
    kind: String,
    state: String,
    opened_at: String,
    due_at: String,
    closed_at: Option<String>,
    /// Until when a law forbids it.
    held_until: Option<String>,
    /// Whether it is past its time, or was answered so.
    late: bool,
    /// Whether a probe asked.
    of_probe: bool,
}

/// The route for programs.
pub(super) fn call(accounts: &Accounts) -> Route {
    let policy = Policy { limit: Limit::READS, ..Policy::call(Auth::Admin, 0) };
    let doc = Doc::new("listCases", "Every case by its number, without whose it is, fifty at a time")
        .tag("rights")
        .query("state", "`open`, which is the default, by when they are due; `late`; or `done`, the last first")
        .query("kind", "`access`, `portability`, `erasure`, `restriction` or `objection`; each of them without it")
        .query("probes", "`true` for those of probes, which say so once these are closed, rather than those of people")
        .query("after", "The `next` of the page before")
        .gives::<Listed>(200, "The cases");
    Route::with_state(Method::GET, CALL, policy, json, accounts.clone()).documented(doc)
}

/// A page of cases, and where the next one begins.
async fn page(accounts: &Accounts, asked: &Asked) -> Answer<(Sought, Vec<Case>, Option<Uuid>)> {
    let stage = asked.state.as_deref().map(str::parse::<Stage>).transpose().map_err(unacceptable)?;
    let kind = asked.kind.as_deref().map(str::parse::<Kind>).transpose().map_err(unacceptable)?;
    let sought = Sought { stage: stage.unwrap_or_default(), kind, of_probes: asked.probes };
    let most = u32::try_from(SHOWN + 1).unwrap_or(u32::MAX);
    let mut found = list::page(accounts.store(), sought, asked.after, most).await?;
    let more = found.len() > SHOWN;
    found.truncate(SHOWN);
    let next = found.last().filter(|_| more).map(|case| case.id);
    Ok((sought, found, next))
}

/// Whether a case is past its time, or was answered so.
fn is_late(case: &Case, now: Timestamp) -> bool {
    case.closed_at.unwrap_or(now) >= case.due_at && case.paused_at.is_none()
}

/// GET /api/admin/cases.
async fn json(State(accounts): State<Accounts>, Query(asked): Query<Asked>) -> Answer<Reply<Listed>> {
    let now = accounts.now();
    let (_, found, next) = page(&accounts, &asked).await?;
    let seen = |case: &Case| Seen {
        case: case.id,
        kind: case.kind.to_string(),
        state: case.state.to_string(),
        opened_at: case.opened_at.to_string(),
        due_at: case.due_at.to_string(),
        closed_at: case.closed_at.map(|at| at.to_string()),
        held_until: held_until(case).map(|at| at.to_string()),
        late: is_late(case, now),
        of_probe: case.of_probe,
    };
    Ok(Reply(Listed { cases: found.iter().map(seen).collect(), next }))
}

/// GET /admin/cases.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let now = accounts.now();
    let (sought, found, next) = page(&accounts, &asked).await?;
    let head = [EN.case, EN.what, EN.asked, EN.due, EN.state_head];
    let table = found.iter().fold(Table::new(EN.cases, head).empty(EN.no_cases), |table, case| {
        let state = state_seen(case);
        let state = if is_late(case, now) { format!("{state}, {}", EN.late) } else { state };
        table.row([
            Cell::link(format!("{HOME}/{}", case.id), case.id.to_string()),
            Cell::text(EN.short(case.kind)),
            Cell::moment(case.opened_at),
            Cell::moment(case.due_at),
            Cell::badge(state),
        ])
    });
    let page = Page::new(EN.cases)
        .lead(EN.cases_lead)
        .wide()
        .add(stages(sought))
        .add(kinds(sought))
        .add(whose(sought))
        .add(sought.of_probes.then(|| Prose::soft(EN.of_probes_lead)))
        .add(table)
        .add(turn(sought, asked.after, next))
        .add(Links::new().link("/admin", EN.back));
    viewer.show(&accounts, "/admin", StatusCode::OK, &page).await
}

/// Where such cases are listed.
fn at(sought: Sought) -> String {
    let mut path = format!("{HOME}?state={}", sought.stage);
    if let Some(kind) = sought.kind {
        let _ = write!(path, "&kind={kind}");
    }
    if sought.of_probes {
        path.push_str("&probes=true");
    }
    path
}

/// Ways to other cases, beside each other; that to these is none.
fn ways(here: Sought, all: impl IntoIterator<Item = (Sought, &'static str)>) -> Links {
    all.into_iter().fold(Links::row(), |links, (other, label)| {
        if other == here { links.here(at(other), label) } else { links.link(at(other), label) }
    })
}

fn stages(here: Sought) -> Links {
    // Of probes only what is closed is known to be theirs.
    let probes = |stage| here.of_probes && stage == Stage::Done;
    let other = |stage| Sought { stage, of_probes: probes(stage), ..here };
    ways(here, Stage::ALL.map(|stage| (other(stage), EN.stage(stage))))
}

fn kinds(here: Sought) -> Links {
    let any = (Sought { kind: None, ..here }, EN.any_kind);
    let each = Kind::ALL.map(|kind| (Sought { kind: Some(kind), ..here }, EN.short(kind)));
    ways(here, std::iter::once(any).chain(each))
}

fn whose(here: Sought) -> Links {
    let people = Sought { of_probes: false, ..here };
    let probes = Sought { of_probes: true, stage: Stage::Done, ..here };
    ways(here, [(people, EN.of_people), (probes, EN.of_probes)])
}

/// The way to the next page, and back to the first.
fn turn(here: Sought, after: Option<Uuid>, next: Option<Uuid>) -> Links {
    let links = if after.is_some() { Links::new().link(at(here), EN.beginning) } else { Links::new() };
    match next {
        Some(next) => links.link(format!("{}&after={next}", at(here)), EN.further),
        None => links,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_cases() {
        let sought = Sought { stage: Stage::Done, kind: Some(Kind::Erasure), of_probes: true };
        assert_eq!(at(sought), "/admin/cases?state=done&kind=erasure&probes=true");
        assert_eq!(at(Sought::default()), "/admin/cases?state=open");
    }
}
