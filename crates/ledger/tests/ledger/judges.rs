//! The two verifiers that nobody here wrote, on a log that our sealer made: both accept it, and both refuse it after one
//! flipped byte in each kind of file. Our own verifier is held to the same.

use crate::cluster::{Cluster, append, clock, key, sealer};
use ledger::{VerifyError, read_all, verify::Directory};
use std::{fs, path::Path, process::Command};

/// A log with full and partial tiles and bundles, on two levels.
async fn exported(dir: &Path) {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn, clock) = (cluster.app().await, cluster.sealer().await, clock());
    let mut sealer = sealer(&clock);
    for range in [0..7, 7..300, 300..700] {
        append(&mut app, range).await;
        sealer.seal_once(&mut conn).await.unwrap();
    }
    ledger::export(&mut app, key().verifier(), dir).await.unwrap().unwrap();
}

#[tokio::test]
async fn our_own_verifier_names_each_file_with_a_flipped_byte() {
    let dir = tempfile::tempdir().unwrap();
    exported(dir.path()).await;
    read_all(Directory(dir.path().to_owned()), key().verifier(), None).await.unwrap();
    let files = [
        "checkpoint",
        "tile/0/000",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/188",
    ];
    for file in files {
        let path = dir.path().join(file);
        let whole = fs::read(&path).unwrap();
        // A bundle fails by its entries or by its tile, whichever does not fit.
        let says = file.replace("entries", "0");
        for at in (0..whole.len()).step_by(whole.len() / 7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, flipped).unwrap();
            let found = read_all(Directory(dir.path().to_owned()), key().verifier(), None).await.unwrap_err();
            let text = found.to_string();
            let named = text.starts_with(file) || text.starts_with(&says);
            assert!(named, "byte {at} of {file}: {found}");
        }
        fs::remove_file(&path).unwrap();
        let found = read_all(Directory(dir.path().to_owned()), key().verifier(), None).await.unwrap_err();
        assert!(matches!(&found, VerifyError::Fetch { path, .. } if path == file), "{file}: {found}");
        fs::write(&path, whole).unwrap();
    }
}

#[tokio::test]
#[ignore = "fetches two outside verifiers from package registries"]
async fn both_outside_judges_accept_the_log_and_refuse_a_flipped_byte() {
    let dir = tempfile::tempdir().unwrap();
    exported(dir.path()).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../judges/ledger/tamper.sh");
    let done = Command::new(script).arg(dir.path()).status().unwrap();
    assert!(done.success());
}
