//! The whole workspace as one document: what an export writes and what an import reads.
//!
//! [`Canonical`] is the same without what differs from one system to another: two exports of the same workspace, one of them
//! read back elsewhere, are equal in it.

mod canonical;
mod read_back;

pub use canonical::Canonical;
pub(crate) use read_back::NotRead;

use crate::people::People;
use jiff::civil::Date;
use kernel::{PersonId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use store::objectives::{
    self, CheckIn, Deed, Direction, Every, Everything, KeyResult, Level, Objective, Revision, Status, Unit,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// What the document calls itself.
pub const FORMAT: &str = "wordbond.objectives";
/// The version of its schema. A reader refuses another.
pub const SCHEMA_VERSION: u32 = 1;

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExport)]
pub struct Document {
    /// `wordbond.objectives`.
    #[schema(example = "wordbond.objectives")]
    pub format: String,
    /// The version of this schema: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub schema_version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub exported_at: Timestamp,
    /// Of which workspace.
    pub workspace: Workspace,
    /// Everybody whom the rest names.
    pub people: Vec<Somebody>,
    /// The objectives, archived ones too, the oldest first.
    pub objectives: Vec<Goal>,
    /// Their key results, the oldest first.
    pub key_results: Vec<Measure>,
    /// Every check-in with its comment, the oldest first.
    pub check_ins: Vec<Entry>,
    /// Every change, the oldest first.
    pub history: Vec<Step>,
}

/// The workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportWorkspace)]
pub struct Workspace {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub id: TenantId,
    /// Its name.
    pub name: String,
}

/// Somebody whom the document names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportPerson)]
pub struct Somebody {
    /// Their id in the workspace.
    #[schema(value_type = String, format = Uuid)]
    pub id: PersonId,
    /// Their name; null for whoever is no member any more.
    pub name: Option<String>,
}

/// An objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportObjective)]
pub struct Goal {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// What is to be reached.
    pub title: String,
    /// What that means; may be empty.
    pub description: String,
    /// company, team or personal.
    #[schema(value_type = String)]
    pub level: Level,
    /// draft, active, completed, on-hold or cancelled.
    #[schema(value_type = String)]
    pub status: Status,
    /// Who answers for it.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub owner: Option<PersonId>,
    /// The objective that it supports.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub parent: Option<Uuid>,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub starts_on: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub ends_on: Date,
    /// How much it counts among its siblings, 0 to 100.
    pub weight: u8,
    /// week, two-weeks or month.
    #[schema(value_type = String)]
    pub check_in_every: Every,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// When it was put away.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub archived_at: Option<Timestamp>,
}

/// A key result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportKeyResult)]
pub struct Measure {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// The objective that it belongs to.
    #[schema(value_type = String, format = Uuid)]
    pub objective: Uuid,
    /// What is measured.
    pub title: String,
    /// Who answers for it.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub owner: Option<PersonId>,
    /// number, percentage, currency or boolean.
    #[schema(value_type = String)]
    pub unit: Unit,
    /// increase, decrease or maintain.
    #[schema(value_type = String)]
    pub direction: Direction,
    /// The value at the beginning.
    pub initial: f64,
    /// The value to reach; the upper bound of a range.
    pub target: f64,
    /// The lower bound of a range.
    pub lower: Option<f64>,
    /// How much it counts among its siblings, 0 to 100.
    pub weight: u8,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// When it was put away.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub archived_at: Option<Timestamp>,
}

/// A check-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportCheckIn)]
pub struct Entry {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// The key result.
    #[schema(value_type = String, format = Uuid)]
    pub key_result: Uuid,
    /// Who checked in.
    #[schema(value_type = String, format = Uuid)]
    pub person: PersonId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The value since then.
    pub value: f64,
    /// How likely the target seemed, 1 to 10.
    pub confidence: u8,
    /// What there was to say; may be empty.
    pub comment: String,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportChange)]
pub struct Step {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// The objective.
    #[schema(value_type = String, format = Uuid)]
    pub objective: Uuid,
    /// The key result, where it was one that was changed.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub key_result: Option<Uuid>,
    /// Who.
    #[schema(value_type = String, format = Uuid)]
    pub person: PersonId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The version that it led to.
    pub version: u64,
    /// created, edited, archived or restored.
    #[schema(value_type = String)]
    pub deed: Deed,
    /// Each field that was changed.
    pub changes: Vec<Changed>,
    /// The whole as it was since.
    #[schema(value_type = Object)]
    pub state: Value,
}

/// A field that was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectivesExportField)]
pub struct Changed {
    /// Which.
    pub field: String,
    /// What it said before.
    pub from: Value,
    /// What it said since.
    pub to: Value,
}

impl Document {
    /// The document of everything.
    pub(crate) fn of(workspace: Workspace, everything: Everything, people: &People, now: Timestamp) -> Self {
        let Everything { tree, check_ins, revisions } = everything;
        let owners = tree.objectives.iter().map(|one| one.fields.owner);
        let measured = tree.key_results.iter().map(|one| one.fields.owner);
        let wrote = check_ins.iter().map(|one| one.person).chain(revisions.iter().map(|one| one.person)).map(Some);
        let named: BTreeSet<PersonId> = owners.chain(measured).chain(wrote).flatten().chain(people.ids()).collect();
        let somebody = |id: PersonId| Somebody { id, name: people.name(id).map(str::to_owned) };
        Self {
            format: FORMAT.to_owned(),
            schema_version: SCHEMA_VERSION,
            exported_at: now,
            workspace,
            people: named.into_iter().map(somebody).collect(),
            objectives: tree.objectives.into_iter().map(Goal::from).collect(),
            key_results: tree.key_results.into_iter().map(Measure::from).collect(),
            check_ins: check_ins.into_iter().map(Entry::from).collect(),
            history: revisions.into_iter().map(Step::from).collect(),
        }
    }
}

impl Document {
    /// What is recorded of a workspace, without who is who: to compare an export with.
    pub(crate) fn bare(everything: Everything) -> Self {
        let workspace = Workspace { id: TenantId::from(Uuid::nil()), name: String::new() };
        Self::of(workspace, everything, &People::none(), Timestamp::UNIX_EPOCH)
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.objectives.len() + self.key_results.len() + self.check_ins.len() + self.history.len()
    }

    /// The ids of its rows.
    pub fn ids(&self) -> impl Iterator<Item = String> {
        let objectives = self.objectives.iter().map(|one| one.id);
        let key_results = self.key_results.iter().map(|one| one.id);
        objectives.chain(key_results).chain(self.check_ins.iter().map(|one| one.id)).map(|id| id.to_string())
    }
}

impl From<Objective> for Goal {
    fn from(one: Objective) -> Self {
        let Objective { id, fields, version, created_at, updated_at, archived_at } = one;
        Self {
            id,
            title: fields.title,
            description: fields.description,
            level: fields.level,
            status: fields.status,
            owner: fields.owner,
            parent: fields.parent,
            starts_on: fields.starts_on,
            ends_on: fields.ends_on,
            weight: fields.weight,
            check_in_every: fields.check_in_every,
            version,
            created_at,
            updated_at,
            archived_at,
        }
    }
}

impl From<KeyResult> for Measure {
    fn from(one: KeyResult) -> Self {
        let KeyResult { id, objective, fields, version, created_at, updated_at, archived_at, latest: _ } = one;
        Self {
            id,
            objective,
            title: fields.title,
            owner: fields.owner,
            unit: fields.unit,
            direction: fields.direction,
            initial: fields.initial,
            target: fields.target,
            lower: fields.lower,
            weight: fields.weight,
            version,
            created_at,
            updated_at,
            archived_at,
        }
    }
}

impl From<CheckIn> for Entry {
    fn from(one: CheckIn) -> Self {
        let CheckIn { id, key_result, person, at, value, confidence, comment } = one;
        Self { id, key_result, person, at, value, confidence, comment }
    }
}

impl From<Revision> for Step {
    fn from(one: Revision) -> Self {
        let Revision { id, objective, key_result, person, at, version, deed, changes, state } = one;
        let changed = |change: objectives::Change| Changed { field: change.field, from: change.from, to: change.to };
        let changes = changes.into_iter().map(changed).collect();
        Self { id, objective, key_result, person, at, version, deed, changes, state }
    }
}
