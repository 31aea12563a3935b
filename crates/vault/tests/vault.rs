//! The vault from outside: what opens where, what a lost key does, what is shown.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use kernel::{PersonId, TenantId};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject, VaultError};

fn place(tenant: TenantId, person: PersonId) -> Place {
    Place { tenant, subject: Subject::Person(person), table: "note", column: "text", row: Uuid::nil(), version: 1 }
}

fn ring(dir: &Path) -> KeyRing {
    KeyRing::open(dir, None).unwrap()
}

/// Every file below a directory with its bytes.
fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(snapshot(&entry.path()));
        } else {
            all.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn a_value_opens_in_its_place_and_nowhere_else() {
    let room = tempfile::tempdir().unwrap();
    let keys = ring(room.path());
    let (tenant, other_tenant) = (TenantId::new(), TenantId::new());
    let (person, colleague) = (PersonId::new(), PersonId::new());
    for (tenant, subject) in [
        (tenant, Subject::Person(person)),
        (tenant, Subject::Person(colleague)),
        (tenant, Subject::Tenant),
        (other_tenant, Subject::Person(person)),
    ] {
        keys.create(tenant, subject).unwrap();
    }
    let home = place(tenant, person);
    let sealed = Sealed::seal(&keys, &home, &"between us".to_owned()).unwrap();
    assert_eq!(sealed.open(&keys, &home).unwrap(), "between us");
    // A second start reads the same keys.
    assert_eq!(sealed.open(&ring(room.path()), &home).unwrap(), "between us");

    let elsewhere = [
        Place { tenant: other_tenant, ..home },
        Place { subject: Subject::Person(colleague), ..home },
        Place { subject: Subject::Tenant, ..home },
        Place { table: "person", ..home },
        Place { column: "title", ..home },
        Place { row: Uuid::max(), ..home },
        Place { version: 2, ..home },
        // The border between table and column must not be movable.
        Place { table: "notet", column: "ext", ..home },
    ];
    for place in elsewhere {
        assert!(matches!(sealed.open(&keys, &place), Err(VaultError::DamagedValue(_))), "opened at {place:?}");
    }
    let stranger = Place { tenant: TenantId::new(), ..home };
    assert!(matches!(sealed.open(&keys, &stranger), Err(VaultError::NoKey(_))));
}

#[test]
fn a_lost_or_wrong_root_key_is_one_clear_error_and_touches_nothing() {
    let room = tempfile::tempdir().unwrap();
    drop(ring(room.path()));
    let key = room.path().join("root.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let right = fs::read(&key).unwrap();

    fs::remove_file(&key).unwrap();
    let before = snapshot(room.path());
    assert!(matches!(KeyRing::open(room.path(), None), Err(VaultError::RootKeyLost(_))));
    assert_eq!(snapshot(room.path()), before);

    let other = tempfile::tempdir().unwrap();
    drop(ring(other.path()));
    fs::copy(other.path().join("root.key"), &key).unwrap();
    let before = snapshot(room.path());
    assert!(matches!(KeyRing::open(room.path(), None), Err(VaultError::WrongRootKey(_))));
    assert_eq!(snapshot(room.path()), before);

    for nonsense in ["", "wordbond root key 1\n12", "wordbond root key 1\nzz"] {
        fs::write(&key, nonsense).unwrap();
        assert!(matches!(KeyRing::open(room.path(), None), Err(VaultError::NoRootKey(_))));
    }
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = KeyRing::open(room.path(), None).unwrap_err();
    assert!(matches!(error, VaultError::ExposedRootKey { mode: 0o640, .. }));
    assert!(error.to_string().contains("chmod 600"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    drop(ring(room.path()));
}

#[test]
fn a_wrapped_key_that_is_altered_or_renamed_does_not_open() {
    let room = tempfile::tempdir().unwrap();
    let keys = ring(room.path());
    let (tenant, person, colleague) = (TenantId::new(), PersonId::new(), PersonId::new());
    keys.create(tenant, Subject::Person(person)).unwrap();
    keys.create(tenant, Subject::Person(colleague)).unwrap();
    let dir = room.path().join(format!("keys/tenant/{tenant}"));
    let own = dir.join(person.to_string());
    let sealed = Sealed::seal(&keys, &place(tenant, person), &1_u32).unwrap();
    let right = fs::read(&own).unwrap();

    fs::copy(dir.join(colleague.to_string()), &own).unwrap();
    assert!(matches!(sealed.open(&ring(room.path()), &place(tenant, person)), Err(VaultError::DamagedKey(_))));
    for at in 0..right.len() {
        let mut flipped = right.clone();
        *flipped.get_mut(at).unwrap() ^= 4;
        fs::write(&own, flipped).unwrap();
        assert!(sealed.open(&ring(room.path()), &place(tenant, person)).is_err(), "opened with byte {at} flipped");
    }
    fs::remove_file(&own).unwrap();
    assert!(matches!(sealed.open(&ring(room.path()), &place(tenant, person)), Err(VaultError::NoKey(_))));
    fs::write(&own, right).unwrap();
    assert_eq!(sealed.open(&ring(room.path()), &place(tenant, person)).unwrap(), 1);
}

#[test]
fn nothing_shows_a_secret() {
    let room = tempfile::tempdir().unwrap();
    let keys = ring(room.path());
    let (tenant, person) = (TenantId::new(), PersonId::new());
    keys.create(tenant, Subject::Person(person)).unwrap();
    let sealed = Sealed::seal(&keys, &place(tenant, person), &"hush".to_owned()).unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(56 bytes)");
    let seed = keys.signing_seed("ledger").unwrap();
    assert_eq!(
        format!("{seed:?} {keys:?} {:?}", keys.identity_index().unwrap()),
        "Secret(..) KeyRing(..) BlindIndex(..)"
    );
}

#[test]
fn secrets_of_the_system_stay_the_same_and_differ_from_each_other() {
    let room = tempfile::tempdir().unwrap();
    let first = *ring(room.path()).signing_seed("ledger").unwrap().expose();
    let again = ring(room.path());
    assert_eq!(&first, again.signing_seed("ledger").unwrap().expose());
    assert_ne!(&first, again.signing_seed("receipts").unwrap().expose());
    assert_ne!(again.derive("a").expose(), again.derive("b").expose());
}
