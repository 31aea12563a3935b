//! What goes over the wire. Types of their own: a new column leaks nowhere by itself.

use crate::progress::of_value;
use jiff::civil::Date;
use kernel::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::objectives::{
    self, CheckIn, Direction, Every, KeyResult, KeyResultFields, Level, Objective, ObjectiveFields, Revision, Status,
    Unit,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// An objective as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewObjective {
    /// What is to be reached.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// What that means.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    description: String,
    /// company, team or personal; does not change.
    #[schema(value_type = String, example = "team")]
    level: Level,
    /// draft, active, completed, on-hold or cancelled.
    #[schema(value_type = String, example = "active")]
    status: Status,
    /// Who answers for it.
    #[schema(value_type = Option<String>, format = Uuid)]
    owner: Option<PersonId>,
    /// The objective of a higher level that it supports.
    #[schema(value_type = Option<String>, format = Uuid)]
    parent: Option<Uuid>,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    starts_on: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    ends_on: Date,
    /// How much it counts among its siblings.
    #[schema(minimum = 0, maximum = 100)]
    weight: u8,
    /// week, two-weeks or month.
    #[schema(value_type = String, example = "week")]
    check_in_every: Every,
    /// The version that a change began from; none for a new one.
    version: Option<u64>,
}

impl NewObjective {
    pub(crate) fn into_fields(self) -> (ObjectiveFields, Option<u64>) {
        let Self {
            title,
            description,
            level,
            status,
            owner,
            parent,
            starts_on,
            ends_on,
            weight,
            check_in_every,
            version,
        } = self;
        let fields = ObjectiveFields {
            title,
            description,
            level,
            status,
            owner,
            parent,
            starts_on,
            ends_on,
            weight,
            check_in_every,
        };
        (fields, version)
    }
}

/// A key result as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyResult {
    /// What is measured.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// Who answers for it.
    #[schema(value_type = Option<String>, format = Uuid)]
    owner: Option<PersonId>,
    /// number, percentage, currency or boolean.
    #[schema(value_type = String, example = "number")]
    unit: Unit,
    /// increase, decrease or maintain.
    #[schema(value_type = String, example = "increase")]
    direction: Direction,
    /// The value at the beginning.
    initial: f64,
    /// The value to reach; the upper bound of a range.
    target: f64,
    /// The lower bound of a range.
    lower: Option<f64>,
    /// How much it counts among its siblings.
    #[schema(minimum = 0, maximum = 100)]
    weight: u8,
    /// The version that a change began from; none for a new one.
    version: Option<u64>,
}

impl NewKeyResult {
    pub(crate) fn into_fields(self) -> (KeyResultFields, Option<u64>) {
        let Self { title, owner, unit, direction, initial, target, lower, weight, version } = self;
        (KeyResultFields { title, owner, unit, direction, initial, target, lower, weight }, version)
    }
}

/// A check-in as it is made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCheckIn {
    /// The value now.
    value: f64,
    /// How likely it is that the target will be reached.
    #[schema(minimum = 1, maximum = 10)]
    confidence: u8,
    /// What there is to say.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    comment: String,
}

impl From<NewCheckIn> for objectives::NewCheckIn {
    fn from(new: NewCheckIn) -> Self {
        let NewCheckIn { value, confidence, comment } = new;
        Self { value, confidence, comment }
    }
}

/// The version that a change began from.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[schema(as = FromVersion)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    /// As it was last seen.
    pub(crate) version: u64,
}

/// What was written.
#[derive(Serialize, ToSchema)]
pub(crate) struct Created {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub(crate) id: Uuid,
}

/// What was changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Saved {
    /// Its version now.
    pub(crate) version: u64,
}

/// An objective with its key results.
#[derive(Serialize, ToSchema)]
#[schema(as = Objective)]
pub(crate) struct Whole {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    objective: Uuid,
    /// What is to be reached.
    title: String,
    /// What that means.
    description: String,
    /// company, team or personal.
    level: &'static str,
    /// draft, active, completed, on-hold or cancelled.
    status: &'static str,
    /// Who answers for it.
    #[schema(value_type = Option<String>, format = Uuid)]
    owner: Option<PersonId>,
    /// The objective that it supports.
    #[schema(value_type = Option<String>, format = Uuid)]
    parent: Option<Uuid>,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    starts_on: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    ends_on: Date,
    /// How much it counts among its siblings, 0 to 100.
    weight: u8,
    /// week, two-weeks or month.
    check_in_every: &'static str,
    /// From 0 to 1; null where nothing is measured.
    progress: Option<f64>,
    /// Counts its changes, from 1.
    version: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was put away; null where it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    archived_at: Option<Timestamp>,
    /// Its key results, the oldest first.
    key_results: Vec<Measured>,
}

impl Whole {
    pub(crate) fn of<'a>(
        one: &Objective,
        key_results: impl Iterator<Item = &'a KeyResult>,
        progress: Option<f64>,
    ) -> Self {
        let fields = one.fields.clone();
        Self {
            objective: one.id,
            title: fields.title,
            description: fields.description,
            level: fields.level.word(),
            status: fields.status.word(),
            owner: fields.owner,
            parent: fields.parent,
            starts_on: fields.starts_on,
            ends_on: fields.ends_on,
            weight: fields.weight,
            check_in_every: fields.check_in_every.word(),
            progress,
            version: one.version,
            created_at: one.created_at,
            updated_at: one.updated_at,
            archived_at: one.archived_at,
            key_results: key_results.map(Measured::from).collect(),
        }
    }
}

/// A key result.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyResult)]
struct Measured {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    key_result: Uuid,
    /// What is measured.
    title: String,
    /// Who answers for it.
    #[schema(value_type = Option<String>, format = Uuid)]
    owner: Option<PersonId>,
    /// number, percentage, currency or boolean.
    unit: &'static str,
    /// increase, decrease or maintain.
    direction: &'static str,
    /// The value at the beginning.
    initial: f64,
    /// The value to reach; the upper bound of a range.
    target: f64,
    /// The lower bound of a range.
    lower: Option<f64>,
    /// The value now.
    current: f64,
    /// From 0 to 1.
    progress: f64,
    /// How much it counts among its siblings, 0 to 100.
    weight: u8,
    /// How likely it last seemed that the target will be reached, 1 to 10.
    confidence: Option<u8>,
    /// Counts its changes, from 1; a check-in is none.
    version: u64,
    /// When it was put away; null where it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    archived_at: Option<Timestamp>,
}

impl From<&KeyResult> for Measured {
    fn from(one: &KeyResult) -> Self {
        let fields = one.fields.clone();
        Self {
            key_result: one.id,
            current: one.current(),
            progress: of_value(&fields, one.current()),
            title: fields.title,
            owner: fields.owner,
            unit: fields.unit.word(),
            direction: fields.direction.word(),
            initial: fields.initial,
            target: fields.target,
            lower: fields.lower,
            weight: fields.weight,
            confidence: one.latest.as_ref().map(|latest| latest.confidence),
            version: one.version,
            archived_at: one.archived_at,
        }
    }
}

/// Objectives, the oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Objectives)]
pub(crate) struct Listed {
    /// The objectives.
    pub(crate) objectives: Vec<Whole>,
    /// The next page; null on the last.
    pub(crate) next: Option<u32>,
}

/// Changes, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ObjectiveHistory)]
pub(crate) struct History {
    /// The changes.
    pub(crate) revisions: Vec<Shown>,
    /// What to ask for with `before` to get the next page; null on the last.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub(crate) next: Option<Uuid>,
}

/// A change.
#[derive(Serialize, ToSchema)]
#[schema(as = ObjectiveRevision)]
pub(crate) struct Shown {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    revision: Uuid,
    /// The key result, where it was one that was changed.
    #[schema(value_type = Option<String>, format = Uuid)]
    key_result: Option<Uuid>,
    /// Who.
    #[schema(value_type = String, format = Uuid)]
    person: PersonId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The version that it led to.
    version: u64,
    /// created, edited, archived or restored.
    deed: &'static str,
    /// Each field that was changed.
    changes: Vec<Changed>,
    /// The whole as it is since.
    #[schema(value_type = Object)]
    state: Value,
}

/// A field that was changed.
#[derive(Serialize, ToSchema)]
#[schema(as = ObjectiveChange)]
struct Changed {
    /// Which.
    field: String,
    /// What it said before.
    from: Value,
    /// What it says since.
    to: Value,
}

impl From<Revision> for Shown {
    fn from(told: Revision) -> Self {
        let Revision { id, key_result, person, at, version, deed, changes, state, .. } = told;
        let changed = |change: objectives::Change| Changed { field: change.field, from: change.from, to: change.to };
        let changes = changes.into_iter().map(changed).collect();
        Self { revision: id, key_result, person, at, version, deed: deed.word(), changes, state }
    }
}

/// Check-ins, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckIns {
    /// The check-ins.
    pub(crate) check_ins: Vec<CheckedIn>,
    /// What to ask for with `before` to get the next page; null on the last.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub(crate) next: Option<Uuid>,
}

/// A check-in.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckIn)]
pub(crate) struct CheckedIn {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    check_in: Uuid,
    /// Who checked in.
    #[schema(value_type = String, format = Uuid)]
    person: PersonId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The value since then.
    value: f64,
    /// How likely it seemed that the target will be reached, 1 to 10.
    confidence: u8,
    /// What there was to say.
    comment: String,
}

impl From<CheckIn> for CheckedIn {
    fn from(one: CheckIn) -> Self {
        let CheckIn { id, person, at, value, confidence, comment, .. } = one;
        Self { check_in: id, person, at, value, confidence, comment }
    }
}

/// How much was read back.
#[derive(Serialize, ToSchema)]
#[schema(as = ObjectivesReadBack)]
pub(crate) struct ReadBack {
    /// Objectives.
    objectives: usize,
    /// Key results.
    key_results: usize,
    /// Check-ins.
    check_ins: usize,
    /// Changes.
    changes: usize,
}

impl From<objectives::Imported> for ReadBack {
    fn from(done: objectives::Imported) -> Self {
        let objectives::Imported { objectives, key_results, check_ins, revisions } = done;
        Self { objectives, key_results, check_ins, changes: revisions }
    }
}
