//! The passwords that everybody uses: `data/make_block_list.py` says where they come from. Kept as sorted beginnings of their
//! SHA-256, six bytes each, so that the list is small and holds no foul words. One password in about twenty milliards is
//! refused by mistake.

use aws_lc_rs::digest::{SHA256, digest};

const LIST: &[u8] = include_bytes!("../../data/block_list.bin");
const EACH: usize = 6;

/// Whether the word, in lower case, is on the list.
pub(crate) fn contains(word: &str) -> bool {
    let hash = digest(&SHA256, word.as_bytes());
    let Some(wanted) = hash.as_ref().first_chunk::<EACH>() else { return false };
    let (entries, _) = LIST.as_chunks::<EACH>();
    entries.binary_search(wanted).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_whole_and_knows_the_worst() {
        assert_eq!(LIST.len() % EACH, 0);
        let (entries, _) = LIST.as_chunks::<EACH>();
        assert!(entries.len() > 15_000, "{}", entries.len());
        assert!(entries.is_sorted_by(|a, b| a < b));
        for word in ["password", "12345678", "qwertyuiop", "trustno1", "dragon", "iloveyou", "sunshine", "password1"] {
            assert!(contains(word), "{word}");
        }
        for word in ["", "a", "correcthorsebatterystaple", "4b1f9c0e7d"] {
            assert!(!contains(word), "{word}");
        }
    }
}
