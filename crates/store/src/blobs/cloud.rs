//! Buckets, reached through `outbound` like everything else: no second way out of the house.

use http_body_util::{BodyExt as _, Full};
use object_store::{
    ClientOptions, ObjectStore, RetryConfig,
    aws::AmazonS3Builder,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    },
    gcp::GoogleCloudStorageBuilder,
};
use outbound::{Dialler, OutboundError, http::Request};
use std::{env, fmt, sync::Arc, time::Duration};

/// Why a bucket cannot be used. No text holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Not an address of a bucket.
    #[error("`{0}` is no place for blobs: expected s3://BUCKET, gs://BUCKET, or a folder")]
    Address(String),
    /// An option that nobody knows.
    #[error("`{0}` is no option of a bucket: there are endpoint and region")]
    Option(String),
    /// Nobody says who calls.
    #[error("a bucket needs {0} in the environment")]
    NoCredentials(&'static str),
    /// The client refuses what it was given.
    #[error("the bucket cannot be used: {0}")]
    Refused(String),
}

/// For how long and how often a call is tried again.
const RETRY: Duration = Duration::from_secs(30);
const RETRIES: usize = 4;

/// Who calls. A machine's own identity is not asked for: that would be a call over plain HTTP.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<String>,
    /// `AWS_SESSION_TOKEN`, where there is one.
    pub session_token: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`: the file of a service account's key.
    pub service_account: Option<String>,
}

impl Credentials {
    /// Those of the environment, under the names that everybody uses.
    #[must_use]
    pub fn from_environment() -> Self {
        let known = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            access_key_id: known("AWS_ACCESS_KEY_ID"),
            secret_access_key: known("AWS_SECRET_ACCESS_KEY"),
            session_token: known("AWS_SESSION_TOKEN"),
            service_account: known("GOOGLE_APPLICATION_CREDENTIALS"),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// The bucket of that address: `s3://bucket?endpoint=https://host&region=eu-central-1`, or `gs://bucket`.
pub(super) fn bucket(
    url: &str,
    dialler: &Dialler,
    credentials: &Credentials,
) -> Result<Arc<dyn ObjectStore>, CloudError> {
    let need = |known: &Option<String>, name| known.clone().ok_or(CloudError::NoCredentials(name));
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY, ..RetryConfig::default() };
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let refused = |error: object_store::Error| CloudError::Refused(error.to_string());
    let way = Way(dialler.clone());
    let (endpoint, region) = options(query)?;
    match place.split_once("://") {
        Some(("s3", bucket)) if is_name(bucket) => {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(bucket)
                .with_region(region.unwrap_or_else(|| "us-east-1".to_owned()))
                .with_access_key_id(need(&credentials.access_key_id, "AWS_ACCESS_KEY_ID")?)
                .with_secret_access_key(need(&credentials.secret_access_key, "AWS_SECRET_ACCESS_KEY")?)
                .with_retry(retry)
                .with_http_connector(way);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            if let Some(token) = &credentials.session_token {
                builder = builder.with_token(token);
            }
            Ok(Arc::new(builder.build().map_err(refused)?))
        }
        Some(("gs", bucket)) if is_name(bucket) => {
            let builder = GoogleCloudStorageBuilder::new()
                .with_bucket_name(bucket)
                .with_service_account_path(need(&credentials.service_account, "GOOGLE_APPLICATION_CREDENTIALS")?)
                .with_retry(retry)
                .with_http_connector(way);
            Ok(Arc::new(builder.build().map_err(refused)?))
        }
        _ => Err(CloudError::Address(place.to_owned())),
    }
}

/// The endpoint and the region.
fn options(query: &str) -> Result<(Option<String>, Option<String>), CloudError> {
    let (mut endpoint, mut region) = (None, None);
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            // Anything but https would be refused at the first call; this says so at the start.
            Some(("endpoint", value)) if value.starts_with("https://") => endpoint = Some(value.to_owned()),
            Some(("region", value)) if is_name(value) => region = Some(value.to_owned()),
            _ => return Err(CloudError::Option(option.split('=').next().unwrap_or_default().to_owned())),
        }
    }
    Ok((endpoint, region))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The way out for the client of the bucket.
#[derive(Clone)]
struct Way(Dialler);

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way(outbound)")
    }
}

impl HttpConnector for Way {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Way {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let answer = self.0.request(Request::from_parts(parts, body.to_vec())).await.map_err(|error| {
            let kind = match error {
                OutboundError::Unreachable { .. } | OutboundError::Tls { .. } => HttpErrorKind::Connect,
                OutboundError::Protocol { .. } => HttpErrorKind::Interrupted,
                OutboundError::Deadline { .. } => HttpErrorKind::Timeout,
                // Trying again helps against none of these.
                _ => HttpErrorKind::Unknown,
            };
            HttpError::new(kind, error)
        })?;
        let status = answer.status;
        let whole = HttpResponseBody::new(Full::new(answer.body.into()).map_err(|never| match never {}));
        let mut response = HttpResponse::new(whole);
        *response.status_mut() = status
            .try_into()
            .map_err(|error: outbound::http::status::InvalidStatusCode| HttpError::new(HttpErrorKind::Decode, error))?;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::{Register, Trust};

    fn known() -> Credentials {
        let some = Some("known".to_owned());
        Credentials { access_key_id: some.clone(), secret_access_key: some, ..Credentials::default() }
    }

    #[test]
    fn only_addresses_of_buckets_are_taken() {
        let dialler = Dialler::new(Register::only("s3.example"), Trust::none());
        let some = &known();
        assert!(bucket("s3://drawings?endpoint=https://s3.example&region=eu-central-1", &dialler, some).is_ok());
        for url in ["s3://drawings", "gs://drawings"] {
            assert!(matches!(bucket(url, &dialler, &Credentials::default()), Err(CloudError::NoCredentials(_))));
        }
        for wrong in ["s3://", "s3://a b", "http://s3.example/drawings", "az://x", "drawings"] {
            assert!(matches!(bucket(wrong, &dialler, some), Err(CloudError::Address(_))), "{wrong}");
        }
        for wrong in ["endpoint=http://s3.example", "password=x", "region="] {
            assert!(
                matches!(bucket(&format!("s3://d?{wrong}"), &dialler, some), Err(CloudError::Option(_))),
                "{wrong}"
            );
        }
    }

    #[tokio::test]
    async fn a_bucket_outside_the_register_is_not_called() {
        let dialler = Dialler::new(Register::only("s3.example"), Trust::none());
        let bucket = bucket("s3://drawings?endpoint=https://elsewhere.example", &dialler, &known()).unwrap();
        let error = object_store::ObjectStoreExt::head(&*bucket, &"a".into()).await.unwrap_err();
        assert!(format!("{error:?}").contains("Unregistered"), "{error:?}");
    }
}
