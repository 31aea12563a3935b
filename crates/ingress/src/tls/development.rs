//! The certificate of a workplace: an authority of its own, and a leaf under it.

use super::{TlsError, files};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// How long a leaf is valid from now; it begins yesterday. Under sixty days scanners call it a finding, and so does Mozilla's
/// modern configuration from ninety on.
const LEAF: SignedDuration = SignedDuration::from_hours(88 * 24);
/// A leaf with less time left is made anew.
const RENEW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long the authority is valid.
const AUTHORITY: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// Names that every workplace has.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An authority was made just now: the reader wants to be told where it is, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its certificate, for browsers and tools that should trust this workplace.
    pub ca: PathBuf,
}

pub(super) struct Made {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ca: PathBuf,
    pub(super) created: Option<Created>,
}

/// Makes what is missing in `folder`.
pub(super) fn ensure(folder: &Path, hosts: &[&str], now: Timestamp) -> Result<Made, TlsError> {
    fs::create_dir_all(folder).map_err(|cause| TlsError::File { path: folder.to_owned(), cause })?;
    let (ca, ca_key) = (folder.join("ca.pem"), folder.join("ca.key"));
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let is_new = !ca.exists() || !ca_key.exists() || is_old(&ca, now);
    if is_new {
        make_authority(&ca, &ca_key, now)?;
    }
    let names: Vec<&str> = OWN.into_iter().chain(hosts.iter().copied()).collect();
    if is_new || !key.exists() || is_old(&certificate, now) || !is_for(&certificate, &names) {
        make_leaf((&certificate, &key), (&ca, &ca_key), &names, now)?;
    }
    let created = is_new.then(|| Created { ca: ca.clone() });
    Ok(Made { certificate, key, ca, created })
}

/// Whether a certificate cannot be read, or has too little time left.
fn is_old(path: &Path, now: Timestamp) -> bool {
    let chain = files::chain(path).unwrap_or_default();
    let until = chain.first().and_then(|first| files::validity(first)).map(|(_, until)| until);
    until.is_none_or(|until| now + RENEW > until)
}

fn is_for(path: &Path, names: &[&str]) -> bool {
    let chain = files::chain(path).unwrap_or_default();
    let held = chain.first().map(|leaf| files::names(leaf)).unwrap_or_default();
    names.iter().all(|name| held.contains(&canonical(name)))
}

/// An address in the one spelling that certificates are read back in; a name in lower case.
fn canonical(name: &str) -> String {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().map_or_else(|_| name.to_ascii_lowercase(), |address| address.to_string())
}

fn make_authority(ca: &Path, key: &Path, now: Timestamp) -> Result<(), TlsError> {
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    // The name carries the day, so that several workplaces can be told apart in a browser's list.
    params.distinguished_name = named(&format!("Wordbond development authority {}", day(now)));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    date(&mut params, now, AUTHORITY);
    let certificate = params.self_signed(&pair)?;
    files::write(key, &pair.serialize_pem(), true)?;
    files::write(ca, &certificate.pem(), false)
}

fn make_leaf(leaf: (&Path, &Path), authority: (&Path, &Path), names: &[&str], now: Timestamp) -> Result<(), TlsError> {
    let secret = KeyPair::from_pem(&files::text(authority.1)?)?;
    let issuer = Issuer::from_ca_cert_pem(&files::text(authority.0)?, secret)?;
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.iter().map(|name| canonical(name)).collect::<Vec<_>>())?;
    params.distinguished_name = named("Wordbond workplace");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    date(&mut params, now, LEAF);
    let certificate = params.signed_by(&pair, &issuer)?;
    files::write(leaf.1, &pair.serialize_pem(), true)?;
    files::write(leaf.0, &certificate.pem(), false)
}

fn named(name: &str) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    full.push(DnType::CommonName, name);
    full
}

/// From yesterday, so that a clock a little behind does not refuse it.
fn date(params: &mut CertificateParams, now: Timestamp, length: SignedDuration) {
    let moment = |at: Timestamp| {
        let date = at.to_zoned(TimeZone::UTC).date();
        date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = moment(now - SignedDuration::from_hours(24));
    params.not_after = moment(now + length);
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}
