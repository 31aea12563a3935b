//! Who may do what in the database.

use std::fmt;

/// A role of the database. Each has a pool of its own, and none is a member of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Owns every table and runs the migrations. Row security is forced on it too.
    Owner,
    /// Serves requests, within the scope of one tenant and actor.
    App,
    /// Appends what the public may believe: observations, profiles, starts, sabotage runs. Sees no row of a tenant.
    Recorder,
    /// Reads what probes may see: the ledger, instances, reports, the catalogue. No row of a tenant.
    Auditor,
    /// Leases jobs by ticket. Sees ids and times.
    Dispatcher,
    /// Finds whose token it is that signs in. Sees a row only if it knows its key.
    Identity,
    /// Erases: reads and deletes within the scope of one person, account or team.
    Eraser,
    /// Reads everything and changes nothing.
    Backup,
    /// Seals the ledger.
    Sealer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Owner,
        Self::App,
        Self::Recorder,
        Self::Auditor,
        Self::Dispatcher,
        Self::Identity,
        Self::Eraser,
        Self::Backup,
        Self::Sealer,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "wordbond_owner",
            Self::App => "wordbond_app",
            Self::Recorder => "wordbond_recorder",
            Self::Auditor => "wordbond_auditor",
            Self::Dispatcher => "wordbond_dispatcher",
            Self::Identity => "wordbond_identity",
            Self::Eraser => "wordbond_eraser",
            Self::Backup => "wordbond_backup",
            Self::Sealer => "wordbond_sealer",
        }
    }

    /// Every name.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.into_iter().map(Self::name).collect()
    }

    /// How many connections its pool may hold.
    pub(crate) const fn connections(self) -> u32 {
        match self {
            Self::App => 12,
            Self::Identity => 4,
            Self::Recorder => 2,
            Self::Auditor => 3,
            Self::Dispatcher | Self::Eraser | Self::Backup => 2,
            Self::Owner | Self::Sealer => 1,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
