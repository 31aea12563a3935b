//! Checkpoints by the text of <https://c2sp.org/tlog-checkpoint>: a signed note that says how many leaves the log has and
//! what their root is.
//!
//! The text allows further lines. Ours is one, `at 2026-11-22T03:48:00Z`: without the time of signing in the signed text,
//! nobody could tell a log that stands still from an old copy of one that does not.

use crate::{
    merkle::{Hash, Head},
    note::{self, NoteError, SigningKey, VerifierKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use std::{fmt, str::FromStr};

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When it was signed, in whole seconds.
    pub at: Timestamp,
}

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The signature or the form of the note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line of the text.
    #[error("line {line} of the checkpoint is not {expected}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The size, root or time could be read, but has another spelling than the one it must have: `007`, `+00:00`.
    #[error("the size, root or time of the checkpoint is not in its one spelling")]
    Spelling,
    /// The checkpoint is of another log.
    #[error("the checkpoint is of {found}, the key of {expected}")]
    Origin {
        /// The origin in the checkpoint.
        found: String,
        /// The name of the key.
        expected: String,
    },
}

impl Checkpoint {
    /// The size and root.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }

    /// The checkpoint in a note that `key` signed.
    ///
    /// # Errors
    /// If the note does not open, the text is no checkpoint, or the origin is not the key's name.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint: Self = note::open(note, key)?.parse()?;
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Origin { found: checkpoint.origin, expected: key.name().to_owned() })
        }
    }

    /// The checkpoint as a note signed by `key`.
    ///
    /// # Errors
    /// If the origin is not the key's name.
    pub fn sign(&self, key: &SigningKey) -> Result<String, CheckpointError> {
        if self.origin != key.name() {
            return Err(CheckpointError::Origin { found: self.origin.clone(), expected: key.name().to_owned() });
        }
        Ok(key.sign(&self.to_string())?)
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}\nat {}", self.origin, self.size, STANDARD.encode(self.root), seconds(self.at))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the text of a checkpoint, which has one spelling.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let refused = |line, expected| CheckpointError::Line { line, expected };
        let body = text.strip_suffix('\n').ok_or(refused(4, "ended by a newline"))?;
        let mut lines = body.split('\n');
        let mut next = |line, expected| lines.next().ok_or(refused(line, expected));
        let origin = next(1, "an origin")?;
        let size = next(2, "a size")?;
        let root = next(3, "a root hash")?;
        let at = next(4, "a time")?;
        if origin.is_empty() {
            return Err(refused(1, "an origin"));
        }
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let at = at.strip_prefix("at ").and_then(|at| at.parse().ok());
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| refused(2, "a size"))?,
            root: root.ok_or(refused(3, "a root hash"))?,
            at: at.ok_or(refused(4, "a time, as in «at 2026-11-22T03:48:00Z»"))?,
        };
        match lines.next() {
            Some(_) => Err(refused(5, "expected")),
            None if checkpoint.to_string() == text => Ok(checkpoint),
            None => Err(CheckpointError::Spelling),
        }
    }
}

/// An instant cut to whole seconds.
#[must_use]
pub(crate) fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
#[path = "checkpoint/tests.rs"]
mod tests;
