//! An issuer of the operator's own on loopback, that vouches for people whom a probe plants. No provider that the world
//! knows would sign a token on request, so an attack on sign-in would have nothing that must be let in: this issuer is what
//! the attack compares with.
//!
//! It is registered like every provider, by a file in the folder `providers`; whoever removes that file takes it out of use,
//! and it is not put back. Its certificate is the only one that its authority ever signed, and that authority's key was
//! thrown away unwritten; by its name constraint it could have vouched for `localhost` only. Its signing key lies in the data
//! directory, which is the operator's alone. It serves while a probe runs, and only then.

mod mint;
mod server;

pub use mint::{Draft, Mint};
pub use server::{Grant, LoopbackIssuer, Redeemed};

use super::config;
use aws_lc_rs::{
    rand::{self, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType, GeneralSubtree, IsCa, KeyPair,
    KeyUsagePurpose, NameConstraints,
};
use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The provider's name in addresses.
pub const NAME: &str = "loopback";
/// The client as which the service is registered there.
pub const CLIENT: &str = "wordbond";
/// The party whose session tokens are taken.
pub const PARTY: &str = "https://loopback.example";
/// The providers file of a fault: the same issuer, and another service's client and party.
pub const WIDENED: &str = "probe/issuer/widened.toml";
/// The client of that other service.
pub const OTHER_CLIENT: &str = "another-service";
/// A party of that other service.
pub const OTHER_PARTY: &str = "https://another-service.example";

const CERTIFICATE: &str = "probe/issuer/certificate.pem";
const KEY: &str = "probe/issuer/key.pem";
const SIGNING: &str = "probe/issuer/signing.p8";
const AUTHORITY: &str = "trust/loopback-issuer.pem";
const PROVIDER: &str = "providers/loopback.toml";

/// Why the issuer cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// A file below the data directory cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file, relative to the data directory.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("the loopback issuer's certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A key cannot be made or read.
    #[error("the loopback issuer's key cannot be used")]
    Key,
    /// The server cannot be set up.
    #[error("the loopback issuer cannot be set up: {0}")]
    Server(String),
    /// The operator has taken it out of use.
    #[error("the loopback issuer is not registered in the folder `providers`")]
    Unregistered,
}

/// Makes what the issuer needs below the data directory, on the first start. To be called before providers and trusted
/// authorities are read.
///
/// # Errors
/// A file cannot be written.
pub fn prepare(data_dir: &Path) -> Result<(), LoopbackError> {
    // The last file that is written: where it is, the rest was written too.
    if data_dir.join(SIGNING).exists() {
        return Ok(());
    }
    let port = free_port().map_err(|source| LoopbackError::File { path: PROVIDER.to_owned(), source })?;
    let authority = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
    let mut leaf = CertificateParams::new(["localhost".to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, "Loopback issuer of this service's own checks");
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?;
    write(data_dir, AUTHORITY, 0o644, authority.pem().as_bytes())?;
    write(data_dir, CERTIFICATE, 0o644, certificate.pem().as_bytes())?;
    write(data_dir, KEY, 0o600, key.serialize_pem().as_bytes())?;
    write(data_dir, WIDENED, 0o644, provider("loopback-widened", port, OTHER_CLIENT, OTHER_PARTY).as_bytes())?;
    write(data_dir, PROVIDER, 0o644, provider(NAME, port, CLIENT, PARTY).as_bytes())?;
    let signing = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    write(data_dir, SIGNING, 0o600, signing.map_err(|_| LoopbackError::Key)?.as_ref())
}

/// The issuer's address, as the operator registered it.
fn registered(data_dir: &Path) -> Result<String, LoopbackError> {
    let text = fs::read_to_string(data_dir.join(PROVIDER)).map_err(|_| LoopbackError::Unregistered)?;
    let config = config::parse(&text).map_err(|_| LoopbackError::Unregistered)?;
    let own = config.issuer.starts_with("https://localhost:") && config.name == NAME;
    own.then_some(config.issuer).ok_or(LoopbackError::Unregistered)
}

fn read(data_dir: &Path, path: &str) -> Result<Vec<u8>, LoopbackError> {
    fs::read(data_dir.join(path)).map_err(|source| LoopbackError::File { path: path.to_owned(), source })
}

/// A port that nobody listens on. It lies below those that systems give to connections and listeners that name none
/// (RFC 6335 and Linux's `ip_local_port_range`), because it is kept for later, and another would have such a one by then.
fn free_port() -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..100 {
        let mut bytes = [0; 2];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
        let port = 10_000 + u16::from_be_bytes(bytes) % 10_000;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "An authority for localhost only, whose key was thrown away");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let everywhere = [
        CidrSubnet::from_addr_prefix(Ipv4Addr::UNSPECIFIED.into(), 0),
        CidrSubnet::from_addr_prefix(Ipv6Addr::UNSPECIFIED.into(), 0),
    ];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("localhost".to_owned())],
        excluded_subtrees: everywhere.map(GeneralSubtree::IpAddress).to_vec(),
    });
    params
}

fn provider(name: &str, port: u16, client: &str, party: &str) -> String {
    format!(
        "# The issuer of this service's own checks. Remove this file and restart, and it vouches for nobody any more; the\n\
         # checks that need it then stand as unproven.\n\
         name = \"{name}\"\n\
         title = \"Loopback\"\n\
         kind = \"generic\"\n\
         issuer = \"https://localhost:{port}\"\n\
         client_id = \"{client}\"\n\
         session_parties = [\"{party}\"]\n\
         button = false\n"
    )
}

/// Writes a whole file or none.
fn write(data_dir: &Path, name: &str, mode: u32, content: &[u8]) -> Result<(), LoopbackError> {
    let failed = |source| LoopbackError::File { path: name.to_owned(), source };
    let path = data_dir.join(name);
    let staged: PathBuf = path.with_extension("new");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&staged).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    fs::rename(&staged, &path).map_err(failed)
}

#[cfg(test)]
mod tests;
