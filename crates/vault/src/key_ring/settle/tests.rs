//! Sequences of what happens to two folders of keys: made, destroyed, rotated and exchanged by processes that die at any
//! step, restored from backups of any age, lost, and used without each other.

use crate::{KeyRing, Subject, VaultError, key_store::cut};
use kernel::{PersonId, TenantId};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Event {
    Make,
    Destroy(usize),
    Rotate,
    Exchange,
    Resume,
    Backup,
    RestorePrimary(usize),
    RestoreMirror(usize),
    RestoreBoth(usize),
    LosePrimary,
    LoseMirror,
    /// From now on without the mirror, or with it again.
    Alone(bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Make),
        2 => (0..8_usize).prop_map(Event::Destroy),
        4 => Just(Event::Rotate),
        2 => Just(Event::Exchange),
        1 => Just(Event::Resume),
        3 => Just(Event::Backup),
        3 => (0..4_usize).prop_map(Event::RestorePrimary),
        2 => (0..4_usize).prop_map(Event::RestoreMirror),
        1 => (0..4_usize).prop_map(Event::RestoreBoth),
        1 => Just(Event::LosePrimary),
        1 => Just(Event::LoseMirror),
        2 => any::<bool>().prop_map(Event::Alone),
    ]
}

/// Files with their bytes.
type Files = BTreeMap<String, Vec<u8>>;

struct World {
    dir: tempfile::TempDir,
    tenant: TenantId,
    /// Whose key was made, and not asked to be destroyed since.
    people: Vec<PersonId>,
    backups: Vec<(Files, Files)>,
    alone: bool,
    /// There may be two histories: then a start may be refused, and what only an abandoned one had is gone.
    forked: bool,
}

impl World {
    fn new() -> Self {
        // In memory where there is such a place: nothing here is about whether the disk keeps its word.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        let (people, backups) = (Vec::new(), Vec::new());
        Self { dir, tenant: TenantId::new(), people, backups, alone: false, forked: false }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn primary(&self) -> PathBuf {
        self.data().join("keys")
    }

    fn mirror(&self) -> PathBuf {
        self.dir.path().join("mirror")
    }

    fn open(&self) -> Result<KeyRing, VaultError> {
        KeyRing::open(&self.data(), (!self.alone).then(|| self.mirror()).as_deref())
    }

    /// Does it; a process that comes after `steps` steps on the disk to its end does no more.
    fn act(&mut self, event: Event, steps: Option<u32>) {
        let pick = |number: usize| self.backups.get(number % self.backups.len().max(1)).cloned();
        match event {
            Event::Backup => self.backups.push((read(&self.primary()), read(&self.mirror()))),
            Event::RestorePrimary(number) => {
                pick(number).into_iter().for_each(|(here, _)| write(&self.primary(), &here))
            }
            Event::RestoreMirror(number) => {
                pick(number).into_iter().for_each(|(_, there)| write(&self.mirror(), &there))
            }
            Event::RestoreBoth(number) => {
                if let Some((here, there)) = pick(number) {
                    write(&self.primary(), &here);
                    write(&self.mirror(), &there);
                    self.forked = true;
                }
            }
            Event::LosePrimary => write(&self.primary(), &Files::new()),
            Event::LoseMirror => write(&self.mirror(), &Files::new()),
            Event::Alone(alone) => self.alone = alone,
            Event::Make | Event::Destroy(_) | Event::Rotate | Event::Exchange | Event::Resume => {
                cut::after(steps);
                // Where it was cut short it says so, to nobody.
                let _ = self.with_keys(event);
                cut::after(None);
            }
        }
        // What is done to the one folder, the other does not know.
        self.forked |= self.alone;
    }

    fn with_keys(&mut self, event: Event) -> Result<(), VaultError> {
        let keys = self.open()?;
        match event {
            Event::Make => {
                let person = PersonId::new();
                keys.create(self.tenant, Subject::Person(person))?;
                self.people.push(person);
            }
            Event::Destroy(number) if number < self.people.len() => {
                let person = self.people.remove(number);
                keys.destroy(self.tenant, Subject::Person(person))?;
            }
            Event::Rotate => drop(keys.rotate()?),
            Event::Exchange => keys.rotate_root()?,
            _ => keys.resume()?,
        }
        Ok(())
    }

    /// Every key that this folder opens by itself.
    fn held(&self, folder: &Path) -> BTreeMap<String, [u8; 32]> {
        let other = tempfile::tempdir_in(self.dir.path()).unwrap();
        for file in ["root.key", "root.key.next"] {
            let _ = fs::copy(self.data().join(file), other.path().join(file));
        }
        let files = read(folder);
        write(&other.path().join("keys"), &files);
        let Ok(keys) = KeyRing::open(other.path(), None) else { return BTreeMap::new() };
        let names = keys.0.store.names().unwrap().into_iter().filter(|name| files.contains_key(name));
        names.filter_map(|name| Some((name.clone(), *keys.0.read(&name).ok()??.0.expose()))).collect()
    }

    /// After a start everything opens that either folder held; or the start is refused, with nothing written.
    fn holds(&self) -> Result<(), TestCaseError> {
        let (here, there) = (self.held(&self.primary()), self.held(&self.mirror()));
        let before = (read(&self.primary()), read(&self.mirror()));
        let there = if self.alone { BTreeMap::new() } else { there };
        let keys = match self.open() {
            Ok(keys) => keys,
            Err(error) => {
                prop_assert!(self.forked, "one history was refused: {error}");
                prop_assert!(before == (read(&self.primary()), read(&self.mirror())), "refused, and written: {error}");
                return Ok(());
            }
        };
        for round in ["at the start", "after what was cut short was ended"] {
            for (name, key) in here.iter().chain(&there) {
                let destroyed = keys.0.store.is_destroyed(name).unwrap();
                let found = keys.0.read(name).map(|found| found.map(|(key, _)| *key.expose()));
                let found = found.map_err(|error| TestCaseError::fail(format!("{name} {round}: {error}")))?;
                prop_assert!(found == (!destroyed).then_some(*key), "{name} is lost, or another, {round}");
            }
            for person in self.people.iter().filter(|_| !self.forked) {
                prop_assert!(keys.data_key(self.tenant, Subject::Person(*person)).is_ok(), "{person} {round}");
            }
            keys.resume().map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
        prop_assert_eq!(keys.inventory().unwrap().epochs.len(), 1);
        prop_assert!(self.forked || keys.damaged().unwrap().is_empty(), "{:?}", keys.damaged());
        prop_assert!(self.alone || read(&self.primary()) == read(&self.mirror()), "the folders differ");
        Ok(())
    }
}

/// Every file below a folder, but for the lock.
fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().display().to_string();
        if entry.path().is_dir() {
            files.extend(read(&entry.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else if name != ".lock" {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// Makes a folder hold these files and no others.
fn write(folder: &Path, files: &Files) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_the_folders_no_key_is_lost(
        events in proptest::collection::vec((event(), proptest::option::of(0..60_u32)), 1..14),
    ) {
        let mut world = World::new();
        world.holds()?;
        for (event, steps) in events {
            world.act(event, steps);
            world.holds()?;
        }
    }
}

/// An exchange that dies at any step keeps no root key from the next start on.
#[test]
fn no_root_key_outlives_its_exchange_in_a_copy() {
    for steps in 0..60 {
        let mut world = World::new();
        world.act(Event::Make, None);
        world.act(Event::Exchange, Some(steps));
        // The next start ends it.
        world.holds().unwrap();
        let names = fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().file_name());
        let others: Vec<_> = names.filter(|name| name != "keys" && name != "root.key").collect();
        assert!(others.is_empty(), "{others:?} after step {steps}");
    }
}

fn cases() -> u32 {
    std::env::var("WORDBOND_SOAK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

/// The finding that this module answers: a backup of the first epoch, and a mirror of the second, at each step at which the
/// start may die.
#[test]
fn a_restored_backup_loses_nothing_wherever_its_start_is_cut_short() {
    for exchange in [false, true] {
        for steps in 0..40 {
            let mut world = World::new();
            for event in [Event::Make, Event::Backup, Event::Rotate, Event::Make] {
                world.act(event, None);
            }
            if exchange {
                world.act(Event::Exchange, None);
            }
            world.act(Event::RestorePrimary(0), None);
            world.act(Event::Rotate, Some(steps));
            world.holds().unwrap();
            assert_eq!(world.people.len(), 2);
        }
    }
}
