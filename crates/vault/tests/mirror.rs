//! Two folders of keys that are not the same: a backup that was put back, a mirror that was away, another system's mirror.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use kernel::{PersonId, TenantId};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject, VaultError};

struct Room {
    dir: tempfile::TempDir,
    tenant: TenantId,
    words: Vec<(PersonId, Sealed<String>)>,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        Self { dir, tenant: TenantId::new(), words: Vec::new() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self) -> Result<KeyRing, VaultError> {
        KeyRing::open(&self.at("data"), Some(&self.at("mirror")))
    }

    fn alone(&self) -> KeyRing {
        KeyRing::open(&self.at("data"), None).unwrap()
    }

    fn place(&self, person: PersonId) -> Place {
        let subject = Subject::Person(person);
        Place { tenant: self.tenant, subject, table: "note", column: "text", row: Uuid::nil(), version: 1 }
    }

    /// Somebody new, with a sealed word.
    fn somebody(&mut self, keys: &KeyRing) -> PersonId {
        let person = PersonId::new();
        keys.create(self.tenant, Subject::Person(person)).unwrap();
        let word = Sealed::seal(keys, &self.place(person), &person.to_string()).unwrap();
        self.words.push((person, word));
        person
    }

    fn all_read(&self, keys: &KeyRing) {
        for (person, word) in &self.words {
            assert_eq!(word.open(keys, &self.place(*person)).unwrap(), person.to_string());
        }
        assert!(keys.damaged().unwrap().is_empty());
    }

    fn copy(&self, from: &str, to: &str) {
        let _ = fs::remove_dir_all(self.at(to));
        for (name, bytes) in snapshot(&self.at(from)) {
            let path = self.at(to).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// It does not start, says what is to be done, and every file is as it was.
    fn is_refused(&self) {
        let before = (snapshot(&self.at("data")), snapshot(&self.at("mirror")));
        let error = self.open().unwrap_err();
        assert!(matches!(error, VaultError::Diverged { .. }), "{error}");
        assert!(error.to_string().contains("mirror") && error.to_string().ends_with("Nothing was changed"), "{error}");
        assert!(before == (snapshot(&self.at("data")), snapshot(&self.at("mirror"))), "something was touched");
    }

    fn both_are_the_same(&self) {
        assert!(snapshot(&self.at("data/keys")) == snapshot(&self.at("mirror")), "the folders differ");
    }
}

/// Every file below a directory with its bytes, but for the lock.
fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let name = entry.file_name().display().to_string();
        if entry.path().is_dir() {
            all.extend(snapshot(&entry.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else if name != ".lock" {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn a_backup_that_is_put_back_loses_nothing_that_the_mirror_has() {
    for root in [false, true] {
        let mut room = Room::new();
        let keys = room.open().unwrap();
        room.somebody(&keys);
        let gone = PersonId::new();
        keys.create(room.tenant, Subject::Person(gone)).unwrap();
        room.copy("data/keys", "monday");
        if root {
            keys.rotate_root().unwrap();
        }
        keys.rotate().unwrap();
        room.somebody(&keys);
        keys.destroy(room.tenant, Subject::Person(gone)).unwrap();
        drop(keys);
        room.copy("monday", "data/keys");
        let keys = room.open().unwrap();
        room.all_read(&keys);
        assert!(!keys.has(room.tenant, Subject::Person(gone)).unwrap(), "an erased person's key came back");
        keys.resume().unwrap();
        room.all_read(&keys);
        assert_eq!(keys.inventory().unwrap().epochs.len(), 1);
        room.both_are_the_same();
    }
}

#[test]
fn what_was_made_on_the_backup_without_the_mirror_is_kept_too() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    room.somebody(&keys);
    room.copy("data/keys", "monday");
    keys.rotate().unwrap();
    room.somebody(&keys);
    room.copy("monday", "data/keys");
    let alone = room.alone();
    room.somebody(&alone);
    let keys = room.open().unwrap();
    room.all_read(&keys);
    keys.rotate().unwrap();
    room.all_read(&room.open().unwrap());
    room.both_are_the_same();
}

#[test]
fn two_histories_of_one_system_are_refused_and_not_mixed() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    room.copy("data/keys", "monday");
    keys.rotate().unwrap();
    room.somebody(&keys);
    room.copy("monday", "data/keys");
    let alone = room.alone();
    alone.rotate().unwrap();
    room.words.clear();
    room.somebody(&alone);
    room.is_refused();
    room.all_read(&room.alone());
}

#[test]
fn keys_that_a_start_without_the_mirror_made_anew_do_not_replace_the_mirror() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    room.somebody(&keys);
    fs::remove_dir_all(room.at("data/keys")).unwrap();
    drop(room.alone());
    room.is_refused();
    fs::remove_dir_all(room.at("data/keys")).unwrap();
    room.all_read(&room.open().unwrap());
}

#[test]
fn the_root_key_of_before_does_not_bring_the_keys_of_before() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    room.copy("data", "monday");
    keys.rotate_root().unwrap();
    keys.rotate().unwrap();
    room.somebody(&keys);
    let root = fs::read(room.at("data/root.key")).unwrap();
    room.copy("monday", "data");
    fs::set_permissions(room.at("data/root.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    room.is_refused();
    fs::write(room.at("data/root.key"), root).unwrap();
    room.all_read(&room.open().unwrap());
}

#[test]
fn another_systems_mirror_is_left_alone() {
    let (mut room, mut other) = (Room::new(), Room::new());
    for room in [&mut room, &mut other] {
        let keys = room.open().unwrap();
        room.somebody(&keys);
    }
    room.open().unwrap().rotate().unwrap();
    for (name, bytes) in snapshot(&other.at("mirror")) {
        let path = room.at("theirs").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    room.copy("theirs", "mirror");
    room.is_refused();
}

#[test]
fn a_mirror_that_was_away_learns_what_happened_meanwhile() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    room.somebody(&keys);
    let gone = PersonId::new();
    keys.create(room.tenant, Subject::Person(gone)).unwrap();
    let alone = room.alone();
    alone.destroy(room.tenant, Subject::Person(gone)).unwrap();
    alone.rotate_root().unwrap();
    alone.rotate().unwrap();
    room.somebody(&alone);
    room.all_read(&room.open().unwrap());
    room.both_are_the_same();
    assert!(!room.at("mirror/epoch/1").exists(), "the old epoch is over there too");
}

#[test]
fn one_damaged_copy_is_made_whole_by_the_other() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    let person = room.somebody(&keys);
    let key = format!("tenant/{}/{person}", room.tenant);
    for (folder, name) in [("data/keys", &*key), ("mirror", &*key), ("data/keys", "epoch/1"), ("data/keys", "check")] {
        let file = room.at(folder).join(name);
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        room.all_read(&room.open().unwrap());
        room.both_are_the_same();
    }
}

#[test]
fn keys_without_any_epoch_are_given_no_new_one() {
    let mut room = Room::new();
    let keys = room.alone();
    room.somebody(&keys);
    fs::remove_dir_all(room.at("data/keys/epoch")).unwrap();
    let before = snapshot(&room.at("data"));
    assert!(KeyRing::open(&room.at("data"), None).is_err());
    assert!(before == snapshot(&room.at("data")), "an epoch was made");
}

/// A removal is two steps, so that its bytes lie nowhere: a process that dies between them must not leave an epoch that
/// nobody can open.
#[test]
fn what_a_crash_left_half_written_or_half_removed_goes() {
    let mut room = Room::new();
    let keys = room.open().unwrap();
    let person = room.somebody(&keys);
    for folder in ["data/keys/epoch", "mirror/epoch", &format!("mirror/tenant/{}", room.tenant)] {
        for left in [".new-1", ".gone-1"] {
            fs::write(room.at(folder).join(left), b"left").unwrap();
        }
    }
    room.all_read(&room.open().unwrap());
    let files = [snapshot(&room.at("data")), snapshot(&room.at("mirror"))];
    assert!(files.iter().flat_map(BTreeMap::keys).all(|name| !name.contains("/.")), "{person}");
}
