//! Whole systems: the real executable, a real database, real TLS, a real browser.

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};
use testkit::ScratchSystem;

pub(crate) fn executable() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wordbond"))
}

pub(crate) fn profile(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../profiles").join(name).canonicalize().unwrap()
}

/// Runs a command of the binary without holding up the proxy of the scratch system, which lives in this process.
async fn run(arguments: Vec<String>) -> Output {
    tokio::task::spawn_blocking(move || Command::new(executable()).args(arguments).output().unwrap()).await.unwrap()
}

async fn check(system: &ScratchSystem, only: &[&str]) -> (Option<i32>, Value) {
    let mut arguments = vec!["check".to_owned(), "--json".to_owned(), "--data-dir".to_owned()];
    arguments.push(system.data_dir().display().to_string());
    if !only.is_empty() {
        arguments.push("--only".to_owned());
        arguments.extend(only.iter().map(|&id| id.to_owned()));
    }
    let output = run(arguments).await;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).map_err(|_| complaint).unwrap();
    (output.status.code(), report)
}

async fn verify(system: &ScratchSystem) -> Output {
    let ca = system.data_dir().join("tls/ca.pem").display().to_string();
    let memory = system.data_dir().join("seen.json").display().to_string();
    run(vec!["verify".to_owned(), system.url(), "--ca".to_owned(), ca, "--memory".to_owned(), memory]).await
}

/// The claims of the rows that read as `verdict`.
fn claims(report: &Value, verdict: &str) -> BTreeSet<String> {
    let rows = report["promises"].as_array().unwrap().iter().filter(|row| row["verdict"] == verdict);
    rows.flat_map(|row| row["claims"].as_array().unwrap()).map(|claim| claim.as_str().unwrap().to_owned()).collect()
}

/// What this build keeps of each published page. The list only grows.
const LEIDE: [&str; 28] = [
    "L03",
    "L04",
    "L05.clock",
    "L05.erase",
    "L09.mfa",
    "L09.signin",
    "L10",
    "L11",
    "L12",
    "L13",
    "L14",
    "L15",
    "L16",
    "L17",
    "L18",
    "L19.database",
    "L19.files",
    "L20.database",
    "L20.in",
    "L20.out",
    "L24",
    "L29.clock",
    "L29.package",
    "L30.clock",
    "L30.erase",
    "L31.profile",
    "L32.full",
    "L36",
];
const LEEMU: [&str; 18] = [
    "M01.sealed",
    "M05",
    "M06.clock",
    "M06.erase",
    "M08",
    "M10.export",
    "M12.clock",
    "M12.erase",
    "M15.google",
    "M15.password",
    "M16",
    "M18.database",
    "M18.in",
    "M18.out",
    "M19.database",
    "M20",
    "M21",
    "M22",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_leide_page_is_enforced_attacked_recorded_and_verified() {
    let mut system = ScratchSystem::start(executable(), &profile("leide.toml")).await.unwrap();
    let (code, report) = check(&system, &[]).await;
    assert_eq!(code, Some(3), "what is not built is Unproven: {report:#}");
    let kept: BTreeSet<String> = LEIDE.iter().map(|&claim| claim.to_owned()).collect();
    assert_eq!(claims(&report, "kept"), kept, "{report:#}");
    assert!(claims(&report, "broken").is_empty() && claims(&report, "error").is_empty(), "{report:#}");
    let counted: u64 = report["summary"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counted, report["promises"].as_array().unwrap().len() as u64, "every promise is counted once");
    for row in report["promises"].as_array().unwrap().iter().filter(|row| row["verdict"] == "kept") {
        assert!(row["leaf"].is_u64() && row["valid_until"].is_string(), "no green without evidence: {row:#}");
    }

    let honest = verify(&system).await;
    assert!(honest.status.success(), "{}", String::from_utf8_lossy(&honest.stdout));

    // The same ledger goes on after a restart, and a visitor who was here before sees no fork.
    system.restart().await.unwrap();
    let (_, again) = check(&system, &["L14"]).await;
    assert_eq!(claims(&again, "kept"), BTreeSet::from(["L14".to_owned()]));
    assert!(verify(&system).await.status.success());
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leemu_page_is_enforced_attacked_recorded_and_verified() {
    let system = ScratchSystem::start(executable(), &profile("leemu.toml")).await.unwrap();
    let (code, report) = check(&system, &[]).await;
    assert_eq!(code, Some(3), "{report:#}");
    let kept: BTreeSet<String> = LEEMU.iter().map(|&claim| claim.to_owned()).collect();
    assert_eq!(claims(&report, "kept"), kept, "{report:#}");
    assert!(verify(&system).await.status.success());
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weaker_promise_is_a_public_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("promises.toml");
    let text = std::fs::read_to_string(profile("leide.toml")).unwrap();
    std::fs::write(&file, &text).unwrap();
    let mut system = ScratchSystem::start(executable(), &file).await.unwrap();
    let (_, before) = check(&system, &["L14"]).await;
    assert_eq!(claims(&before, "kept"), BTreeSet::from(["L14".to_owned()]));

    let promise = text.find("id = \"nosniff\"").unwrap();
    let weaker = format!("{}freshness = \"20 days\"\n{}", &text[..promise], &text[promise..]);
    std::fs::write(&file, weaker).unwrap();
    system.restart().await.unwrap();
    // What was seen under the old profile proves nothing of the new one, until it is attacked again.
    let (_, after) = check(&system, &["L17"]).await;
    assert_eq!(claims(&after, "kept"), BTreeSet::from(["L17".to_owned()]));
    let changes = system.site().unwrap().get("/trust/changes").await.unwrap().text();
    assert!(changes.contains("weaker") && changes.contains("nosniff") && changes.contains("20 days"), "{changes}");
    assert!(verify(&system).await.status.success());
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_is_a_normal_event() {
    let mut system = ScratchSystem::start(executable(), &profile("starter.toml")).await.unwrap();
    for _ in 0..2 {
        system.kill_and_restart().await.unwrap();
        let (code, report) = check(&system, &["tls-in"]).await;
        assert!(matches!(code, Some(0)), "{report:#}");
    }
    let honest = verify(&system).await;
    assert!(honest.status.success(), "{}", String::from_utf8_lossy(&honest.stdout));
    system.stop().await.unwrap();
}

/// The first lines of the files in which scratch copies in this folder note the process of their database.
fn databases(folder: &Path) -> Vec<String> {
    let copies = fs::read_dir(folder).unwrap().map(|copy| copy.unwrap().path());
    let notes = copies.filter_map(|copy| fs::read_to_string(copy.join("pg/data/postmaster.pid")).ok());
    notes.filter_map(|note| note.lines().next().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_sabotage_that_is_stopped_leaves_no_copy_behind() {
    for in_its_beginning in [true, false] {
        let folder = tempfile::Builder::new().prefix("wb-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut sabotage = tokio::process::Command::new(executable())
            .args(["sabotage", "--copies", "1", "--only", "hsts", "--profile"])
            .arg(profile("starter.toml"))
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let is_far_enough = || {
            let mut copies = fs::read_dir(folder.path()).unwrap().map(|copy| copy.unwrap().path());
            databases(folder.path()).len() == 1
                && (in_its_beginning || copies.any(|copy| copy.join("ready.json").exists()))
        };
        while !is_far_enough() {
            assert!(sabotage.try_wait().unwrap().is_none(), "it ended by itself");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let database = databases(folder.path()).remove(0);
        let sabotage_id = sabotage.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &sabotage_id]).status().unwrap().success());
        let output = sabotage.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("stopped before its end"), "{said}");
        let is_alive =
            || Command::new("kill").args(["-0", &database]).stderr(Stdio::null()).status().unwrap().success();
        for _ in 0..100 {
            if !is_alive() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(!is_alive(), "the copy's database goes on");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|copy| copy.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
