//! The certificate: a development authority of one's own, or files from the operator.

mod development;
mod files;

use crate::tls_in;
use jiff::Timestamp;
use rustls::ServerConfig;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

pub use development::Created;

/// The listener's certificate. Clones share it, so that a reload reaches every new connection.
#[derive(Clone, Debug)]
pub struct Tls {
    current: Arc<RwLock<Arc<ServerConfig>>>,
    certificate: PathBuf,
    key: PathBuf,
    ca: Option<PathBuf>,
}

/// Why there is no certificate to serve with. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: std::io::Error,
    },
    /// A file holds something else.
    #[error("{path} holds no {expected} in PEM form")]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// The key is not the certificate's.
    #[error("the key in {key} does not belong to the certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Not valid any more.
    #[error("the certificate in {path} expired on {at}; install a new one")]
    Expired {
        /// The certificate's file.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// Not valid yet.
    #[error("the certificate in {path} is not valid before {at}; check the clock")]
    Early {
        /// The certificate's file.
        path: PathBuf,
        /// From when.
        at: Timestamp,
    },
    /// A name that cannot stand in a certificate, or a failure of the library.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The library refuses the certificate.
    #[error("the certificate in {path} cannot be used: {cause}")]
    Refused {
        /// The certificate's file.
        path: PathBuf,
        /// What the library says.
        cause: rustls::Error,
    },
}

impl Tls {
    /// The certificate of a workplace, kept in `<data_dir>/tls`: an authority made once, and a leaf for `hosts` besides
    /// `localhost`, `127.0.0.1` and `::1`, made anew when it has under thirty days left or lacks a host. The second value
    /// is there when the authority was made just now, to be told once.
    ///
    /// # Errors
    /// The files cannot be read or written, or hold something else.
    pub fn development(data_dir: &Path, hosts: &[&str], now: Timestamp) -> Result<(Self, Option<Created>), TlsError> {
        let made = development::ensure(&data_dir.join("tls"), hosts, now)?;
        let tls = Self::load(made.certificate, made.key, Some(made.ca), now)?;
        Ok((tls, made.created))
    }

    /// The operator's own certificate chain and key, in PEM form.
    ///
    /// # Errors
    /// The files cannot be read, do not belong together, or the certificate is not valid now.
    pub fn files(certificate: &Path, key: &Path, now: Timestamp) -> Result<Self, TlsError> {
        Self::load(certificate.to_owned(), key.to_owned(), None, now)
    }

    fn load(certificate: PathBuf, key: PathBuf, ca: Option<PathBuf>, now: Timestamp) -> Result<Self, TlsError> {
        let config = read(&certificate, &key, now)?;
        Ok(Self { current: Arc::new(RwLock::new(Arc::new(config))), certificate, key, ca })
    }

    /// Reads the files again. A failure leaves the old certificate in place.
    ///
    /// # Errors
    /// As [`Tls::files`].
    pub fn reload(&self, now: Timestamp) -> Result<(), TlsError> {
        let config = Arc::new(read(&self.certificate, &self.key, now)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The file of the development authority, where one signed the certificate.
    #[must_use]
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// What the next handshake uses.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(certificate: &Path, key: &Path, now: Timestamp) -> Result<ServerConfig, TlsError> {
    let chain = files::chain(certificate)?;
    let secret = files::key(key)?;
    let (from, until) = chain
        .first()
        .and_then(|leaf| files::validity(leaf))
        .ok_or_else(|| TlsError::Content { path: certificate.to_owned(), expected: "certificate" })?;
    if now >= until {
        return Err(TlsError::Expired { path: certificate.to_owned(), at: until });
    }
    if now < from {
        return Err(TlsError::Early { path: certificate.to_owned(), at: from });
    }
    tls_in::server_config(chain, secret).map_err(|cause| match cause {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }
        }
        cause => TlsError::Refused { path: certificate.to_owned(), cause },
    })
}
