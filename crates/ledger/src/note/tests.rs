//! The examples of the C2SP text and of Go's `sumdb/note`, and what must be refused.

use super::*;
use proptest::prelude::*;

const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const C2SP_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/// `PRIVATE+KEY+PeterNeumann+c74f20a3+` and this: the algorithm's byte and the seed.
const GO_SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_LINE: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn go_key() -> SigningKey {
    let seed: [u8; 33] = STANDARD.decode(GO_SEED).unwrap().try_into().unwrap();
    SigningKey::from_seed("PeterNeumann", seed.last_chunk().unwrap()).unwrap()
}

#[test]
fn the_example_of_the_text_opens() {
    let key: VerifierKey = C2SP_KEY.parse().unwrap();
    assert_eq!(key.to_string(), C2SP_KEY);
    assert_eq!(open(C2SP_NOTE, &key), Ok("This is an example message.\n"));
}

#[test]
fn the_example_of_go_is_signed_and_opened_byte_for_byte() {
    let key = go_key();
    assert_eq!(key.verifier().to_string(), GO_KEY);
    assert_eq!(GO_KEY.parse(), Ok(key.verifier().clone()));
    let note = key.sign(GO_TEXT).unwrap();
    assert_eq!(note, format!("{GO_TEXT}\n{GO_LINE}"));
    assert_eq!(open(&note, key.verifier()), Ok(GO_TEXT));
}

#[test]
fn other_signatures_are_ignored_and_never_accepted() {
    let key = go_key();
    let other: VerifierKey = C2SP_KEY.parse().unwrap();
    let note = key.sign(GO_TEXT).unwrap();
    assert_eq!(open(&note, &other), Err(NoteError::Unsigned("example.com/foo".to_owned())));
    // A signature of an unknown algorithm under the same name has another key id: a line to ignore.
    let unknown = format!("— PeterNeumann {}\n", STANDARD.encode([&[9, 9, 9, 9], [7; 2_420].as_slice()].concat()));
    assert_eq!(open(&format!("{note}{unknown}"), key.verifier()), Ok(GO_TEXT));
    assert_eq!(open(&format!("{GO_TEXT}\n{unknown}{GO_LINE}"), key.verifier()), Ok(GO_TEXT));
    let unsigned = Err(NoteError::Unsigned("PeterNeumann".to_owned()));
    assert_eq!(open(&format!("{GO_TEXT}\n{unknown}"), key.verifier()), unsigned);
    // A second line that names the key and is false spoils the note.
    let bad = format!("— PeterNeumann {}\n", STANDARD.encode([&key.verifier().id(), [7; 64].as_slice()].concat()));
    assert_eq!(open(&format!("{note}{bad}"), key.verifier()), Err(NoteError::Forged("PeterNeumann".to_owned())));
}

#[test]
fn keys_must_be_written_as_keys_are() {
    for wrong in ["", "name", "name+12345678", "+c74f20a3+AQ==", "a b+c74f20a3+AQ==", "n+c74f20a3+!", "n+c74f20a3+"] {
        assert!(matches!(wrong.parse::<VerifierKey>(), Err(NoteError::Key(_))), "{wrong}");
    }
    let short = format!("n+c74f20a3+{}", STANDARD.encode([1; 32]));
    assert!(matches!(short.parse::<VerifierKey>(), Err(NoteError::Key(_))));
    let upper = GO_KEY.replace("c74f20a3", "C74F20A3");
    assert!(matches!(upper.parse::<VerifierKey>(), Err(NoteError::Key(_))));
    let post_quantum = format!("n+c74f20a3+{}", STANDARD.encode([6; 1_313]));
    assert_eq!(post_quantum.parse::<VerifierKey>(), Err(NoteError::Algorithm(6)));
    assert!(SigningKey::from_seed("a+b", &[0; 32]).is_err());
}

#[test]
fn notes_must_be_written_as_notes_are() {
    let key = go_key();
    let good = format!("{GO_TEXT}\n{GO_LINE}");
    let many = format!("{GO_TEXT}\n{}", GO_LINE.repeat(MAX_SIGNATURES + 1));
    for wrong in [
        "",
        "\n\n",
        GO_TEXT,
        &format!("{GO_TEXT}\n"),
        good.trim_end(),
        &format!("{good}\n"),
        &format!("{good}x"),
        &good.replace("— Peter", "- Peter"),
        &good.replace("— Peter", "—  Peter"),
        &good.replace("AM=", "AM"),
        &good.replace("\nthen", "\rthen"),
        &good.replace("think", "th\tink"),
        &good.replace("nAM=\n", "nAM= \n"),
        &many,
        &format!("{good}{}", " ".repeat(MAX_NOTE)),
        &good.replace("nAM=", "nAN="),
    ] {
        assert!(matches!(open(wrong, key.verifier()), Err(NoteError::Malformed(_))), "{wrong:?}");
    }
    assert_eq!(key.sign("no newline"), Err(NoteError::Malformed("the text does not end in a newline")));
    assert!(key.sign("a\tb\n").is_err());
}

proptest! {
    #[test]
    fn a_flipped_byte_is_never_accepted(at: prop::sample::Index, bit in 0_u8..8) {
        let key = go_key();
        let mut note = key.sign(GO_TEXT).unwrap().into_bytes();
        let at = at.index(note.len());
        if let Some(byte) = note.get_mut(at) {
            *byte ^= 1 << bit;
        }
        if let Ok(note) = String::from_utf8(note) {
            prop_assert!(open(&note, key.verifier()).is_err());
        }
    }

    #[test]
    fn any_text_with_a_newline_signs_and_opens(text in "([a-zà-ž— ]|\n){0,80}\n") {
        let key = go_key();
        let note = key.sign(&text).unwrap();
        prop_assert_eq!(open(&note, key.verifier()), Ok(text.as_str()));
    }
}
