//! Sealed streams: whatever is read, nothing opens that nobody sealed, and nothing is asked for beyond the end.

#![no_main]

use kernel::TenantId;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use vault::{
    KeyRing, Place, Subject,
    stream::{HEADER, Opener},
};

static KEYS: LazyLock<(tempfile::TempDir, KeyRing, Place)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyRing::open(dir.path(), None).unwrap();
    let tenant = TenantId::new();
    keys.create(tenant, Subject::Tenant).unwrap();
    let place = Place { tenant, subject: Subject::Tenant, table: "t", column: "c", row: uuid::Uuid::nil(), version: 1 };
    (dir, keys, place)
});

fuzz_target!(|input: (u64, u64, Vec<u8>)| {
    let (from, to, mut bytes) = input;
    let (_, keys, place) = &*KEYS;
    let length = bytes.len() as u64;
    let header = bytes.get(..HEADER).unwrap_or(&bytes).to_vec();
    if let Ok(opener) = Opener::new(keys, place, "x", &header, length) {
        let needed = opener.needed(&(from..to));
        assert!(needed.is_empty() || needed.end <= length);
        let body = bytes.get_mut(HEADER..).unwrap();
        assert!(opener.open(Opener::chunk_of(from).0, body).is_err(), "nobody sealed this");
    }
});
