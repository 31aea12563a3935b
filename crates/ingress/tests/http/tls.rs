//! The certificate: made once, renewed in time, and refused in words.

use ingress::{Tls, tls::TlsError};
use jiff::{SignedDuration, Timestamp};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("tls").join(name)).unwrap()
}

#[test]
fn an_authority_is_made_once_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let (tls, created) = Tls::development(folder.path(), &[], now).unwrap();
    assert_eq!(created.unwrap().ca.as_path(), tls.ca().unwrap());
    let (ca, leaf) = (read(folder.path(), "ca.pem"), read(folder.path(), "cert.pem"));
    for name in ["ca.key", "key.pem"] {
        let mode = fs::metadata(folder.path().join("tls").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let (_, again) = Tls::development(folder.path(), &[], now + DAY * 50).unwrap();
    assert_eq!(again, None);
    assert_eq!((read(folder.path(), "ca.pem"), read(folder.path(), "cert.pem")), (ca, leaf));
}

#[test]
fn a_leaf_is_renewed_in_time_and_for_new_names() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    Tls::development(folder.path(), &[], now).unwrap();
    let (ca, first) = (read(folder.path(), "ca.pem"), read(folder.path(), "cert.pem"));
    Tls::development(folder.path(), &["Workplace.example", "::0:1", "192.0.2.7"], now).unwrap();
    let second = read(folder.path(), "cert.pem");
    assert_ne!(first, second);
    Tls::development(folder.path(), &["192.0.2.7", "workplace.example"], now).unwrap();
    assert_eq!(read(folder.path(), "cert.pem"), second);
    Tls::development(folder.path(), &[], now + DAY * 61).unwrap();
    assert_ne!(read(folder.path(), "cert.pem"), second);
    assert_eq!(read(folder.path(), "ca.pem"), ca);
}

#[test]
fn files_of_the_operator_are_refused_in_words() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let now = Timestamp::now();
    Tls::development(folder.path(), &[], now).unwrap();
    Tls::development(other.path(), &[], now).unwrap();
    let file = |folder: &Path, name: &str| folder.join("tls").join(name);
    let (certificate, key) = (file(folder.path(), "cert.pem"), file(folder.path(), "key.pem"));
    let tls = Tls::files(&certificate, &key, now).unwrap();
    assert!(tls.ca().is_none());
    let refused = |certificate: &Path, key: &Path, now: Timestamp| Tls::files(certificate, key, now).unwrap_err();
    let foreign = file(other.path(), "key.pem");
    assert!(matches!(refused(&certificate, &foreign, now), TlsError::Mismatch { .. }));
    assert!(matches!(refused(&certificate, &key, now + DAY * 91), TlsError::Expired { .. }));
    assert!(matches!(refused(&certificate, &key, now - DAY * 9), TlsError::Early { .. }));
    assert!(matches!(refused(&key, &key, now), TlsError::Content { expected: "certificate", .. }));
    assert!(matches!(refused(&certificate, &certificate, now), TlsError::Content { expected: "private key", .. }));
    let missing = folder.path().join("missing.pem");
    let error = refused(&missing, &key, now);
    assert!(error.to_string().contains("missing.pem"), "{error}");

    // A reload that fails leaves what was there; one that succeeds brings the new certificate.
    let before = tls.config();
    fs::copy(&foreign, &key).unwrap();
    assert!(tls.reload(now).is_err());
    assert!(std::sync::Arc::ptr_eq(&before, &tls.config()));
    fs::copy(file(other.path(), "cert.pem"), &certificate).unwrap();
    tls.reload(now).unwrap();
    assert!(!std::sync::Arc::ptr_eq(&before, &tls.config()));
}
