//! What an export says, whatever ids it was given and wherever it was made.

use super::{Document, Goal, Measure};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A document without what another system cannot keep: when and where it was made, and ids, which become numbers in the order
/// of their first mention. Owners and authors are numbered apart: who reads an export back makes owners of members, and nobody
/// the author of what somebody wrote elsewhere. Names stand only with owners. Two documents that are equal in this form say
/// the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical(Value);

impl Canonical {
    /// The first place in which two differ, as a path.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        differ("", &self.0, &other.0)
    }
}

impl From<&Document> for Canonical {
    fn from(document: &Document) -> Self {
        let names = document.people.iter().filter_map(|one| Some((one.id.to_string(), one.name.clone()?))).collect();
        let mut ids = Ids { names, ..Ids::default() };
        let objectives: Vec<Value> = document.objectives.iter().map(|one| ids.goal(one)).collect();
        let key_results: Vec<Value> = document.key_results.iter().map(|one| ids.measure(one)).collect();
        let check_ins = document.check_ins.iter().map(|one| {
            json!({
                "key_result": ids.key_result(&one.key_result.to_string()), "person": ids.author(&one.person.to_string()),
                "at": one.at, "value": one.value, "confidence": one.confidence, "comment": one.comment,
            })
        });
        let check_ins: Vec<Value> = check_ins.collect();
        let history = document.history.iter().map(|one| {
            let changes: Vec<Value> = one
                .changes
                .iter()
                .map(|change| {
                    let (from, to) = (ids.value(&change.field, &change.from), ids.value(&change.field, &change.to));
                    json!({ "field": change.field, "from": from, "to": to })
                })
                .collect();
            let state: BTreeMap<&String, Value> = one
                .state
                .as_object()
                .into_iter()
                .flatten()
                .map(|(field, value)| (field, ids.value(field, value)))
                .collect();
            json!({
                "objective": ids.objective(&one.objective.to_string()),
                "key_result": one.key_result.map(|id| ids.key_result(&id.to_string())),
                "person": ids.author(&one.person.to_string()), "at": one.at, "version": one.version,
                "deed": one.deed, "changes": changes, "state": state,
            })
        });
        let history: Vec<Value> = history.collect();
        Self(json!({
            "format": document.format, "schema_version": document.schema_version, "objectives": objectives,
            "key_results": key_results, "check_ins": check_ins, "history": history,
        }))
    }
}

/// The numbers that ids have become.
#[derive(Default)]
struct Ids {
    objectives: BTreeMap<String, usize>,
    key_results: BTreeMap<String, usize>,
    authors: BTreeMap<String, usize>,
    /// Of whom history says that something was theirs.
    owners: BTreeMap<String, usize>,
    names: BTreeMap<String, String>,
}

fn number(known: &mut BTreeMap<String, usize>, id: &str) -> usize {
    let next = known.len() + 1;
    *known.entry(id.to_owned()).or_insert(next)
}

impl Ids {
    fn objective(&mut self, id: &str) -> usize {
        number(&mut self.objectives, id)
    }

    fn key_result(&mut self, id: &str) -> usize {
        number(&mut self.key_results, id)
    }

    fn author(&mut self, id: &str) -> usize {
        number(&mut self.authors, id)
    }

    /// Whose something is now: by name, and nobody's where it is nobody's who is here.
    fn owner(&self, id: Option<String>) -> Value {
        id.and_then(|id| self.names.get(&id)).map_or(Value::Null, |name| json!(name))
    }

    fn goal(&mut self, one: &Goal) -> Value {
        let (id, parent) = (one.id.to_string(), one.parent.map(|parent| parent.to_string()));
        json!({
            "id": self.objective(&id), "parent": parent.map(|parent| self.objective(&parent)),
            "owner": self.owner(one.owner.map(|owner| owner.to_string())),
            "title": one.title, "description": one.description, "level": one.level, "status": one.status,
            "starts_on": one.starts_on, "ends_on": one.ends_on, "weight": one.weight,
            "check_in_every": one.check_in_every, "version": one.version, "created_at": one.created_at,
            "updated_at": one.updated_at, "archived_at": one.archived_at,
        })
    }

    fn measure(&mut self, one: &Measure) -> Value {
        json!({
            "id": self.key_result(&one.id.to_string()), "objective": self.objective(&one.objective.to_string()),
            "owner": self.owner(one.owner.map(|owner| owner.to_string())),
            "title": one.title, "unit": one.unit, "direction": one.direction, "initial": one.initial,
            "target": one.target, "lower": one.lower, "weight": one.weight, "version": one.version,
            "created_at": one.created_at, "updated_at": one.updated_at, "archived_at": one.archived_at,
        })
    }

    fn value(&mut self, field: &str, value: &Value) -> Value {
        match (field, value.as_str()) {
            ("owner", Some(id)) => json!(number(&mut self.owners, id)),
            ("parent", Some(id)) => json!(self.objective(id)),
            _ => value.clone(),
        }
    }
}

fn differ(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let named = |key: &String| format!("{path}/{key}");
            let inner = a.iter().find_map(|(key, value)| match b.get(key) {
                Some(there) => differ(&named(key), value, there),
                None => Some(named(key)),
            });
            inner.or_else(|| b.keys().find(|key| !a.contains_key(*key)).map(named))
        }
        (Value::Array(a), Value::Array(b)) => {
            let inner = a.iter().zip(b).enumerate().find_map(|(at, (x, y))| differ(&format!("{path}/{at}"), x, y));
            inner.or_else(|| (a.len() != b.len()).then(|| format!("{path}: {} and {} rows", a.len(), b.len())))
        }
        _ => (one != other).then(|| path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let one = Canonical(json!({"a": [1, {"b": 2}], "c": null}));
        assert_eq!(one.difference(&one), None);
        let said = |value| one.difference(&Canonical(value)).unwrap();
        assert_eq!(said(json!({"a": [1, {"b": 3}], "c": null})), "/a/1/b");
        assert_eq!(said(json!({"a": [1], "c": null})), "/a: 2 and 1 rows");
        assert_eq!(said(json!({"a": [1, {"b": 2}]})), "/c");
    }
}
