//! The binary from outside: its command line, and whole systems that serve, are attacked, killed and started again.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod cli;
mod forensics;
mod keys;
mod system;
