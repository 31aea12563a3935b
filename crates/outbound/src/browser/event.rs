//! What a browser reports while it works.

use serde_json::Value;

/// One event of the DevTools protocol.
#[derive(Clone, Debug)]
pub struct Event {
    /// The page's session; `None` for the browser itself.
    pub session: Option<String>,
    /// The event's name, for example `Network.reportingApiReportUpdated`.
    pub method: String,
    /// What it says.
    pub params: Value,
}

impl Event {
    /// The violation of a Content-Security-Policy that this event tells of: the directive, and what was blocked where the
    /// browser says so.
    #[must_use]
    pub fn violation(&self) -> Option<String> {
        let issue = self.params.get("issue").filter(|_| self.method == "Audits.issueAdded")?;
        if issue.get("code")? != "ContentSecurityPolicyIssue" {
            return None;
        }
        let details = issue.get("details")?.get("contentSecurityPolicyIssueDetails")?;
        let directive = details.get("violatedDirective").and_then(Value::as_str).unwrap_or("a directive");
        let blocked = details.get("blockedURL").and_then(Value::as_str).unwrap_or("inline content");
        Some(format!("{directive} blocked {blocked}"))
    }

    /// The state of a violation report about something at `host`: `Queued`, `Pending`, `MarkedForRemoval`, `Success`.
    #[must_use]
    pub fn report_about(&self, host: &str) -> Option<&str> {
        let report = self.params.get("report").filter(|_| self.method.starts_with("Network.reportingApiReport"))?;
        let blocked = report.get("body")?.get("blockedURL")?.as_str()?;
        blocked.contains(host).then(|| report.get("status").and_then(Value::as_str)).flatten()
    }
}
