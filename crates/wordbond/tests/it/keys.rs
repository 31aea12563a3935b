//! `wordbond keys` beside a stopped system.

use kernel::{PersonId, TenantId};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};
use vault::{KeyRing, Subject};

fn keys(data_dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordbond"));
    command.arg("keys").args(arguments).arg("--data-dir").arg(data_dir);
    command.env_remove("CREDENTIALS_DIRECTORY").output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One line on stderr and exit code 2; yields the line.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn keys_are_counted_checked_and_rotated() {
    let room = tempfile::tempdir().unwrap();
    let (tenant, person) = (TenantId::new(), PersonId::new());
    let ring = KeyRing::open(room.path(), None).unwrap();
    ring.create(tenant, Subject::Person(person)).unwrap();
    let told = String::from_utf8(keys(room.path(), &[]).stdout).unwrap();
    assert!(told.contains("epoch 1 ") && told.contains("people      1"), "{told}");
    assert!(!told.contains(&person.to_string()), "an id is shown");
    let rotated = json(&keys(room.path(), &["rotate", "--json"]));
    assert_eq!((&rotated["epoch"], &rotated["ended"]), (&Value::from(2), &Value::from(1)));
    let found = json(&keys(room.path(), &["list", "--json"]));
    assert_eq!((found["epochs"][0]["number"].as_u64(), found["people"].as_u64()), (Some(2), Some(1)));
    assert_eq!(keys(room.path(), &["check"]).status.code(), Some(0));
    let file = room.path().join(format!("keys/tenant/{tenant}/{person}"));
    let mut bytes = fs::read(&file).unwrap();
    bytes[20] ^= 1;
    fs::write(&file, bytes).unwrap();
    let checked = keys(room.path(), &["check", "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(json(&checked)["damaged"][0], format!("tenant/{tenant}/{person}"));
}

#[test]
fn a_root_key_is_sealed_and_a_lost_or_wrong_one_is_one_clear_line() {
    let (room, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(refused(&keys(empty.path(), &[])).contains("there are no keys"));
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none(), "something was made");
    drop(KeyRing::open(room.path(), None).unwrap());
    let word = room.path().join("passphrase");
    fs::write(&word, "correct horse\n").unwrap();
    let word = word.to_str().unwrap();
    assert!(refused(&keys(room.path(), &["list", "--passphrase-file", word])).contains("not sealed"));
    let sealed = keys(room.path(), &["rotate", "--root", "--new-passphrase-file", word]);
    assert!(sealed.status.success(), "{sealed:?}");
    assert!(keys(room.path(), &["check"]).status.success(), "where the passphrase is, is remembered");
    fs::remove_file(room.path().join("keys.json")).unwrap();
    assert!(refused(&keys(room.path(), &["check"])).contains("--passphrase-file"));
    assert!(keys(room.path(), &["check", "--passphrase-file", word]).status.success());
    let root = room.path().join("root.key");
    assert!(fs::read_to_string(&root).unwrap().starts_with("wordbond root key 2\nargon2id 65536 3 "));
    fs::remove_file(&root).unwrap();
    assert!(refused(&keys(room.path(), &["list", "--passphrase-file", word])).contains("is missing"));
    assert!(!root.exists(), "another one was made in its place");
}

/// Every key in a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().display().to_string();
        if entry.path().is_dir() {
            out.extend(files(&entry.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else if !name.starts_with('.') {
            out.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    out
}

#[test]
fn the_mirror_that_the_system_was_started_with_is_never_left_out() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    let (data, mirror, word) = (at("data"), at("mirror"), at("passphrase"));
    fs::create_dir(&data).unwrap();
    fs::write(&word, "correct horse\n").unwrap();
    let word = word.to_str().unwrap();
    drop(KeyRing::open(&data, Some(&mirror)).unwrap());
    // What `up` leaves behind when it ends.
    fs::write(data.join("keys.json"), format!("{{\"key_mirror\": {mirror:?}}}")).unwrap();
    let seal = ["rotate", "--root", "--new-passphrase-file", word];
    // Its disk is not mounted: neither is it left out, nor is another one begun in its place.
    fs::rename(&mirror, at("elsewhere")).unwrap();
    let before = (files(&data.join("keys")), fs::read(data.join("root.key")).unwrap());
    let elsewhere = at("other").display().to_string();
    let other = [&seal[..], &["--key-mirror", &elsewhere]].concat();
    for arguments in [&seal[..], &["check"], &other] {
        assert!(refused(&keys(&data, arguments)).contains("mirror"), "{arguments:?}");
        assert!(!mirror.exists() && !at("other").exists(), "a mirror was begun");
    }
    // A copy of it is none that the system keeps.
    KeyRing::open(&data, Some(&at("other"))).unwrap();
    assert!(refused(&keys(&data, &other)).contains("left out"));
    assert_eq!((files(&data.join("keys")), fs::read(data.join("root.key")).unwrap()), before);
    fs::rename(at("elsewhere"), &mirror).unwrap();
    let sealed = keys(&data, &seal);
    assert!(sealed.status.success(), "{sealed:?}");
    assert_eq!(files(&data.join("keys")), files(&mirror));
    // The passphrase is remembered too: it is the one that opens the root key now.
    assert!(keys(&data, &["check"]).status.success());
    let told = json(&keys(&data, &["list", "--json", "--passphrase-file", word]));
    assert_eq!(told["mirror"], mirror.to_str().unwrap(), "one option leaves the others as they are");
    let unsealed = keys(&data, &["rotate", "--root", "--without-passphrase"]);
    assert!(unsealed.status.success(), "{unsealed:?}");
    assert!(keys(&data, &["check"]).status.success());
    assert_eq!(files(&data.join("keys")), files(&mirror));
}
