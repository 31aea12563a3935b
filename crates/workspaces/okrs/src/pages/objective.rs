//! Writing and changing an objective.

use super::{Again, HOME, at, version};
use crate::{
    Okrs,
    forms::{TypedObjective, Wrong},
    frame::View,
    people::People,
    refusal,
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Form as Sent, Ids, see_other};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use kernel::Permission;
use store::{
    Scoped,
    objectives::{self, Every, Filter, Level, Objective, Status, Writer},
};
use ui::{Field, Form, Links, Page};
use uuid::Uuid;

pub(super) async fn new(extract::State(app): extract::State<Okrs>, view: View) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    let (starts_on, ends_on) = quarter(scoped.now().to_zoned(TimeZone::UTC).date());
    let typed = TypedObjective {
        level: Level::Team.word().to_owned(),
        status: Status::Draft.word().to_owned(),
        owner: view.caller.person.to_string(),
        starts_on: starts_on.to_string(),
        ends_on: ends_on.to_string(),
        weight: "100".to_owned(),
        check_in_every: Every::Week.word().to_owned(),
        ..TypedObjective::default()
    };
    let page = page(&mut scoped, &view, None, &typed, Shown::default()).await?;
    app.show(&view, StatusCode::OK, "/objectives/new", &page).await
}

/// The first and the last day of the quarter of a day.
fn quarter(day: Date) -> (Date, Date) {
    let month = (day.month() - 1) / 3 * 3 + 1;
    let first = Date::new(day.year(), month, 1).unwrap_or(day);
    (first, first.saturating_add(3.months()).saturating_sub(1.day()))
}

pub(super) async fn create(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Sent(typed): Sent<TypedObjective>,
) -> Answer<Response> {
    let fields = match typed.read() {
        Ok(fields) => fields,
        Err(wrong) => return again(&app, &view, None, &typed, Shown { wrong, again: None }).await,
    };
    let mut scoped = app.scoped(view.caller).await?;
    match objectives::create(&mut scoped, view.writer(), fields).await {
        Ok(id) => {
            scoped.commit().await?;
            Ok(see_other(&format!("{}?done=create", at(id))))
        }
        Err(error) => {
            let shown = Shown { again: Some(Again::of(error).map_err(refusal)?), ..Shown::default() };
            again(&app, &view, None, &typed, shown).await
        }
    }
}

pub(super) async fn edit(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, _) = objectives::get(&mut scoped, id).await?;
    let typed = TypedObjective::of(&objective);
    let page = page(&mut scoped, &view, Some(&objective), &typed, Shown::default()).await?;
    app.show(&view, StatusCode::OK, &format!("{}/edit", at(id)), &page).await
}

pub(super) async fn save(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
    Sent(typed): Sent<TypedObjective>,
) -> Answer<Response> {
    let (from, fields) = match (version(&typed.version), typed.read()) {
        (Ok(from), Ok(fields)) => (from, fields),
        (_, Err(wrong)) => return again(&app, &view, Some(id), &typed, Shown { wrong, again: None }).await,
        (Err(_), _) => {
            let shown = Shown { again: Some(Again::Wrong(EN.bad_version.to_owned())), ..Shown::default() };
            return again(&app, &view, Some(id), &typed, shown).await;
        }
    };
    let mut scoped = app.scoped(view.caller).await?;
    match objectives::edit(&mut scoped, view.writer(), id, from, fields).await {
        Ok(_) => {
            scoped.commit().await?;
            Ok(see_other(&format!("{}?done=save", at(id))))
        }
        Err(error) => {
            let shown = Shown { again: Some(Again::of(error).map_err(refusal)?), ..Shown::default() };
            again(&app, &view, Some(id), &typed, shown).await
        }
    }
}

/// What is said in the form.
#[derive(Default)]
struct Shown {
    wrong: Wrong,
    again: Option<Again>,
}

/// The form once more, with what was typed.
async fn again(app: &Okrs, view: &View, id: Option<Uuid>, typed: &TypedObjective, shown: Shown) -> Answer<Response> {
    let status = shown.again.as_ref().map_or(StatusCode::UNPROCESSABLE_ENTITY, Again::status);
    // A transaction of its own: the one before may have been refused half-way.
    let mut scoped = app.scoped(view.caller).await?;
    let objective = match id {
        Some(id) => Some(objectives::get(&mut scoped, id).await?.0),
        None => None,
    };
    let page = page(&mut scoped, view, objective.as_ref(), typed, shown).await?;
    let path = id.map_or_else(|| "/objectives/new".to_owned(), |id| format!("{}/edit", at(id)));
    app.show(view, status, &path, &page).await
}

async fn page(
    scoped: &mut Scoped,
    view: &View,
    objective: Option<&Objective>,
    typed: &TypedObjective,
    shown: Shown,
) -> Answer<Page> {
    let people = People::of(scoped).await?;
    let parents = objectives::tree(scoped, Filter::Current).await?.objectives;
    let (action, submit, title) = match objective {
        Some(objective) => (at(objective.id), EN.save, EN.edit),
        None => (HOME.to_owned(), EN.create, EN.new),
    };
    let form = Form::post(action, view.token.to_string(), submit)
        .fields(fields(typed, &shown.wrong))
        .field(level_field(objective, typed, &shown.wrong, view.writer()))
        .fields(choices(typed, &shown.wrong, &people, &parents, objective))
        .fields(objective.map(|objective| Field::hidden("version", from(objective.version, &typed.version, &shown))));
    let back = objective.map_or_else(|| (HOME.to_owned(), EN.back), |one| (at(one.id), EN.back_to_objective));
    let page = Page::new(title);
    let page = if objective.is_none() { page.lead(EN.new_lead) } else { page };
    Ok(page.error(shown.again.as_ref().map(Again::words)).add(form).add(Links::new().link(back.0, back.1)))
}

/// The version that the form begins from. Whoever was told that there is a newer one begins from that when they save again.
fn from(newest: u64, typed: &str, shown: &Shown) -> String {
    if matches!(shown.again, Some(Again::Stale)) { newest.to_string() } else { typed.to_owned() }
}

fn fields(typed: &TypedObjective, wrong: &Wrong) -> [Field; 6] {
    let error = |name: &str| wrong.get(name).copied();
    [
        Field::text("title", EN.title).value(&typed.title).longest(200).error(error("title")).focus(),
        Field::area("description", EN.description, 4).value(&typed.description).optional(),
        Field::date("starts_on", EN.starts_on).value(&typed.starts_on).error(error("starts_on")),
        Field::date("ends_on", EN.ends_on).value(&typed.ends_on).error(error("ends_on")),
        Field::number("weight", EN.weight)
            .between(0, 100)
            .hint(EN.weight_hint)
            .value(&typed.weight)
            .error(error("weight")),
        Field::select(
            "check_in_every",
            EN.check_in_every,
            Every::ALL.iter().map(|one| (one.word(), texts::every(*one))),
        )
        .value(&typed.check_in_every)
        .error(error("check_in_every")),
    ]
}

/// The level is chosen once; of those that the writer may write.
fn level_field(objective: Option<&Objective>, typed: &TypedObjective, wrong: &Wrong, writer: Writer) -> Field {
    if let Some(objective) = objective {
        return Field::hidden("level", objective.fields.level.word());
    }
    let may = |level: &Level| *level != Level::Company || writer.role.may(Permission::CompanyObjectivesWrite);
    let choices = Level::ALL.iter().copied().filter(may).map(|level| (level.word(), texts::level(level)));
    Field::select("level", EN.level, choices).hint(EN.level_hint).value(&typed.level).error(wrong.get("level").copied())
}

fn choices(
    typed: &TypedObjective,
    wrong: &Wrong,
    people: &People,
    parents: &[Objective],
    objective: Option<&Objective>,
) -> [Field; 3] {
    let error = |name: &str| wrong.get(name).copied();
    let mut owners = people.choices();
    owners.insert(0, (String::new(), EN.nobody.to_owned()));
    // Whoever has left is kept until somebody chooses another.
    if !owners.iter().any(|(id, _)| *id == typed.owner) {
        owners.push((typed.owner.clone(), EN.former.to_owned()));
    }
    let above = |one: &&Objective| {
        one.fields.level != Level::Personal && objective.is_none_or(|own| one.fields.level < own.fields.level)
    };
    let mut parents: Vec<_> = parents
        .iter()
        .filter(above)
        .map(|one| (one.id.to_string(), format!("{}: {}", texts::level(one.fields.level), one.fields.title)))
        .collect();
    parents.insert(0, (String::new(), EN.no_parent.to_owned()));
    [
        Field::select("status", EN.status, Status::ALL.iter().map(|one| (one.word(), texts::status(*one))))
            .value(&typed.status)
            .error(error("status")),
        Field::select("owner", EN.owner, owners).value(&typed.owner).error(error("owner")).optional(),
        Field::select("parent", EN.parent, parents)
            .hint(EN.parent_hint)
            .value(&typed.parent)
            .error(error("parent"))
            .optional(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn quarters_have_three_months() {
        assert_eq!(quarter(date(2026, 11, 22)), (date(2026, 10, 1), date(2026, 12, 31)));
        assert_eq!(quarter(date(2024, 1, 1)), (date(2024, 1, 1), date(2024, 3, 31)));
        assert_eq!(quarter(date(2026, 6, 30)), (date(2026, 4, 1), date(2026, 6, 30)));
    }
}
