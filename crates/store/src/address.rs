//! Where the database is, and how each role gets in.
//!
//! On this machine: through the child server's socket, by the kernel's word on who is calling. At a managed server: the
//! role in the `--database` URL creates the others at the first start, each with a random password that lies among the
//! wrapped keys and nowhere else, and is used for nothing but that and migrations' rights afterwards. That role must own the
//! database and be allowed to create roles (`CREATE ROLE wordbond_boot LOGIN CREATEROLE PASSWORD …; CREATE DATABASE wordbond
//! OWNER wordbond_boot`), and the server must run with `track_commit_timestamp = on`.

use crate::{Role, StoreError, server::SUPERUSER};
use sqlx::{
    ConnectOptions as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
};
use vault::KeyRing;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Address {
    /// Behind the unix socket of a server on this machine that knows us by the kernel's word.
    Socket {
        /// The directory of the socket.
        dir: PathBuf,
        /// The port in the socket's name.
        port: u16,
        /// The database.
        database: String,
    },
    /// At a managed server, over verified TLS, each role with a password of its own.
    Url {
        /// The role that creates the others, and everything else about the link.
        bootstrap: Box<PgConnectOptions>,
    },
}

impl Address {
    /// The database of that name behind the socket in `dir`.
    #[must_use]
    pub fn socket(dir: &Path, port: u16, database: &str) -> Self {
        Self::Socket { dir: dir.to_owned(), port, database: database.to_owned() }
    }

    /// The database at a URL. Anything less than verified TLS is refused rather than silently accepted.
    ///
    /// # Errors
    /// [`StoreError::Url`], without the URL, because that carries a password.
    pub fn url(url: &str) -> Result<Self, StoreError> {
        let wrong = |what: &str| StoreError::Url(what.to_owned());
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| wrong("expected postgres://role:password@host/database?sslmode=verify-full"))?;
        if options.get_socket().is_some() {
            return Err(wrong("names a socket; leave it out to use a server on this machine"));
        }
        if !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
            return Err(wrong(
                "the link must be verified TLS; add ?sslmode=verify-full (and sslrootcert=FILE for a private CA)",
            ));
        }
        if options.get_database().is_none() {
            return Err(wrong("names no database"));
        }
        Ok(Self::Url { bootstrap: Box::new(options) })
    }

    /// The name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        match self {
            Self::Socket { database, .. } => database,
            Self::Url { bootstrap } => bootstrap.get_database().unwrap_or_default(),
        }
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        match self {
            Self::Socket { dir, port, .. } => Self::socket(dir, *port, name),
            Self::Url { bootstrap } => Self::Url { bootstrap: Box::new((**bootstrap).clone().database(name)) },
        }
    }

    /// How a role gets in.
    ///
    /// # Errors
    /// What the key store says of the role's password.
    pub fn options(&self, role: Role, keys: &KeyRing) -> Result<PgConnectOptions, StoreError> {
        Ok(match self {
            Self::Socket { .. } => self.named(role.name()),
            Self::Url { .. } => self.named(role.name()).password(&password(role, keys)?),
        })
    }

    /// How the role gets in that creates the others: the child server's superuser, or the one in the URL.
    #[must_use]
    pub fn bootstrap(&self) -> PgConnectOptions {
        match self {
            Self::Socket { .. } => self.named(SUPERUSER),
            Self::Url { bootstrap } => (**bootstrap).clone(),
        }
    }

    fn named(&self, role: &str) -> PgConnectOptions {
        let options = match self {
            Self::Socket { dir, port, database } => PgConnectOptions::new_without_pgpass()
                .socket(dir)
                .port(*port)
                .database(database)
                .ssl_mode(PgSslMode::Disable),
            Self::Url { bootstrap } => (**bootstrap).clone(),
        };
        // Statements may carry values; they are not for the log.
        options.username(role).application_name("wordbond").disable_statement_logging()
    }
}

/// The password of a role at a managed server: random, kept with the wrapped keys, never shown.
pub(crate) fn password(role: Role, keys: &KeyRing) -> Result<String, StoreError> {
    let secret = keys.secret(&format!("database-{role}"))?;
    Ok(secret.expose().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Opens one connection outside the pools.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    Ok(options.connect().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_verified_tls_will_do() {
        for weak in [
            "postgres://a:b@db.example/x",
            "postgres://a:b@db.example/x?sslmode=require",
            "postgres://a:b@db.example/x?sslmode=verify-ca",
            "postgres://a:b@db.example/x?sslmode=disable",
            "postgres://a:b@%2Ftmp/x?sslmode=verify-full",
            "nonsense",
        ] {
            let error = Address::url(weak).unwrap_err().to_string();
            assert!(!error.contains("a:b"), "a password is shown: {error}");
        }
        let good = Address::url("postgres://a:b@db.example/x?sslmode=verify-full").unwrap();
        assert_eq!(good.database(), "x");
    }
}
