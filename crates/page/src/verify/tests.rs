//! A service in memory with a real log, honest at first, then forged in one way after another.

use super::*;
use crate::{Inputs, LedgerFacts, Snapshot, document::Document, trust, wire};
use jiff::SignedDuration;
use kernel::Span;
use ledger::{
    SigningKey,
    merkle::{self, Hash},
    tile::{bundles_of, encode_bundle, tiles_of},
};
use promises::{
    About, ControlSpec, Finding, Observation,
    control::{Mode, Standards},
};
use std::collections::HashMap;

const TEXT: &str = r#"
[service]
name = "Notes"
about = "Keeps notes"
operator = "Notes Ltd"
mode = "built"

[contacts]
security = "security@notes.example"

[[promise]]
id = "hsts"
section = "Network"
words = "Browsers are told to use HTTPS."
kind = "enforced"
control = "hsts"

[[promise]]
id = "limits"
section = "Network"
words = "Requests are limited."
kind = "enforced"
control = "limits"
"#;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn control(id: &'static str) -> ControlSpec {
    ControlSpec {
        id,
        title: id,
        about: "",
        wing: "ingress",
        vantage: promises::control::Vantage::Outside,
        params: &[],
        cadence: Span::minutes(5),
        freshness: Span::minutes(15),
        covers: &[],
        modes: &[Mode::Built],
        standards: Standards::default(),
    }
}

fn catalogue() -> Catalogue {
    Catalogue::new(&[control("hsts")], &[control("limits")])
}

fn observed(run: u64, minutes_ago: i64, finding: Finding) -> Leaf {
    let observed_at = now() - SignedDuration::from_mins(minutes_ago);
    let observation: Observation = finding.covered("routes", 3).at(About {
        promise: "hsts".to_owned(),
        control: "hsts".to_owned(),
        run,
        vantage: promises::control::Vantage::Outside,
        target: "https://localhost:8443".to_owned(),
        observed_at,
        valid_until: observed_at + SignedDuration::from_mins(15),
        took_ms: 5,
        build: digest::hex(b"build"),
        profile: digest::hex(TEXT.as_bytes()),
    });
    Leaf::Observation(observation)
}

/// The leaves of an honest service: a profile, and an attack every five minutes that held.
fn honest() -> Vec<Leaf> {
    let profile = Leaf::Profile {
        hash: digest::hex(TEXT.as_bytes()),
        previous: None,
        at: now() - SignedDuration::from_mins(30),
        changes: vec!["first profile: 2 promises".to_owned()],
    };
    let start = Leaf::Start {
        build: digest::hex(b"build"),
        profile: digest::hex(TEXT.as_bytes()),
        at: now() - SignedDuration::from_mins(30),
        instance: "an instance".to_owned(),
    };
    let mut leaves = vec![profile, start];
    leaves.extend((1..=4).map(|run| observed(run, 21 - 5 * i64::try_from(run).unwrap(), Finding::held("3 routes"))));
    leaves
}

/// A log in memory.
struct Files(HashMap<String, Vec<u8>>);

impl Fetch for Files {
    async fn fetch(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        self.0.get(path).cloned().ok_or(FetchError::Missing)
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed("localhost:8443/ledger", &[7; 32]).unwrap()
}

/// The files of a log of fewer than 256 leaves, signed at `at`.
fn log(leaves: &[Leaf], at: Timestamp) -> Files {
    let entries: Vec<Vec<u8>> = leaves.iter().map(|leaf| leaf.to_bytes().unwrap()).collect();
    let hashes: Vec<Hash> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    let size = entries.len() as u64;
    let checkpoint = Checkpoint { origin: key().name().to_owned(), size, root: merkle::root(&hashes), at };
    let mut files = HashMap::from([("checkpoint".to_owned(), checkpoint.sign(&key()).unwrap().into_bytes())]);
    for bundle in bundles_of(size) {
        files.insert(bundle.to_string(), encode_bundle(entries.iter().map(Vec::as_slice)).unwrap());
    }
    for tile in tiles_of(size) {
        files.insert(tile.to_string(), hashes.concat());
    }
    Files(files)
}

/// What an honest service publishes at `at`, resting on these leaves.
fn published(leaves: &[Leaf], at: Timestamp) -> Published {
    let catalogue = catalogue();
    let profile = Profile::parse(TEXT, &catalogue).unwrap();
    let mut reading = Reading::default();
    let court = Court { profile: &profile, catalogue: &catalogue, public_url: "https://localhost:8443" };
    for (index, leaf) in (0..).zip(leaves) {
        reading.take(court, index, leaf.clone());
    }
    let hash = digest::hex(TEXT.as_bytes());
    let ledger = LedgerFacts {
        origin: key().name().to_owned(),
        vkey: key().verifier().to_string(),
        checkpoint_size: leaves.len() as u64,
    };
    let snapshot = Snapshot::new(&Inputs {
        profile: &profile,
        profile_text: TEXT,
        profile_hash: &hash,
        catalogue: &catalogue,
        evidence: &reading.evidence,
        sabotage: reading.sabotage.as_ref(),
        changes: &reading.changes,
        ledger: &ledger,
        build: &digest::hex(b"build"),
        public_url: "https://localhost:8443",
        now: at,
    });
    let text = |document: Document| String::from_utf8(document.body).unwrap();
    Published {
        url: "https://localhost:8443".to_owned(),
        html: vec![("the page", text(trust::render(&snapshot).unwrap()))],
        json: wire::render(&snapshot).unwrap().body,
        details: ["hsts", "limits"]
            .map(|id| (id.to_owned(), text(crate::promise::render(&snapshot, id).unwrap().unwrap())))
            .into(),
        assets: crate::assets::all().iter().map(|a| (a.path.as_str(), Some(a.document.body.clone()))).collect(),
        promises: TEXT.to_owned(),
        vkey: key().verifier().to_string(),
    }
}

async fn opinion(published: &Published, log: Files) -> VerifyReport {
    compare(published, log, &catalogue(), None, now()).await.unwrap()
}

#[track_caller]
fn objects(report: &VerifyReport, part: &str) {
    assert!(report.objections.iter().any(|one| one.contains(part)), "expected «{part}» among {:#?}", report.objections);
}

#[tokio::test]
async fn an_honest_service_is_believed() {
    let leaves = honest();
    let report = opinion(&published(&leaves, now()), log(&leaves, now())).await;
    assert!(report.is_honest(), "{report}");
    assert_eq!((report.size, report.observations, report.promises, report.kept), (6, 4, 2, 1));
}

#[tokio::test]
async fn a_page_made_a_moment_before_the_log_grew_is_believed() {
    let mut leaves = honest();
    let page = published(&leaves, now());
    leaves.push(observed(5, 0, Finding::held("3 routes")));
    assert!(opinion(&page, log(&leaves, now())).await.is_honest());
}

#[tokio::test]
async fn every_forged_word_of_the_page_is_found() {
    let leaves = honest();
    for (from, to, objection) in [
        ("data-verdict=\"unproven\"", "data-verdict=\"kept\"", "its ledger supports Unproven"),
        ("<b class=\"word\">Unproven</b>", "<b class=\"word\">Kept</b>", "its ledger supports Unproven"),
        ("data-leaf=\"5\"", "data-leaf=\"4\"", "not the newest"),
        ("data-promise=\"limits\"", "data-promise=\"other\"", "a promise that nobody made"),
        ("Requests are limited.", "Requests are always limited.", "differs from what"),
        ("data-generated-at", "data-made-at", "does not say when it was made"),
    ] {
        let mut page = published(&leaves, now());
        let html = &mut page.html[0].1;
        assert!(html.contains(from), "the page has no {from}");
        *html = html.replace(from, to);
        objects(&opinion(&page, log(&leaves, now())).await, objection);
    }
}

#[tokio::test]
async fn a_page_of_another_version_is_compared_by_its_rows_and_says_so() {
    let leaves = honest();
    let mut page = published(&leaves, now());
    page.html[0].1 = page.html[0].1.replace(crate::assets::style(), "/assets/older.css");
    let report = opinion(&page, log(&leaves, now())).await;
    assert!(report.is_honest() && report.another_version, "{report}");
    page.html[0].1 = page.html[0].1.replace("data-verdict=\"unproven\"", "data-verdict=\"kept\"");
    objects(&opinion(&page, log(&leaves, now())).await, "its ledger supports Unproven");
}

#[tokio::test]
async fn every_forged_word_of_the_json_is_found() {
    let leaves = honest();
    for (from, to, objection) in [
        ("\"verdict\": \"unproven\"", "\"verdict\": \"kept\"", "its ledger supports Unproven"),
        ("\"leaf\": 5", "\"leaf\": 4", "by leaf 4"),
        ("\"unproven\": 1", "\"unproven\": 0", "does not count"),
        ("\"words\": \"Requests are limited.\"", "\"words\": \"Nothing\"", "says something else"),
        ("\"service\": \"Notes\"", "\"service\": \"Other\"", "differs from what"),
        ("\"id\": \"limits\"", "\"id\": \"other\"", "leaves out the promise limits"),
        ("\"promises\": [", "\"promise\": [", "not of the form"),
    ] {
        let mut page = published(&leaves, now());
        let json = String::from_utf8(page.json).unwrap();
        assert!(json.contains(from), "{json}");
        page.json = json.replacen(from, to, 1).into_bytes();
        objects(&opinion(&page, log(&leaves, now())).await, objection);
    }
}

#[tokio::test]
async fn forged_detail_pages_and_styles_are_found() {
    let leaves = honest();
    let mut page = published(&leaves, now());
    page.details[1].1 = page.details[1].1.replace("data-verdict=\"unproven\"", "data-verdict=\"kept\"");
    objects(&opinion(&page, log(&leaves, now())).await, "the page of limits does not carry the verdict");
    let mut page = published(&leaves, now());
    page.details[0].1 = page.details[0].1.replace("3 routes", "3 000 routes");
    objects(&opinion(&page, log(&leaves, now())).await, "the page of hsts differs");
    let mut page = published(&leaves, now());
    page.assets[0].1.as_mut().unwrap().extend(b"[data-verdict=unproven] .word::after{content:'Kept'}");
    objects(&opinion(&page, log(&leaves, now())).await, "is not the file that its name stands for");
}

#[tokio::test]
async fn what_another_control_target_build_or_vantage_saw_is_no_evidence() {
    type Forge = fn(&mut About);
    let forgeries: [Forge; 5] = [
        |about| about.control = "limits".to_owned(),
        |about| about.promise = "limits".to_owned(),
        |about| about.target = "https://localhost:9".to_owned(),
        |about| about.build = digest::hex(b"another build"),
        |about| about.vantage = promises::control::Vantage::Inside,
    ];
    for forge in forgeries {
        let mut leaves = honest();
        leaves.truncate(2);
        let Leaf::Observation(mut observation) = observed(1, 1, Finding::held("3 routes")) else { unreachable!() };
        forge(&mut observation.about);
        leaves.push(Leaf::Observation(observation));
        let page = published(&leaves, now());
        assert!(!String::from_utf8_lossy(&page.json).contains("\"verdict\": \"kept\""));
        assert_eq!(opinion(&page, log(&leaves, now())).await.kept, 0);
    }
}

#[tokio::test]
async fn a_page_about_another_build_or_address_is_found() {
    let leaves = honest();
    let mut page = published(&leaves, now());
    page.json =
        String::from_utf8(page.json).unwrap().replace(&digest::hex(b"build"), &digest::hex(b"other")).into_bytes();
    objects(&opinion(&page, log(&leaves, now())).await, "differs from what");
    let mut page = published(&leaves, now());
    page.url = "https://notes.example".to_owned();
    objects(&opinion(&page, log(&leaves, now())).await, "the page is about https://localhost:8443");
}

#[tokio::test]
async fn a_frozen_page_beside_a_living_json_is_found() {
    let made = now() - SignedDuration::from_mins(14);
    let leaves: Vec<Leaf> = honest().into_iter().take(2).chain([observed(1, 15, Finding::held("3 routes"))]).collect();
    let mut page = published(&leaves, now());
    page.html = published(&leaves, made).html;
    objects(&opinion(&page, log(&leaves, now())).await, "the page says Kept of hsts, but by now it is Unproven");
}

#[tokio::test]
async fn a_frozen_page_is_found_when_something_newer_was_seen() {
    let mut leaves = honest();
    let page = published(&leaves, now());
    leaves.push(observed(5, 1, Finding::broke("1 route without the header")));
    objects(&opinion(&page, log(&leaves, now())).await, "leaves out a newer observation of hsts: leaf 6");
    // Also while attacks go on, so that the newest is always young.
    leaves.push(observed(6, 0, Finding::held("3 routes")));
    objects(&opinion(&page, log(&leaves, now())).await, "leaves out a newer observation of hsts: leaf 6");
}

#[tokio::test]
async fn a_frozen_page_is_found_when_its_evidence_has_run_out() {
    let leaves = honest();
    let made = now() - SignedDuration::from_mins(30);
    let early: Vec<Leaf> = vec![leaves[0].clone(), leaves[1].clone(), observed(1, 31, Finding::held("3 routes"))];
    let report = opinion(&published(&early, made), log(&early, now())).await;
    objects(&report, "says Kept of hsts, but by now it is Unproven");
}

#[tokio::test]
async fn an_observation_left_out_before_sealing_is_missed() {
    let mut leaves = honest();
    leaves.remove(4);
    objects(&opinion(&published(&leaves, now()), log(&leaves, now())).await, "run 3 of 4 is missing");
}

#[tokio::test]
async fn a_stale_checkpoint_is_found() {
    let leaves = honest();
    let old = now() - SignedDuration::from_mins(16);
    objects(&opinion(&published(&leaves, now()), log(&leaves, old)).await, "older than 15 minutes");
}

#[tokio::test]
async fn another_profile_than_the_ledger_names_is_found() {
    let leaves = honest();
    let mut page = published(&leaves, now());
    page.promises.push_str("# weaker\n");
    objects(&opinion(&page, log(&leaves, now())).await, "the ledger's newest profile is");
}

#[tokio::test]
async fn one_flipped_byte_in_any_file_of_the_log_is_found() {
    let leaves = honest();
    let names: Vec<String> = log(&leaves, now()).0.into_keys().collect();
    assert_eq!(names.len(), 3);
    for name in names {
        let mut files = log(&leaves, now());
        let bytes = files.0.get_mut(&name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        objects(&opinion(&published(&leaves, now()), files).await, "does not hold together");
    }
}

#[tokio::test]
async fn what_was_seen_before_must_still_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("seen.json");
    let leaves = honest();
    let see = async |leaves: &[Leaf], page: &Published| {
        compare(page, log(leaves, now()), &catalogue(), Some(&memory), now()).await.unwrap()
    };
    assert!(see(&leaves, &published(&leaves, now())).await.is_honest());

    // A shorter log, then one of the same length with another past.
    let shorter = &leaves[..5];
    objects(&see(shorter, &published(shorter, now())).await, "seen before");
    let mut other = leaves.clone();
    other[3] = observed(2, 11, Finding::held("another story"));
    objects(&see(&other, &published(&other, now())).await, "seen before");

    let mut page = published(&leaves, now());
    page.vkey = SigningKey::from_seed("localhost:8443/ledger", &[8; 32]).unwrap().verifier().to_string();
    objects(&see(&leaves, &page).await, "the ledger's key is another");
    std::fs::write(&memory, "{").unwrap();
    let broken = compare(&page, log(&leaves, now()), &catalogue(), Some(&memory), now()).await;
    assert!(matches!(broken, Err(VerifyError::Memory(MemoryError::Content(_)))));
}
