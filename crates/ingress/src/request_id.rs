//! The id of the request that is being answered.

use crate::problem::Failure;
use axum::{extract::FromRequestParts, http::request::Parts};
use kernel::{Problem, RequestId};

/// The id of the request, for handlers. The edge makes it; one that comes from outside is never taken over, because the
/// log must not be written by strangers.
#[derive(Clone, Copy, Debug)]
pub struct Request(pub RequestId);

impl<S: Sync> FromRequestParts<S> for Request {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().copied().ok_or(Failure(Problem::internal()))
    }
}
