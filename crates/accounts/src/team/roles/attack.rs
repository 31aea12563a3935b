//! The attack itself: every role on every route, at home and next door.

use super::{
    call::{Said, call},
    garden::{Garden, Member},
    list::{Listed, PATH},
    victim::View,
};
use crate::provider::{
    loopback::LoopbackIssuer,
    memory,
    planting::{Browser, PlantError},
};
use kernel::{Permission, TeamRole};
use outbound::Site;
use promises::Finding;
use serde::{Deserialize, Serialize};
use std::path::Path;
use store::{Store, census, told};
use uuid::Uuid;

/// Where the plants are remembered, below the data directory.
const MEMORY: &str = "probe/roles-plants.json";

/// Where a copy of somebody's data is brought back, which makes what other routes make.
const IMPORT: &str = "/api/account/import";

/// How an attack ends early.
pub(super) enum Stop {
    /// The promise is broken.
    Broke(String),
    /// The probe could not go on.
    Failed(String),
}

impl From<PlantError> for Stop {
    fn from(error: PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

#[derive(Serialize, Deserialize)]
struct Plants {
    own: Garden,
    other: Garden,
}

/// What was tried.
#[derive(Default)]
struct Tally {
    routes: usize,
    refusals: usize,
    passes: usize,
    foreign: usize,
    nobody: usize,
    ids: usize,
    teams: usize,
}

/// Attacks, and says what came of it.
pub(super) async fn run(site: &Site, store: &Store, data_dir: &Path, issuer: LoopbackIssuer) -> Finding {
    match attack(site, store, data_dir, issuer).await {
        Ok(tally) => Finding::held(format!(
            "{} routes × {} roles answered as the matrix says; {} calls with ids of another team found nothing there",
            tally.routes,
            TeamRole::ALL.len(),
            tally.foreign
        ))
        .tried("called every route as each role that may not, with ids of the own team, and as each that may, with ids of nobody")
        .tried("called every route with ids as each role, with ids of another team, and compared that team before and after")
        .tried("brought a copy of somebody's data back as each role, and looked for the note in it")
        .tried("raised and lowered a member's role, and called at once")
        .tried("compared the role of every member of every team with what the team's log tells")
        .tried("called every route without a session, and the routes of administrators and operators as every role")
        .covered("routes", tally.routes)
        .covered("calls that had to be refused", tally.refusals)
        .covered("calls that had to pass", tally.passes)
        .covered("calls with ids of another team", tally.foreign)
        .covered("calls without a session", tally.nobody)
        .covered("ids of another team", tally.ids)
        .covered("teams in the database", tally.teams),
        Err(Stop::Broke(how)) => Finding::broke(how),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(site: &Site, store: &Store, data_dir: &Path, issuer: LoopbackIssuer) -> Result<Tally, Stop> {
    let routes = published(site).await?;
    let file = data_dir.join(MEMORY);
    let mut plants = grown(site, &issuer, memory::read(&file)).await?;
    // Others wait for the issuer's address.
    drop(issuer);
    memory::write(&file, &plants).map_err(|error| Stop::Failed(format!("{MEMORY}: {error}")))?;
    let result = all(site, &routes, &mut plants).await;
    memory::write(&file, &plants).map_err(|error| Stop::Failed(format!("{MEMORY}: {error}")))?;
    let tally = result?;
    Ok(Tally { teams: everybody(store).await?, ..tally })
}

/// What must be true of every team, not of the planted ones alone.
async fn everybody(store: &Store) -> Result<usize, Stop> {
    let found = census::members(store).await.map_err(|error| Stop::Failed(error.to_string()))?;
    if found.ownerless > 0 {
        return Err(Stop::Broke(format!("{} teams have people and no owner", found.ownerless)));
    }
    if found.strayed > 0 {
        return Err(Stop::Broke(format!("{} sessions act as somebody else than their account", found.strayed)));
    }
    let untold = told::walk(store).await.map_err(|error| Stop::Failed(error.to_string()))?.roles;
    if untold > 0 {
        return Err(Stop::Broke(format!("{untold} members have another role than the log of their team tells")));
    }
    Ok(usize::try_from(found.teams).unwrap_or(usize::MAX))
}

async fn grown(site: &Site, issuer: &LoopbackIssuer, known: Option<Plants>) -> Result<Plants, Stop> {
    if let Some(mut plants) = known
        && plants.own.water(site, issuer).await.is_ok()
        && plants.other.water(site, issuer).await.is_ok()
    {
        return Ok(plants);
    }
    Ok(Plants { own: Garden::sow(site, issuer).await?, other: Garden::sow(site, issuer).await? })
}

async fn all(site: &Site, routes: &[Listed], plants: &mut Plants) -> Result<Tally, Stop> {
    let mut tally = Tally { routes: routes.len(), ..Tally::default() };
    for garden in [&mut plants.own, &mut plants.other] {
        note(garden.owner()?).await?;
    }
    let there = View::of(&mut plants.other.owner()?.browser, routes).await?;
    let here = View::of(&mut plants.own.owner()?.browser, routes).await?;
    tally.ids = there.count();
    at_home(&mut plants.own, routes, &here, &mut tally).await?;
    if routes.iter().any(|route| route.path == IMPORT) {
        brought_back(&mut plants.own, &mut tally).await?;
    }
    next_door(&mut plants.own, routes, (&here, &there, plants.other.tenant), &mut tally).await?;
    if let Some(path) = there.changed(&View::of(&mut plants.other.owner()?.browser, routes).await?) {
        return Err(Stop::Broke(format!("{path} of another team looks otherwise after calls that were refused")));
    }
    moved(&mut plants.own, routes).await?;
    signed_out(site, routes, &mut tally).await?;
    Ok(tally)
}

/// The list of routes, as anybody reads it.
async fn published(site: &Site) -> Result<Vec<Listed>, Stop> {
    let answer = site.get(PATH).await.map_err(PlantError::from)?;
    let routes = answer.json::<Vec<Listed>>();
    let routes = routes.map_err(|_| Stop::Failed(format!("{PATH} answered {} and lists no routes", answer.status)))?;
    let open = |route: &Listed| route.auth != "public";
    let routes: Vec<Listed> = routes.into_iter().filter(open).collect();
    if routes.is_empty() { Err(Stop::Failed(format!("{PATH} lists no routes"))) } else { Ok(routes) }
}

/// Writes something that others could want to read.
async fn note(member: &mut Member) -> Result<(), Stop> {
    let list = member.browser.get("/api/notes").await?;
    if list.text().contains("\"note\"") {
        return Ok(());
    }
    let token = member.browser.token().to_owned();
    let headers = [("content-type", "application/json"), ("x-csrf-token", token.as_str())];
    let answer = member.browser.send("POST", "/api/notes", &headers, br#"{"title":"A title","text":"A text"}"#).await?;
    if answer.status == 201 { Ok(()) } else { Err(Stop::Failed(format!("POST /api/notes answered {}", answer.status))) }
}

/// Each role in its own team.
async fn at_home(garden: &mut Garden, routes: &[Listed], view: &View, tally: &mut Tally) -> Result<(), Stop> {
    for member in &mut garden.members {
        let role = member.role;
        for route in routes {
            let Some(permission) = route.permission() else {
                beyond(member, route, tally).await?;
                continue;
            };
            let parameters = route.parameters().count();
            if role.may(permission) {
                let nobody: Vec<String> = (0..parameters).map(|_| Uuid::now_v7().to_string()).collect();
                match call(&mut member.browser, route, &route.filled(&nobody)).await? {
                    Said::Refused => return Err(broke(role, route, "was refused what the matrix grants")),
                    Said::Passed(_) | Said::Nothing => tally.passes += 1,
                }
            } else {
                let ids: Vec<String> =
                    (0..parameters).filter_map(|at| view.candidates(route, at).into_iter().next()).collect();
                match call(&mut member.browser, route, &route.filled(&ids)).await? {
                    Said::Refused | Said::Nothing => tally.refusals += 1,
                    Said::Passed(status) => {
                        return Err(broke(
                            role,
                            route,
                            &format!("was let in ({status}), which the matrix does not grant"),
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

/// A copy that is brought back makes no more than its bearer could write: whatever the list says of the route, whoever may not
/// write notes has none afterwards, and whoever may has one.
async fn brought_back(garden: &mut Garden, tally: &mut Tally) -> Result<(), Stop> {
    for member in &mut garden.members {
        let (role, title) = (member.role, Uuid::now_v7().to_string());
        let document = format!(
            r#"{{"format":"wordbond.package","schema_version":1,
                "sections":[{{"section":"note","rows":[{{"title":"{title}","body":"brought back"}}]}}],"files":[]}}"#
        );
        let token = member.browser.token().to_owned();
        let headers = [("content-type", "application/json"), ("x-csrf-token", token.as_str())];
        let answer = member.browser.send("POST", IMPORT, &headers, document.as_bytes()).await?;
        let list = member.browser.get("/api/notes").await?.text();
        match (list.contains(&title), role.may(Permission::NotesWrite)) {
            (true, true) => tally.passes += 1,
            (false, false) if answer.status >= 400 => tally.refusals += 1,
            (true, false) => {
                return Err(Stop::Broke(format!("the role {role} brought back a note that it may not write")));
            }
            (false, may) => {
                let (status, what) =
                    (answer.status, if may { "was refused what the matrix grants" } else { "was let in" });
                return Err(Stop::Broke(format!("POST {IMPORT}: the role {role} {what} ({status})")));
            }
        }
        take_away(member, &list, &title).await?;
    }
    Ok(())
}

/// Deletes the note of that title again, if it is there.
async fn take_away(member: &mut Member, list: &str, title: &str) -> Result<(), Stop> {
    let list: serde_json::Value = serde_json::from_str(list).unwrap_or_default();
    let notes = list.get("notes").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let named = |note: &&serde_json::Value| note.get("title").is_some_and(|text| text == title);
    let id = notes.iter().find(named).and_then(|note| Some(note.get("note")?.as_str()?.to_owned()));
    let Some(id) = id else { return Ok(()) };
    let token = member.browser.token().to_owned();
    member.browser.send("DELETE", &format!("/api/notes/{id}"), &[("x-csrf-token", token.as_str())], b"").await?;
    Ok(())
}

/// Routes that no role of a team opens.
async fn beyond(member: &mut Member, route: &Listed, tally: &mut Tally) -> Result<(), Stop> {
    if route.auth != "admin" && route.auth != "operator" {
        return Ok(());
    }
    let id = Uuid::now_v7().to_string();
    match call(&mut member.browser, route, &route.filled(&[id])).await? {
        Said::Passed(status) => Err(broke(member.role, route, &format!("was let in ({status})"))),
        Said::Refused | Said::Nothing => {
            tally.refusals += 1;
            Ok(())
        }
    }
}

/// Each role that may, with ids of the other team.
async fn next_door(
    garden: &mut Garden,
    routes: &[Listed],
    (here, there, stranger): (&View, &View, Uuid),
    tally: &mut Tally,
) -> Result<(), Stop> {
    for member in &mut garden.members {
        let role = member.role;
        let within = routes.iter().filter(|route| route.permission().is_some_and(|permission| role.may(permission)));
        for route in within.filter(|route| route.parameters().next().is_some()) {
            for ids in mixed(route, here, there) {
                match call(&mut member.browser, route, &route.filled(&ids)).await? {
                    Said::Refused | Said::Nothing => tally.foreign += 1,
                    // What is sent is empty: the route may say so before it looks for what is addressed.
                    Said::Passed(400 | 415 | 422) if !route.reads() => tally.foreign += 1,
                    Said::Passed(status) => {
                        return Err(broke(role, route, &format!("reached ({status}) what belongs to another team")));
                    }
                }
            }
        }
        let answer = member.browser.post("/team/switch", &[("tenant", &stranger.to_string())]).await?;
        if !matches!(answer.status, 403 | 404) {
            return Err(Stop::Broke(format!("the role {role} could make another team its own ({})", answer.status)));
        }
        tally.foreign += 1;
    }
    Ok(())
}

/// Values for the parameters of a route of which at least one is the other team's.
fn mixed(route: &Listed, here: &View, there: &View) -> Vec<Vec<String>> {
    let count = route.parameters().count();
    let pick = |view: &View, at: usize, nth: usize| {
        let ids = view.candidates(route, at);
        ids.get(nth).or(ids.last()).cloned().unwrap_or_else(|| Uuid::now_v7().to_string())
    };
    let mut all = Vec::new();
    for nth in 0..2 {
        all.push((0..count).map(|at| pick(there, at, nth)).collect());
        if count > 1 {
            for foreign in 0..count {
                all.push((0..count).map(|at| pick(if at == foreign { there } else { here }, at, nth)).collect());
            }
        }
    }
    all
}

/// A role that is given counts at the next request, and so does one that is taken away.
async fn moved(garden: &mut Garden, routes: &[Listed]) -> Result<(), Stop> {
    let only_admins = routes.iter().find(|route| {
        let asked = route.permission();
        route.reads()
            && route.parameters().next().is_none()
            && asked.is_some_and(|asked| TeamRole::Admin.may(asked) && !TeamRole::Viewer.may(asked))
    });
    let Some(route) = only_admins else { return Err(Stop::Failed("no list is for administrators alone".to_owned())) };
    let person = garden.mover.person;
    for (role, may) in [(TeamRole::Admin, true), (TeamRole::Viewer, false)] {
        let path = format!("/team/members/{person}/role");
        let answer = garden.owner()?.browser.post(&path, &[("role", role.as_str())]).await?;
        if answer.status != 303 {
            return Err(Stop::Failed(format!("POST /team/members/{{id}}/role answered {}", answer.status)));
        }
        let said = call(&mut garden.mover.browser, route, &route.path).await?;
        match (said, may) {
            (Said::Passed(_), true) | (Said::Refused | Said::Nothing, false) => {}
            (_, true) => return Err(broke(role, route, "was refused right after the role was given")),
            (_, false) => return Err(broke(role, route, "was let in after the role was taken away")),
        }
    }
    Ok(())
}

/// Nobody is nobody, whatever the route.
async fn signed_out(site: &Site, routes: &[Listed], tally: &mut Tally) -> Result<(), Stop> {
    let mut browser = Browser::new(site);
    for route in routes.iter().filter(|route| route.auth != "visitor") {
        let ids: Vec<String> = route.parameters().map(|_| Uuid::now_v7().to_string()).collect();
        match call(&mut browser, route, &route.filled(&ids)).await? {
            Said::Passed(status) => {
                let Listed { method, path, .. } = route;
                return Err(Stop::Broke(format!("{method} {path} let somebody in ({status}) who is not signed in")));
            }
            Said::Refused | Said::Nothing => tally.nobody += 1,
        }
    }
    Ok(())
}

fn broke(role: TeamRole, route: &Listed, how: &str) -> Stop {
    Stop::Broke(format!("{} {}: the role {role} {how}", route.method, route.path))
}
