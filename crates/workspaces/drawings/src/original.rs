//! The original, byte for byte.

use crate::{file_name::disposition, sniff::media_type};
use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use ingress::{Answer, problem::internal};
use store::drawings::{Drawing, Kind};

/// Whether browsers may show it in place. An SVG is a document of its own in which scripts could run, so that it is saved,
/// or shown as a picture inside a page of ours, where none do. What browsers cannot show is saved too.
pub(crate) const fn in_place(kind: Kind) -> bool {
    matches!(kind, Kind::Png | Kind::Jpeg | Kind::Pdf)
}

/// Whether a page of ours shows it as a picture.
pub(crate) const fn is_picture(kind: Kind) -> bool {
    matches!(kind, Kind::Png | Kind::Jpeg | Kind::Svg)
}

/// The answer that carries a drawing.
pub(crate) fn answer(drawing: &Drawing, content: &[u8], save: bool) -> Answer<Response> {
    let named = disposition(&drawing.name, drawing.kind, in_place(drawing.kind) && !save);
    let mut response = Response::new(Body::from(content.to_vec()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(drawing.kind)));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&named).map_err(internal)?);
    Ok(response)
}
