//! A key result, its check-ins, and the form for the next one.

use super::{Again, at, at_key_result, done, key_result::find};
use crate::{
    Okrs,
    forms::{TypedCheckIn, Wrong},
    frame::View,
    parts::{Progress, aim, figure, owner},
    people::People,
    progress::{Mood, of_value},
    refusal,
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Form as Sent, Ids, Query, see_other};
use serde::Deserialize;
use store::objectives::{self, CheckIn, KeyResult, Objective};
use ui::{Act, Cell, Facts, Field, Form, Heading, Links, Notice, Page, Part as _, Table, Tone};
use uuid::Uuid;

/// How many check-ins stand on a page.
const SHOWN: u32 = 50;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    before: Option<Uuid>,
    done: Option<String>,
}

pub(super) async fn show(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(place): Ids<(Uuid, Uuid)>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let page = page(&app, &view, place, &asked, &TypedCheckIn::default(), Shown::default()).await?;
    app.show(&view, StatusCode::OK, &at_key_result(place.0, place.1), &page).await
}

pub(super) async fn check_in(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(place): Ids<(Uuid, Uuid)>,
    Sent(typed): Sent<TypedCheckIn>,
) -> Answer<Response> {
    let here = at_key_result(place.0, place.1);
    let shown = match typed.read() {
        Err(wrong) => Shown { wrong, again: None },
        Ok(new) => {
            let mut scoped = app.scoped(view.caller).await?;
            match objectives::check_in(&mut scoped, view.writer(), place, new).await {
                Ok(_) => {
                    scoped.commit().await?;
                    return Ok(see_other(&format!("{here}?done=check-in")));
                }
                Err(error) => Shown { again: Some(Again::of(error).map_err(refusal)?), ..Shown::default() },
            }
        }
    };
    let status = shown.again.as_ref().map_or(StatusCode::UNPROCESSABLE_ENTITY, Again::status);
    let page = page(&app, &view, place, &Asked::default(), &typed, shown).await?;
    app.show(&view, status, &here, &page).await
}

/// What is said in the form.
#[derive(Default)]
struct Shown {
    wrong: Wrong,
    again: Option<Again>,
}

async fn page(
    app: &Okrs,
    view: &View,
    place: (Uuid, Uuid),
    asked: &Asked,
    typed: &TypedCheckIn,
    shown: Shown,
) -> Answer<Page> {
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, found) = find(&mut scoped, place.0, place.1).await?;
    let mut check_ins = objectives::check_ins(&mut scoped, found.id, asked.before, SHOWN + 1).await?;
    let people = People::of(&mut scoped).await?;
    let more = check_ins.len() > SHOWN as usize;
    check_ins.truncate(SHOWN as usize);

    let archived = objective.archived_at.is_some() || found.archived_at.is_some();
    let (level, above) = (objective.fields.level, objective.fields.owner);
    let may_check_in = !archived && view.writer().may_check_in(level, above, found.fields.owner);
    let may_write = objective.archived_at.is_none() && view.writer().may_write(level, above);
    Ok(Page::new(&found.fields.title)
        .lead(&objective.fields.title)
        .wide()
        .error(shown.again.as_ref().map(Again::words))
        .add(done(asked.done.as_deref()))
        .add(archived.then(|| Notice::info(EN.is_archived, "")))
        .add(facts(&found, &people))
        .add(may_check_in.then(|| form(view, &found, typed, &shown.wrong)))
        .add(Heading::new(EN.check_ins))
        .add(table(&found, &check_ins, &people))
        .add(turn(&found, asked.before, check_ins.last().filter(|_| more)))
        .add(ways(&objective, &found, may_write))
        .add(restore(view, &found).filter(|_| may_write)))
}

fn facts(found: &KeyResult, people: &People) -> Facts {
    let fields = &found.fields;
    Facts::new()
        .html(EN.progress, Progress(Some(of_value(fields, found.current()))).html())
        .fact(EN.value, figure(fields.unit, found.current()))
        .fact(EN.initial, figure(fields.unit, fields.initial))
        .fact(EN.target, aim(fields))
        .fact(EN.direction, texts::direction(fields.direction))
        .fact(EN.owner, owner(people, fields.owner))
        .fact(EN.weight, fields.weight.to_string())
}

fn form(view: &View, found: &KeyResult, typed: &TypedCheckIn, wrong: &Wrong) -> Form {
    let error = |name: &str| wrong.get(name).copied();
    let action = format!("{}/check-ins", at_key_result(found.objective, found.id));
    Form::post(action, view.token.to_string(), EN.check_in)
        .title(EN.check_in)
        .field(Field::number("value", EN.value).hint(EN.value_hint).value(&typed.value).error(error("value")))
        .field(
            Field::number("confidence", EN.confidence)
                .between(1, 10)
                .hint(EN.confidence_hint)
                .value(&typed.confidence)
                .error(error("confidence")),
        )
        .field(Field::area("comment", EN.comment, 3).value(&typed.comment).optional())
}

fn table(found: &KeyResult, check_ins: &[CheckIn], people: &People) -> Table {
    let table = Table::new(EN.check_ins, [EN.when, EN.who, EN.value, EN.confidence, EN.comment]);
    check_ins.iter().fold(table.empty(EN.no_check_ins), |table, one| {
        table.row([
            Cell::moment(one.at),
            Cell::text(owner(people, Some(one.person))),
            Cell::text(figure(found.fields.unit, one.value)),
            Cell::lines(one.confidence.to_string(), texts::mood(Mood::of(one.confidence))),
            Cell::text(&one.comment),
        ])
    })
}

fn turn(found: &KeyResult, before: Option<Uuid>, last: Option<&CheckIn>) -> Links {
    let here = at_key_result(found.objective, found.id);
    let links = if before.is_some() { Links::new().link(&here, EN.newest) } else { Links::new() };
    match last {
        Some(last) => links.link(format!("{here}?before={}", last.id), EN.older),
        None => links,
    }
}

fn ways(objective: &Objective, found: &KeyResult, may_write: bool) -> Links {
    let here = at_key_result(found.objective, found.id);
    let links = if may_write && found.archived_at.is_none() {
        Links::row().link(format!("{here}/edit"), EN.edit_link).link(format!("{here}/archive"), EN.archive)
    } else {
        Links::row()
    };
    links.link(at(objective.id), EN.back_to_objective)
}

fn restore(view: &View, found: &KeyResult) -> Option<Act> {
    let restore = || {
        let action = format!("{}/restore", at_key_result(found.objective, found.id));
        Act::new(action, view.token.to_string(), EN.restore)
            .with("version", found.version.to_string())
            .about(&found.fields.title)
            .tone(Tone::Quiet)
    };
    found.archived_at.is_some().then(restore)
}
