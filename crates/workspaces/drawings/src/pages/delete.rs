//! Deletion: a question first, since it cannot be undone.

use super::{HOME, at};
use crate::{Drawings, frame::View, texts::EN};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Caller, Ids, see_other};
use kernel::Problem;
use store::drawings;
use ui::{Act, Links, Page, Prose, Tone};
use uuid::Uuid;

pub(super) async fn ask(
    extract::State(app): extract::State<Drawings>,
    view: View,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let drawing = drawings::get(&mut app.scoped(view.caller).await?, id).await?;
    if drawing.owner != view.caller.person {
        return Err(Problem::not_found().into());
    }
    let path = format!("{}/delete", at(id));
    let yes = Act::new(&path, view.token.to_string(), EN.delete).about(&drawing.name).tone(Tone::Danger);
    let page = Page::new(EN.delete_question)
        .lead(&drawing.name)
        .add(Prose::new(EN.delete_lead))
        .add(yes)
        .add(Links::new().link(at(id), EN.keep));
    app.show(&view, StatusCode::OK, &path, &page).await
}

pub(super) async fn delete(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let mut scoped = app.scoped(caller).await?;
    drawings::delete(&mut scoped, id).await?;
    scoped.commit().await?;
    Ok(see_other(&format!("{HOME}?done=delete")))
}
