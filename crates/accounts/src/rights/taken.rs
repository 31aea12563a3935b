//! A copy of somebody's data, asked for and taken along as they would: what the controls about copies share.

use crate::attack::{Plant, Stop};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ingress::visitor::Visitor;
use kernel::AccountId;
use outbound::{Answer, Site};
use privacy::package::{self, File, Package, Reach, Section};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use store::{Store, copy::Row};
use tokio::time::sleep;
use uuid::Uuid;

/// How often a request is looked at until it is answered, and how long it takes to.
const LOOKS: u32 = 80;
const PAUSE: Duration = Duration::from_millis(500);

/// Where requests are made and listed.
const REQUESTS: &str = "/api/account/requests";

/// A package, as it is read by whoever gets one.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Taken {
    pub(super) format: String,
    pub(super) schema_version: u32,
    pub(super) sections: Vec<Section>,
    pub(super) files: Vec<Content>,
}

/// A file in it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Content {
    #[serde(flatten)]
    pub(super) file: File,
    content: String,
}

impl Content {
    pub(super) fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.content).unwrap_or_default()
    }
}

impl Taken {
    /// The texts of one column of a section.
    pub(super) fn texts(&self, section: &str, column: &str) -> Vec<&str> {
        let rows = self.sections.iter().filter(|one| one.section == section).flat_map(|one| &one.rows);
        rows.filter_map(|row| row.get(column)?.as_str()).collect()
    }
}

/// What a copy must say, whatever stands between the service and whoever fetches it: what the service gathers by itself, before
/// it is asked for and after it was fetched.
pub(super) struct Gathered {
    account: AccountId,
    reach: Reach,
    before: Package,
}

impl Gathered {
    /// Gathers what a plant's copy holds before it is asked for.
    pub(super) async fn before(store: &Store, plant: &Plant, reach: Reach) -> Result<Self, Stop> {
        let account = plant.account(store).await?.id;
        Ok(Self { account, reach, before: package::gather(store, account, reach).await? })
    }

    /// Every row that stayed as it was meanwhile must have been fetched as it is, word for word, and every section. Yields how
    /// many there are.
    pub(super) async fn compare(&self, store: &Store, taken: &Taken) -> Result<usize, Stop> {
        let after = package::gather(store, self.account, self.reach).await?;
        let mut count = 0;
        for section in &self.before.sections {
            let name = &section.section;
            let Some(fetched) = taken.sections.iter().find(|one| one.section == *name) else {
                return Err(Stop::Broke(format!("the section {name} is not in what was fetched")));
            };
            let still = words(after.section(name).map(|section| section.rows.as_slice()).unwrap_or_default());
            let stayed = words(&section.rows).intersection(&still).cloned().collect::<BTreeSet<_>>();
            let lost = stayed.difference(&words(&fetched.rows)).count();
            if lost > 0 {
                let all = stayed.len();
                return Err(Stop::Broke(format!(
                    "{lost} of {all} rows of the section {name} were not fetched as they are held"
                )));
            }
            count += stayed.len();
        }
        Ok(count)
    }
}

/// Each row as one text, its columns in their order.
fn words(rows: &[Row]) -> BTreeSet<String> {
    rows.iter().map(|row| Value::Object(row.clone()).to_string()).collect()
}

#[derive(Deserialize)]
struct Opened {
    case: Uuid,
}

#[derive(Deserialize)]
struct State {
    state: String,
}

#[derive(Deserialize)]
struct Listed {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    kind: String,
    state: String,
}

/// Signs a plant in and lets it show once more that it is them, as what is dangerous takes.
pub(super) async fn enter(site: &Site, plant: &Plant) -> Result<Visitor, Stop> {
    let mut visitor = plant.enter(site).await?;
    let form = [("password", plant.password()), ("next", super::HOME)];
    let answer = visitor.post_form("/confirm", &form).await?;
    if answer.status == 303 {
        Ok(visitor)
    } else {
        Err(Stop::Failed(format!("confirming was answered with {}", answer.status)))
    }
}

/// Asks for a copy and waits until the request is answered. Yields the case.
pub(super) async fn ask(visitor: &mut Visitor, email: &str, kind: &str) -> Result<Uuid, Stop> {
    let wanted = json!({ "kind": kind, "email": email });
    let mut answer = visitor.post_json(REQUESTS, &wanted).await?;
    if answer.status == 409 {
        // One of an attack that was cut short: it is answered first.
        settled(visitor, kind).await?;
        answer = visitor.post_json(REQUESTS, &wanted).await?;
    }
    if answer.status != 202 {
        return Err(Stop::Broke(format!("a request for a copy was answered with {}", answer.status)));
    }
    let case = read::<Opened>(&answer)?.case;
    for _ in 0..LOOKS {
        let answer = visitor.send_json("GET", &format!("/api/account/requests/{case}"), None).await?;
        if read::<State>(&answer)?.state == "done" {
            return Ok(case);
        }
        sleep(PAUSE).await;
    }
    Err(Stop::Broke("a request for a copy was not answered".to_owned()))
}

/// Waits until no request of a kind is open.
async fn settled(visitor: &mut Visitor, kind: &str) -> Result<(), Stop> {
    for _ in 0..LOOKS {
        let listed: Listed = read(&visitor.send_json("GET", REQUESTS, None).await?)?;
        if !listed.requests.iter().any(|one| one.kind == kind && one.state == "open") {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(Stop::Failed("an earlier request for a copy is still open".to_owned()))
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Stop> {
    answer.json().map_err(|_| Stop::Failed(format!("an answer of another form, with the status {}", answer.status)))
}

/// Fetches something that must be there.
pub(super) async fn fetch(visitor: &mut Visitor, path: &str) -> Result<Vec<u8>, Stop> {
    let answer = visitor.get(path).await?;
    // The path has the id of a case in it, which is in no observation.
    let name = path.rsplit('/').next().unwrap_or_default();
    if answer.status == 200 {
        Ok(answer.body)
    } else {
        Err(Stop::Broke(format!("{name} was answered with {}", answer.status)))
    }
}

/// The package in a document.
pub(super) fn read_package(body: &[u8]) -> Result<Taken, Stop> {
    let taken: Taken =
        serde_json::from_slice(body).map_err(|_| Stop::Broke("a package is not of its own form".to_owned()))?;
    if (taken.format.as_str(), taken.schema_version) == ("wordbond.package", 1) {
        Ok(taken)
    } else {
        Err(Stop::Broke("a package does not say what it is".to_owned()))
    }
}

/// A picture that nobody has seen before: the mark of a PNG, and bytes that do not repeat.
pub(super) fn picture() -> Vec<u8> {
    let noise = (0..64).flat_map(|_| Uuid::new_v4().into_bytes());
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).collect()
}

/// Uploads a drawing, where drawings are served. Yields whether they are.
pub(super) async fn draw(visitor: &mut Visitor, name: &str, content: &[u8]) -> Result<bool, Stop> {
    let token = visitor.form_token("/account").await?;
    let origin = visitor.site().url().to_owned();
    let named = format!("attachment; filename=\"{name}\"");
    let headers = [
        (ingress::csrf::HEADER, token.as_str()),
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "image/png"),
        ("content-disposition", named.as_str()),
    ];
    let answer = visitor.send("POST", "/api/drawings", &headers, content).await?;
    match answer.status {
        201 => Ok(true),
        404 => Ok(false),
        status => Err(Stop::Failed(format!("uploading a drawing was answered with {status}"))),
    }
}

/// Writes a note. Yields its id.
pub(super) async fn note(visitor: &mut Visitor, title: &str, text: &str) -> Result<Uuid, Stop> {
    let answer = visitor.post_json("/api/notes", &json!({ "title": title, "text": text })).await?;
    id(&answer, "note").ok_or_else(|| Stop::Failed(format!("writing a note was answered with {}", answer.status)))
}

/// An id in an answer.
pub(super) fn id(answer: &Answer, name: &str) -> Option<Uuid> {
    let value: Value = answer.json().ok()?;
    value.get(name)?.as_str()?.parse().ok()
}
