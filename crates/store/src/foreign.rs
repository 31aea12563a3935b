//! The database of an application that nobody here wrote: one connection, and the few statements that a person's rights
//! need there. What they mean is decided in `privacy`; here they become SQL.
//!
//! Nothing in it is ours: no role, no table, no row security. A read asks only for what a map names; a change is a
//! short transaction of its own that waits for no lock longer than two seconds. Row security that would hide rows from
//! the role is an error and not a smaller answer.

pub mod catalogue;
pub mod change;
pub mod rows;
pub mod sample;
pub mod search;
pub mod sql;

pub use catalogue::{Catalogue, Column, ForeignKey, Kind, OnDelete, Table};
pub use change::{Act, Batch, Become, Ended, Part, Step};
pub use sql::{Handle, Owned, Reach, TableName};

use crate::{StoreError, address::connect};
use sqlx::{
    Executor as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::str::FromStr as _;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To look. The database itself refuses every change.
    Read,
    /// To change rows.
    Change,
}

/// How long a change may wait for a lock, and how long one statement of it may take.
const CHANGING: &str =
    "SET lock_timeout = '2s'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'";

/// A look waits as little, and may take longer: it holds nobody up.
const READING: &str =
    "SET lock_timeout = '2s'; SET statement_timeout = '10min'; SET default_transaction_read_only = on";

/// Rows that row security would hide are an error. `plan_cache_mode` stays as it is: forced to plan for the values at hand,
/// the server would also plan each look-up of a foreign key anew, which doubles what the deletion of a row costs.
const BOTH: &str = "SET row_security = off; SET extra_float_digits = 3";

/// One connection to a foreign database.
pub struct Foreign {
    conn: PgConnection,
    options: PgConnectOptions,
    purpose: Purpose,
}

impl std::fmt::Debug for Foreign {
    /// Without the way there, which may carry a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// What a database calls itself: enough to tell it from another, and nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// Its name.
    pub database: String,
    /// Its number on its server.
    pub oid: i64,
    /// The server's version.
    pub version: i32,
}

impl Foreign {
    /// Connects to the database at `url`. On this machine, through a socket or the loopback address, any way will do;
    /// anything further away needs verified TLS.
    ///
    /// # Errors
    /// [`StoreError::Url`], without the URL, because that may carry a password.
    pub async fn connect(url: &str, purpose: Purpose) -> Result<Self, StoreError> {
        Self::with(options(url)?, purpose).await
    }

    /// Another connection of the same kind, so that the server works on two things at a time.
    ///
    /// # Errors
    /// When the server takes no more.
    pub async fn another(&self) -> Result<Self, StoreError> {
        Self::with(self.options.clone(), self.purpose).await
    }

    async fn with(options: PgConnectOptions, purpose: Purpose) -> Result<Self, StoreError> {
        let mut conn = connect(&options).await?;
        conn.execute(BOTH).await?;
        conn.execute(match purpose {
            Purpose::Read => READING,
            Purpose::Change => CHANGING,
        })
        .await?;
        Ok(Self { conn, options, purpose })
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What the database calls itself.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn identity(&mut self) -> Result<Identity, StoreError> {
        const SQL: &str = "SELECT datname::text, oid::bigint, current_setting('server_version_num')::integer
            FROM pg_catalog.pg_database WHERE datname = current_database()";
        let row = sqlx::query(SQL).fetch_one(&mut self.conn).await?;
        Ok(Identity { database: row.try_get(0)?, oid: row.try_get(1)?, version: row.try_get(2)? })
    }

    /// Takes the one place of whoever erases in this database; the place is given up with the connection. `false`: it is
    /// taken.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn take_turn(&mut self) -> Result<bool, StoreError> {
        // «erase» in ASCII, and the number of this database.
        const SQL: &str = "SELECT pg_catalog.pg_try_advisory_lock(1701015923,
            (SELECT oid::bigint::bit(32)::integer FROM pg_catalog.pg_database WHERE datname = current_database()))";
        Ok(sqlx::query_scalar(SQL).fetch_one(&mut self.conn).await?)
    }

    /// Begins a transaction that sees the database as it is at this moment, until [`Foreign::end`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn freeze(&mut self) -> Result<(), StoreError> {
        self.conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        Ok(())
    }

    /// Ends what [`Foreign::freeze`] began.
    ///
    /// # Errors
    /// When the database is gone.
    pub async fn end(&mut self) -> Result<(), StoreError> {
        self.conn.execute("ROLLBACK").await?;
        Ok(())
    }

    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let wrong = |what: &str| StoreError::Url(what.to_owned());
    let shape =
        "expected postgres://role:password@host/database?sslmode=verify-full, or postgres:///database?host=/socket/dir";
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong(shape));
    }
    let options = PgConnectOptions::from_str(url).map_err(|_| wrong(shape))?;
    if options.get_database().is_none() {
        return Err(wrong("names no database"));
    }
    let here = options.get_socket().is_some() || is_loopback(options.get_host());
    if !here && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
        return Err(wrong(
            "the link to another machine must be verified TLS; add ?sslmode=verify-full (and sslrootcert=FILE for a private CA)",
        ));
    }
    // Statements carry values of people; they are not for the log.
    Ok(sqlx::ConnectOptions::disable_statement_logging(options.application_name("wordbond")))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    bare == "localhost" || bare.starts_with('/') || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_verified() {
        for weak in [
            "postgres://a:b@db.example/x",
            "postgres://a:b@db.example/x?sslmode=require",
            "postgres://a:b@db.example/x?sslmode=verify-ca",
            "postgres://a:b@127.0.0.1.example/x",
            "mysql://a:b@localhost/x",
            "nonsense",
        ] {
            let error = options(weak).unwrap_err().to_string();
            assert!(!error.contains("a:b"), "a password is shown: {error}");
        }
        for fine in [
            "postgres://a:b@db.example/x?sslmode=verify-full",
            "postgres://a@localhost:5433/x",
            "postgres://a@127.0.0.1/x",
            "postgresql://a@[::1]/x",
            "postgres:///x?host=/run/postgresql&user=a",
            "postgres://a@%2Frun%2Fpostgresql/x",
        ] {
            assert!(options(fine).is_ok(), "{fine}");
        }
        assert!(options("postgres://a@localhost").is_err(), "names no database");
    }
}
