//! What lies on the disk of a whole service: attacked in its raw files, on a database server of its own.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod controls;
mod system;
