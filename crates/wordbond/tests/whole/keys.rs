//! A system with a sealed root key, a mirror of its keys, and its files elsewhere: started, stopped, opened with the wrong
//! passphrase, robbed of its keys, and given another root key while it runs.

use crate::instance::Instance;
use ingress::visitor::Visitor;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use store::server::{Layout, process};
use testkit::ScratchDir;

/// Where things are that are not in the data directory.
struct Elsewhere {
    room: ScratchDir,
}

impl Elsewhere {
    fn new() -> Self {
        let room = ScratchDir::new().unwrap();
        for (name, word) in [("right", "correct horse\n"), ("wrong", "incorrect horse\n"), ("next", "battery staple\n")]
        {
            fs::write(room.path().join(name), word).unwrap();
        }
        Self { room }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// What `up` is told, with the passphrase in that file.
    fn arguments(&self, passphrase: Option<&str>) -> Vec<String> {
        let said = [("--passphrase-file", passphrase), ("--key-mirror", Some("mirror")), ("--blobs", Some("blobs"))];
        let said = said.into_iter().filter_map(|(option, name)| Some((option, name?)));
        said.flat_map(|(option, name)| [option.to_owned(), self.at(name).display().to_string()]).collect()
    }
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    out
}

/// The keys in a folder, by their names in it.
fn keys_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let named = files(folder).into_iter().map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes));
    named.filter(|(path, _)| !path.to_string_lossy().starts_with('.')).collect()
}

async fn keys(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordbond"));
    command.arg("keys").args(arguments).arg("--data-dir").arg(dir).env_remove("CREDENTIALS_DIRECTORY");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Every key opens, and each has its owner.
async fn all_keys_open(instance: &Instance) {
    let checked = keys(instance.dir(), &["check", "--json"]).await;
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let found: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(found["census"].is_object(), "keys are compared with their owners: {found}");
}

async fn upload(browser: &mut Visitor, content: &[u8]) -> String {
    let token = browser.form_token("/account").await.unwrap();
    let origin = browser.site().url().to_owned();
    let headers = [("content-type", "image/png"), ("x-csrf-token", token.as_str()), ("origin", origin.as_str())];
    let answer = browser.send("POST", "/api/drawings", &headers, content).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let drawing: Value = answer.json().unwrap();
    format!("/api/drawings/{}/original", drawing["drawing"].as_str().unwrap())
}

async fn reads(instance: &Instance, browser: &mut Visitor, path: &str, content: &[u8]) {
    let answer = browser.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{}: {}", answer.text(), instance.log());
    assert!(answer.body == content, "a drawing is not what was uploaded");
}

/// It ends with one line that holds these words, another code than 0, no database server, and every file as it was.
async fn refused(instance: &Instance, elsewhere: &Elsewhere, passphrase: Option<&str>, words: &str) {
    let dir = instance.dir().to_owned();
    let state = || {
        let own = ["keys", "blobs", "root.key", "ready.json"].map(|name| dir.join(name));
        let own: Vec<_> = own.iter().map(|path| (files(path), fs::read(path).ok())).collect();
        (own, files(&elsewhere.at("mirror")), files(&elsewhere.at("blobs")))
    };
    let before = state();
    let output = instance.up(&elsewhere.arguments(passphrase)).await;
    assert!(output.status.code().is_some_and(|code| code != 0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "one clear line: {said}");
    assert!(said.contains(words), "{said}");
    assert!(state() == before, "something was touched");
    assert_eq!(process::running(&Layout::of(&dir)), None, "a database server was left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_with_a_sealed_root_key_survives_what_happens_to_its_keys() {
    let elsewhere = Elsewhere::new();
    let picture: Vec<u8> =
        b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..3_000_000_u32).map(|n| n.to_le_bytes()[1])).collect();
    let mut instance = Instance::start_with(Instance::folder(), elsewhere.arguments(Some("right"))).await;
    let mut browser = Visitor::stranger(&instance.site()).await;
    let ada = browser.sign_up().await.unwrap();
    let first = upload(&mut browser, &picture).await;
    reads(&instance, &mut browser, &first, &picture).await;
    let root = instance.dir().join("root.key");
    let sealed = fs::read_to_string(&root).unwrap();
    assert!(sealed.starts_with("wordbond root key 2\nargon2id 65536 3 "), "the root key is sealed from the beginning");
    assert_eq!(keys_in(&instance.dir().join("keys")), keys_in(&elsewhere.at("mirror")), "every key is there twice");
    assert_eq!(files(&elsewhere.at("blobs")).len(), 1);
    assert!(files(&instance.dir().join("blobs")).is_empty(), "files lie where they were said to");
    all_keys_open(&instance).await;

    instance.stop();
    refused(&instance, &elsewhere, Some("wrong"), "passphrase").await;
    refused(&instance, &elsewhere, None, "--passphrase-file").await;
    refused(&instance, &elsewhere, Some("nowhere"), "nowhere").await;
    fs::rename(&root, elsewhere.at("root")).unwrap();
    refused(&instance, &elsewhere, Some("right"), "is missing").await;
    fs::rename(elsewhere.at("root"), &root).unwrap();

    // The disk with the keys is lost.
    fs::remove_dir_all(instance.dir().join("keys")).unwrap();
    instance.begin_again().await;
    reads(&instance, &mut browser, &first, &picture).await;
    all_keys_open(&instance).await;
    let second = upload(&mut browser, &picture).await;

    // Another root key under the same passphrase: the running system follows.
    let (dir, next) = (instance.dir().to_owned(), elsewhere.at("next").display().to_string());
    let rotated = keys(&dir, &["rotate", "--root"]).await;
    assert!(rotated.status.success(), "{rotated:?}");
    let exchanged = fs::read_to_string(&root).unwrap();
    assert_ne!(exchanged, sealed);
    reads(&instance, &mut browser, &first, &picture).await;
    let third = upload(&mut browser, &picture).await;
    // Under another one it could not, and is left alone.
    let again = ["rotate", "--root", "--new-passphrase-file", &next];
    let rotated = keys(&dir, &again).await;
    assert_eq!(rotated.status.code(), Some(2), "{rotated:?}");
    let said = String::from_utf8_lossy(&rotated.stderr).into_owned();
    assert!(said.lines().count() == 1 && said.contains("stop it"), "{said}");
    assert_eq!(fs::read_to_string(&root).unwrap(), exchanged);
    reads(&instance, &mut browser, &second, &picture).await;
    instance.stop();
    // What it was started with is remembered, the mirror too.
    let rotated = keys(&dir, &again).await;
    assert!(rotated.status.success(), "{rotated:?}");
    refused(&instance, &elsewhere, Some("right"), "passphrase").await;
    instance.more(elsewhere.arguments(Some("next")));
    instance.begin_again().await;
    for drawing in [&first, &second, &third] {
        reads(&instance, &mut browser, drawing, &picture).await;
    }
    let mut again = Visitor::stranger(&instance.site()).await;
    again.form_token("/sign-in").await.unwrap();
    let fields = [("email", ada.email.as_str()), ("password", ada.password.as_str())];
    assert_eq!(again.post_form("/sign-in", &fields).await.unwrap().status, 303, "what was sealed before opens");
    all_keys_open(&instance).await;
    assert_eq!(keys_in(&instance.dir().join("keys")), keys_in(&elsewhere.at("mirror")));
}
