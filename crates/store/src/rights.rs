//! A person's rights, as far as rows are concerned: cases, what is held about whom, erasure, restriction, retention. Rules about
//! deadlines and packages stand in `privacy`.
//!
//! Whatever is done to a person's rows is read off the data map: which tables name people in which columns, and what an
//! erasure does with them.

pub mod bystanders;
pub mod cases;
pub mod clocks;
pub mod decide;
pub mod erase;
pub mod footprint;
pub mod holds;
pub mod invitations;
pub mod list;
pub mod places;
pub mod recipients;
pub mod restrict;
pub mod retention;
pub mod rows;
pub mod tombstones;
pub mod verify;

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What is asked for, by the article that grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// To see what is held (GDPR article 15).
    Access,
    /// To take it along (article 20).
    Portability,
    /// To have it erased (article 17).
    Erasure,
    /// To have it left alone (article 18).
    Restriction,
    /// To object to its use (article 21).
    Objection,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Access, Self::Portability, Self::Erasure, Self::Restriction, Self::Objection];

    /// The word that stands for it in forms, addresses and tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Portability => "portability",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Objection => "objection",
        }
    }
}

/// How far a case has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The clock runs.
    Open,
    /// The person must answer first; the clock stands.
    Paused,
    /// An erasure is being carried out: what could be undone is gone.
    Working,
    /// Answered.
    Done,
    /// Refused, with a reason.
    Refused,
    /// The person took it back.
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Open, Self::Paused, Self::Working, Self::Done, Self::Refused, Self::Withdrawn];

    /// The word that stands for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Working => "working",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Withdrawn)
    }
}

macro_rules! words {
    ($type:ident, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.into_iter().find(|one| one.word() == text);
                found.ok_or_else(|| format!(concat!("`{}` is no ", $what), text))
            }
        }
    };
}

words!(Kind, "kind of request");
words!(State, "state of a case");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.word().parse(), Ok(kind));
        }
        for state in State::ALL {
            assert_eq!(state.word().parse(), Ok(state));
        }
        assert!("forget".parse::<Kind>().is_err());
    }
}
