//! The export.

use super::HOME;
use crate::{Okrs, export, frame::View, texts::EN};
use axum::{
    extract,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ingress::{Answer, Caller};
use ui::{Links, Page};

pub(super) async fn page(extract::State(app): extract::State<Okrs>, view: View) -> Answer<Response> {
    let files = [
        (export::File::Objectives, EN.export_objectives),
        (export::File::KeyResults, EN.export_key_results),
        (export::File::CheckIns, EN.export_check_ins),
        (export::File::History, EN.export_history),
    ];
    let address = |file: export::File| format!("/objectives/export/{}", file.name());
    let links = files.into_iter().fold(Links::new(), |links, (file, label)| links.link(address(file), label));
    let page = Page::new(EN.export).lead(EN.export_lead).add(links).add(Links::new().link(HOME, EN.back));
    app.show(&view, StatusCode::OK, "/objectives/export", &page).await
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
