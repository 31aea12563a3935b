//! A foreign database, as real as it gets here: a shop's schema on a real server, mapped, read and erased from.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod discovery;
mod erasure;
mod kills;
mod lint;
mod packages;
mod repaired;
mod shop;
