//! What goes over the wire. Types of their own: a new column leaks nowhere by itself.

use kernel::{PersonId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{audit::AuditEntry, notes::Note};
use utoipa::ToSchema;
use uuid::Uuid;

/// A person who joins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// What they are called.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// Their address.
    #[schema(min_length = 3, max_length = 254, example = "ada@example.com")]
    pub(crate) email: String,
}

impl NewPerson {
    pub(crate) fn as_new(&self) -> store::tenancy::NewPerson<'_> {
        store::tenancy::NewPerson { name: &self.name, email: &self.email }
    }
}

/// A team that begins, with its first person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    /// What the team is called.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// Its first person.
    pub(crate) person: NewPerson,
}

/// A person who has joined. The token is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Joined {
    /// The team.
    #[schema(value_type = String, format = Uuid)]
    tenant: TenantId,
    /// The person.
    #[schema(value_type = String, format = Uuid)]
    person: PersonId,
    /// The bearer token by which they are known.
    token: String,
}

impl From<store::tenancy::Joined> for Joined {
    fn from(joined: store::tenancy::Joined) -> Self {
        Self { tenant: joined.tenant, person: joined.person, token: joined.token.expose().to_owned() }
    }
}

/// The person who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// Their team.
    #[schema(value_type = String, format = Uuid)]
    pub(crate) tenant: TenantId,
    /// What the team is called.
    pub(crate) tenant_name: String,
    /// Their id.
    #[schema(value_type = String, format = Uuid)]
    pub(crate) person: PersonId,
    /// What they are called.
    pub(crate) name: String,
    /// Their address.
    pub(crate) email: String,
}

/// A note as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Writing {
    /// Its title.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) title: String,
    /// Its text.
    #[schema(min_length = 1, max_length = 100_000)]
    pub(crate) text: String,
}

/// A note that was written.
#[derive(Serialize, ToSchema)]
pub(crate) struct Written {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub(crate) note: Uuid,
}

/// A note.
#[derive(Serialize, ToSchema)]
#[schema(as = Note)]
pub(crate) struct Shown {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    note: Uuid,
    /// Who wrote it.
    #[schema(value_type = String, format = Uuid)]
    owner: PersonId,
    /// Its title.
    title: String,
    /// Its text.
    text: String,
    /// Counts its changes, from 1.
    version: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Note> for Shown {
    fn from(note: Note) -> Self {
        let Note { id, owner, title, text, version, created_at, updated_at } = note;
        Self { note: id, owner, title, text, version, created_at, updated_at }
    }
}

/// The notes that a person may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notes {
    /// The newest first.
    pub(crate) notes: Vec<Shown>,
}

/// What was done, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trail {
    /// The events.
    pub(crate) events: Vec<AuditEvent>,
}

/// One event, with all that it takes to check it against the ledger: the commitment there is the SHA-256 of the salt's
/// bytes followed by the event as compact JSON with the keys in this order: actor, action, targets, context, at.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    /// The ledger's entry.
    entry: i64,
    /// The index of the leaf, once the ledger has sealed it.
    leaf: Option<u64>,
    /// Who did it.
    #[schema(value_type = Object)]
    actor: kernel::Actor,
    /// What.
    action: String,
    /// To what or whom.
    targets: Vec<String>,
    /// What else it takes to understand it.
    context: BTreeMap<String, String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The salt, in hexadecimal.
    salt: String,
    /// The commitment that must stand in the ledger, in hexadecimal.
    commitment: String,
}

impl From<AuditEntry> for AuditEvent {
    fn from(found: AuditEntry) -> Self {
        let ledger::audit::Event { actor, action, targets, context, at } = found.event;
        let (entry, leaf, salt) = (found.entry, found.leaf, found.salt);
        Self { entry, leaf, actor, action, targets, context, at, salt, commitment: found.commitment.to_string() }
    }
}
