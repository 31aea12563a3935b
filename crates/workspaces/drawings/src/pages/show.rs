//! One drawing, and with whom it is shared.

use super::{HOME, at};
use crate::{
    Drawings,
    frame::View,
    original,
    people::People,
    texts::{self, EN},
};
use askama::Template;
use axum::{
    extract,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ingress::{Answer, Caller, Form as Sent, Ids, Query, see_other};
use kernel::{Permission, PersonId};
use serde::Deserialize;
use store::{
    StoreError,
    drawings::{self, Drawing, Grant},
};
use ui::{Act, Cell, Facts, Field, Form, Html, Links, Notice, Page, Section, Table, Tone, moment};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    done: Option<String>,
}

pub(super) async fn show(
    extract::State(app): extract::State<Drawings>,
    view: View,
    Ids(id): Ids<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let done = match asked.done.as_deref() {
        Some("upload") => Some(EN.done_upload),
        Some("share") => Some(EN.done_share),
        Some("unshare") => Some(EN.done_unshare),
        _ => None,
    };
    let page = page(&app, &view, id, Said { done, wrong: None }).await?;
    app.show(&view, StatusCode::OK, &at(id), &page).await
}

/// What is said beside the drawing itself.
#[derive(Clone, Copy)]
struct Said {
    done: Option<&'static str>,
    wrong: Option<&'static str>,
}

async fn page(app: &Drawings, view: &View, id: Uuid, said: Said) -> Answer<Page> {
    let mut scoped = app.scoped(view.caller).await?;
    let drawing = drawings::get(&mut scoped, id).await?;
    let people = People::of(&mut scoped).await?;
    let mine = drawing.owner == view.caller.person;
    let page = Page::new(&drawing.name)
        .wide()
        .add(said.done.map(|done| Notice::done(done, "")))
        .add(picture(&drawing))
        .add(ways(&drawing))
        .add(facts(&drawing, mine, &people));
    // Whoever may only look now may have uploaded before: what they share is theirs to see, not to change.
    if !mine || !view.caller.role.may(Permission::DrawingsWrite) {
        return Ok(page.add(Links::new().link(HOME, EN.back)));
    }
    let grants = drawings::grants(&mut scoped, id).await?;
    Ok(page
        .add(
            Section::new(EN.sharing)
                .add(shares(&drawing, &grants, view, &people))
                .add(sharing(&drawing, &grants, view, &people, said.wrong)),
        )
        .add(Links::row().button(format!("{}/delete", at(id)), EN.delete_link, Tone::Danger).link(HOME, EN.back)))
}

fn facts(drawing: &Drawing, mine: bool, people: &People) -> Facts {
    let owner = if mine { EN.you } else { people.name(drawing.owner).unwrap_or(EN.former) };
    Facts::new()
        .fact(EN.kind, texts::kind(drawing.kind))
        .fact(EN.size, texts::size(drawing.size))
        .fact(EN.owner, owner)
        .html(EN.uploaded, moment(drawing.created_at))
}

#[derive(Template)]
#[template(source = "<p class=\"picture\"><img src=\"{{ src }}\" alt=\"{{ alt }}\"></p>", ext = "html")]
struct Picture {
    src: String,
    alt: String,
}

fn picture(drawing: &Drawing) -> Option<Html> {
    let alt = format!("{}{}", EN.picture_of, drawing.name);
    original::is_picture(drawing.kind).then(|| Html::of(&Picture { src: format!("{}/original", at(drawing.id)), alt }))
}

fn ways(drawing: &Drawing) -> Links {
    let original = format!("{}/original", at(drawing.id));
    let links = if original::in_place(drawing.kind) { Links::row().link(&original, EN.open) } else { Links::row() };
    links.link(format!("{original}?save=yes"), EN.save)
}

fn shares(drawing: &Drawing, grants: &[Grant], view: &View, people: &People) -> Table {
    let table = Table::new(EN.shared_with, [EN.shared_with, EN.since, ""]).empty(EN.not_shared);
    grants.iter().fold(table, |table, grant| {
        let name = people.name(grant.person).unwrap_or(EN.former);
        let action = format!("{}/grants/{}/remove", at(drawing.id), grant.person);
        let end = Act::new(action, view.token.to_string(), EN.unshare).about(name).tone(Tone::Quiet);
        table.row([Cell::text(name), Cell::moment(grant.created_at), Cell::part(end)])
    })
}

/// The form for one more colleague, where there is one.
fn sharing(drawing: &Drawing, grants: &[Grant], view: &View, people: &People, wrong: Option<&str>) -> Sharing {
    let has = |person: PersonId| person == drawing.owner || grants.iter().any(|grant| grant.person == person);
    let others: Vec<_> = people.by_name().into_iter().filter(|(person, _)| !has(*person)).collect();
    if others.is_empty() {
        // Where everybody has it already there is nothing to say, unless something went wrong.
        let alone = grants.is_empty().then(|| Notice::info(EN.nobody, ""));
        return Sharing(None, wrong.map(|wrong| Notice::warning(wrong, "")).or(alone));
    }
    let choices = others.into_iter().map(|(person, name)| (person.to_string(), name.to_owned()));
    let field = Field::select("person", EN.share_with, choices).error(wrong);
    let action = format!("{}/share", at(drawing.id));
    Sharing(Some(Form::post(action, view.token.to_string(), EN.share).field(field)), None)
}

struct Sharing(Option<Form>, Option<Notice>);

impl ui::Part for Sharing {
    fn html(&self) -> Html {
        self.0.as_ref().map_or_else(|| self.1.html(), ui::Part::html)
    }

    fn errors(&self) -> Vec<(String, String)> {
        self.0.errors()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    save: Option<String>,
}

pub(super) async fn original(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Query(how): Query<How>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (drawing, reader) = drawings::reader(app.store(), app.scoped(caller).await?, id).await?;
    original::answer(&drawing, reader, how.save.is_some(), &headers).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    person: String,
}

pub(super) async fn share(
    extract::State(app): extract::State<Drawings>,
    view: View,
    Ids(id): Ids<Uuid>,
    Sent(with): Sent<With>,
) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    // Of a drawing that is not theirs nobody learns more than that there is none.
    drawings::grants(&mut scoped, id).await?;
    let shared = match with.person.parse() {
        Ok(person) => drawings::share(&mut scoped, id, person).await,
        Err(_) => Err(StoreError::NotFound),
    };
    match shared {
        Ok(()) => {
            scoped.commit().await?;
            Ok(see_other(&format!("{}?done=share", at(id))))
        }
        Err(StoreError::NotFound | StoreError::Invalid(_)) => {
            drop(scoped);
            let page = page(&app, &view, id, Said { done: None, wrong: Some(EN.no_member) }).await?;
            app.show(&view, StatusCode::UNPROCESSABLE_ENTITY, &at(id), &page).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn unshare(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids((id, person)): Ids<(Uuid, Uuid)>,
) -> Answer<Response> {
    let mut scoped = app.scoped(caller).await?;
    drawings::unshare(&mut scoped, id, PersonId::from(person)).await?;
    scoped.commit().await?;
    Ok(see_other(&format!("{}?done=unshare", at(id))))
}
