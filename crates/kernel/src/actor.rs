//! Who is asking.

use crate::PersonId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The party on whose behalf something happens. Every scoped transaction and every ledger event carries one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    Person {
        /// The person.
        id: PersonId,
    },
    /// Somebody with the operator's credentials.
    Operator,
    /// The system itself, in a named job.
    Job {
        /// The job's name, for example `seal`.
        name: String,
    },
    /// Nobody in particular: a request without credentials.
    Visitor,
}

impl Actor {
    /// The person behind the actor, where there is one. Row policies compare it with the row's owner.
    #[must_use]
    pub const fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person { id } => Some(*id),
            Self::Operator | Self::Job { .. } | Self::Visitor => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { id } => write!(f, "person {id}"),
            Self::Operator => f.write_str("operator"),
            Self::Job { name } => write!(f, "job {name}"),
            Self::Visitor => f.write_str("visitor"),
        }
    }
}
