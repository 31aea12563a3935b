//! The attack through the routes.

use super::{
    Plant, Stop,
    client::{Body, call},
    plant::{Staged, original},
};
use outbound::Site;
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many bytes of a drawing in an answer show that it came through: more than chance repeats.
const TELLING: usize = 16;

/// What was tried.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) routes: usize,
    pub(super) calls: usize,
}

/// One call on a route.
struct Route {
    method: &'static str,
    /// Without ids.
    named: &'static str,
    path: String,
    form: Option<String>,
    changes: bool,
}

/// Every route that knows a drawing.
fn routes(staged: &Staged, plant: &Plant, attacker: Uuid) -> Vec<Route> {
    let (id, reader) = (staged.drawing, plant.reader.id);
    let route = |method, named: &'static str, person: Uuid| {
        let path = named.replace("{id}", &id.to_string()).replace("{person}", &person.to_string());
        Route { method, named, path, form: None, changes: method != "GET" }
    };
    let form = |named, person, fields: String| Route { form: Some(fields), ..route("POST", named, person) };
    vec![
        route("GET", "/api/drawings/{id}", reader),
        route("GET", "/api/drawings/{id}/original", reader),
        route("GET", "/drawings/{id}", reader),
        route("GET", "/drawings/{id}/original", reader),
        // Whose it is shared with is the uploader's to know; asking to delete it is theirs too.
        Route { changes: true, ..route("GET", "/api/drawings/{id}/grants", reader) },
        Route { changes: true, ..route("GET", "/drawings/{id}/delete", reader) },
        route("PUT", "/api/drawings/{id}/grants/{person}", attacker),
        route("DELETE", "/api/drawings/{id}/grants/{person}", reader),
        form("/drawings/{id}/share", attacker, format!("person={attacker}")),
        form("/drawings/{id}/grants/{person}/remove", reader, String::new()),
        form("/drawings/{id}/delete", attacker, String::new()),
        route("DELETE", "/api/drawings/{id}", attacker),
    ]
}

/// Attacks, and sees that the drawing is as it was.
pub(super) async fn attack(site: &Site, plant: &Plant, staged: &Staged) -> Result<Tried, Stop> {
    let made_up = format!("wbt_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let nobody = Uuid::now_v7();
    let attackers: [(&str, Option<&str>, Uuid); 5] = [
        ("a stranger", None, nobody),
        ("a made-up token", Some(&made_up), nobody),
        ("a former member", Some(&staged.former.token), staged.former.id),
        ("a colleague without a grant", Some(&plant.colleague.token), plant.colleague.id),
        ("the owner of another team", Some(&plant.elsewhere.token), plant.elsewhere.id),
    ];
    let mut attack = Attack { site, staged, tried: Tried::default(), routes: BTreeSet::new() };
    for (who, token, id) in attackers {
        for route in routes(staged, plant, id) {
            attack.refused(who, token, &route).await?;
        }
        for list in ["/api/drawings", "/drawings", "/drawings?which=shared", "/api/drawings?which=shared"] {
            attack.unlisted(who, token, list).await?;
        }
    }
    let reader = Some(plant.reader.token.as_str());
    for route in routes(staged, plant, plant.colleague.id).iter().filter(|route| route.changes) {
        attack.refused("somebody it is shared with", reader, route).await?;
    }
    attack.intact(plant).await?;
    attack.taken_back(plant).await?;
    attack.tried.routes = attack.routes.len();
    Ok(attack.tried)
}

struct Attack<'a> {
    site: &'a Site,
    staged: &'a Staged,
    tried: Tried,
    routes: BTreeSet<(&'static str, &'static str)>,
}

impl Attack<'_> {
    /// The answer must be a refusal or the way to the sign-in page, and hold nothing of the drawing.
    async fn refused(&mut self, who: &str, token: Option<&str>, route: &Route) -> Result<(), Stop> {
        let body = route.form.as_deref().map_or(Body::Nothing, Body::Form);
        let answer = call(self.site, token, route.method, &route.path, body).await?;
        self.tried.calls += 1;
        self.routes.insert((route.method, route.named));
        let to = answer.header("location").unwrap_or_default();
        let sent_away = answer.status == 303 && to.starts_with(ingress::SIGN_IN);
        let (method, named, status) = (route.method, route.named, answer.status);
        if status == 429 || status >= 500 {
            return Err(Stop::Failed(format!("{method} {named} answered {status}")));
        }
        if !(sent_away || matches!(status, 401 | 403 | 404)) || self.shows(&answer.body) {
            return Err(Stop::Broke(format!("{who} was answered with {status} by {method} {named}")));
        }
        Ok(())
    }

    fn shows(&self, body: &[u8]) -> bool {
        let mut pieces = self.staged.content.chunks_exact(TELLING).skip(1);
        pieces.any(|piece| body.windows(TELLING).any(|window| window == piece))
    }

    /// No list may name the drawing.
    async fn unlisted(&mut self, who: &str, token: Option<&str>, path: &'static str) -> Result<(), Stop> {
        let answer = call(self.site, token, "GET", path, Body::Nothing).await?;
        self.tried.calls += 1;
        self.routes.insert(("GET", path.split('?').next().unwrap_or(path)));
        if answer.text().contains(&self.staged.drawing.to_string()) {
            return Err(Stop::Broke(format!("{who} finds the drawing in GET {path}")));
        }
        Ok(())
    }

    /// The drawing is as it was, and shared with the reader alone.
    async fn intact(&self, plant: &Plant) -> Result<(), Stop> {
        let token = Some(plant.owner.token.as_str());
        let answer = call(self.site, token, "GET", &original(self.staged.drawing), Body::Nothing).await?;
        if answer.body != self.staged.content {
            let why = format!("after the attacks the uploader is answered with {} by its own drawing", answer.status);
            return Err(Stop::Broke(why));
        }
        let path = format!("/api/drawings/{}/grants", self.staged.drawing);
        let grants = call(self.site, token, "GET", &path, Body::Nothing).await?;
        let said = grants.text();
        let only_the_reader = said.contains(&plant.reader.id.to_string()) && said.matches("\"person\"").count() == 1;
        if grants.status == 200 && only_the_reader {
            return Ok(());
        }
        Err(Stop::Broke("the drawing is shared with others than the uploader chose".to_owned()))
    }

    /// A share that is taken back closes the drawing at once.
    async fn taken_back(&mut self, plant: &Plant) -> Result<(), Stop> {
        let path = format!("/api/drawings/{}/grants/{}", self.staged.drawing, plant.reader.id);
        let answer = call(self.site, Some(&plant.owner.token), "DELETE", &path, Body::Nothing).await?;
        if answer.status != 204 {
            return Err(Stop::Broke(format!("taking a share back was answered with {}", answer.status)));
        }
        for route in routes(self.staged, plant, plant.reader.id) {
            self.refused("somebody it was shared with before", Some(&plant.reader.token), &route).await?;
        }
        Ok(())
    }
}
