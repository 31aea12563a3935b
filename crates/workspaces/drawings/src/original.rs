//! The original, byte for byte, whole or one range of it (RFC 9110 section 14).

mod range;

use crate::{file_name::disposition, sniff::media_type};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use futures_util::stream::{once, try_unfold};
use ingress::{
    Answer, Failure,
    problem::{for_status, internal},
};
use range::Asked;
use store::{
    StoreError,
    blobs::Reader,
    drawings::{Drawing, Kind},
};

/// Whether browsers may show it in place. An SVG is a document of its own in which scripts could run, so that it is saved,
/// or shown as a picture inside a page of ours, where none do. What browsers cannot show is saved too.
pub(crate) const fn in_place(kind: Kind) -> bool {
    matches!(kind, Kind::Png | Kind::Jpeg | Kind::Pdf)
}

/// Whether a page of ours shows it as a picture.
pub(crate) const fn is_picture(kind: Kind) -> bool {
    matches!(kind, Kind::Png | Kind::Jpeg | Kind::Svg)
}

/// The answer that carries a drawing, portion by portion. What is wrong with the first one is said; what is wrong further on
/// breaks the connection off, for half of it is out by then. Of a range no more is fetched and opened than the chunks that it
/// lies in.
pub(crate) async fn answer(drawing: &Drawing, reader: Reader, save: bool, request: &HeaderMap) -> Answer<Response> {
    let whole = reader.length();
    let tag = format!("\"{}\"", drawing.id);
    let (status, range) = match Asked::of(request, &tag, whole) {
        Asked::Whole => (StatusCode::OK, 0..whole),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Nothing => return unsatisfiable(whole),
    };
    let named = disposition(&drawing.name, drawing.kind, in_place(drawing.kind) && !save);
    let mut reader = reader.part(range.clone());
    let first = portion(&mut reader).await?.unwrap_or_default();
    let rest = try_unfold(reader, async |mut reader| {
        let next = portion(&mut reader).await?;
        Ok::<_, StoreError>(next.map(|next| (next, reader)))
    });
    let mut response = Response::new(Body::from_stream(once(async { Ok(first) }).chain(rest)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(drawing.kind)));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&named).map_err(internal)?);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // What was uploaded never changes.
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(internal)?);
    if status == StatusCode::PARTIAL_CONTENT {
        let said = format!("bytes {}-{}/{whole}", range.start, range.end.saturating_sub(1));
        headers.insert(header::CONTENT_RANGE, HeaderValue::from_str(&said).map_err(internal)?);
    }
    Ok(response)
}

fn unsatisfiable(whole: u64) -> Answer<Response> {
    let mut response = Failure(for_status(StatusCode::RANGE_NOT_SATISFIABLE)).into_response();
    let said = HeaderValue::from_str(&format!("bytes */{whole}")).map_err(internal)?;
    response.headers_mut().insert(header::CONTENT_RANGE, said);
    Ok(response)
}

async fn portion(reader: &mut Reader) -> Result<Option<Bytes>, StoreError> {
    Ok(reader.next().await?.map(|mut part| Bytes::from(std::mem::take(&mut *part))))
}
