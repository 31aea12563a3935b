//! Teams, the admin area and providers of a whole service, and the probes that attack them: real sockets, real TLS, a real
//! database.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod admin;
mod members;
mod probes;
mod system;
