//! Writing and changing a key result.

use super::{Again, at, at_key_result, version};
use crate::{
    Okrs,
    forms::{TypedKeyResult, Wrong},
    frame::View,
    people::People,
    refusal,
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Form as Sent, Ids, see_other};
use kernel::Problem;
use store::{
    Scoped,
    objectives::{self, Direction, KeyResult, Objective, Unit},
};
use ui::{Field, Form, Links, Page};
use uuid::Uuid;

pub(super) async fn new(extract::State(app): extract::State<Okrs>, view: View, Ids(id): Ids<Uuid>) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, key_results) = objectives::get(&mut scoped, id).await?;
    let used: u32 =
        key_results.iter().filter(|one| one.archived_at.is_none()).map(|one| u32::from(one.fields.weight)).sum();
    let typed = TypedKeyResult {
        owner: view.caller.person.to_string(),
        unit: Unit::Number.word().to_owned(),
        direction: Direction::Increase.word().to_owned(),
        initial: "0".to_owned(),
        // What is left of a hundred.
        weight: 100_u32.saturating_sub(used).to_string(),
        ..TypedKeyResult::default()
    };
    let page = page(&mut scoped, &view, &objective, None, &typed, Shown::default()).await?;
    app.show(&view, StatusCode::OK, &format!("{}/key-results/new", at(id)), &page).await
}

pub(super) async fn create(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
    Sent(typed): Sent<TypedKeyResult>,
) -> Answer<Response> {
    let fields = match typed.read() {
        Ok(fields) => fields,
        Err(wrong) => return again(&app, &view, (id, None), &typed, Shown { wrong, again: None }).await,
    };
    let mut scoped = app.scoped(view.caller).await?;
    match objectives::add(&mut scoped, view.writer(), id, fields).await {
        Ok(_) => {
            scoped.commit().await?;
            Ok(see_other(&format!("{}?done=create", at(id))))
        }
        Err(error) => {
            let shown = Shown { again: Some(Again::of(error).map_err(refusal)?), ..Shown::default() };
            again(&app, &view, (id, None), &typed, shown).await
        }
    }
}

pub(super) async fn edit(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids((id, key_result)): Ids<(Uuid, Uuid)>,
) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, found) = find(&mut scoped, id, key_result).await?;
    let typed = TypedKeyResult::of(&found);
    let page = page(&mut scoped, &view, &objective, Some(&found), &typed, Shown::default()).await?;
    app.show(&view, StatusCode::OK, &format!("{}/edit", at_key_result(id, key_result)), &page).await
}

pub(super) async fn save(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids((id, key_result)): Ids<(Uuid, Uuid)>,
    Sent(typed): Sent<TypedKeyResult>,
) -> Answer<Response> {
    let place = (id, Some(key_result));
    let (from, fields) = match (version(&typed.version), typed.read()) {
        (Ok(from), Ok(fields)) => (from, fields),
        (_, Err(wrong)) => return again(&app, &view, place, &typed, Shown { wrong, again: None }).await,
        (Err(_), _) => {
            let shown = Shown { again: Some(Again::Wrong(EN.bad_version.to_owned())), ..Shown::default() };
            return again(&app, &view, place, &typed, shown).await;
        }
    };
    let mut scoped = app.scoped(view.caller).await?;
    match objectives::edit_key_result(&mut scoped, view.writer(), (id, key_result), from, fields).await {
        Ok(_) => {
            scoped.commit().await?;
            Ok(see_other(&format!("{}?done=save", at_key_result(id, key_result))))
        }
        Err(error) => {
            let shown = Shown { again: Some(Again::of(error).map_err(refusal)?), ..Shown::default() };
            again(&app, &view, place, &typed, shown).await
        }
    }
}

/// A key result with its objective.
pub(super) async fn find(scoped: &mut Scoped, id: Uuid, key_result: Uuid) -> Answer<(Objective, KeyResult)> {
    let (objective, key_results) = objectives::get(scoped, id).await?;
    let found = key_results.into_iter().find(|one| one.id == key_result);
    Ok((objective, found.ok_or_else(Problem::not_found)?))
}

/// What is said in the form.
#[derive(Default)]
struct Shown {
    wrong: Wrong,
    again: Option<Again>,
}

/// The form once more, with what was typed.
async fn again(
    app: &Okrs,
    view: &View,
    (id, key_result): (Uuid, Option<Uuid>),
    typed: &TypedKeyResult,
    shown: Shown,
) -> Answer<Response> {
    let status = shown.again.as_ref().map_or(StatusCode::UNPROCESSABLE_ENTITY, Again::status);
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, found) = match key_result {
        Some(key_result) => {
            let (objective, found) = find(&mut scoped, id, key_result).await?;
            (objective, Some(found))
        }
        None => (objectives::get(&mut scoped, id).await?.0, None),
    };
    let page = page(&mut scoped, view, &objective, found.as_ref(), typed, shown).await?;
    app.show(view, status, &at(id), &page).await
}

async fn page(
    scoped: &mut Scoped,
    view: &View,
    objective: &Objective,
    found: Option<&KeyResult>,
    typed: &TypedKeyResult,
    shown: Shown,
) -> Answer<Page> {
    let people = People::of(scoped).await?;
    let (action, submit, title) = match found {
        Some(found) => (at_key_result(objective.id, found.id), EN.save, EN.edit_key_result),
        None => (format!("{}/key-results", at(objective.id)), EN.create, EN.add_key_result),
    };
    let form = Form::post(action, view.token.to_string(), submit).fields(fields(typed, &shown.wrong, &people)).fields(
        found.map(|found| {
            // As in the form for objectives.
            let stale = matches!(shown.again, Some(Again::Stale));
            Field::hidden("version", if stale { found.version.to_string() } else { typed.version.clone() })
        }),
    );
    Ok(Page::new(title)
        .lead(&objective.fields.title)
        .error(shown.again.as_ref().map(Again::words))
        .add(form)
        .add(Links::new().link(at(objective.id), EN.back_to_objective)))
}

fn fields(typed: &TypedKeyResult, wrong: &Wrong, people: &People) -> [Field; 8] {
    let error = |name: &str| wrong.get(name).copied();
    let mut owners = people.choices();
    owners.insert(0, (String::new(), EN.nobody.to_owned()));
    if !owners.iter().any(|(id, _)| *id == typed.owner) {
        owners.push((typed.owner.clone(), EN.former.to_owned()));
    }
    let number = |name, label, value: &str| Field::number(name, label).value(value).error(error(name));
    [
        Field::text("title", EN.title).value(&typed.title).longest(200).error(error("title")).focus(),
        Field::select("unit", EN.unit, Unit::ALL.iter().map(|one| (one.word(), texts::unit(*one))))
            .hint(EN.unit_hint)
            .value(&typed.unit)
            .error(error("unit")),
        Field::select("direction", EN.direction, Direction::ALL.iter().map(|one| (one.word(), texts::direction(*one))))
            .value(&typed.direction)
            .error(error("direction")),
        number("initial", EN.initial, &typed.initial).optional(),
        number("target", EN.target, &typed.target).hint(EN.target_hint).optional(),
        number("lower", EN.lower, &typed.lower).hint(EN.lower_hint).optional(),
        number("weight", EN.weight, &typed.weight).between(0, 100).hint(EN.weight_hint),
        Field::select("owner", EN.owner, owners).value(&typed.owner).error(error("owner")).optional(),
    ]
}
