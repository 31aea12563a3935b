//! What handlers take: JSON of a known shape, queries, and ids from the path. Each refusal says what was expected, and never
//! repeats what was sent.

use crate::problem::{Failure, for_status, unacceptable};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use kernel::Problem;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// A body of JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if media_type(request.headers()).as_deref() != Some("application/json") {
            return Err(for_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("application/json is expected here")
                .into());
        }
        // The policy has bounded the body and read it already.
        let bytes =
            Bytes::from_request(request, state).await.map_err(|_| Problem::bad_request("the content broke off"))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| refuse(&error))
    }
}

/// The media type without parameters, in lower case.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn refuse(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => {
            let text = error.to_string();
            // These two name keys of ours or of the sender's; the others would repeat values.
            let named = text.starts_with("missing field") || text.starts_with("unknown field");
            let what = if named {
                text
            } else {
                format!("the value before line {line} column {column} is of another kind than expected")
            };
            unacceptable(what)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::bad_request(format!("the content is no JSON from line {line} column {column}")).into()
        }
    }
}

/// The most fields of a form or query.
pub const MOST_FIELDS: usize = 64;

/// The address's query, typed. What is unknown, malformed or there twice is refused.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let pairs = pairs(parts.uri.query().unwrap_or_default().as_bytes()).map_err(Problem::bad_request)?;
        crate::form::typed(&pairs).map(Self).map_err(|(field, why)| {
            unacceptable(match field {
                Some(field) => format!("{field}: {why}"),
                None => why,
            })
        })
    }
}

/// The fields of a form or query, decoded.
///
/// # Errors
/// Too many, the same twice, or no UTF-8.
pub(crate) fn pairs(text: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text).into_owned() {
        if pairs.len() >= MOST_FIELDS {
            return Err("there are too many fields");
        }
        // What was no UTF-8 has become this character.
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err("a field is no text");
        }
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err("a field is there twice");
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// One field of a form, where it is there once.
pub(crate) fn field(body: &[u8], name: &str) -> Option<String> {
    let pairs = pairs(body).ok()?;
    pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Ids from the path. What is no id names nothing.
#[derive(Clone, Copy, Debug)]
pub struct Ids<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Ids<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found().into())
    }
}
