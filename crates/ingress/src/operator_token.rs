//! The operator's token: made once, kept in the data directory, compared without telling how much of it was right.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, rand};
use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// What every token begins with.
const PREFIX: &str = "wbo_";
/// The shortest token that is accepted from a file.
const SHORTEST: usize = 32;

/// The operator's token, as a hash.
#[derive(Clone)]
pub(crate) struct OperatorToken([u8; 32]);

impl OperatorToken {
    /// The token of that text; white space around it does not count.
    #[must_use]
    pub(crate) fn of(token: &str) -> Self {
        Self(hash(token.trim()))
    }

    /// Whether this is the token. Hashes are compared, so that neither length nor common prefix shows in the time it takes.
    #[must_use]
    pub(crate) fn is(&self, token: &str) -> bool {
        verify_slices_are_equal(&self.0, &hash(token)).is_ok()
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken(..)")
    }
}

/// Reads the token from a file, or makes it there, readable by its owner only.
///
/// # Errors
/// The file cannot be read or written, or holds too short a token.
pub fn read_or_create(path: &Path) -> io::Result<String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
        Err(error) => return Err(error),
    };
    let token = text.trim();
    if token.len() < SHORTEST {
        let what =
            format!("{} holds fewer than {SHORTEST} characters; remove it, and a new one is made", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(token.to_owned())
}

fn create(path: &Path) -> io::Result<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
    let token = bytes.iter().fold(PREFIX.to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    Ok(token)
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.token");
        let text = read_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let token = OperatorToken::of(&text);
        assert!(token.is(&text) && !token.is("") && !token.is(&text[1..]));
        assert_eq!(read_or_create(&path).unwrap(), text);
        fs::write(&path, "short").unwrap();
        assert!(read_or_create(&path).is_err());
    }
}
