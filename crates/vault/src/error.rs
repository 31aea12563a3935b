//! Why the vault cannot help.

use std::path::{Path, PathBuf};

/// Why the vault cannot help. No message carries a key or a value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There are keys, but not the one that opens them.
    #[error(
        "the root key {0} is missing, and the keys beside it cannot be opened without it; \
         put the file back from your copy. Nothing was changed"
    )]
    RootKeyLost(PathBuf),
    /// The root key is another one.
    #[error(
        "the root key {0} is not the one that these keys were made with; put the right file back. Nothing was changed"
    )]
    WrongRootKey(PathBuf),
    /// The root key's file cannot be read as one.
    #[error(
        "{0} is no root key: expected the line `wordbond root key 1` and 64 hexadecimal digits, or a sealed one. \
         Nothing was changed"
    )]
    NoRootKey(PathBuf),
    /// The root key is sealed and nothing to open it was given.
    #[error("{0} is sealed with a passphrase: name the file that holds it with --passphrase-file. Nothing was changed")]
    NoPassphrase(PathBuf),
    /// The passphrase is another one.
    #[error("the passphrase does not open the root key {0}. Nothing was changed")]
    WrongPassphrase(PathBuf),
    /// A passphrase was given for a root key that needs none.
    #[error(
        "the root key {0} is not sealed with a passphrase; seal it with `wordbond keys rotate --root \
         --new-passphrase-file FILE`, or leave --passphrase-file out. Nothing was changed"
    )]
    UnsealedRootKey(PathBuf),
    /// Whoever keeps the root key cannot be asked, or refuses.
    #[error("{keeper} keeps the root key and does not help: {reason}. Nothing was changed")]
    Keeper {
        /// Who.
        keeper: String,
        /// What came instead.
        reason: String,
    },
    /// Others can read the root key.
    #[error("the root key {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}")]
    ExposedRootKey {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key that should be there is not: it was never made, or it was destroyed.
    #[error("there is no key {0}: it was never made, or it was destroyed with its owner's data")]
    NoKey(String),
    /// The two folders of keys cannot be made the same without losing a key.
    #[error(
        "the keys here and in the mirror {mirror} do not belong together: {name} would be lost. Put back the root key that \
         opens both, or move away the folder that is not this system's, and start again. Nothing was changed"
    )]
    Diverged {
        /// The second folder.
        mirror: PathBuf,
        /// What only one of them can hold.
        name: String,
    },
    /// A key's file does not open under its wrapping key.
    #[error("the key {0} is damaged or belongs elsewhere")]
    DamagedKey(String),
    /// A value is damaged, or was moved from another place.
    #[error("the sealed value of {0} is damaged or belongs elsewhere")]
    DamagedValue(String),
    /// Bytes that are no sealed value at all.
    #[error("these bytes are no sealed value")]
    NotSealed,
    /// The value opened, but is not of the expected type.
    #[error("the sealed value of {0} is not of the expected type")]
    OtherType(String),
    /// The system has no randomness.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// The file system refused.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Adds to an error of the file system what was attempted on which path.
pub(crate) trait IoContext<T> {
    fn on(self, what: &'static str, path: &Path) -> Result<T, VaultError>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn on(self, what: &'static str, path: &Path) -> Result<T, VaultError> {
        self.map_err(|source| VaultError::Io { what, path: path.to_owned(), source })
    }
}
