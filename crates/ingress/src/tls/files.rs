//! Certificates and keys in files.

use super::TlsError;
use jiff::Timestamp;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// The certificates of a file, the leaf first.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = text(path)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.unwrap_or_default();
    if chain.is_empty() { Err(TlsError::Content { path: path.to_owned(), expected: "certificate" }) } else { Ok(chain) }
}

/// The private key of a file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    if fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "other users of this machine can read the key of the certificate");
    }
    PrivateKeyDer::from_pem_slice(text(path)?.as_bytes())
        .map_err(|_| TlsError::Content { path: path.to_owned(), expected: "private key" })
}

pub(super) fn text(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|cause| TlsError::File { path: path.to_owned(), cause })
}

/// Writes a file whole or not at all. A secret is for its owner only.
pub(super) fn write(path: &Path, content: &str, is_secret: bool) -> Result<(), TlsError> {
    let all = || {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content.as_bytes())?;
        let mode = if is_secret { 0o600 } else { 0o644 };
        file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    all().map(drop).map_err(|cause| TlsError::File { path: path.to_owned(), cause })
}

/// From when until when a certificate is valid.
pub(super) fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let moment = |seconds| Timestamp::from_second(seconds).ok();
    let validity = certificate.validity();
    Some((moment(validity.not_before.timestamp())?, moment(validity.not_after.timestamp())?))
}

/// The names and addresses for which a certificate stands.
pub(super) fn names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    names.value.general_names.iter().filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}
