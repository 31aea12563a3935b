//! The reader that does not believe: fetches a service's page, its promises and its whole ledger, recomputes every verdict
//! with its own clock, and says everything that does not fit.
//!
//! Rendering is pure, so the strongest comparison is the simplest: from the ledger's leaves and the published promises the
//! reader makes the page itself, at the instant and ledger size that the page names, and compares what it made with what it
//! was given.

mod made;
mod memory;
mod runs;

pub use memory::MemoryError;

use crate::{
    digest,
    document::RenderError,
    reading::{Court, Reading},
    wire::Trust,
};
use jiff::{SignedDuration, Timestamp};
use kernel::Span;
use ledger::{Checkpoint, Fetch, FetchError, Leaf, Log, VerifierKey, VerifyError as LogError};
use memory::Memory;
use outbound::{Answer, OutboundError, Site};
use promises::{Catalogue, Profile, Verdict, judge};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, path::Path};

/// How long after it was recorded an observation may be missing from the page.
const LAG: SignedDuration = SignedDuration::from_secs(10);
/// How far the service's clock may be ahead of the reader's.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// The service.
    pub url: String,
    /// The ledger's name.
    pub origin: String,
    /// How many leaves it has, all of which were read.
    pub size: u64,
    /// Its root, in hexadecimal.
    pub root: String,
    /// When its checkpoint was signed.
    pub signed_at: Option<Timestamp>,
    /// How many observations are among the leaves.
    pub observations: u64,
    /// How many promises the profile makes.
    pub promises: u64,
    /// How many of them are Kept by the reader's own computation and clock.
    pub kept: u64,
    /// Whether the page was made by another version than the reader's: then its rows were compared, not its every word.
    pub another_version: bool,
    /// Everything that does not fit; empty when the page says what the ledger supports.
    pub objections: Vec<String>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing was found that does not fit.
    #[must_use]
    pub const fn is_honest(&self) -> bool {
        self.objections.is_empty()
    }

    fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            origin: String::new(),
            size: 0,
            root: String::new(),
            signed_at: None,
            observations: 0,
            promises: 0,
            kept: 0,
            another_version: false,
            objections: Vec::new(),
            notes: vec![
                "no independent witness signs this ledger's checkpoints: compare yours with somebody else's".to_owned(),
            ],
        }
    }

    fn object(&mut self, objection: impl Into<String>) {
        self.objections.push(objection.into());
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for objection in &self.objections {
            writeln!(f, "OBJECTION  {objection}")?;
        }
        for note in &self.notes {
            writeln!(f, "note       {note}")?;
        }
        writeln!(
            f,
            "ledger     {}, {} leaves, {} observations, root {}",
            self.origin, self.size, self.observations, self.root
        )?;
        let found =
            if self.is_honest() { "the page says what the ledger supports" } else { "the page is NOT to be believed" };
        write!(f, "{}: {found}; {} of {} promises are kept by this clock", self.url, self.kept, self.promises)
    }
}

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The service did not answer.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// It answered otherwise than a page does.
    #[error("{path} answered {status}: this is no service with a Wordbond page, or it is in trouble")]
    Answer {
        /// The path.
        path: &'static str,
        /// The status code.
        status: u16,
    },
    /// The ledger could not be fetched.
    #[error("the ledger cannot be read: {0}")]
    Ledger(String),
    /// What was remembered of earlier visits.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The reader's own rendering failed.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// What a service publishes, as fetched.
pub(crate) struct Published {
    pub(crate) url: String,
    /// The page, as each kind of reader gets it.
    pub(crate) html: Vec<(&'static str, String)>,
    pub(crate) json: Vec<u8>,
    /// The page of each promise, by its id.
    pub(crate) details: Vec<(String, String)>,
    /// The style sheet and drawings, by the address under which this reader's version would serve them; `None` where there
    /// is none.
    pub(crate) assets: Vec<(&'static str, Option<Vec<u8>>)>,
    pub(crate) promises: String,
    pub(crate) vkey: String,
}

/// Reads a service's page and whole ledger and compares them. `memory` is a file that keeps the key and the checkpoint seen
/// last; without it nothing is compared with earlier visits. `now` is the reader's clock.
///
/// # Errors
/// Nothing could be found out, which is no verdict on the page.
pub async fn verify(
    site: &Site,
    catalogue: &Catalogue,
    memory: Option<&Path>,
    now: Timestamp,
) -> Result<VerifyReport, VerifyError> {
    // The pages first: whatever they rest on is in the ledger that is read after them.
    let json = page(site, "/trust.json").await?.body;
    let published = Published {
        url: site.url().to_owned(),
        details: details(site, &json).await?,
        assets: assets(site).await?,
        html: vec![
            ("the page", page(site, "/trust").await?.text()),
            ("the page that browsers get", as_browser(site).await?.text()),
        ],
        json,
        promises: page(site, "/promises.toml").await?.text(),
        vkey: page(site, "/ledger/vkey").await?.text(),
    };
    compare(&published, Ledger(site.clone()), catalogue, memory, now).await
}

/// Compares what a service publishes with its ledger.
pub(crate) async fn compare(
    published: &Published,
    ledger: impl Fetch,
    catalogue: &Catalogue,
    memory: Option<&Path>,
    now: Timestamp,
) -> Result<VerifyReport, VerifyError> {
    let mut report = VerifyReport::of(&published.url);
    let Ok(key) = published.vkey.trim().parse::<VerifierKey>() else {
        report.object("/ledger/vkey is no verifier key");
        return Ok(report);
    };
    let remembered = memory.map(|file| Memory::read(file, &published.url)).transpose()?.flatten();
    let last_seen = last_seen(remembered.as_ref(), &key, &mut report);
    let log = match ledger::read_all(ledger, &key, last_seen.as_ref()).await {
        Ok(log) => log,
        Err(LogError::Fetch { path, cause: FetchError::Failed(cause) }) => {
            return Err(VerifyError::Ledger(format!("{path}: {cause}")));
        }
        Err(LogError::Failed(cause)) => return Err(VerifyError::Ledger(cause)),
        Err(misfit) => {
            report.object(format!("the ledger does not hold together: {misfit}"));
            return Ok(report);
        }
    };
    report.origin.clone_from(&log.checkpoint.origin);
    report.size = log.checkpoint.size;
    report.root = log.checkpoint.root.iter().map(|byte| format!("{byte:02x}")).collect();
    report.signed_at = Some(log.checkpoint.at);
    judge_page(published, &key, &log, catalogue, now, &mut report)?;
    if let Some(file) = memory.filter(|_| report.is_honest()) {
        Memory::write(file, &published.url, &key, &log.note)?;
    }
    Ok(report)
}

fn last_seen(remembered: Option<&Memory>, key: &VerifierKey, report: &mut VerifyReport) -> Option<Checkpoint> {
    let Some(memory) = remembered else {
        report
            .notes
            .push("nothing is remembered of this ledger: this is the first visit, or no memory is kept".to_owned());
        return None;
    };
    if memory.vkey != key.to_string() {
        report.object(format!("the ledger's key is another than at the last visit: it was {}", memory.vkey));
        return None;
    }
    Checkpoint::open(&memory.checkpoint, key).ok()
}

fn judge_page(
    published: &Published,
    key: &VerifierKey,
    log: &Log,
    catalogue: &Catalogue,
    now: Timestamp,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let leaves = leaves(log, report);
    let hash = digest::hex(published.promises.as_bytes());
    match leaves
        .iter()
        .rev()
        .find_map(|(_, leaf)| if let Leaf::Profile { hash, .. } = leaf { Some(hash) } else { None })
    {
        Some(recorded) if *recorded == hash => {}
        Some(recorded) => {
            report.object(format!("/promises.toml has hash {hash}, but the ledger's newest profile is {recorded}"))
        }
        None => report.object("the ledger names no profile"),
    }
    let profile = match Profile::parse(&published.promises, catalogue) {
        Ok(profile) => profile,
        Err(wrong) => {
            report.object(format!(
                "/promises.toml cannot be read: {}",
                wrong.iter().next().map_or("", |one| &one.message)
            ));
            return Ok(());
        }
    };
    report.promises = profile.promises.len() as u64;
    report.objections.extend(runs::gaps(&leaves));
    let Ok(trust) = serde_json::from_slice::<Trust>(&published.json) else {
        report.object("/trust.json is not of the form that it has in this version");
        return Ok(());
    };
    let court = Court { profile: &profile, catalogue, public_url: &trust.public_url };
    let whole = read(court, &leaves, u64::MAX);
    let shortest = own_clock(court, &hash, &whole, log, now, report);
    let source = made::Source {
        published,
        profile: &profile,
        hash: &hash,
        catalogue,
        key,
        leaves: &leaves,
        trust: &trust,
        made: std::cell::RefCell::default(),
    };
    source.compare_json(report);
    for (name, html) in &published.html {
        source.compare_html(name, html, report)?;
    }
    for (id, html) in &published.details {
        source.compare_detail(id, html, report)?;
    }
    source.compare_assets(report);
    for shown in source.shown() {
        let moment = Moment { court, hash: &hash, whole: &whole, leaves: &leaves, log, shortest, now };
        moment.judge(&shown, report);
    }
    Ok(())
}

/// A document as it presents itself.
struct Shown {
    name: &'static str,
    generated_at: Timestamp,
    size: u64,
    /// What it says, or what its own facts make it say.
    verdicts: BTreeMap<String, Verdict>,
}

/// The reader's own moment.
struct Moment<'a> {
    court: Court<'a>,
    hash: &'a str,
    whole: &'a Reading,
    leaves: &'a [(u64, Leaf)],
    log: &'a Log,
    shortest: Option<Span>,
    now: Timestamp,
}

impl Moment<'_> {
    /// Whether a document is of now: rests on everything that is known, and on nothing that has run out.
    fn judge(&self, shown: &Shown, report: &mut VerifyReport) {
        let Shown { name, generated_at, size, verdicts } = shown;
        if *size > self.log.checkpoint.size {
            report.object(format!("{name} rests on {size} leaves, but the ledger has {}", self.log.checkpoint.size));
        }
        if *generated_at > self.now + SKEW {
            report.object(format!("{name} was made at {generated_at}, which is in the future"));
        }
        if self.shortest.is_some_and(|shortest| *generated_at + shortest.signed() < self.now) {
            report.object(format!("{name} was made at {generated_at}: longer ago than any evidence counts"));
        }
        for promise in &self.court.profile.promises {
            let Some(story) = self.whole.evidence.story(&promise.id) else { continue };
            if let Some(leaf) = self.left_out(&promise.id, *size) {
                report.object(format!("{name} leaves out a newer observation of {}: leaf {leaf}", promise.id));
                continue;
            }
            let newest = story.newest().filter(|newest| newest.leaf >= *size);
            let mine = judge(promise, self.hash, story, self.now).verdict;
            let said = verdicts.get(&promise.id);
            if newest.is_none() && said == Some(&Verdict::Kept) && mine != Verdict::Kept {
                report.object(format!("{name} says Kept of {}, but by now it is {mine}", promise.id));
            }
        }
    }
}

impl Moment<'_> {
    /// The first observation of a promise that a document of that size should know by now. Not the newest alone: while
    /// attacks go on, that one is always young.
    fn left_out(&self, promise: &str, size: u64) -> Option<u64> {
        let known = self.leaves.partition_point(|(index, _)| *index < size);
        let due = |leaf: &Leaf| match leaf {
            Leaf::Observation(seen) => seen.about.promise == promise && seen.about.observed_at + LAG < self.now,
            _ => false,
        };
        self.leaves.get(known..)?.iter().find(|(_, leaf)| due(leaf)).map(|(index, _)| *index)
    }
}

/// What the reader's own clock makes of the ledger: how much is kept, and whether the checkpoint is of now. Yields the
/// shortest time that evidence of a built control counts.
fn own_clock(
    court: Court<'_>,
    hash: &str,
    whole: &Reading,
    log: &Log,
    now: Timestamp,
    report: &mut VerifyReport,
) -> Option<Span> {
    let empty = promises::Story::default();
    let promises = &court.profile.promises;
    let verdict = |promise| judge(promise, hash, whole.evidence.story(&promise.id).unwrap_or(&empty), now).verdict;
    report.kept = promises.iter().filter(|promise| verdict(promise) == Verdict::Kept).count() as u64;
    let attacked = promises.iter().filter(|p| p.control.as_deref().is_some_and(|id| court.catalogue.is_built(id)));
    let shortest = attacked.map(|promise| promise.freshness).min()?;
    if log.checkpoint.at + shortest.signed() < now {
        report.object(format!(
            "the checkpoint was signed at {}: older than {shortest}, the shortest time that evidence counts",
            log.checkpoint.at
        ));
    }
    if log.checkpoint.at > now + SKEW {
        report.object(format!("the checkpoint was signed at {}, which is in the future", log.checkpoint.at));
    }
    Some(shortest)
}

fn leaves(log: &Log, report: &mut VerifyReport) -> Vec<(u64, Leaf)> {
    let mut leaves = Vec::new();
    for (index, entry) in (0u64..).zip(&log.entries) {
        match Leaf::from_bytes(entry) {
            Ok(leaf) => {
                report.observations += u64::from(matches!(leaf, Leaf::Observation(_)));
                leaves.push((index, leaf));
            }
            Err(error) => report.object(format!("leaf {index}: {error}")),
        }
    }
    leaves
}

/// The reading of the leaves below `size`.
fn read(court: Court<'_>, leaves: &[(u64, Leaf)], size: u64) -> Reading {
    let mut reading = Reading::default();
    for (index, leaf) in leaves.iter().take_while(|(index, _)| *index < size) {
        reading.take(court, *index, leaf.clone());
    }
    reading
}

async fn page(site: &Site, path: &'static str) -> Result<Answer, VerifyError> {
    let answer = site.get(path).await?;
    if answer.status == 200 { Ok(answer) } else { Err(VerifyError::Answer { path, status: answer.status }) }
}

/// The page of each promise that `/trust.json` names.
async fn details(site: &Site, json: &[u8]) -> Result<Vec<(String, String)>, VerifyError> {
    let mut details = Vec::new();
    let trust = serde_json::from_slice::<Trust>(json).ok();
    for line in trust.iter().flat_map(|trust| &trust.promises) {
        // An id that is none would ask for another address.
        if line.id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            let answer = site.get(&format!("/trust/promises/{}", line.id)).await?;
            details.push((line.id.clone(), answer.text()));
        }
    }
    Ok(details)
}

async fn assets(site: &Site) -> Result<Vec<(&'static str, Option<Vec<u8>>)>, VerifyError> {
    let mut assets = Vec::new();
    for asset in crate::assets::all() {
        let answer = site.get(&asset.path).await?;
        assets.push((asset.path.as_str(), (answer.status == 200).then_some(answer.body)));
    }
    Ok(assets)
}

/// The page as a browser asks for it, with a cache that it does not trust.
async fn as_browser(site: &Site) -> Result<Answer, VerifyError> {
    let path = "/trust";
    let headers = [
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    ];
    let answer = site.send("GET", path, &headers, &[]).await?;
    if answer.status == 200 { Ok(answer) } else { Err(VerifyError::Answer { path, status: answer.status }) }
}

/// The ledger of a site.
struct Ledger(Site);

impl Fetch for Ledger {
    async fn fetch(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        let answer =
            self.0.get(&format!("/ledger/{path}")).await.map_err(|error| FetchError::Failed(error.to_string()))?;
        match answer.status {
            200 => Ok(answer.body),
            404 => Err(FetchError::Missing),
            status => Err(FetchError::Failed(format!("answered {status}"))),
        }
    }
}

#[cfg(test)]
mod tests;
