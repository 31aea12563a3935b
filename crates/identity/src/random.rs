//! Random bytes.

use aws_lc_rs::rand;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

/// Random bytes.
///
/// # Errors
/// There are none to be had.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A text of 43 characters that nobody can guess: 32 random bytes in base64url.
///
/// # Errors
/// There is no randomness to be had.
pub fn token() -> Result<String, NoRandomness> {
    bytes::<32>().map(|bytes| crate::encode::base64url(&bytes))
}
