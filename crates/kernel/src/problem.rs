//! The one shape of an error that leaves the house: RFC 9457 problem details.

use serde::{Deserialize, Serialize};

/// Problem details (RFC 9457). Causes are logged where they happen and never carried here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI reference that names the kind of problem, for example `/problems/not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence that is the same for every problem of this kind.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What went wrong this time and what the caller can do. Never personal data, never a cause from inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request's id, to quote to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of a kind: `slug` becomes `/problems/{slug}`.
    #[must_use]
    pub fn new(status: u16, slug: &str, title: &str) -> Self {
        Self { kind: format!("/problems/{slug}"), title: title.to_owned(), status, detail: None, request_id: None }
    }

    /// The same problem with a sentence about this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// 400: the request cannot be understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad-request", "The request cannot be understood").detail(detail)
    }

    /// 401: no valid credentials.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "Valid credentials are required")
    }

    /// 403: the caller may not do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(403, "forbidden", "This is not allowed")
    }

    /// 404: there is nothing here, or nothing that the caller may see.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "not-found", "There is nothing here")
    }

    /// 500: the fault is ours; the cause is in the log under the request's id.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal", "Something went wrong on our side")
    }
}
