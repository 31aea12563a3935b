//! What kind of data a column, blob or third party holds.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The class of a piece of data. The data map gives one to every column; nothing is unclassified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataClass {
    /// Says nothing about a person: schema versions, counters, published text.
    System,
    /// An identifier without meaning of its own that stands for a person or tenant (GDPR article 4(5)).
    Pseudonym,
    /// A keyed hash by which a value can be looked up but not read.
    BlindIndex,
    /// A hash of a secret, or a wrapped key.
    Credential,
    /// Data about an identified person: names, addresses, messages. Stored as ciphertext only.
    Personal,
    /// What customers make: drawings, notes, objectives. Stored as ciphertext only.
    Content,
}

impl DataClass {
    /// Every class, from the least to the most sensitive.
    pub const ALL: [Self; 6] =
        [Self::System, Self::Pseudonym, Self::BlindIndex, Self::Credential, Self::Personal, Self::Content];

    /// Whether a column of this class may only hold ciphertext.
    #[must_use]
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::Personal | Self::Content)
    }

    /// The word that stands for the class in `data_map.toml` and `promises.toml`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Pseudonym => "pseudonym",
            Self::BlindIndex => "blind-index",
            Self::Credential => "credential",
            Self::Personal => "personal",
            Self::Content => "content",
        }
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for DataClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|class| class.word() == text).ok_or_else(|| {
            format!("`{text}` is no class of data; expected one of {}", Self::ALL.map(Self::word).join(", "))
        })
    }
}
