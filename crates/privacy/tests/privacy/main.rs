//! Rights over data, on a real server.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod cases;
mod clocks;
mod cut_short;
mod erasure;
mod killed;
mod life;
mod retention;
