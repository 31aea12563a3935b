//! Scratch databases and systems, the meddling proxy and the sabotage runner. Used by tests and by `wordbond sabotage`;
//! nothing that serves imports it.

mod application;
pub mod around;
pub mod copying;
pub mod managed;
pub mod middle;
pub mod moved;
pub mod restoring;
pub mod sabotage;
pub mod scratch_db;
pub mod scratch_system;
mod server_fault;
pub mod shape;
pub mod superuser;
mod walk;

pub use around::Around;
pub use managed::Managed;
pub use middle::Middle;
pub use sabotage::{Outcome, Runner, Score};
pub use scratch_db::{ScratchDb, ScratchDir};
pub use scratch_system::ScratchSystem;
