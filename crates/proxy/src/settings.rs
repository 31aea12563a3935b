//! What a proxy is told.

use axum::http::{HeaderValue, Uri};
use ingress::Limit;
use kernel::Clock;
use std::{fmt, str::FromStr, sync::Arc, time::Duration};

/// What a proxy is told.
#[derive(Clone)]
pub struct Settings {
    /// Host and port of the public address, as they stand in `Host`. A request for any other host is refused.
    pub(crate) authority: String,
    /// The same, as a header's value.
    pub(crate) host: HeaderValue,
    /// What `Forwarded` says of every request.
    pub(crate) said: String,
    /// The public address: `https://example.com`.
    pub(crate) origin: String,
    /// Whom identity tokens are for.
    pub(crate) audience: String,
    /// Paths that need no session.
    pub(crate) open: Vec<OpenPath>,
    /// How long a tunnel may live, and how long nothing may move in it.
    pub(crate) tunnel: (Duration, Duration),
    /// How often one address, and one member, may call the application.
    pub(crate) limit: Limit,
    /// Tells when a token is made.
    pub(crate) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("origin", &self.origin).field("open", &self.open).finish_non_exhaustive()
    }
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// Not the public address of a service.
    Address(String),
    /// Not the beginning of a path that can be told from others.
    Path(String),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(f, "`{text}` is no public address; expected one such as https://example.com"),
            Self::Path(text) => {
                write!(f, "`{text}` is no open path: expected one such as /api/ that begins and ends with a slash")
            }
        }
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// The usual settings for a service at `public_url`: everything needs a session.
    ///
    /// # Errors
    /// The address is not https, or names no host.
    pub fn new(public_url: &str, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let refuse = || SettingsError::Address(public_url.to_owned());
        let uri: Uri = public_url.parse().map_err(|_| refuse())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(refuse)?;
        let authority = match uri.port_u16() {
            None | Some(443) => host.to_ascii_lowercase(),
            Some(port) => format!("{}:{port}", host.to_ascii_lowercase()),
        };
        let host = HeaderValue::from_str(&authority).map_err(|_| refuse())?;
        let (origin, said) = (format!("https://{authority}"), format!("host=\"{authority}\";proto=https"));
        Ok(Self {
            authority,
            host,
            said,
            origin,
            audience: "upstream".to_owned(),
            open: Vec::new(),
            tunnel: (Duration::from_secs(3_600), Duration::from_secs(300)),
            limit: Limit::PAGES,
            clock,
        })
    }

    /// Who signs identity tokens: the public address.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.origin
    }

    /// The same, with paths that need no session.
    #[must_use]
    pub fn open(mut self, paths: impl IntoIterator<Item = OpenPath>) -> Self {
        self.open.extend(paths);
        self
    }

    /// The same, with tunnels that live for at most `life`, and `idle` without a byte.
    #[must_use]
    pub const fn tunnels(mut self, life: Duration, idle: Duration) -> Self {
        self.tunnel = (life, idle);
        self
    }

    /// The same, where one address, and one member, may call the application so often in a minute.
    #[must_use]
    pub const fn limited(mut self, per_minute: u32) -> Self {
        self.limit = Limit { per_minute, burst: per_minute, ..self.limit };
        self
    }

    /// Whether the path needs no session. One that another reader could take for a path elsewhere always needs one.
    #[must_use]
    pub fn is_open(&self, path: &str) -> bool {
        self.open.iter().any(|open| path.starts_with(&open.0)) && is_plain(path)
    }

    /// The beginnings of paths that need no session.
    pub fn open_paths(&self) -> impl Iterator<Item = &str> {
        self.open.iter().map(|open| open.0.as_str())
    }

    /// Whether this names the service, as `Host` or as the authority of a target.
    pub(crate) fn is_own(&self, host: &str) -> bool {
        let bare = host.strip_suffix(":443").unwrap_or(host);
        bare.eq_ignore_ascii_case(&self.authority)
    }
}

/// The beginning of a path that needs no session, such as `/api/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPath(String);

impl fmt::Display for OpenPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OpenPath {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let good = text.starts_with('/') && text.ends_with('/') && is_plain(text);
        good.then(|| Self(text.to_owned())).ok_or_else(|| SettingsError::Path(text.to_owned()))
    }
}

/// Whether every server reads this path alike: no dot segments, no empty ones, nothing encoded that separates or means a
/// dot, no parameters of segments.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let odd = ["//", "\\", ";", "%2f", "%5c", "%2e", "%25", "%3b", "%00"];
    let dots = path.split('/').any(|segment| segment == "." || segment == "..");
    path.starts_with('/') && !dots && !odd.iter().any(|odd| lower.contains(odd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemClock;

    fn settings() -> Settings {
        Settings::new("https://App.example:8443/x", Arc::new(SystemClock)).unwrap().open(["/api/".parse().unwrap()])
    }

    #[test]
    fn only_plain_paths_are_open() {
        let settings = settings();
        for open in ["/api/", "/api/1/envelope/", "/api/a%20b", "/api/..."] {
            assert!(settings.is_open(open), "{open}");
        }
        for closed in [
            "/",
            "/api",
            "/apix/",
            "/API/",
            "/api/../admin",
            "/api/./x",
            "/api/..",
            "/api/%2e%2e/admin",
            "/api/%2E%2e/admin",
            "/api/..%2fadmin",
            "/api/x%2F..%2Fadmin",
            "/api/%252e%252e/admin",
            "/api//admin",
            "/api/..;/admin",
            "/api/..\\admin",
            "/api/%5c..%5cadmin",
            "//api/",
            "*",
            "",
        ] {
            assert!(!settings.is_open(closed), "{closed}");
        }
    }

    #[test]
    fn the_service_knows_its_name() {
        let settings = settings();
        assert!(settings.is_own("app.example:8443") && settings.is_own("APP.EXAMPLE:8443"));
        assert!(!settings.is_own("app.example") && !settings.is_own("app.example:443"));
        let usual = Settings::new("https://app.example", Arc::new(SystemClock)).unwrap();
        assert!(usual.is_own("app.example") && usual.is_own("app.example:443") && !usual.is_own("app.example:8443"));
        assert!(!usual.is_own("app.example.evil.example") && !usual.is_own(""));
        for bad in ["http://app.example", "app.example", "https://", ""] {
            assert!(Settings::new(bad, Arc::new(SystemClock)).is_err(), "{bad}");
        }
        for bad in ["api/", "/api", "/a/../", "//", ""] {
            assert!(bad.parse::<OpenPath>().is_err(), "{bad}");
        }
    }
}
