//! The upload.

use super::{HOME, at};
use crate::{Drawings, file_name, frame::View, sniff, texts::EN};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Upload, see_other};
use store::{
    StoreError,
    drawings::{self, LONGEST_NAME},
};
use ui::{Field, Form, Links, Page};

/// What file dialogues offer.
const ACCEPTED: &str = ".png,.jpg,.jpeg,.pdf,.svg,.dxf,.dwg,image/png,image/jpeg,application/pdf,image/svg+xml";

const HERE: &str = "/drawings/new";

pub(super) async fn form(extract::State(app): extract::State<Drawings>, view: View) -> Answer<Response> {
    app.show(&view, StatusCode::OK, HERE, &page(&view, "", None)).await
}

pub(super) async fn upload(
    extract::State(app): extract::State<Drawings>,
    view: View,
    upload: Upload,
) -> Answer<Response> {
    let typed = upload.text("name").unwrap_or_default().trim().to_owned();
    let refuse = async |why: Wrong| {
        app.show(&view, StatusCode::UNPROCESSABLE_ENTITY, HERE, &page(&view, &typed, Some(why))).await
    };
    let Some(file) = upload.part("file").filter(|file| !file.data.is_empty()) else {
        return refuse(Wrong::File(EN.no_file.to_owned())).await;
    };
    let Some(kind) = sniff::kind(&file.data) else { return refuse(Wrong::File(EN.unknown_file.to_owned())).await };
    let sent = file.file_name.as_deref().and_then(file_name::cleaned);
    let name = if typed.is_empty() { sent.unwrap_or_else(|| EN.unnamed.to_owned()) } else { typed.clone() };
    if name.chars().count() > LONGEST_NAME {
        return refuse(Wrong::Name(format!("The name is longer than {LONGEST_NAME} characters."))).await;
    }
    let sent = drawings::File { name: &name, kind, content: &file.data };
    match drawings::upload(app.store(), view.caller.tenant, &view.caller.actor(), sent).await {
        Ok(id) => Ok(see_other(&format!("{}?done=upload", at(id)))),
        Err(StoreError::Invalid(why)) => refuse(Wrong::File(why)).await,
        Err(error) => Err(error.into()),
    }
}

/// What is wrong, and with which field.
enum Wrong {
    File(String),
    Name(String),
}

fn page(view: &View, typed: &str, wrong: Option<Wrong>) -> Page {
    let (file, name) = match wrong {
        Some(Wrong::File(why)) => (Some(why), None),
        Some(Wrong::Name(why)) => (None, Some(why)),
        None => (None, None),
    };
    let form = Form::post(HOME, view.token.to_string(), EN.upload)
        .field(Field::file("file", EN.file).hint(EN.file_hint).accept(ACCEPTED).error(file).focus())
        .field(Field::text("name", EN.name).hint(EN.name_hint).optional().longest(200).value(typed).error(name));
    Page::new(EN.upload).lead(EN.upload_lead).add(form).add(Links::new().link(HOME, EN.back))
}
