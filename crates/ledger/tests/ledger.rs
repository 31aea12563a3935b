//! The ledger against a real PostgreSQL server.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "a crash test says how much it saw")]
#![expect(clippy::disallowed_methods, reason = "tests of the ledger reach their own scratch server without the store")]

#[path = "ledger/cluster.rs"]
mod cluster;
#[path = "ledger/crash.rs"]
mod crash;
#[path = "ledger/guard.rs"]
mod guard;
#[path = "ledger/judges.rs"]
mod judges;
#[path = "ledger/order.rs"]
mod order;
#[path = "ledger/seal.rs"]
mod seal;
#[path = "ledger/tamper.rs"]
mod tamper;
#[path = "ledger/vectors.rs"]
mod vectors;
