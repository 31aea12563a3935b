//! A body as it arrives, for routes whose policy says so: what has come is handed on, and no more is in memory than that.

use crate::{
    enforce::{BODY_DEADLINE, Most},
    problem::{Answer, Failure, for_status},
};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
};
use http_body_util::{BodyExt as _, LengthLimitError};
use kernel::Problem;
use std::{convert::Infallible, error::Error, time::Duration};
use tokio::time::{Instant, timeout};

/// What arrives. The limit of the policy holds, and so does the deadline of every other body: only the time counts in which
/// it is waited for.
#[derive(Debug)]
pub struct Arriving {
    body: Body,
    most: Option<Most>,
    left: Duration,
}

impl Arriving {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// 413 beyond the limit, 408 for a sender that is too slow, 400 for one that broke off.
    pub async fn next(&mut self) -> Answer<Option<Bytes>> {
        loop {
            let since = Instant::now();
            let frame = timeout(self.left, self.body.frame()).await;
            self.left = self.left.saturating_sub(since.elapsed());
            match frame {
                Err(_) => return Err(for_status(StatusCode::REQUEST_TIMEOUT).into()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(self.refusal(&error)),
                // Trailers say nothing here.
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => return Ok(Some(piece)),
                    _ => {}
                },
            }
        }
    }

    fn refusal(&self, error: &(dyn Error + 'static)) -> Failure {
        let mut cause = Some(error);
        while let Some(known) = cause {
            if let Some(most) = self.most.filter(|_| known.is::<LengthLimitError>()) {
                return most.refusal();
            }
            cause = known.source();
        }
        Problem::bad_request("the request's content broke off").into()
    }
}

impl<S: Send + Sync> FromRequest<S> for Arriving {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let most = request.extensions().get::<Most>().copied();
        Ok(Self { body: request.into_body(), most, left: BODY_DEADLINE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt as _, stream};
    use http_body_util::Limited;

    async fn arriving(body: Body) -> Arriving {
        let mut request = Request::new(Body::new(Limited::new(body, 10)));
        request.extensions_mut().insert(Most(10));
        let Ok(arriving) = Arriving::from_request(request, &()).await;
        arriving
    }

    fn pieces(of: &[&'static str]) -> stream::Iter<std::vec::IntoIter<Result<&'static str, std::io::Error>>> {
        stream::iter(of.iter().map(|piece| Ok(*piece)).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn pieces_come_up_to_the_limit() {
        let mut whole = arriving(Body::from_stream(pieces(&["12345", "", "67890"]))).await;
        assert_eq!(whole.next().await.unwrap().as_deref(), Some(&b"12345"[..]));
        assert_eq!(whole.next().await.unwrap().as_deref(), Some(&b"67890"[..]));
        assert_eq!(whole.next().await.unwrap(), None);
        let mut large = arriving(Body::from_stream(pieces(&["12345", "678901"]))).await;
        assert!(large.next().await.unwrap().is_some());
        assert_eq!(large.next().await.unwrap_err().0.status, 413);
        let broken = pieces(&["1"]).chain(stream::once(async { Err(std::io::Error::other("gone")) }));
        let mut broken = arriving(Body::from_stream(broken)).await;
        assert!(broken.next().await.unwrap().is_some());
        assert_eq!(broken.next().await.unwrap_err().0.status, 400);
    }

    #[tokio::test]
    async fn a_slow_sender_is_not_waited_for() {
        let slow = pieces(&["1"]).chain(stream::pending());
        let mut slow = Arriving { left: Duration::from_millis(20), ..arriving(Body::from_stream(slow)).await };
        assert!(slow.next().await.unwrap().is_some());
        assert_eq!(slow.next().await.unwrap_err().0.status, 408);
    }
}
