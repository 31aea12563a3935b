//! Who may do what in a team: the roles, the permissions, and the matrix of the two. It is data, so that the routes, the
//! pages and the probes read the same table.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a member of a team is. The order is the order of power: whoever is more may do all that whoever is less may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Reads.
    Viewer,
    /// Reads and writes.
    Member,
    /// Looks after the team and its people.
    Admin,
    /// Owns the team: may hand it over and delete it. A team has at least one.
    Owner,
}

impl TeamRole {
    /// Every role, the least powerful first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The word in the database, in forms and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of this word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the matrix gives this role that permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        MATRIX.iter().any(|(of, roles)| *of == permission && roles.contains(&self))
    }
}

impl fmt::Display for TeamRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchRole;

impl fmt::Display for NoSuchRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such role: viewer, member, admin and owner are known")
    }
}

impl std::error::Error for NoSuchRole {}

impl FromStr for TeamRole {
    type Err = NoSuchRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(NoSuchRole)
    }
}

/// One thing that a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// See the team: its name, its members, its settings.
    TeamRead,
    /// Change the team's settings.
    TeamManage,
    /// Hand the team over, delete it.
    TeamOwn,
    /// Invite people.
    MembersInvite,
    /// Change roles, remove members, add people over the API.
    MembersManage,
    /// Read the team's log.
    AuditRead,
    /// Read one's own notes and what is shared with one.
    NotesRead,
    /// Write notes.
    NotesWrite,
    /// See one's own drawings and what is shared with one.
    DrawingsRead,
    /// Upload, share and delete drawings.
    DrawingsWrite,
    /// See the team's objectives.
    ObjectivesRead,
    /// Write one's own and the team's objectives, check in.
    ObjectivesWrite,
    /// Write the company's objectives.
    CompanyObjectivesWrite,
    /// What concerns only oneself: one's own account, tokens, sessions.
    OwnAccount,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 14] = [
        Self::TeamRead,
        Self::TeamManage,
        Self::TeamOwn,
        Self::MembersInvite,
        Self::MembersManage,
        Self::AuditRead,
        Self::NotesRead,
        Self::NotesWrite,
        Self::DrawingsRead,
        Self::DrawingsWrite,
        Self::ObjectivesRead,
        Self::ObjectivesWrite,
        Self::CompanyObjectivesWrite,
        Self::OwnAccount,
    ];

    /// The word in tables and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TeamRead => "team-read",
            Self::TeamManage => "team-manage",
            Self::TeamOwn => "team-own",
            Self::MembersInvite => "members-invite",
            Self::MembersManage => "members-manage",
            Self::AuditRead => "audit-read",
            Self::NotesRead => "notes-read",
            Self::NotesWrite => "notes-write",
            Self::DrawingsRead => "drawings-read",
            Self::DrawingsWrite => "drawings-write",
            Self::ObjectivesRead => "objectives-read",
            Self::ObjectivesWrite => "objectives-write",
            Self::CompanyObjectivesWrite => "company-objectives-write",
            Self::OwnAccount => "own-account",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const EVERYBODY: &[TeamRole] = &TeamRole::ALL;
const WRITERS: &[TeamRole] = &[TeamRole::Member, TeamRole::Admin, TeamRole::Owner];
const ADMINS: &[TeamRole] = &[TeamRole::Admin, TeamRole::Owner];
const OWNERS: &[TeamRole] = &[TeamRole::Owner];

/// Which roles have which permission. Every permission stands here once.
pub const MATRIX: &[(Permission, &[TeamRole])] = &[
    (Permission::TeamRead, EVERYBODY),
    (Permission::TeamManage, ADMINS),
    (Permission::TeamOwn, OWNERS),
    (Permission::MembersInvite, ADMINS),
    (Permission::MembersManage, ADMINS),
    (Permission::AuditRead, ADMINS),
    (Permission::NotesRead, EVERYBODY),
    (Permission::NotesWrite, WRITERS),
    (Permission::DrawingsRead, EVERYBODY),
    (Permission::DrawingsWrite, WRITERS),
    (Permission::ObjectivesRead, EVERYBODY),
    (Permission::ObjectivesWrite, WRITERS),
    (Permission::CompanyObjectivesWrite, ADMINS),
    (Permission::OwnAccount, EVERYBODY),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_names_every_permission_once() {
        for permission in Permission::ALL {
            assert_eq!(MATRIX.iter().filter(|(of, _)| *of == permission).count(), 1, "{permission}");
        }
        assert_eq!(MATRIX.len(), Permission::ALL.len());
    }

    #[test]
    fn whoever_is_more_may_all_that_whoever_is_less_may() {
        assert!(TeamRole::ALL.is_sorted());
        for pair in TeamRole::ALL.windows(2) {
            let [less, more] = pair else { panic!("pairs") };
            for permission in Permission::ALL {
                assert!(!less.may(permission) || more.may(permission), "{less} may {permission} and {more} may not");
            }
        }
        assert!(!TeamRole::Viewer.may(Permission::NotesWrite));
        assert!(TeamRole::Member.may(Permission::NotesWrite) && !TeamRole::Member.may(Permission::AuditRead));
        assert!(TeamRole::Admin.may(Permission::MembersManage) && !TeamRole::Admin.may(Permission::TeamOwn));
        assert!(TeamRole::Owner.may(Permission::TeamOwn));
    }

    #[test]
    fn words_are_read_back() {
        for role in TeamRole::ALL {
            assert_eq!(TeamRole::parse(role.as_str()), Some(role));
            assert_eq!(serde_json::to_value(role).expect("a word"), role.as_str());
        }
        for permission in Permission::ALL {
            assert_eq!(serde_json::to_value(permission).expect("a word"), permission.as_str());
        }
        assert_eq!(TeamRole::parse("Owner"), None);
        assert!("root".parse::<TeamRole>().is_err());
    }
}
