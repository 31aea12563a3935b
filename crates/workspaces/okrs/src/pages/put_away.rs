//! Archiving, after a question, and restoring.

use super::{HOME, at, at_key_result, key_result::find, version};
use crate::{Okrs, frame::View, refusal, texts::EN};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Form as Sent, Ids, problem::unacceptable, see_other};
use serde::Deserialize;
use store::objectives::{self, Refusal};
use ui::{Act, Links, Page, Prose, Tone};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    version: String,
}

impl Which {
    fn number(&self) -> Answer<u64> {
        version(&self.version).map_err(|_| unacceptable(EN.bad_version))
    }
}

pub(super) async fn ask(extract::State(app): extract::State<Okrs>, view: View, Ids(id): Ids<Uuid>) -> Answer<Response> {
    let (objective, _) = objectives::get(&mut app.scoped(view.caller).await?, id).await?;
    let page = question(&view, &at(id), &objective.fields.title, objective.version);
    app.show(&view, StatusCode::OK, &format!("{}/archive", at(id)), &page).await
}

pub(super) async fn ask_key_result(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids((id, key_result)): Ids<(Uuid, Uuid)>,
) -> Answer<Response> {
    let (_, found) = find(&mut app.scoped(view.caller).await?, id, key_result).await?;
    let here = at_key_result(id, key_result);
    let page = question(&view, &here, &found.fields.title, found.version);
    app.show(&view, StatusCode::OK, &format!("{here}/archive"), &page).await
}

fn question(view: &View, here: &str, title: &str, version: u64) -> Page {
    let yes = Act::new(format!("{here}/archive"), view.token.to_string(), EN.archive)
        .with("version", version.to_string())
        .about(title)
        .tone(Tone::Danger);
    let no = Links::new().link(here, EN.keep);
    Page::new(EN.archive_question).lead(title).add(Prose::new(EN.archive_lead)).add(yes).add(no)
}

pub(super) async fn archive(
    app: extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
    Sent(which): Sent<Which>,
) -> Answer<Response> {
    set(&app, &view, id, which.number()?, true).await
}

pub(super) async fn restore(
    app: extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
    Sent(which): Sent<Which>,
) -> Answer<Response> {
    set(&app, &view, id, which.number()?, false).await
}

async fn set(app: &Okrs, view: &View, id: Uuid, from: u64, archived: bool) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    match objectives::set_archived(&mut scoped, view.writer(), id, from, archived).await {
        Ok(_) => {
            scoped.commit().await?;
            Ok(if archived { see_other(&format!("{HOME}?done=archive")) } else { moved(&at(id), "restore") })
        }
        Err(Refusal::Stale) => Ok(moved(&at(id), "stale")),
        Err(error) => Err(refusal(error)),
    }
}

pub(super) async fn archive_key_result(
    app: extract::State<Okrs>,
    view: View,
    Ids(place): Ids<(Uuid, Uuid)>,
    Sent(which): Sent<Which>,
) -> Answer<Response> {
    set_key_result(&app, &view, place, which.number()?, true).await
}

pub(super) async fn restore_key_result(
    app: extract::State<Okrs>,
    view: View,
    Ids(place): Ids<(Uuid, Uuid)>,
    Sent(which): Sent<Which>,
) -> Answer<Response> {
    set_key_result(&app, &view, place, which.number()?, false).await
}

async fn set_key_result(app: &Okrs, view: &View, place: (Uuid, Uuid), from: u64, archived: bool) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    match objectives::set_key_result_archived(&mut scoped, view.writer(), place, from, archived).await {
        Ok(_) => {
            scoped.commit().await?;
            let to = if archived { at(place.0) } else { at_key_result(place.0, place.1) };
            Ok(moved(&to, if archived { "archive" } else { "restore" }))
        }
        Err(Refusal::Stale) => Ok(moved(&at_key_result(place.0, place.1), "stale")),
        Err(error) => Err(refusal(error)),
    }
}

/// To a page that says what was done, or that somebody was quicker.
fn moved(to: &str, word: &str) -> Response {
    see_other(&format!("{to}?done={word}"))
}
