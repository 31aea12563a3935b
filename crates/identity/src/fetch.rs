//! What must be asked of others: documents, keys, tokens. `outbound` carries it out; tests answer by themselves.

use outbound::{Dialler, http};
use std::{future::Future, pin::Pin};

/// The largest answer that is read: documents, key sets and tokens are small.
pub const LARGEST: usize = 256 * 1024;

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// A question.
#[derive(Clone)]
pub struct Question {
    /// The https address.
    pub url: String,
    /// The value of `Authorization`, where the question has one.
    pub authorization: Option<String>,
    /// The form to post; without one it is a GET.
    pub form: Option<String>,
}

impl Question {
    /// GET of an address.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self { url: url.to_owned(), authorization: None, form: None }
    }
}

/// An answer.
#[derive(Clone)]
pub struct Fetched {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why no answer came. The text names the host and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Carries questions out. Redirects are not followed.
pub trait Fetch: Send + Sync + 'static {
    /// Asks and reads the answer to its end.
    fn fetch(&self, question: Question) -> Answering<'_>;
}

impl Fetch for Dialler {
    fn fetch(&self, question: Question) -> Answering<'_> {
        Box::pin(async move {
            let mut request = http::Request::builder().uri(&question.url).header("accept", "application/json");
            if let Some(authorization) = &question.authorization {
                request = request.header("authorization", authorization);
            }
            let request = match question.form {
                Some(form) => request
                    .method("POST")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.into_bytes()),
                None => request.method("GET").body(Vec::new()),
            };
            let request = request.map_err(|_| FetchError("the address cannot be called".to_owned()))?;
            let answer = self.request(request).await.map_err(|error| FetchError(error.to_string()))?;
            if answer.body.len() > LARGEST {
                return Err(FetchError(format!("the answer is larger than {LARGEST} bytes")));
            }
            Ok(Fetched { status: answer.status, body: answer.body })
        })
    }
}
