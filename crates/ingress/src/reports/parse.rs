//! Reads reports (CSP Level 3 section 5, Reporting API section 3) down to what may be kept: which directive, which origin, on
//! which page. Credentials, ports, queries, fragments, addresses of machines and samples of code are dropped here.

use axum::http::Uri;
use serde::Deserialize;
use std::net::IpAddr;
use utoipa::ToSchema;

/// The longest word or host that is kept.
const LONGEST_WORD: usize = 100;
/// The longest path that is kept.
const LONGEST_PATH: usize = 200;

/// What of a report may be kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The directive that was violated.
    pub directive: String,
    /// What was stopped: scheme and host, or a word such as `inline`.
    pub blocked: String,
    /// The path of the page.
    pub path: String,
}

/// Why a report is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Not JSON, or JSON of another shape.
    #[error("the content is no report")]
    Shape,
    /// The directive is no word.
    #[error("a report names no directive")]
    Directive,
    /// The page is no http address.
    #[error("a report names no page")]
    Page,
    /// What was stopped is neither word nor address.
    #[error("a report does not say what was stopped")]
    Blocked,
}

/// A batch of the Reporting API. Reports of other kinds are let go.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Reports)]
pub(super) struct Batch(Vec<Report>);

/// A report of the Reporting API.
#[derive(Deserialize, ToSchema)]
struct Report {
    /// `csp-violation`, or another kind.
    #[serde(rename = "type")]
    kind: String,
    /// What happened.
    #[serde(default)]
    #[schema(value_type = Object)]
    body: serde_json::Value,
}

/// The body of a `csp-violation`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "documentURL")]
    document_url: String,
    effective_directive: String,
    #[serde(rename = "blockedURL", default)]
    blocked_url: Option<String>,
}

/// A report as `report-uri` sends it.
#[derive(Deserialize, ToSchema)]
#[schema(as = CspReport)]
pub(super) struct Legacy {
    /// What happened.
    #[serde(rename = "csp-report")]
    report: Old,
}

/// The inside of a report as `report-uri` sends it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = CspReportBody)]
struct Old {
    /// The page.
    document_uri: String,
    /// The directive that was violated.
    #[serde(default)]
    effective_directive: Option<String>,
    /// The same in older browsers, sometimes with its sources.
    #[serde(default)]
    violated_directive: Option<String>,
    /// What was stopped.
    #[serde(default)]
    blocked_uri: Option<String>,
}

/// Reads `application/reports+json`.
///
/// # Errors
/// The batch, or a violation in it, is malformed.
pub fn modern(bytes: &[u8]) -> Result<Vec<Violation>, ReportError> {
    let Batch(reports) = serde_json::from_slice(bytes).map_err(|_| ReportError::Shape)?;
    let violations = reports.into_iter().filter(|report| report.kind == "csp-violation");
    violations
        .map(|report| {
            let body: Body = serde_json::from_value(report.body).map_err(|_| ReportError::Shape)?;
            clean(&body.effective_directive, body.blocked_url.as_deref(), &body.document_url)
        })
        .collect()
}

/// Reads `application/csp-report`.
///
/// # Errors
/// The report is malformed.
pub fn legacy(bytes: &[u8]) -> Result<Violation, ReportError> {
    let Legacy { report } = serde_json::from_slice(bytes).map_err(|_| ReportError::Shape)?;
    let said = report.effective_directive.filter(|said| !said.is_empty()).or(report.violated_directive);
    let said = said.ok_or(ReportError::Directive)?;
    let first = said.split_ascii_whitespace().next().unwrap_or_default();
    clean(first, report.blocked_uri.as_deref(), &report.document_uri)
}

fn clean(directive: &str, blocked: Option<&str>, page: &str) -> Result<Violation, ReportError> {
    if !is_word(directive) {
        return Err(ReportError::Directive);
    }
    let directive = directive.to_owned();
    Ok(Violation { directive, blocked: origin(blocked.unwrap_or_default())?, path: path(page)? })
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// What was stopped, without anything that could tell who was stopped.
fn origin(blocked: &str) -> Result<String, ReportError> {
    // Browsers leave it empty where a document's own code was stopped.
    if blocked.is_empty() {
        return Ok("inline".to_owned());
    }
    if is_word(blocked) {
        return Ok(blocked.to_owned());
    }
    let (scheme, rest) = blocked.split_once(':').ok_or(ReportError::Blocked)?;
    let scheme = scheme.to_ascii_lowercase();
    if !is_word(&scheme) {
        return Err(ReportError::Blocked);
    }
    // `data:`, `blob:` and the like say everything by their scheme.
    let Some(rest) = rest.strip_prefix("//") else { return Ok(scheme) };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = host(authority).ok_or(ReportError::Blocked)?;
    Ok(format!("{scheme}://{host}"))
}

/// The host of an authority, without credentials and port; an address of a machine becomes a word.
fn host(authority: &str) -> Option<String> {
    let bare = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = match bare.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => bare.split_once(':').map_or(bare, |(host, _)| host),
    };
    // Anything made of numbers is an address in some spelling.
    let is_address = name.parse::<IpAddr>().is_ok() || bare.starts_with('[');
    let is_numeric =
        !name.is_empty() && name.split('.').all(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    let is_name = (1..=LONGEST_WORD).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    match () {
        () if is_address || (is_name && is_numeric) => Some("address".to_owned()),
        () if is_name => Some(name.to_ascii_lowercase()),
        () => None,
    }
}

/// The path of a page, without query; a segment that could be an e-mail address is taken out.
fn path(page: &str) -> Result<String, ReportError> {
    let address = page.split('#').next().unwrap_or_default();
    let uri: Uri = address.parse().map_err(|_| ReportError::Page)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(ReportError::Page);
    }
    let segment = |segment: &str| {
        let is_mail = segment.contains('@') || segment.to_ascii_lowercase().contains("%40");
        if is_mail { "-".to_owned() } else { segment.to_owned() }
    };
    let path = uri.path().split('/').map(segment).collect::<Vec<_>>().join("/");
    Ok(path.chars().take(LONGEST_PATH).collect())
}

#[cfg(test)]
mod tests;
