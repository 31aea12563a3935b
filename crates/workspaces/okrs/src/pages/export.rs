//! The export, and the way back.

use super::HOME;
use crate::{Okrs, export, frame::View, refusal, texts::EN};
use axum::{
    extract,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ingress::{Answer, Caller, Upload, problem::internal, see_other};
use kernel::Permission;
use store::{StoreError, objectives::Refusal};
use ui::{Field, Form, Links, Page};

/// Where an export is read back.
pub(super) const IMPORT: &str = "/objectives/import";

pub(super) async fn page(extract::State(app): extract::State<Okrs>, view: View) -> Answer<Response> {
    show(&app, &view, StatusCode::OK, None).await
}

async fn show(app: &Okrs, view: &View, status: StatusCode, wrong: Option<String>) -> Answer<Response> {
    let whole = Links::new()
        .link("/objectives/export.zip", EN.export_archive)
        .link("/objectives/export.json", EN.export_document);
    let files = [
        (export::File::Objectives, EN.export_objectives),
        (export::File::KeyResults, EN.export_key_results),
        (export::File::CheckIns, EN.export_check_ins),
        (export::File::History, EN.export_history),
        (export::File::People, EN.export_people),
    ];
    let address = |file: export::File| format!("/objectives/export/{}", file.name());
    let links = files.into_iter().fold(Links::new(), |links, (file, label)| links.link(address(file), label));
    let page = Page::new(EN.export).lead(EN.export_lead).add(whole).add(links);
    let page = if view.caller.role.may(Permission::TeamOwn) { page.add(form(view, wrong)) } else { page };
    app.show(view, status, "/objectives/export", &page.add(Links::new().link(HOME, EN.back))).await
}

fn form(view: &View, wrong: Option<String>) -> Form {
    let file = Field::file("file", EN.import_file).accept(".json,.zip,application/json,application/zip").error(wrong);
    Form::post(IMPORT, view.token.to_string(), EN.import).title(EN.import).lead(EN.import_lead).field(file)
}

/// Reads an export back.
pub(super) async fn import(extract::State(app): extract::State<Okrs>, view: View, upload: Upload) -> Answer<Response> {
    let refuse = async |status, why: String| show(&app, &view, status, Some(why)).await;
    let Some(file) = upload.part("file").filter(|file| !file.data.is_empty()) else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, EN.no_file.to_owned()).await;
    };
    let document = match export::parse(&file.data) {
        Ok(document) => document,
        Err(why) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, why).await,
    };
    match export::import(&app, view.caller, document).await {
        Ok(_) => Ok(see_other(&format!("{HOME}?done=import"))),
        Err(Refusal::Store(StoreError::Invalid(why))) => refuse(StatusCode::UNPROCESSABLE_ENTITY, why).await,
        Err(Refusal::Store(StoreError::Taken(why))) => refuse(StatusCode::CONFLICT, why.to_owned()).await,
        Err(other) => Err(refusal(other)),
    }
}

/// The whole as one document.
pub(crate) async fn document(extract::State(app): extract::State<Okrs>, caller: Caller) -> Answer<Response> {
    let text = serde_json::to_vec(&export::document(&app, caller).await?).map_err(internal)?;
    Ok(attached("application/json", "objectives.json", text))
}

/// The document and the tables as one archive.
pub(crate) async fn archive(extract::State(app): extract::State<Okrs>, caller: Caller) -> Answer<Response> {
    Ok(attached("application/zip", "objectives.zip", export::archive(&app, caller).await?))
}

fn attached(media_type: &'static str, name: &str, body: Vec<u8>) -> Response {
    let named = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, named)], body).into_response()
}

pub(crate) async fn file(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    extract::Path(name): extract::Path<String>,
) -> Answer<Response> {
    let file = export::File::of(&name).ok_or_else(kernel::Problem::not_found)?;
    let table = export::write(&app, caller, file).await?;
    let named = format!("attachment; filename=\"{}\"", file.name());
    Ok(([(header::CONTENT_TYPE, crate::csv::MEDIA_TYPE.to_owned()), (header::CONTENT_DISPOSITION, named)], table)
        .into_response())
}
