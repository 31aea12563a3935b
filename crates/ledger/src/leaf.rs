//! What stands in the log: one JSON text per leaf, in one spelling, without personal data.

use crate::{audit::Commitment, tile::MAX_ENTRY};
use jiff::Timestamp;
use promises::Observation;
use serde::{Deserialize, Serialize};

/// An entry of the log. Audit events stand in it as commitments; everything else is public in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Leaf {
    /// What a probe attempted and saw.
    Observation(Observation),
    /// Somebody did something: a commitment to an [`crate::audit::Event`] that is kept, sealed, elsewhere.
    Audit {
        /// Binds the event without showing it.
        commitment: Commitment,
        /// When it happened.
        at: Timestamp,
    },
    /// The profile in force changed.
    Profile {
        /// SHA-256 of the new profile, in hexadecimal.
        hash: String,
        /// SHA-256 of the one before; `None` for the first.
        previous: Option<String>,
        /// From when.
        at: Timestamp,
        /// The public diff, a line each.
        changes: Vec<String>,
    },
    /// An instance began to serve.
    Start {
        /// SHA-256 of its executable, in hexadecimal.
        build: String,
        /// SHA-256 of its profile, in hexadecimal.
        profile: String,
        /// When.
        at: Timestamp,
        /// Its random name.
        instance: String,
    },
    /// A sabotage run ended.
    Sabotage {
        /// SHA-256 of the executable that was sabotaged, in hexadecimal.
        build: String,
        /// How many faults were caught.
        caught: u64,
        /// How many were not.
        missed: u64,
        /// How many could not be undone.
        not_undone: u64,
        /// The faults that were not caught, by id.
        survivors: Vec<String>,
        /// When.
        at: Timestamp,
    },
}

/// Why bytes are no leaf, or a leaf does not become bytes.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// The bytes are no JSON of a known kind of leaf.
    #[error("this entry is no leaf of this log: {0}")]
    Json(#[from] serde_json::Error),
    /// The bytes say more than the leaf, or say it otherwise.
    #[error("this entry is not in the one spelling that its leaf has")]
    Spelling,
    /// The leaf does not fit in an entry.
    #[error("this leaf takes {0} bytes, the most is {MAX_ENTRY}")]
    TooLong(usize),
}

impl Leaf {
    /// The entry: compact JSON with the keys in the order of the definition.
    ///
    /// # Errors
    /// If it is longer than an entry can be.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LeafError> {
        let bytes = serde_json::to_vec(self)?;
        if bytes.len() > MAX_ENTRY { Err(LeafError::TooLong(bytes.len())) } else { Ok(bytes) }
    }

    /// The leaf in an entry. What is not spelt as [`Leaf::to_bytes`] spells it is refused, so that no entry carries what
    /// a reader overlooks.
    ///
    /// # Errors
    /// If the entry is no leaf, or spelt otherwise.
    pub fn from_bytes(entry: &[u8]) -> Result<Self, LeafError> {
        let leaf: Self = serde_json::from_slice(entry)?;
        if leaf.to_bytes()? == entry { Ok(leaf) } else { Err(LeafError::Spelling) }
    }

    /// The word in `kind`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Observation(_) => "observation",
            Self::Audit { .. } => "audit",
            Self::Profile { .. } => "profile",
            Self::Start { .. } => "start",
            Self::Sabotage { .. } => "sabotage",
        }
    }

    /// The promise that it is about, for an observation.
    #[must_use]
    pub fn promise(&self) -> Option<&str> {
        match self {
            Self::Observation(observation) => Some(&observation.about.promise),
            Self::Audit { .. } | Self::Profile { .. } | Self::Start { .. } | Self::Sabotage { .. } => None,
        }
    }
}

#[cfg(test)]
#[path = "leaf/tests.rs"]
mod tests;
