//! Words for whom a probe plants: they read like names, and nobody used them before.

use crate::StoreError;
use aws_lc_rs::rand;
use vault::VaultError;

const ONSETS: &[u8] = b"bdfghjklmnprstvz";
const VOWELS: &[u8] = b"aeiouaeiouaeioua";

/// A word of twelve letters, with a capital.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn word() -> Result<String, StoreError> {
    let mut random = [0; 6];
    rand::fill(&mut random).map_err(|_| StoreError::Vault(VaultError::NoRandomness))?;
    let pick = |from: &[u8], at: u8| char::from(from.get(usize::from(at)).copied().unwrap_or(b'a'));
    let letters: String = random.iter().flat_map(|byte| [pick(ONSETS, byte >> 4), pick(VOWELS, byte & 15)]).collect();
    let (first, rest) = letters.split_at(1);
    Ok(first.to_uppercase() + rest)
}

/// So many of them, with blanks between.
///
/// # Errors
/// As [`word`].
pub fn words(count: usize) -> Result<String, StoreError> {
    Ok((0..count).map(|_| word()).collect::<Result<Vec<_>, _>>()?.join(" "))
}
