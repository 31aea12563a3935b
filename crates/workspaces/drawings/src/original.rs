//! The original, byte for byte.

use crate::{file_name::disposition, sniff::media_type};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::StreamExt as _;
use futures_util::stream::{once, try_unfold};
use ingress::{Answer, problem::internal};
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
/// breaks the connection off, for half of it is out by then.
pub(crate) async fn answer(drawing: &Drawing, mut reader: Reader, save: bool) -> Answer<Response> {
    let named = disposition(&drawing.name, drawing.kind, in_place(drawing.kind) && !save);
    let (length, first) = (reader.length(), portion(&mut reader).await?.unwrap_or_default());
    let rest = try_unfold(reader, async |mut reader| {
        let next = portion(&mut reader).await?;
        Ok::<_, StoreError>(next.map(|next| (next, reader)))
    });
    let mut response = Response::new(Body::from_stream(once(async { Ok(first) }).chain(rest)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(drawing.kind)));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&named).map_err(internal)?);
    Ok(response)
}

async fn portion(reader: &mut Reader) -> Result<Option<Bytes>, StoreError> {
    Ok(reader.next().await?.map(|mut part| Bytes::from(std::mem::take(&mut *part))))
}
