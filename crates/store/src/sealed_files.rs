//! Control `sealed-files`: a file lies in the object store as ciphertext only.
//!
//! The enforcement is [`crate::blobs`] over [`vault::stream`]; this module attacks it: it looks at the object that its own upload
//! became, searches the raw files of the whole system for it, and opens everybody's objects.

mod faults;
mod objects;
mod plant;

pub use faults::FAULTS;
pub use plant::Plant;

use crate::{
    Store, StoreError,
    forensics::{self, Needles},
    sealed_columns::PlantError,
};
use kernel::Span;
use outbound::Site;
use plant::Uploaded;
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use std::path::Path;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "sealed-files",
    title: "Files are ciphertext",
    about: "A file is sealed in chunks with AES-256-GCM, under its owner's key, while it is uploaded; what lies in the \
            object store, a folder or a bucket, is ciphertext named by ids. The probe uploads three files of its own, \
            a small one and one of 8 to 12 MiB through the public API, and one as large by the page's form, of lengths \
            that are drawn anew, reads the objects that they became as whoever holds the store would, and searches \
            them for pieces of eight bytes of what was uploaded, of a large one from eight places all over it, as they \
            are, in hexadecimal digits and in Base64, and for their names; the same search must find a mark in the \
            clear that the probe put beside it. Where the store is a folder it searches every raw file of the system \
            as well, the database's and temporary ones included, and looks into what is packed there with gzip or zip. \
            It then opens every object there is (a sample drawn anew where there are more than 200), under the key and \
            at the place where it belongs: what does not open there is not sealed, whatever it looks like, and what is \
            no object of this system's does not belong there. It cannot see what the provider of a bucket keeps of \
            versions that were overwritten.",
    wing: "vault",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every file", "all files"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["32(1)(a)"], iso27001: &["8.24"], soc2: &["CC6.1"], asvs: &["14.2.4"] },
};

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

/// Attacks the promise with `plant`, somebody of the probe's own, who uploads anew each time.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, plant: &mut Plant) -> Finding {
    match attack(site, store, data_dir, plant).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(site: &Site, store: &Store, data_dir: &Path, plant: &mut Plant) -> Result<Finding, Stop> {
    let before = plant.before();
    let uploads = plant.uploads(site).await?;
    let mut needles = Needles::new();
    for uploaded in &uploads {
        needles = in_store(store, uploaded, needles).await?;
    }
    objects::mark_is_found(store).await.map_err(Stop::Failed)?;
    let walked = objects::walk(store).await?;
    if let Some(first) = walked.open.first() {
        let (count, seen) = (walked.open.len(), walked.seen);
        return Err(Stop::Broke(format!("{count} of {seen} objects are no sealed files: {first}")));
    }
    let raw = raw(store, data_dir, &needles).await?;
    for uploaded in &uploads {
        plant.read_back(site, uploaded).await?;
    }
    for before in before {
        plant.discard(site, before).await?;
    }
    let (seen, opened, files) = (walked.seen, walked.opened, raw.as_ref().map_or(0, |raw| raw.0));
    let held = Finding::held(format!(
        "three uploaded files became ciphertext, {opened} of {seen} objects open under their own key, and {files} raw files hold \
         nothing of it"
    ));
    let held = match raw {
        Some((files, marks)) => held
            .tried("searched every raw file of the system for the upload, and found a mark in the clear")
            .covered("raw files", files)
            .covered("places of the mark", marks),
        None => held,
    };
    Ok(held
        .tried("uploaded a small and a large file, and a large one by the page's form, read the objects that they became, and searched them for what was uploaded")
        .tried("put a mark in the clear beside it, and found it by the same search")
        .tried("opened objects under the key and at the place where they belong")
        .tried("downloaded them and compared them")
        .covered("objects", seen)
        .covered("objects opened", opened))
}

/// Looks at the object that an upload became. Yields the needles, with what was uploaded among them.
async fn in_store(store: &Store, uploaded: &Uploaded, needles: Needles) -> Result<Needles, Stop> {
    let bytes = objects::raw(store, objects::of_drawing(store, uploaded.drawing).await?).await?;
    if let Some(what) = objects::looks_open(&bytes, uploaded.content.len() as u64) {
        return Err(Stop::Broke(format!("an uploaded file lies in the object store {what}")));
    }
    let with = |needles: Needles| {
        let content = needles.bytes("the content", &uploaded.content).encoded("the content", &uploaded.content);
        content.words("the name", &uploaded.name)
    };
    let own = with(Needles::new());
    if let Some(name) = forensics::first_in(&bytes, &own)? {
        return Err(Stop::Broke(format!("{name} of an uploaded file stands in the clear in its object")));
    }
    Ok(with(needles))
}

/// Searches the raw files. Yields how many there were, and in how many kinds of places the mark was found.
async fn raw(store: &Store, data_dir: &Path, needles: &Needles) -> Result<Option<(usize, usize)>, Stop> {
    let Some(marked) = forensics::search_marked(store, data_dir, needles).await? else { return Ok(None) };
    if let Some(hit) = marked.searched.hits.first() {
        let (needle, kind, file) = (&hit.needle, hit.kind, hit.file.display());
        return Err(Stop::Broke(format!("{needle} of an uploaded file stands in the clear in: {kind} ({file})")));
    }
    Ok(Some((marked.searched.all_files(), marked.proves(|_| true).map_err(Stop::Failed)?)))
}
