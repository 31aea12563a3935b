//! The same rights against the database of an application that nobody here wrote, through a map of it.
//!
//! [`discover`] proposes a map from the schema; a person reads and completes it; [`lint`] refuses one that does not fit. With
//! it, [`package`] hands out what a person's rows are, and [`erase`] lets them go: it plans, works in short transactions that
//! hold nobody up, looks everywhere afterwards, and writes a receipt.

pub mod discover;
pub mod erase;
pub mod error;
pub mod find;
pub mod lint;
pub mod map;
pub mod needles;
pub mod package;
pub mod plan;
pub mod receipt;
pub mod state;
pub mod territory;

pub use error::ForeignError;
pub use map::Map;
pub use territory::Territory;
