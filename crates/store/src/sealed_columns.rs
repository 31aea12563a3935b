//! Control `sealed-columns`: what is about people and what they wrote lies in the database as ciphertext only.
//!
//! The enforcement is [`vault::Sealed`], the type `wordbond.sealed` and the data map; this module attacks it: with a search of
//! the raw files for what it wrote itself, and by opening everybody's values.

mod faults;
mod outside;
mod plant;
mod walk;

pub use faults::FAULTS;
pub(crate) use plant::{Body, call};
pub use plant::{Plant, PlantError};

use crate::{
    DataMap, Store, StoreError,
    copy::blind::blind,
    forensics::{self, Kind, Needles},
    key_census,
};
use kernel::Span;
use outbound::Site;
use promises::{
    Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
};
use std::{collections::BTreeSet, path::Path};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "sealed-columns",
    title: "Sensitive columns are ciphertext",
    about: "Names, addresses, texts and the secrets of factors are sealed with AES-256-GCM, under a key of the person \
            or team that lies outside the database, before they reach it. The probe writes as somebody whom it planted \
            through the public API, has the database write everything out, and searches its data files (tables, \
            indexes, long values, statistics), its write-ahead log, temporary files, deleted files that are still open \
            and its logs for pieces of eight letters of what it wrote, plain, as UTF-16, in hexadecimal digits and in \
            Base64. The same search must find marks that it left in the clear, one in each of these places, or it \
            proves nothing: in a row that counts, in rows that nobody else sees with a long value, indexes and \
            statistics of their own, in a sort that is spilled, in a file that is deleted while it is open, in the \
            log, and in a file beside the database's; a log that is packed is unpacked, or nothing is proven. It then \
            walks every column on the data map that must be sealed, everybody's rows and not the planted ones alone (a \
            sample drawn anew where there are more than 20,000), and opens each value under the key and at the place \
            where it belongs: what does not open there is not sealed, whatever it looks like. Whoever is there must \
            have their key. In the same search the root key, the keys wrapped under it, and 200 addresses of anybody, \
            drawn anew, must stand nowhere in the database's files; other texts of others are seen in their columns \
            alone. A column that the map does not know breaks the promise too, and so do large objects, foreign \
            servers, and, on a server of our own, another database. At a managed server the raw files cannot be read, \
            and the finding says so. It cannot see the database's memory, what is mapped there from files that are \
            deleted and closed included, blocks of the disk that belong to no file, nor who else has the root key.",
    wing: "vault",
    vantage: Vantage::Inside,
    params: &[ParamSpec {
        name: "cipher",
        kind: ParamKind::Word(&["AES-256-GCM"]),
        default: Some("AES-256-GCM"),
        about: "The cipher.",
        stronger: Stronger::Neither,
    }],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every sensitive column", "all sensitive columns"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["32(1)(a)"], iso27001: &["8.24"], soc2: &["CC6.1"], asvs: &["14.2.4"] },
};

/// What the vault's first format seals with.
const CIPHER: &str = "AES-256-GCM";

/// How an attack ends early.
enum Stop {
    Broke(String),
    Failed(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<PlantError> for Stop {
    fn from(error: PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Attacks the promise with `plant`, somebody of the probe's own, who writes anew each time.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, plant: &mut Plant, promise: &Promise) -> Finding {
    match attack(site, store, data_dir, plant, promise).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(
    site: &Site,
    store: &Store,
    data_dir: &Path,
    plant: &mut Plant,
    promise: &Promise,
) -> Result<Finding, Stop> {
    let named = promise.params.get("cipher").map_or_else(|| CIPHER.to_owned(), ToString::to_string);
    if named != CIPHER {
        return Err(Stop::Broke(format!("values are sealed with {CIPHER} and not with {named}")));
    }
    on_the_map(store).await?;
    if let Some((table, hidden)) = blind(store, &walk::tables()?).await? {
        return Err(Stop::Broke(format!("{hidden} rows of {table} are kept from the role that opens them all")));
    }
    can_be_opened(store).await?;
    let needles = plant.write(site).await?;
    let walked = walk::walk(store).await?;
    if let Some(first) = walked.open.first() {
        let (count, more) = (walked.open.len(), walked.values);
        return Err(Stop::Broke(format!("{count} of {more} values are not sealed, the first in {first}")));
    }
    if let Some(first) = walked.lost.first() {
        let count = walked.lost.len();
        return Err(Stop::Broke(format!(
            "{count} rows of somebody who is still here have lost their key, first in {first}"
        )));
    }
    let planted = needles.names().len();
    let known = walked.addresses.len();
    let needles = outside::addresses(outside::keys(needles, store, data_dir)?, &walked.addresses);
    let finding = match raw(store, data_dir, &needles).await? {
        Some(raw) => Finding::held(format!(
            "{} values in {} columns open under their own key and nowhere in the clear; of {planted} planted texts nothing \
             stands in {} raw files",
            walked.values, walked.columns, raw.files
        ))
        .tried("searched the data files, write-ahead log, temporary and deleted files and logs for what was just written")
        .tried("found marks in the clear in each of the same places")
        .tried(format!("searched the same for the root key, for what is wrapped under it, and for {known} addresses of anybody"))
        .covered("raw files", raw.files)
        .covered("addresses", known)
        .covered("raw MiB", usize::try_from(raw.bytes >> 20).unwrap_or(usize::MAX))
        .covered("places of the mark", raw.marks),
        None => Finding::held(format!(
            "{} values in {} columns open under their own key; the files of a managed server cannot be searched",
            walked.values, walked.columns
        )),
    };
    Ok(finding
        .tried("opened every sensitive value under the key and at the place where it belongs")
        .tried("compared the data map with the live schema, and looked for large objects, foreign servers and other databases")
        .covered("values opened", walked.values)
        .covered("columns", walked.columns)
        .covered("planted texts", planted))
}

/// A column that nobody classified may hold anything.
async fn on_the_map(store: &Store) -> Result<(), Stop> {
    let differences = DataMap::own()?.differences(store.auditor().await?.conn()).await?;
    let unknown = match differences.into_iter().next() {
        None => forensics::elsewhere(store).await?,
        first => first,
    };
    match unknown {
        Some(unknown) => Err(Stop::Broke(format!("the data map does not tell what lies where: {unknown}"))),
        None => Ok(()),
    }
}

/// Everybody who is there must have their key: a value whose key is lost is sealed from its owner too. Who comes or goes while
/// it is compared fits at the second look.
async fn can_be_opened(store: &Store) -> Result<(), Stop> {
    let mut missing: BTreeSet<String> =
        key_census::census(store, store.clock().now()).await?.without_key.into_iter().collect();
    if !missing.is_empty() {
        let again = key_census::census(store, store.clock().now()).await?.without_key;
        missing.retain(|name| again.contains(name));
    }
    match missing.len() {
        0 => Ok(()),
        count => Err(Stop::Broke(format!("the keys of {count} people, teams or accounts that are here are lost"))),
    }
}

/// What was searched.
pub(crate) struct Raw {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    pub(crate) marks: usize,
}

/// Searches the raw files of the database. `None` where they are a provider's.
async fn raw(store: &Store, data_dir: &Path, needles: &Needles) -> Result<Option<Raw>, Stop> {
    let Some(marked) = forensics::search_marked(store, data_dir, needles).await? else { return Ok(None) };
    let searched = &marked.searched;
    if let Some(hit) = searched.hits.iter().find(|hit| hit.kind.is_database()) {
        let (needle, kind, file) = (&hit.needle, hit.kind, hit.file.display());
        return Err(Stop::Broke(format!(
            "{needle} stands in the clear in the {kind}, {} times, first in {file}",
            hit.times
        )));
    }
    let marks = marked.proves(Kind::is_database).map_err(Stop::Failed)?;
    Ok(Some(Raw { files: searched.all_files(), bytes: searched.all_bytes(), marks }))
}
