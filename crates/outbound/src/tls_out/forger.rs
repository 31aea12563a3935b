//! Certificates that no outgoing call may believe.

use super::trap::Trick;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer, version::TLS13};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why certificates cannot be forged.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// A file below the data directory cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file, relative to the data directory.
        path: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("a hostile certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A hostile server cannot be set up.
    #[error("a hostile server cannot be set up: {0}")]
    Server(#[from] rustls::Error),
}

const KEY: &str = "probe/attacker-ca.key";
const DEVELOPMENT_CA: &str = "tls/ca.pem";
const DEVELOPMENT_KEY: &str = "tls/ca.key";

type Authority = Issuer<'static, KeyPair>;

/// Makes certificates: by the attacker's own authority, and by the development one where there is one.
pub(super) struct Forger {
    attacker: Authority,
    development: Option<Authority>,
}

impl Forger {
    /// Opens the authorities of a data directory; the attacker's is created where it is missing.
    pub(super) fn open(data_dir: &Path) -> Result<Self, ForgeError> {
        let key = KeyPair::from_pem(&attacker_key(data_dir)?)?;
        let path = data_dir.join(super::ATTACKER_CA);
        if !path.exists() {
            // Any certificate of this key serves: two processes that do this at once do no harm.
            let pem = attacker_params().self_signed(&key)?.pem();
            write(data_dir, super::ATTACKER_CA, 0o644, &pem)?;
        }
        let pem = fs::read_to_string(&path).map_err(|source| ForgeError::File { path: super::ATTACKER_CA, source })?;
        let attacker = Issuer::from_ca_cert_pem(&pem, key)?;
        Ok(Self { attacker, development: development(data_dir)? })
    }

    /// The tricks that can be played with these authorities.
    pub(super) fn tricks(&self) -> impl Iterator<Item = Trick> {
        let development = self.development.is_some();
        Trick::ALL.into_iter().filter(move |trick| development || *trick != Trick::DevelopmentAuthority)
    }

    /// The hostile server's TLS for a trick; `None` where the trick needs none.
    pub(super) fn config(&self, trick: Trick, host: &str) -> Result<Option<Arc<ServerConfig>>, ForgeError> {
        let name = if trick == Trick::WrongName {
            format!("other-{}.example", super::trap::random_label())
        } else {
            host.to_owned()
        };
        let mut params = CertificateParams::new([name])?;
        let key = KeyPair::generate()?;
        if trick == Trick::Expired {
            (params.not_before, params.not_after) = (date_time_ymd(2023, 1, 1), date_time_ymd(2024, 1, 1));
        }
        let certificate = match trick {
            Trick::Tls12 | Trick::NoTls => return Ok(None),
            Trick::SelfSigned => params.self_signed(&key)?,
            Trick::DevelopmentAuthority => {
                params.signed_by(&key, self.development.as_ref().unwrap_or(&self.attacker))?
            }
            Trick::UnknownAuthority | Trick::Expired | Trick::WrongName => params.signed_by(&key, &self.attacker)?,
        };
        let key =
            PrivateKeyDer::try_from(key.serialize_der()).map_err(|reason| rustls::Error::General(reason.to_owned()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(Arc::new(config)))
    }
}

fn attacker_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "An authority that nobody should trust");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The attacker's key, made once. Whoever makes the file first wins; everyone uses what is in it.
fn attacker_key(data_dir: &Path) -> Result<String, ForgeError> {
    let path = data_dir.join(KEY);
    if !path.exists() {
        write(data_dir, KEY, 0o600, &KeyPair::generate()?.serialize_pem())?;
    }
    fs::read_to_string(path).map_err(|source| ForgeError::File { path: KEY, source })
}

/// Writes a whole file or none; a file that is there stays.
fn write(data_dir: &Path, name: &'static str, mode: u32, text: &str) -> Result<(), ForgeError> {
    let failed = |source| ForgeError::File { path: name, source };
    let path = data_dir.join(name);
    let folder = path.parent().unwrap_or(data_dir);
    fs::create_dir_all(folder).map_err(failed)?;
    let draft: PathBuf = folder.join(format!(".draft-{}", super::trap::random_label()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| match fs::hard_link(&draft, &path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&draft);
    written.map_err(failed)
}

/// The development authority of a workplace. A service with a certificate of its own has none.
fn development(data_dir: &Path) -> Result<Option<Authority>, ForgeError> {
    let read = |name| fs::read_to_string(data_dir.join(name)).ok();
    let (Some(pem), Some(key)) = (read(DEVELOPMENT_CA), read(DEVELOPMENT_KEY)) else { return Ok(None) };
    Ok(Some(Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&key)?)?))
}
