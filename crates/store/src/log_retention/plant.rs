//! What the probe leaves behind: marks in the log, a log of an old day, and somebody whom no log may name.

use super::{Stop, day_of, end_of, entries, entries::Entries, logs, unexpected};
use crate::{
    Address, Store, StoreError,
    address::connect,
    forensics::{Needles, words},
    sealed_columns::{Body, PlantError, call},
    server::Layout,
};
use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, civil::Date};
use kernel::Timestamp;
use outbound::Site;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};
use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    os::unix::fs::{MetadataExt as _, chown},
    path::Path,
};
use uuid::Uuid;

/// The most marks that are remembered.
const MOST: usize = 500;

/// How long the system has until a sweep must have come.
const SWEPT_WITHIN: SignedDuration = SignedDuration::from_hours(3);

/// An entry that the probe caused.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Marked {
    name: String,
    at: Timestamp,
}

/// A day's log as it was at the attack before: it is only ever added to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Day {
    length: u64,
    hash: String,
}

/// What was left behind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plant {
    /// The logs of days that were there.
    #[serde(default)]
    days: BTreeMap<Date, Day>,
    marks: Vec<Marked>,
    /// The log of an old day, and when it was put there.
    old: Option<(Date, Timestamp)>,
    somebody: Option<Somebody>,
}

/// Somebody of the probe's own.
#[derive(Clone, Serialize, Deserialize)]
struct Somebody {
    name: String,
    email: String,
    team: String,
    token: String,
}

impl std::fmt::Debug for Somebody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Somebody(..)")
    }
}

impl Somebody {
    async fn sow(site: &Site) -> Result<Self, Stop> {
        #[derive(Deserialize)]
        struct Founded {
            token: String,
        }
        let (name, team) = (words(2)?, words(2)?);
        let email = format!("{}@{}.example", words(2)?.replace(' ', "."), words(1)?).to_lowercase();
        let body = json!({ "name": team, "person": { "name": name, "email": email } });
        let answer = send(site, None, "/api/tenants", &body).await?;
        let founded = answer.json::<Founded>().map_err(|_| PlantError::Refused("POST /api/tenants", answer.status))?;
        Ok(Self { name, email, team, token: founded.token })
    }
}

impl Plant {
    /// Nothing yet: what is left behind is left at each attack.
    ///
    /// # Errors
    /// None; as other plants are sown.
    pub async fn sow() -> Result<Self, PlantError> {
        std::future::ready(Ok(Self::default())).await
    }

    /// Knocks under a name that nobody has, and asks for a table that nobody has, which the server refuses and notes.
    pub(super) async fn knock(&mut self, store: &Store, now: Timestamp) -> Result<(), Stop> {
        let Address::Socket { .. } = store.address() else { return Ok(()) };
        let name = format!("m{}", Uuid::new_v4().simple());
        match connect(&store.address().bootstrap().username(&name)).await {
            Err(StoreError::Database(sqlx::Error::Database(_))) => {}
            Ok(connection) => {
                connection.close().await.map_err(StoreError::from)?;
                return Err(Stop::Failed("the database let in somebody whom it does not know".to_owned()));
            }
            Err(error) => return Err(error.into()),
        }
        self.marks.push(Marked { name, at: now });
        self.marks.push(Marked { name: stumble(store).await?, at: now });
        let surplus = self.marks.len().saturating_sub(MOST);
        self.marks.drain(..surplus);
        Ok(())
    }

    /// Every mark since then must still stand. Yields how many.
    pub(super) fn marks_stand(&mut self, entries: &Entries, since: Timestamp) -> Result<usize, Stop> {
        self.marks.retain(|mark| mark.at >= since);
        match self.marks.iter().find(|mark| !entries.has_refused(&mark.name)) {
            Some(Marked { at, .. }) => {
                let at = *at;
                // Its loss is told once: a log cannot be given back.
                self.marks.retain(|mark| mark.at != at);
                Err(Stop::Broke(format!("the entry that the probe caused at {at} is in no log any more")))
            }
            None => Ok(self.marks.len()),
        }
    }

    /// Each day's log must still begin as it did at the attack before, for as long as it is kept. Yields how many do.
    pub(super) fn days_stand(&mut self, layout: &Layout, since: Timestamp) -> Result<usize, Stop> {
        let kept = |day: Date| end_of(day).is_some_and(|end| end > since);
        let mut now = BTreeMap::new();
        for path in logs(&layout.logs())? {
            if let Some(day) = day_of(&path).filter(|day| kept(*day)) {
                now.insert(day, path);
            }
        }
        // Its loss is told once: a log cannot be given back.
        let known = std::mem::take(&mut self.days);
        let (mut stand, mut lost) = (0, Vec::new());
        for (day, Day { length, hash }) in known.into_iter().filter(|(day, _)| kept(*day)) {
            let begins = now.get(&day).map(|path| beginning(path, Some(length))).transpose()?;
            if begins.is_some_and(|(found, as_before)| found == length && as_before == hash) {
                stand += 1;
            } else {
                lost.push(day);
            }
        }
        for (day, path) in now.into_iter().filter(|(day, _)| !lost.contains(day)) {
            let (length, hash) = beginning(&path, None)?;
            self.days.insert(day, Day { length, hash });
        }
        match lost.first() {
            None => Ok(stand),
            Some(day) => {
                Err(Stop::Broke(format!("entries of {day} that stood in its log at the attack before do not any more")))
            }
        }
    }

    /// The name of the log that the probe put there itself.
    pub(super) fn old_day(&self) -> Option<&'static str> {
        self.old.map(|_| OLD_NAME)
    }

    /// Whether the log of an old day was swept that was put there at an attack before; then it is put there anew.
    pub(super) fn old_day_went(&mut self, layout: &Layout, now: Timestamp) -> Result<bool, Stop> {
        let is_there = entries::has_day(&layout.logs(), OLD)?;
        match self.old {
            Some((_, since)) if is_there => {
                let waited = now.duration_since(since);
                if waited > SWEPT_WITHIN {
                    return Err(Stop::Broke(format!(
                        "a log of {OLD} was not swept within {} hours",
                        waited.as_hours()
                    )));
                }
                Ok(false)
            }
            known => {
                put(layout)?;
                self.old = Some((OLD, now));
                Ok(known.is_some())
            }
        }
    }

    /// Does what could make a log name somebody: a team is founded, somebody is added to it twice, and a note that is too
    /// long is refused. Yields who must stand in no log.
    pub(super) async fn act(&mut self, site: &Site) -> Result<Needles, Stop> {
        let Somebody { name, email, team, token } = match &self.somebody {
            Some(somebody) => somebody.clone(),
            None => self.somebody.insert(Somebody::sow(site).await?).clone(),
        };
        let again = json!({ "name": name, "email": email });
        for _ in 0..2 {
            send(site, Some(&token), "/api/people", &again).await?;
        }
        let long = json!({ "title": name, "text": format!("{name} {}", "x".repeat(200_000)) });
        send(site, Some(&token), "/api/notes", &long).await?;
        send(site, Some(&format!("{token}x")), "/api/notes", &again).await?;
        let needles = Needles::new().words("the name", &name).words("the team", &team).words("the token", &token);
        Ok(needles.words("the e-mail address", email.trim_end_matches(".example")))
    }
}

/// Asks, as the application does, for a table that nobody has: an error, which is less than what ends a session. Yields its name.
async fn stumble(store: &Store) -> Result<String, Stop> {
    let name = format!("m{}", Uuid::new_v4().simple());
    let mut system = store.system().await?;
    let asked = sqlx::query(AssertSqlSafe(format!("SELECT FROM wordbond.{name}"))).execute(system.conn()).await;
    match asked {
        Err(sqlx::Error::Database(_)) => Ok(name),
        Ok(_) => Err(Stop::Failed("the database has a table that nobody made".to_owned())),
        Err(error) => Err(StoreError::from(error).into()),
    }
}

/// The beginning of a log, or all of it: how long that is, and its hash.
fn beginning(path: &Path, length: Option<u64>) -> Result<(u64, String), StoreError> {
    let read = || {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(length.unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes: Vec<u8> = read().map_err(|error: std::io::Error| unexpected(path, &error))?;
    let hash = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((u64::try_from(bytes.len()).unwrap_or(u64::MAX), hash))
}

async fn send(
    site: &Site,
    token: Option<&str>,
    path: &str,
    body: &serde_json::Value,
) -> Result<outbound::Answer, Stop> {
    call(site, token, "POST", path, Body::Json(body)).await.map_err(|error| Stop::Failed(error.to_string()))
}

/// A day long before anybody kept these logs.
const OLD: Date = Date::constant(2001, 1, 1);
const OLD_NAME: &str = "server-2001-01-01.log";

fn put(layout: &Layout) -> Result<(), StoreError> {
    let path = layout.logs().join(OLD_NAME);
    let write = || {
        fs::write(&path, "2001-01-01 00:00:00.000 UTC [1] LOG:  an entry of an old day\n")?;
        // As the server's own are.
        let owner = fs::metadata(layout.logs())?;
        chown(&path, Some(owner.uid()), Some(owner.gid()))
    };
    write().map_err(|error: std::io::Error| unexpected(&path, &error))
}
