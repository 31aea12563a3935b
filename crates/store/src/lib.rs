//! PostgreSQL: the only place that opens a database connection.

pub mod server;

pub use server::{Server, ServerConfig, ServerError};
