//! Rights over data, on a real server.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod bystanders;
mod cases;
mod clocks;
mod cut_short;
mod erasure;
mod everywhere;
mod killed;
mod life;
mod retention;
