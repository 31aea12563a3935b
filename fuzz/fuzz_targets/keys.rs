//! Keys of one team, and a place to seal something for.

use kernel::TenantId;
use std::sync::LazyLock;
use vault::{KeyRing, Place, Subject};

/// The folder, which goes with the process, the keys in it, and the place.
pub static KEYS: LazyLock<(tempfile::TempDir, KeyRing, Place)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyRing::open(dir.path(), None).unwrap();
    let tenant = TenantId::new();
    keys.create(tenant, Subject::Tenant).unwrap();
    let place = Place { tenant, subject: Subject::Tenant, table: "t", column: "c", row: uuid::Uuid::nil(), version: 1 };
    (dir, keys, place)
});
