//! Whether an export is one: nothing twice, nothing that leads nowhere, nothing that nobody could have typed, and a history
//! that tells how everything came to be as it is.

use super::super::{
    MOST_KEY_RESULTS, MOST_OBJECTIVES,
    check_ins::NewCheckIn,
    fields::{Level, Unit},
    history::{Deed, Revision, changes},
    key_results,
    read::{KeyResult, Objective},
    write,
};
use super::{Everything, invalid};
use crate::StoreError;
use kernel::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What a revision is of.
type Of = (Uuid, Option<Uuid>);

pub(super) fn check(everything: &Everything, now: Timestamp) -> Result<(), StoreError> {
    let Everything { tree, check_ins, revisions } = everything;
    let levels: BTreeMap<Uuid, Level> = tree.objectives.iter().map(|one| (one.id, one.fields.level)).collect();
    let under: BTreeMap<Uuid, (Uuid, Unit)> =
        tree.key_results.iter().map(|one| (one.id, (one.objective, one.fields.unit))).collect();
    once("an objective", levels.len(), tree.objectives.len())?;
    once("a key result", under.len(), tree.key_results.len())?;
    once("a check-in", check_ins.iter().map(|one| one.id).collect::<BTreeSet<_>>().len(), check_ins.len())?;
    once("a revision", revisions.iter().map(|one| one.id).collect::<BTreeSet<_>>().len(), revisions.len())?;
    let mut stories = stories(revisions, now)?;
    for one in &tree.objectives {
        objective(one, &levels, now)?;
        tells(stories.remove(&(one.id, None)), one.version, &write::state(&one.fields, one.archived_at.is_some()))?;
    }
    for one in &tree.key_results {
        key_result(one, &levels, now)?;
        let state = key_results::state(&one.fields, one.archived_at.is_some());
        tells(stories.remove(&(one.objective, Some(one.id))), one.version, &state)?;
    }
    if !stories.is_empty() {
        return Err(invalid("a revision is of something that is not in the file"));
    }
    for one in check_ins {
        let (_, unit) =
            under.get(&one.key_result).ok_or_else(|| invalid("a check-in is of no key result of the file"))?;
        let typed = NewCheckIn { value: one.value, confidence: one.confidence, comment: one.comment.clone() };
        typed.check(*unit)?;
        past(one.at, now)?;
    }
    room(everything)
}

fn once(what: &str, ids: usize, rows: usize) -> Result<(), StoreError> {
    if ids == rows { Ok(()) } else { Err(StoreError::Invalid(format!("{what} stands in the file twice"))) }
}

fn past(at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    if at <= now && at >= Timestamp::UNIX_EPOCH {
        Ok(())
    } else {
        Err(invalid("an instant lies in the future, or before 1970"))
    }
}

fn times(
    created: Timestamp,
    updated: Timestamp,
    archived: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    past(created, now)?;
    past(updated, now)?;
    archived.map_or(Ok(()), |at| past(at, now))?;
    if created <= updated { Ok(()) } else { Err(invalid("something was changed before it was written")) }
}

fn objective(one: &Objective, levels: &BTreeMap<Uuid, Level>, now: Timestamp) -> Result<(), StoreError> {
    times(one.created_at, one.updated_at, one.archived_at, now)?;
    if one.fields.clone().checked()? != one.fields {
        return Err(invalid("an objective is not as the form would have kept it"));
    }
    match one.fields.parent.map(|parent| levels.get(&parent)) {
        None => Ok(()),
        Some(Some(above)) if *above < one.fields.level => Ok(()),
        Some(_) => Err(invalid("an objective supports one of a higher level, which the file must have")),
    }
}

fn key_result(one: &KeyResult, levels: &BTreeMap<Uuid, Level>, now: Timestamp) -> Result<(), StoreError> {
    times(one.created_at, one.updated_at, one.archived_at, now)?;
    if one.fields.clone().checked()? != one.fields {
        return Err(invalid("a key result is not as the form would have kept it"));
    }
    if levels.contains_key(&one.objective) {
        Ok(())
    } else {
        Err(invalid("a key result is of no objective of the file"))
    }
}

/// The newest version and state that each history leads to.
fn stories(revisions: &[Revision], now: Timestamp) -> Result<BTreeMap<Of, (u64, &Value)>, StoreError> {
    let mut stories: BTreeMap<Of, (u64, &Value)> = BTreeMap::new();
    for one in revisions {
        past(one.at, now)?;
        let of = (one.objective, one.key_result);
        let (version, before) = stories.get(&of).copied().unwrap_or((0, &Value::Null));
        if one.version != version + 1 || (one.deed == Deed::Created) != (version == 0) {
            return Err(invalid("a history has a gap"));
        }
        if !one.state.is_object() || changes(before, &one.state) != one.changes {
            return Err(invalid("a history does not say what was changed"));
        }
        stories.insert(of, (one.version, &one.state));
    }
    Ok(stories)
}

/// Whether a history leads to what there is. Whose something was stays in the history after that person has been erased.
fn tells(story: Option<(u64, &Value)>, version: u64, now: &Value) -> Result<(), StoreError> {
    let told = story.is_some_and(|(at, state)| at == version && same(state, now));
    if told { Ok(()) } else { Err(invalid("a history does not lead to what it is the history of")) }
}

fn same(told: &Value, now: &Value) -> bool {
    let (Value::Object(told), Value::Object(now)) = (told, now) else { return false };
    let agrees = |field: &String, value: &Value| {
        value == told.get(field).unwrap_or(&Value::Null) || field == "owner" && value.is_null()
    };
    told.len() == now.len() && now.iter().all(|(field, value)| agrees(field, value))
}

fn room(everything: &Everything) -> Result<(), StoreError> {
    let tree = &everything.tree;
    if tree.objectives.iter().filter(|one| one.archived_at.is_none()).count() > MOST_OBJECTIVES {
        return Err(StoreError::Invalid(format!("the file has more than {MOST_OBJECTIVES} current objectives")));
    }
    let mut counts: BTreeMap<Uuid, usize> = BTreeMap::new();
    for one in tree.key_results.iter().filter(|one| one.archived_at.is_none()) {
        *counts.entry(one.objective).or_default() += 1;
    }
    if counts.values().any(|count| *count > MOST_KEY_RESULTS) {
        return Err(StoreError::Invalid(format!("an objective has more than {MOST_KEY_RESULTS} current key results")));
    }
    Ok(())
}
