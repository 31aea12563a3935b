//! Round trips, and every line that must be refused.

use super::*;
use crate::merkle::empty_root;

const TEXT: &str = "localhost:8443/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nat 2026-11-22T03:48:00Z\n";

fn key() -> SigningKey {
    SigningKey::from_seed("localhost:8443/ledger", &[7; 32]).unwrap()
}

#[test]
fn a_checkpoint_is_written_and_read() {
    let at = "2026-11-22T03:48:00.9Z".parse().unwrap();
    let checkpoint = Checkpoint { origin: "localhost:8443/ledger".to_owned(), size: 0, root: empty_root(), at };
    assert_eq!(checkpoint.to_string(), TEXT);
    let note = checkpoint.sign(&key()).unwrap();
    let opened = Checkpoint::open(&note, key().verifier()).unwrap();
    assert_eq!(opened, Checkpoint { at: seconds(at), ..checkpoint });
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let other = SigningKey::from_seed("example.com/log", &[7; 32]).unwrap();
    let note = other.sign(TEXT).unwrap();
    assert!(matches!(Checkpoint::open(&note, other.verifier()), Err(CheckpointError::Origin { .. })));
    let checkpoint: Checkpoint = TEXT.parse().unwrap();
    assert!(matches!(checkpoint.sign(&other), Err(CheckpointError::Origin { .. })));
    assert!(matches!(Checkpoint::open(&note, key().verifier()), Err(CheckpointError::Note(NoteError::Unsigned(_)))));
}

#[test]
fn a_checkpoint_has_one_spelling() {
    // Line 0 stands for what can be read but is spelt otherwise.
    for (from, to, line) in [
        ("localhost:8443/ledger\n", "\n", 1),
        ("\n0\n", "\n00\n", 0),
        ("\n0\n", "\n+0\n", 0),
        ("\n0\n", "\n-1\n", 2),
        ("\n0\n", "\n\n", 2),
        ("\n0\n", "\n18446744073709551616\n", 2),
        ("FU=\n", "FU\n", 3),
        ("FU=\n", "FV=\n", 3),
        ("47DEQpj8", "", 3),
        ("at ", "", 4),
        ("03:48:00Z", "03:48:00+00:00", 0),
        ("03:48:00Z", "03:48:00.5Z", 0),
        ("03:48:00Z", "25:48:00Z", 4),
        ("00Z\n", "00Z\nmore\n", 5),
        ("00Z\n", "00Z\n\n", 5),
        ("00Z\n", "00Z", 4),
    ] {
        let found = TEXT.replace(from, to).parse::<Checkpoint>();
        let at = match found {
            Err(CheckpointError::Line { line, .. }) => Some(line),
            Err(CheckpointError::Spelling) => Some(0),
            _ => None,
        };
        assert_eq!(at, Some(line), "{to:?}");
    }
}
