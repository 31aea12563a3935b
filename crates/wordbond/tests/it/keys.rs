//! `wordbond keys` beside a stopped system.

use kernel::{PersonId, TenantId};
use serde_json::Value;
use std::{
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
    assert!(refused(&keys(room.path(), &["check"])).contains("--passphrase-file"));
    assert!(keys(room.path(), &["check", "--passphrase-file", word]).status.success());
    let root = room.path().join("root.key");
    assert!(fs::read_to_string(&root).unwrap().starts_with("wordbond root key 2\nargon2id 65536 3 "));
    fs::remove_file(&root).unwrap();
    assert!(refused(&keys(room.path(), &["list", "--passphrase-file", word])).contains("is missing"));
    assert!(!root.exists(), "another one was made in its place");
}
