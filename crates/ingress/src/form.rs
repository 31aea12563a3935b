//! Forms of pages, typed. A refusal names the field and never repeats what was sent.

use crate::{
    input::{MOST_FIELDS, media_type, pairs},
    problem::{Failure, for_status, unacceptable},
};
use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use kernel::Problem;
use serde::de::DeserializeOwned;
use std::fmt;

/// A form as HTML sends it (`application/x-www-form-urlencoded`). The field `csrf` need not be in the type.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

/// Why a form is not accepted. A handler that shows the form again takes `Result<Form<T>, FormError>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormError {
    /// The field, where it is one field's fault.
    pub field: Option<String>,
    /// What is wrong, in words that may be shown.
    pub why: String,
    status: StatusCode,
}

impl FormError {
    fn new(status: StatusCode, why: &str) -> Self {
        Self { field: None, why: why.to_owned(), status }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for FormError {}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        match error.status {
            StatusCode::UNPROCESSABLE_ENTITY => unacceptable(error.to_string()),
            status => for_status(status).detail(error.to_string()).into(),
        }
    }
}

impl axum::response::IntoResponse for FormError {
    fn into_response(self) -> axum::response::Response {
        Failure::from(self).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = FormError;

    async fn from_request(request: Request, state: &S) -> Result<Self, FormError> {
        if media_type(request.headers()).as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(FormError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a form is expected here"));
        }
        // The policy has bounded the body and read it already.
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| FormError::new(StatusCode::BAD_REQUEST, "the content broke off"))?;
        parse(&bytes).map(Self)
    }
}

/// Reads a form.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FormError> {
    let pairs = pairs(bytes).map_err(|why| FormError::new(StatusCode::BAD_REQUEST, why))?;
    let rest: Vec<(String, String)> = pairs.into_iter().filter(|(name, _)| name != crate::csrf::FIELD).collect();
    typed(&rest).map_err(|(field, why)| FormError { field, why, status: StatusCode::UNPROCESSABLE_ENTITY })
}

/// Fields as a type; else the field that is at fault, and why.
pub(crate) fn typed<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, (Option<String>, String)> {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        let said = error.into_inner().to_string();
        // These two name fields of ours or of the sender's; the others would repeat values.
        let named = said.starts_with("missing field") || said.starts_with("unknown field");
        let field = (path != ".").then_some(path);
        (field, if named { said } else { "the value is of another kind than expected".to_owned() })
    })
}

/// One part of a form with files.
#[derive(Clone)]
pub struct Part {
    /// The field.
    pub name: String,
    /// What the sender calls the file; a name to show, never a path to use.
    pub file_name: Option<String>,
    /// What the sender says it is.
    pub media_type: Option<String>,
    /// The content.
    pub data: Bytes,
}

/// A form with files (`multipart/form-data`), whole. The policy has bounded it.
#[derive(Clone)]
pub struct Upload(Vec<Part>);

impl Upload {
    /// The part of that name, where there is exactly one.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        let mut parts = self.0.iter().filter(|part| part.name == name);
        let part = parts.next()?;
        parts.next().is_none().then_some(part)
    }

    /// The text of that name, where there is exactly one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(&self.part(name)?.data).ok()
    }

    /// Every part, in order.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.0.iter()
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if media_type(request.headers()).as_deref() != Some("multipart/form-data") {
            return Err(for_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("a form with files is expected here")
                .into());
        }
        let malformed = || Failure(Problem::bad_request("the form is malformed"));
        let mut reader = Multipart::from_request(request, state).await.map_err(|_| malformed())?;
        let mut parts = Vec::new();
        while let Some(field) = reader.next_field().await.map_err(|_| malformed())? {
            if parts.len() >= MOST_FIELDS {
                return Err(malformed());
            }
            let name = field.name().ok_or_else(malformed)?.to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let media_type = field.content_type().map(str::to_owned);
            parts.push(Part { name, file_name, media_type, data: field.bytes().await.map_err(|_| malformed())? });
        }
        Ok(Self(parts))
    }
}

/// The text of one part of a form with files.
pub(crate) async fn part(headers: &HeaderMap, body: &Bytes, name: &str) -> Option<String> {
    let mut request = Request::new(Body::from(body.clone()));
    request.headers_mut().insert(CONTENT_TYPE, headers.get(CONTENT_TYPE)?.clone());
    DefaultBodyLimit::disable().apply(&mut request);
    let upload = Upload::from_request(request, &()).await.ok()?;
    upload.text(name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        email: String,
        age: u8,
        next: Option<String>,
    }

    #[test]
    fn a_form_is_read_by_its_type() {
        let read = |text: &str| parse::<Sample>(text.as_bytes());
        let sample = Sample { email: "a+b@c".to_owned(), age: 7, next: None };
        assert_eq!(read("email=a%2Bb%40c&age=7&csrf=x").unwrap(), sample);
        let said = |text: &str| Failure::from(read(text).unwrap_err()).0;
        let missing = said("age=7");
        assert_eq!((missing.status, missing.detail.as_deref()), (422, Some("missing field `email`")));
        let kind = read("email=a&age=secret").unwrap_err();
        assert_eq!(kind.to_string(), "age: the value is of another kind than expected");
        assert_eq!(said("email=a&age=7&more=1").status, 422);
        assert_eq!(said("email=a&email=b&age=7").status, 400, "one field twice");
        assert_eq!(said("email=%ff&age=7").status, 400, "no UTF-8");
    }

    #[tokio::test]
    async fn a_part_is_found() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
        let text = "--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n--b\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"../x.png\"\r\ncontent-type: image/png\r\n\r\n\
                    \u{0}\r\n--b--\r\n";
        let body = Bytes::from_static(text.as_bytes());
        assert_eq!(part(&headers, &body, "csrf").await.as_deref(), Some("token"));
        assert_eq!(part(&headers, &body, "none").await, None);
        assert_eq!(part(&headers, &body.slice(..20), "csrf").await, None);
    }
}
