//! A document that somebody sends, as what the store reads back.

use super::{Changed, Document, Entry, FORMAT, Goal, Measure, SCHEMA_VERSION, Step};
use kernel::PersonId;
use std::collections::BTreeMap;
use store::objectives::{
    Change, CheckIn, Everything, KeyResult, KeyResultFields, Objective, ObjectiveFields, Revision, Tree,
};

/// Why a document is not read, in words for whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotRead(pub(crate) &'static str);

impl Document {
    /// Everything that the document holds.
    pub(crate) fn into_everything(self) -> Result<Everything, NotRead> {
        if self.format != FORMAT {
            return Err(NotRead("this is no export of objectives"));
        }
        if self.schema_version != SCHEMA_VERSION {
            return Err(NotRead("this export has another version than the one that is read here, which is 1"));
        }
        Ok(Everything {
            tree: Tree {
                objectives: self.objectives.into_iter().map(Objective::from).collect(),
                key_results: self.key_results.into_iter().map(KeyResult::from).collect(),
            },
            check_ins: self.check_ins.into_iter().map(CheckIn::from).collect(),
            revisions: self.history.into_iter().map(Revision::from).collect(),
        })
    }

    /// Which member is whom in the document: by a name that only one has in both.
    pub(crate) fn owners<'a>(
        &self,
        members: impl Iterator<Item = (PersonId, &'a str)>,
    ) -> BTreeMap<PersonId, PersonId> {
        let mut here: BTreeMap<&str, Vec<PersonId>> = BTreeMap::new();
        for (id, name) in members {
            here.entry(name).or_default().push(id);
        }
        let mut there: BTreeMap<&str, Vec<PersonId>> = BTreeMap::new();
        for one in &self.people {
            there.entry(one.name.as_deref().unwrap_or_default()).or_default().push(one.id);
        }
        let pair = |(name, ids): (&str, &Vec<PersonId>)| match (ids.as_slice(), here.get(name).map(Vec::as_slice)) {
            ([one], Some([other])) => Some((*one, *other)),
            _ => None,
        };
        there.iter().filter_map(|(name, ids)| pair((name, ids))).collect()
    }
}

impl From<Goal> for Objective {
    fn from(one: Goal) -> Self {
        let fields = ObjectiveFields {
            title: one.title,
            description: one.description,
            level: one.level,
            status: one.status,
            owner: one.owner,
            parent: one.parent,
            starts_on: one.starts_on,
            ends_on: one.ends_on,
            weight: one.weight,
            check_in_every: one.check_in_every,
        };
        let Goal { id, version, created_at, updated_at, archived_at, .. } = one;
        Self { id, fields, version, created_at, updated_at, archived_at }
    }
}

impl From<Measure> for KeyResult {
    fn from(one: Measure) -> Self {
        let fields = KeyResultFields {
            title: one.title,
            owner: one.owner,
            unit: one.unit,
            direction: one.direction,
            initial: one.initial,
            target: one.target,
            lower: one.lower,
            weight: one.weight,
        };
        let Measure { id, objective, version, created_at, updated_at, archived_at, .. } = one;
        Self { id, objective, fields, version, created_at, updated_at, archived_at, latest: None }
    }
}

impl From<Entry> for CheckIn {
    fn from(one: Entry) -> Self {
        let Entry { id, key_result, person, at, value, confidence, comment } = one;
        Self { id, key_result, person, at, value, confidence, comment }
    }
}

impl From<Step> for Revision {
    fn from(one: Step) -> Self {
        let Step { id, objective, key_result, person, at, version, deed, changes, state } = one;
        let change = |Changed { field, from, to }| Change { field, from, to };
        let changes = changes.into_iter().map(change).collect();
        Self { id, objective, key_result, person, at, version, deed, changes, state }
    }
}
