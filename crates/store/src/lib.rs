//! PostgreSQL: the only place that opens a database connection.
//!
//! Nothing reaches a row except through a transaction with a scope ([`Scoped`]); everything that holds personal data has
//! forced row security, and the application's role owns nothing. [`house::check`] refuses to serve when that is not so, and
//! [`scope_sql`] attacks it.

pub mod address;
pub mod audit;
pub mod bootstrap;
pub mod data_map;
pub mod error;
pub mod house;
pub mod instances;
pub mod jobs;
pub mod notes;
pub mod observations;
pub mod open;
mod pools;
pub mod profiles;
pub mod reports;
pub mod role;
pub mod scope;
pub mod scope_sql;
pub mod server;
pub mod tenancy;
mod time;
pub mod tls_database;
pub mod trail;
pub mod turn;

pub use address::Address;
pub use data_map::DataMap;
pub use error::StoreError;
pub use open::{Config, DATABASE, Store};
pub use role::Role;
pub use scope::{Auditor, Scoped, System, operator_tenant};
pub use server::{Server, ServerConfig, ServerError};
