//! One call of a route, and what its answer says.

use super::{attack::Stop, list::Listed};
use crate::provider::planting::Browser;

/// What stands in a refusal for want of a form token.
const FOREIGN: &str = "cannot be shown to come from this service";

/// What an answer says about who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Whoever this is may not: 401, 403, or a way to another page first.
    Refused,
    /// There is nothing.
    Nothing,
    /// The route was reached.
    Passed(u16),
}

/// Calls the route as `browser` would from a page of the service, without content: a form or a JSON object with nothing in
/// it, so that what is let through changes nothing that needs more.
pub(super) async fn call(browser: &mut Browser, route: &Listed, path: &str) -> Result<Said, Stop> {
    let token = browser.token().to_owned();
    let kind = if route.face == "page" { "application/x-www-form-urlencoded" } else { "application/json" };
    let mut headers = vec![("accept", "*/*")];
    if !route.reads() {
        headers.extend([("x-csrf-token", token.as_str()), ("content-type", kind)]);
    }
    let body: &[u8] = if route.face == "api" && route.body > 0 { b"{}" } else { b"" };
    let answer = browser.send(&route.method, path, &headers, body).await?;
    let away = answer.header("location").unwrap_or_default();
    let page = away.split('?').next().unwrap_or_default();
    // Where the gate sends whoever may not go on. `/account` is also where people come from elsewhere, by other answers.
    let led = matches!(page, "/sign-in" | "/sign-in/second" | "/confirm" | "/account/security");
    if answer.status == 403 && answer.text().contains(FOREIGN) {
        // Refused for another reason than the role: that would look like a role that is held to the matrix.
        return Err(Stop::Failed(format!(
            "{} {}: the form token of a page was not accepted",
            route.method, route.path
        )));
    }
    match answer.status {
        303 if led => Ok(Said::Refused),
        401 | 403 => Ok(Said::Refused),
        404 => Ok(Said::Nothing),
        status @ (200..=499) => Ok(Said::Passed(status)),
        status => Err(Stop::Failed(format!("{} {} answered {status}", route.method, route.path))),
    }
}
