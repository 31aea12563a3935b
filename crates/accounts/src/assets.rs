//! Style sheet, mark and script at the addresses that name their content.

use axum::{
    extract::Path,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use ingress::{Policy, Route, RouteTable, problem::Answer};
use kernel::Problem;

pub(crate) fn routes() -> RouteTable {
    RouteTable::new([Route::get("/app/{name}", Policy::IMMUTABLE, show)])
}

async fn show(Path(name): Path<String>) -> Answer<Response> {
    let asset = ui::assets::find(&format!("/app/{name}")).ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(asset.media))], asset.bytes).into_response())
}
