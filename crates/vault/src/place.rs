//! Where a sealed value belongs. It opens there and nowhere else.

use kernel::{PersonId, TenantId};
use std::fmt;
use uuid::Uuid;

/// Whose key seals a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One person's: what is about them, and what only they wrote. It becomes unreadable when they are erased.
    Person(PersonId),
    /// The team's: what it owns together.
    Tenant,
}

/// The column of one row, in one version, of one subject. Bound to the value as associated data: a ciphertext that is
/// moved to another row, column, table, version, person or tenant does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tenant whose row it is.
    pub tenant: TenantId,
    /// Whose key seals it.
    pub subject: Subject,
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's own id.
    pub row: Uuid,
    /// Counts the row's changes, so that an old value cannot be put back.
    pub version: u64,
}

impl Place {
    /// The bytes that are bound to the value. Every part has a fixed length or carries its length, so that no two
    /// places have the same bytes.
    #[must_use]
    pub fn context(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        out.extend_from_slice(self.tenant.uuid().as_bytes());
        match self.subject {
            Subject::Tenant => out.push(0),
            Subject::Person(person) => {
                out.push(1);
                out.extend_from_slice(person.uuid().as_bytes());
            }
        }
        for name in [self.table, self.column] {
            out.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(self.row.as_bytes());
        out.extend_from_slice(&self.version.to_be_bytes());
        out
    }
}

/// For error messages: the column, without the ids.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}
