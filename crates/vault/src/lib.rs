//! Data at rest: the key hierarchy, sealed fields and streams, and blind indexes.
//!
//! A root key lies in a file that only its owner reads, or with a keeper that never gives it away. It wraps the
//! key-encryption key of an epoch, that one wraps a data key per person and per tenant, and every value is sealed under a
//! key of its own, derived from the data key and a random salt. Data keys live in a store of their own and never in the
//! database, because a restored database backup would otherwise bring an erased person's key back with it.

pub mod blind_index;
pub mod envelope;
pub mod error;
pub mod keeper;
pub mod key_ring;
pub mod key_store;
pub mod place;
pub mod plain;
pub mod raw;
pub mod root_key;
pub mod sealed;
pub mod secret;
pub mod stream;

pub use blind_index::BlindIndex;
pub use error::VaultError;
pub use keeper::RootKeeper;
pub use key_ring::{KeyRing, RootSource};
pub use place::{Place, Subject};
pub use plain::Plain;
pub use root_key::{Passphrase, RootKey, Seal};
pub use sealed::Sealed;
pub use secret::Secret;
