//! PostgreSQL: the only place that opens a database connection.
//!
//! Nothing reaches a row except through a transaction with a scope ([`Scoped`]); everything that holds personal data has
//! forced row security, and the application's role owns nothing. [`house::check`] refuses to serve when that is not so, and
//! [`scope_sql`] attacks it.

pub mod accounts;
pub mod address;
pub mod audit;
pub mod blobs;
pub mod bootstrap;
pub mod census;
pub mod copy;
pub mod data_map;
pub mod drawings;
pub mod error;
pub mod factors;
pub mod foreign;
pub mod forensics;
pub mod house;
pub mod instances;
pub mod jobs;
pub mod key_census;
pub mod limits;
pub mod links;
pub mod log_retention;
pub mod looks;
pub mod mails;
pub mod notes;
pub mod objectives;
pub mod observations;
pub mod one_time;
pub mod open;
mod pools;
pub mod profiles;
pub mod reports;
pub mod retention_active;
mod revocation;
pub mod rights;
pub mod role;
pub mod saml;
pub mod scope;
pub mod scope_sql;
pub mod scrub;
pub mod sealed_columns;
pub mod sealed_files;
pub mod server;
pub mod sessions;
mod sign_in;
pub mod team;
pub mod tenancy;
mod time;
pub mod tls_database;
mod token;
pub mod told;
pub mod trail;
pub mod turn;
pub mod upkeep;

pub use address::Address;
pub use blobs::{BlobPlace, Blobs};
pub use data_map::DataMap;
pub use error::StoreError;
pub use open::{Config, DATABASE, Store};
pub use role::Role;
pub use scope::{Auditor, Scoped, System, operator_tenant};
pub use server::{Server, ServerConfig, ServerError};
