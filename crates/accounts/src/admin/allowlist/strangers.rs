//! Calls of every admin route by somebody who may not.

use super::Stop;
use crate::{
    provider::planting::{Browser, PlantError},
    team::roles::{Listed, PATH},
};
use outbound::Site;
use uuid::Uuid;

/// The admin routes, as they are published.
pub(super) async fn routes(site: &Site) -> Result<Vec<Listed>, Stop> {
    let answer = site.get(PATH).await?;
    let all = answer.json::<Vec<Listed>>();
    let all = all.map_err(|_| Stop::from(PlantError::Refused(PATH.to_owned(), answer.status)))?;
    // What stands below the admin area belongs to it, whatever the list says of it.
    let below = |route: &Listed| route.path == "/admin" || route.path.starts_with("/admin/");
    let admin: Vec<Listed> = all.into_iter().filter(|route| route.auth == "admin" || below(route)).collect();
    if admin.is_empty() { Err(Stop::Failed(format!("{PATH} lists no admin route"))) } else { Ok(admin) }
}

/// Calls each of the routes; each must answer that there is nothing, or that this may not be. Returns how many calls it took.
pub(super) async fn shut(browser: &mut Browser, routes: &[Listed], who: &str, team: Uuid) -> Result<usize, Stop> {
    let token = browser.token().to_owned();
    for route in routes {
        let path = route.filled(&[team.to_string()]);
        let form = [("content-type", "application/x-www-form-urlencoded"), ("x-csrf-token", token.as_str())];
        let (headers, body): (&[_], &[u8]) =
            if route.reads() { (&[], b"") } else { (&form, b"reason=to+see+whether+it+is+open") };
        let status = browser.send(&route.method, &path, headers, body).await?.status;
        if !matches!(status, 403 | 404) {
            return Err(Stop::Broke(format!("{} {} answered {who} with {status}", route.method, route.path)));
        }
    }
    Ok(routes.len())
}
