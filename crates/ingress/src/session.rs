//! A session as the edge sees it.

pub use store::sessions::{LiveSession, Strength};
