//! Passwords: how they are hashed, and which ones are too weak.

mod block_list;
mod breach;
mod hasher;
mod patterns;
mod phc;
mod rules;

pub use breach::{BreachFile, BreachFileError};
pub use hasher::{HashError, Hasher, LONGEST, Verified};
pub use phc::{Params, ParamsError};
pub use rules::{About, Rules, Weakness};

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The password in one form, whatever keyboard it was typed on: NFC, and every space as the ASCII space, as in the profile
/// `OpaqueString` of RFC 8265.
pub(crate) fn normal(password: &str) -> Zeroizing<String> {
    // Filled to its final size at once, so that no copy stays behind in a buffer that was outgrown.
    let mut text = Zeroizing::new(String::with_capacity(password.len() * 3));
    text.extend(password.nfc().map(|c| if c.is_whitespace() && !c.is_control() { ' ' } else { c }));
    text
}
