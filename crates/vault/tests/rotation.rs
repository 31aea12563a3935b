//! Keys that are destroyed, rotated and exchanged, and processes that are killed meanwhile.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use kernel::{PersonId, TenantId};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use uuid::Uuid;
use vault::{KeyRing, Passphrase, Place, RootSource, Seal, Sealed, Subject, VaultError};

fn place(tenant: TenantId, person: PersonId) -> Place {
    Place { tenant, subject: Subject::Person(person), table: "note", column: "text", row: Uuid::nil(), version: 1 }
}

/// Two directories, a system's and its mirror's.
struct Room {
    dir: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn mirror(&self) -> PathBuf {
        self.dir.path().join("mirror")
    }

    fn open(&self) -> KeyRing {
        fs::create_dir_all(self.data()).unwrap();
        KeyRing::open(&self.data(), Some(&self.mirror())).unwrap()
    }
}

/// People of one tenant, each with a sealed word.
struct People {
    tenant: TenantId,
    words: BTreeMap<PersonId, Sealed<String>>,
}

impl People {
    fn make(keys: &KeyRing, count: usize) -> Self {
        let tenant = TenantId::new();
        keys.create(tenant, Subject::Tenant).unwrap();
        let people = (0..count).map(|_| PersonId::new());
        let words = people.map(|person| {
            keys.create(tenant, Subject::Person(person)).unwrap();
            (person, Sealed::seal(keys, &place(tenant, person), &person.to_string()).unwrap())
        });
        Self { tenant, words: words.collect() }
    }

    fn reads(&self, keys: &KeyRing, person: PersonId) -> Result<String, VaultError> {
        self.words.get(&person).unwrap().open(keys, &place(self.tenant, person))
    }

    fn all_read(&self, keys: &KeyRing) {
        for person in self.words.keys() {
            assert_eq!(self.reads(keys, *person).unwrap(), person.to_string());
        }
    }
}

/// Every file below a directory with its bytes, but for the lock.
fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(
                snapshot(&entry.path())
                    .into_iter()
                    .map(|(name, bytes)| (format!("{}/{name}", entry.file_name().display()), bytes)),
            );
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            all.insert(entry.file_name().display().to_string(), fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn a_destroyed_key_is_gone_for_every_instance_at_once() {
    let room = Room::new();
    let (one, two) = (room.open(), room.open());
    let people = People::make(&one, 2);
    people.all_read(&two);
    let [gone, stays] = people.words.keys().copied().collect::<Vec<_>>().try_into().unwrap();
    assert!(one.destroy(people.tenant, Subject::Person(gone)).unwrap());
    for keys in [&one, &two, &room.open()] {
        assert!(matches!(people.reads(keys, gone), Err(VaultError::NoKey(_))));
        assert!(matches!(keys.create(people.tenant, Subject::Person(gone)), Err(VaultError::NoKey(_))), "made again");
        assert_eq!(people.reads(keys, stays).unwrap(), stays.to_string());
        assert!(!keys.has(people.tenant, Subject::Person(gone)).unwrap());
        assert!(keys.is_destroyed(people.tenant, Subject::Person(gone)).unwrap());
    }
    assert!(!one.destroy(people.tenant, Subject::Person(gone)).unwrap(), "there was nothing left");
    let name = gone.to_string();
    for dir in [room.data(), room.mirror()] {
        assert!(snapshot(&dir).keys().all(|file| !file.contains(&name)), "its name is still there");
    }
    assert_eq!(one.subjects().unwrap().len(), 2);
}

#[test]
fn a_rotation_moves_every_key_touches_no_data_and_ends_the_old_epoch() {
    let room = Room::new();
    let keys = room.open();
    let people = People::make(&keys, 20);
    let beside = room.open();
    people.all_read(&beside);
    let derived = *keys.derive("x").expose();
    let stolen = snapshot(&room.data());
    let done = keys.rotate().unwrap();
    assert_eq!((done.epoch, done.ended), (2, 1));
    assert!(done.keys >= 21, "{done:?}");
    // One that remembers the old epoch, and one that starts afresh.
    for keys in [&keys, &beside, &room.open()] {
        people.all_read(keys);
        keys.create(people.tenant, Subject::Person(PersonId::new())).unwrap();
        assert_eq!(keys.derive("x").expose(), &derived);
        assert!(keys.damaged().unwrap().is_empty());
    }
    let inventory = keys.inventory().unwrap();
    assert_eq!((inventory.people, inventory.teams, inventory.epochs.len()), (23, 1, 1));
    assert_eq!(inventory.epochs[0].keys, 23 + 1 + inventory.secrets);
    // Whoever copied the wrapped key of somebody who is erased later has nothing after the next epoch.
    let person = *people.words.keys().next().unwrap();
    keys.destroy(people.tenant, Subject::Person(person)).unwrap();
    let other = PersonId::new();
    let copy = &stolen[&format!("keys/tenant/{}/{person}", people.tenant)];
    fs::write(room.data().join(format!("keys/tenant/{}/{other}", people.tenant)), copy).unwrap();
    assert_eq!(keys.damaged().unwrap(), [format!("tenant/{}/{other}", people.tenant)]);
    for dir in ["keys", "../mirror"] {
        assert!(!room.data().join(dir).join("epoch/1").exists());
    }
}

#[test]
fn the_root_key_is_exchanged_sealed_and_unsealed() {
    let room = Room::new();
    let people = People::make(&room.open(), 3);
    let running = room.open();
    let old = fs::read(room.data().join("root.key")).unwrap();
    let with =
        |seal: Seal| KeyRing::open_with(&room.data(), Some(&room.mirror()), RootSource::File { path: None, seal });
    let word = Passphrase::from(&b"correct horse"[..]);
    let sealing = with(Seal { passphrase: None, next: Some(Some(word.clone())) }).unwrap();
    sealing.rotate_root().unwrap();
    sealing.rotate().unwrap();
    people.all_read(&sealing);
    assert!(!room.data().join("root.key.next").exists());
    assert!(matches!(KeyRing::open(&room.data(), None), Err(VaultError::NoPassphrase(_))));
    let wrong = Some(Passphrase::from(&b"wrong"[..]));
    assert!(matches!(with(Seal { passphrase: wrong, next: None }), Err(VaultError::WrongPassphrase(_))));
    let sealed = with(Seal { passphrase: Some(word.clone()), next: None }).unwrap();
    people.all_read(&sealed);
    assert!(sealed.damaged().unwrap().is_empty());
    // An instance that knows no passphrase says so, and wraps nothing under the root key that is gone.
    assert!(matches!(people.reads(&running, *people.words.keys().next().unwrap()), Err(VaultError::NoPassphrase(_))));
    assert!(matches!(running.rotate(), Err(VaultError::NoPassphrase(_))));
    with(Seal { passphrase: Some(word), next: Some(None) }).unwrap().rotate_root().unwrap();
    let unsealed = room.open();
    people.all_read(&unsealed);
    // Another process exchanges the key while this one runs; what this one wraps afterwards opens under the new one.
    room.open().rotate_root().unwrap();
    unsealed.rotate().unwrap();
    people.all_read(&room.open());
    people.all_read(&running);
    fs::write(room.data().join("root.key"), old).unwrap();
    let before = snapshot(room.dir.path());
    assert!(matches!(KeyRing::open(&room.data(), Some(&room.mirror())), Err(VaultError::WrongRootKey(_))));
    assert_eq!(snapshot(room.dir.path()), before, "the old root key touched something");
}

#[test]
fn keys_are_made_used_and_destroyed_while_epochs_change() {
    let room = Room::new();
    let keys = room.open();
    let people = People::make(&keys, 10);
    let (room, people) = (&room, &people);
    std::thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            let mine = room.open();
            (0..5).for_each(|_| assert!(mine.rotate().unwrap().epoch > 1));
        });
        let using = scope.spawn(move || {
            let mine = room.open();
            let mut made = Vec::new();
            while !rotating.is_finished() {
                people.all_read(&mine);
                made.push(People::make(&mine, 2));
                let gone = *made.last().unwrap().words.keys().next().unwrap();
                mine.destroy(made.last().unwrap().tenant, Subject::Person(gone)).unwrap();
                made.last_mut().unwrap().words.remove(&gone);
            }
            made
        });
        for made in using.join().unwrap() {
            made.all_read(&keys);
        }
    });
    people.all_read(&keys);
    assert!(keys.damaged().unwrap().is_empty());
    assert_eq!(keys.rotate().unwrap().epoch, 7);
}

/// Where the child finds the keys.
const CHILD: &str = "WORDBOND_KEYS_CHILD";

/// The process that is killed: makes, rotates, exchanges and destroys without rest.
#[test]
#[ignore = "the child of the kill test, which starts it itself"]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let dir = Path::new(&dir);
    let keys = KeyRing::open(&dir.join("data"), Some(&dir.join("mirror"))).unwrap();
    keys.resume().unwrap();
    let log = |line: String| {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).create(true).open(dir.join("log")).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    };
    for round in 0.. {
        let (tenant, stays, goes) = (TenantId::new(), PersonId::new(), PersonId::new());
        for person in [stays, goes] {
            keys.create(tenant, Subject::Person(person)).unwrap();
        }
        log(format!("made {tenant} {stays}\nmade {tenant} {goes}\n"));
        log(format!("destroying {tenant} {goes}\n"));
        keys.destroy(tenant, Subject::Person(goes)).unwrap();
        log(format!("destroyed {tenant} {goes}\n"));
        keys.rotate().unwrap();
        if round % 3 == 0 {
            keys.rotate_root().unwrap();
        }
    }
}

fn start_child(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A number below `below` that differs from run to run.
fn random(below: u64) -> u64 {
    u64::from_be_bytes(*Uuid::new_v4().as_bytes().first_chunk().unwrap()) % below
}

#[test]
fn no_kill_loses_a_key_or_brings_one_back() {
    let kills: u64 = std::env::var("WORDBOND_SOAK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let room = Room::new();
    let people = People::make(&room.open(), 8);
    let (mut rotated, mut gone) = (0, Vec::new());
    for _ in 0..kills {
        let lines = || fs::read_to_string(room.dir.path().join("log")).unwrap_or_default().lines().count() as u64;
        let (before, rounds) = (lines(), 1 + random(8));
        let mut child = start_child(room.dir.path());
        // How far it comes is what is drawn, however slow the machine is.
        while lines() < before + rounds {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(random(40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let keys = room.open();
        people.all_read(&keys);
        keys.resume().unwrap();
        people.all_read(&keys);
        let inventory = keys.inventory().unwrap();
        assert_eq!(inventory.epochs.len(), 1, "a rotation was not ended");
        rotated = inventory.epochs[0].number;
        assert!(!room.data().join("root.key.next").exists());
        assert_eq!(keys.damaged().unwrap(), [""; 0]);
        judge(&room, &keys, &mut gone);
    }
    assert!(rotated > 1, "no rotation was met");
}

/// Whoever was made and not destroyed has a key, and whoever was destroyed has none, in neither directory.
fn judge(room: &Room, keys: &KeyRing, gone: &mut Vec<(TenantId, Subject)>) {
    let text = fs::read_to_string(room.dir.path().join("log")).unwrap_or_default();
    let mut state: BTreeMap<(TenantId, PersonId), &str> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, tenant, person] = words.as_slice() else { continue };
        let (Ok(tenant), Ok(person)) = (tenant.parse(), person.parse()) else { continue };
        state.insert((tenant, person), what);
    }
    let files: Vec<_> =
        snapshot(&room.data().join("keys")).into_keys().chain(snapshot(&room.mirror()).into_keys()).collect();
    for ((tenant, person), what) in state {
        let subject = Subject::Person(person);
        match what {
            "made" => assert!(keys.has(tenant, subject).unwrap(), "a key was lost"),
            "destroyed" => {
                assert!(!keys.has(tenant, subject).unwrap(), "a key came back");
                let name = format!("tenant/{tenant}/{person}");
                assert!(files.iter().all(|file| *file != name), "a copy stayed");
            }
            // Killed in the middle: doing it again ends it.
            _ => assert!(keys.destroy(tenant, subject).is_ok()),
        }
        // The next round begins with few keys, however many rounds there are.
        keys.destroy(tenant, subject).unwrap();
        gone.push((tenant, subject));
    }
    assert!(gone.iter().all(|(tenant, subject)| !keys.has(*tenant, *subject).unwrap()), "a key came back later");
    fs::remove_file(room.dir.path().join("log")).unwrap();
}

#[test]
fn the_file_of_the_root_key_is_known_wherever_it_lies() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("mounted/of-acme.secret");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let root = RootSource::File { path: Some(path.clone()), seal: Seal::default() };
    let keys = KeyRing::open_with(&room.path().join("data"), None, root).unwrap();
    assert_eq!(keys.root_file(), Some(path.as_path()));
    let own = room.path().join("own");
    assert_eq!(KeyRing::open(&own, None).unwrap().root_file(), Some(own.join("root.key").as_path()));
}
