//! Whole systems from outside, under what can happen to them: a flood, a second one on the same database, `kill -9`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly, and say what it saw"
)]

mod instance;
mod instances;
mod keys;
mod kills;
mod load;
