//! Whose certificates are believed.

use crate::OutboundError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    version::TLS13,
};
use std::{fmt, path::Path, sync::Arc};

/// The root certificates that outgoing calls are checked against.
#[derive(Clone)]
pub struct Trust {
    roots: RootCertStore,
    /// The certificates beyond the public roots, kept whole for clients that are not this program.
    added: Vec<CertificateDer<'static>>,
    config: Arc<ClientConfig>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({} roots)", self.roots.len())
    }
}

impl Trust {
    /// The public web's roots, as Mozilla's programme lists them.
    #[must_use]
    pub fn public() -> Self {
        Self::of(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }, Vec::new())
    }

    /// No roots at all: nothing verifies.
    #[must_use]
    pub fn none() -> Self {
        Self::of(RootCertStore::empty(), Vec::new())
    }

    /// These roots and the certificates in a PEM text.
    ///
    /// # Errors
    /// The text holds no certificate, or one that cannot be a root.
    pub fn with_pem(&self, pem: &str) -> Result<Self, OutboundError> {
        let mut roots = self.roots.clone();
        let mut added = self.added.clone();
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| OutboundError::Root(error.to_string()))?;
            roots.add(certificate.clone()).map_err(|error| OutboundError::Root(error.to_string()))?;
            added.push(certificate);
            found = true;
        }
        if found { Ok(Self::of(roots, added)) } else { Err(OutboundError::Root("no certificate in it".to_owned())) }
    }

    /// These roots and every `*.pem` file of a folder, such as a company's own authority. A folder that is not there adds
    /// nothing.
    ///
    /// # Errors
    /// A file cannot be read or holds no certificate; the text names it.
    pub fn with_folder(&self, folder: &Path) -> Result<Self, OutboundError> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(self.clone()) };
        let mut trust = self.clone();
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "pem")) {
            let named = |reason: String| OutboundError::Root(format!("{}: {reason}", file.display()));
            let pem = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
            trust = trust.with_pem(&pem).map_err(|error| named(error.to_string()))?;
        }
        Ok(trust)
    }

    /// The certificates that were added to the roots, for a browser that is to believe the same.
    #[must_use]
    pub fn added(&self) -> &[CertificateDer<'static>] {
        &self.added
    }

    /// The TLS client that believes these roots: TLS 1.3 only, HTTP/2 preferred.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    fn of(roots: RootCertStore, added: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]);
        #[expect(clippy::expect_used, reason = "the provider is compiled in and speaks TLS 1.3")]
        let builder = versions.expect("aws-lc-rs speaks TLS 1.3");
        let mut config = builder.with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { roots, added, config: Arc::new(config) }
    }
}
