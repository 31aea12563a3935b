//! The operator's side: every case by its number, without whose it is, and what can be decided about it.

mod list;
mod recipients;

use super::{
    SMALL,
    letters::{self, News, Owner},
    state_seen,
    texts::{EN, last_day},
    told,
};
use crate::{Accounts, team::view::Viewer};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{
    Auth, Failure, Form, Ids, Policy, Route, RouteTable, Stands, gate::AccountCaller, problem::Answer, see_other,
};
use jiff::{civil::Date, tz::TimeZone};
use kernel::{AccountId, Problem, Timestamp};
use privacy::case::{self, Case, Kind, State as Far};
use serde::Deserialize;
use store::{
    StoreError,
    rights::{
        cases,
        decide::{self, Decision},
        holds::{self, Hold},
    },
};
use ui::{Cell, Facts, Field, Form as Sheet, Links, Notice, Page, Prose, Section, Table, Tone};
use uuid::Uuid;

const HOME: &str = "/admin/cases";

pub(super) fn routes(accounts: &Accounts) -> RouteTable {
    let page = Policy::page(Auth::Admin);
    let form = Policy::form(Auth::Admin, SMALL).fresh().stands(Stands::Above);
    let route = |path, verb| {
        let handle = move |accounts, caller, viewer, id, why| decide(verb, accounts, caller, viewer, id, why);
        Route::post_with(path, form, handle, accounts)
    };
    RouteTable::new([
        Route::get_with(HOME, page, list::show, accounts),
        list::call(accounts),
        Route::get_with("/admin/cases/{id}", page, show, accounts),
        route("/admin/cases/{id}/extend", Verb::Extend),
        route("/admin/cases/{id}/pause", Verb::Pause),
        route("/admin/cases/{id}/resume", Verb::Resume),
        route("/admin/cases/{id}/refuse", Verb::Refuse),
        route("/admin/cases/{id}/grant", Verb::Grant),
        route("/admin/cases/{id}/hold", Verb::Hold),
        route("/admin/cases/{id}/release", Verb::Release),
        Route::post_with("/admin/cases/{id}/tell", form, recipients::again, accounts),
        Route::post_with("/admin/cases/{id}/give-up", form, recipients::give_up, accounts),
    ])
}

/// Why somebody decides, and until when.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Why {
    reason: String,
    until: String,
}

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Pause,
    Resume,
    Extend,
    Grant,
    Refuse,
    Hold,
    Release,
}

impl Verb {
    /// As the page shows them.
    const ALL: [Self; 7] =
        [Self::Pause, Self::Resume, Self::Extend, Self::Grant, Self::Refuse, Self::Hold, Self::Release];

    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Extend => "extend",
            Self::Grant => "grant",
            Self::Refuse => "refuse",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Pause => EN.pause,
            Self::Resume => EN.resume,
            Self::Extend => EN.extend,
            Self::Grant => EN.grant,
            Self::Refuse => EN.refuse,
            Self::Hold => EN.hold,
            Self::Release => EN.release,
        }
    }

    const fn lead(self) -> &'static str {
        match self {
            Self::Pause => EN.pause_lead,
            Self::Resume => EN.resume_lead,
            Self::Extend => EN.extend_lead,
            Self::Grant => EN.grant_lead,
            Self::Refuse => EN.refuse_lead,
            Self::Hold => EN.hold_lead,
            Self::Release => EN.release_lead,
        }
    }

    /// What becomes of the reason.
    const fn hint(self) -> &'static str {
        match self {
            Self::Hold | Self::Release => EN.reason_sealed,
            _ => EN.reason_read,
        }
    }

    /// What is written about it.
    const fn news(self, until: Timestamp) -> News {
        match self {
            Self::Pause => News::Question,
            Self::Resume => News::Resumed,
            Self::Extend => News::Extended,
            Self::Grant => News::Granted,
            Self::Refuse => News::Refused,
            Self::Hold => News::Held(until),
            Self::Release => News::Released,
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Grant | Self::Resume => Tone::Main,
            Self::Refuse => Tone::Danger,
            _ => Tone::Quiet,
        }
    }

    /// Whether it can be decided about a case as it is.
    fn fits(self, seen: &Seen) -> bool {
        let case = &seen.case;
        let unanswered = matches!(case.state, Far::Open | Far::Paused);
        match self {
            Self::Pause => case.state == Far::Open,
            Self::Resume => case.state == Far::Paused,
            Self::Extend => unanswered && case.extended_at.is_none(),
            Self::Grant => case.kind == Kind::Objection && case.state == Far::Open,
            Self::Refuse => unanswered,
            Self::Hold => case.state != Far::Working,
            Self::Release => case.state != Far::Working && !seen.holds.is_empty(),
        }
    }
}

/// A case as the operator sees it.
struct Seen {
    case: Case,
    /// Whether it is known whose it is.
    known: bool,
    /// What its person was told.
    told: Option<String>,
    /// What they answered.
    answer: Option<String>,
    /// The holds on their data that are in force.
    holds: Vec<Hold>,
}

/// What was not accepted.
enum Wrong {
    Decision(Undecided),
    Recipient(recipients::NotGivenUp),
}

/// A decision that was not accepted: which form it was, what was typed there, and what is wrong with it.
struct Undecided {
    verb: Verb,
    typed: Why,
    until: bool,
    words: String,
}

async fn show(State(accounts): State<Accounts>, viewer: Viewer, Ids(id): Ids<Uuid>) -> Answer<Response> {
    render(&accounts, &viewer, id, None).await
}

async fn find(accounts: &Accounts, id: Uuid) -> Answer<Case> {
    Ok(cases::by_id(accounts.store(), id).await?.ok_or_else(Problem::not_found)?)
}

async fn see(accounts: &Accounts, id: Uuid) -> Answer<Seen> {
    let (store, case) = (accounts.store(), find(accounts, id).await?);
    let Some(account) = cases::whose(store, id).await? else {
        return Ok(Seen { case, known: false, told: None, answer: None, holds: Vec::new() });
    };
    let own = cases::one(store, account, id).await?;
    let (told, answer) = own.map(|own| (own.notice, own.answer)).unwrap_or_default();
    Ok(Seen { case, known: true, told, answer, holds: holds::in_force(store, account).await? })
}

/// Every hold that is in force, with its reason and its end.
fn held(holds: &[Hold]) -> Section {
    let section = Section::new(EN.holds);
    if holds.is_empty() {
        return section.add(Prose::new(EN.no_hold));
    }
    let mut table = Table::new(EN.holds, [EN.reason, EN.since, EN.until]);
    for hold in holds {
        table = table.row([Cell::text(&hold.reason), Cell::moment(hold.since), Cell::text(last_day(hold.until))]);
    }
    section.add(Prose::new(EN.held_now)).add(table)
}

async fn render(accounts: &Accounts, viewer: &Viewer, id: Uuid, wrong: Option<Wrong>) -> Answer<Response> {
    let seen = see(accounts, id).await?;
    let steps = store::rights::recipients::of_case(accounts.store(), id).await?;
    let (decision, recipient) = match &wrong {
        Some(Wrong::Decision(wrong)) => (Some(wrong), None),
        Some(Wrong::Recipient(wrong)) => (None, Some(wrong)),
        None => (None, None),
    };
    let mut page = Page::new(EN.case).add(facts(&seen.case)).add(recipients::section(&steps, viewer.csrf()));
    for step in recipients::waiting(&steps) {
        page = page.add(recipients::sheet(step, viewer.csrf(), recipient));
    }
    if seen.known {
        page = page
            .add(told(EN.told, seen.told.as_deref().unwrap_or(EN.told_nothing)))
            .add(seen.answer.as_deref().map(|words| told(EN.answered_by, words)))
            .add(held(&seen.holds));
        for verb in Verb::ALL.into_iter().filter(|verb| verb.fits(&seen)) {
            page = page.add(sheet(&seen.case, viewer.csrf(), verb, decision.filter(|wrong| wrong.verb == verb)));
        }
    } else {
        page = page.add(Notice::info(EN.nobody, EN.nobody_text));
    }
    // Where the form is there no more, what is wrong is said above.
    let above = decision.filter(|wrong| !seen.known || !wrong.verb.fits(&seen));
    let page = page
        .error(above.map(|wrong| format!("{}: {}", wrong.verb.label(), wrong.words)))
        .add(Links::new().link(HOME, EN.back));
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    viewer.show(accounts, "/admin", status, &page).await
}

fn facts(case: &Case) -> Facts {
    let facts = Facts::new()
        .fact(EN.case, case.id.to_string())
        .fact(EN.what, case.kind.word())
        .fact(EN.state_head, state_seen(case))
        .html(EN.asked, ui::moment(case.opened_at))
        .html(EN.due, ui::moment(case.due_at));
    [(EN.extended, case.extended_at), (EN.stands, case.paused_at), (EN.closed, case.closed_at)]
        .into_iter()
        .filter_map(|(name, at)| Some((name, at?)))
        .fold(facts, |facts, (name, at)| facts.html(name, ui::moment(at)))
}

/// The form of a decision, with what was typed there before.
fn sheet(case: &Case, csrf: &str, verb: Verb, wrong: Option<&Undecided>) -> Sheet {
    let said = |until: bool| wrong.filter(|wrong| wrong.until == until).map(|wrong| wrong.words.as_str());
    let (word, label) = (verb.word(), verb.label());
    let reason = Field::text("reason", EN.reason)
        .id(format!("reason-{word}"))
        .hint(verb.hint())
        .error(said(false))
        .value(wrong.map_or("", |wrong| wrong.typed.reason.as_str()))
        .longest(500);
    let sheet = Sheet::post(format!("{HOME}/{}/{word}", case.id), csrf, label)
        .title(label)
        .lead(verb.lead())
        .tone(verb.tone())
        .field(reason);
    if verb != Verb::Hold {
        return sheet;
    }
    let until = Field::date("until", EN.until)
        .hint(EN.until_hint)
        .error(said(true))
        .value(wrong.map_or("", |wrong| wrong.typed.until.as_str()));
    sheet.field(until)
}

/// Decides, and writes to the person what was decided.
async fn decide(
    verb: Verb,
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let case = find(&accounts, id).await?;
    let (until, words) = match carry_out(&accounts, caller.0.account, &case, verb, &why).await {
        Ok(()) => return Ok(see_other(&format!("{HOME}/{id}"))),
        Err(Undone::Until(words)) => (true, words.to_owned()),
        Err(Undone::Store(StoreError::Invalid(words))) => (false, words),
        Err(Undone::Store(StoreError::NotFound)) if verb == Verb::Release => (false, EN.no_hold.to_owned()),
        Err(Undone::Store(other)) => return Err(Failure::from(other)),
    };
    let wrong = Wrong::Decision(Undecided { verb, typed: why, until, words });
    render(&accounts, &viewer, id, Some(wrong)).await
}

/// Why something was not decided.
enum Undone {
    /// The day is none that can be.
    Until(&'static str),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn carry_out(accounts: &Accounts, admin: AccountId, case: &Case, verb: Verb, why: &Why) -> Result<(), Undone> {
    let (store, calendar) = (accounts.store(), accounts.calendar());
    let owner = Owner::of(accounts, case).await?;
    let until = if verb == Verb::Hold { last_of(accounts, &why.until)? } else { case.due_at };
    let letter = |case: &Case| letters::kept(accounts, owner.as_ref()?, case, verb.news(until));
    let decision = Decision { case: case.id, admin, reason: &why.reason, letter: Some(&letter) };
    match verb {
        Verb::Pause => decide::pause(store, decision).await?,
        Verb::Resume => decide::resume(store, decision, |case, now| case::resumed(calendar, case, now)).await?,
        Verb::Extend => decide::extend(store, decision, |case| case::extended(calendar, case)).await?,
        Verb::Grant => decide::grant(store, decision).await?,
        Verb::Refuse => decide::refuse(store, decision).await?,
        Verb::Hold => decide::hold(store, decision, until).await.map(drop)?,
        Verb::Release => decide::release(store, decision).await?,
    }
    Ok(())
}

/// The end of a day that is not over.
fn last_of(accounts: &Accounts, day: &str) -> Result<Timestamp, Undone> {
    let until = end_of(day).ok_or(Undone::Until(EN.until_wrong))?;
    if until <= accounts.now() { Err(Undone::Until(EN.until_past)) } else { Ok(until) }
}

/// The end of a day.
fn end_of(day: &str) -> Option<Timestamp> {
    let next = day.trim().parse::<Date>().ok()?.tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_until_the_end_of_its_day() {
        assert_eq!(end_of("2027-12-31").unwrap().to_string(), "2028-01-01T00:00:00Z");
        assert_eq!(end_of("31.12.2027"), None);
    }
}
