//! What people type, and what it means. A form that does not mean anything is shown again with what was typed.

use crate::texts::EN;
use kernel::PersonId;
use serde::Deserialize;
use std::{collections::BTreeMap, str::FromStr};
use store::objectives::{
    Direction, Every, KeyResult, KeyResultFields, Level, NewCheckIn, Objective, ObjectiveFields, Status, Unit,
};

/// What is wrong, by field.
pub(crate) type Wrong = BTreeMap<&'static str, &'static str>;

/// An objective as it is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TypedObjective {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) level: String,
    pub(crate) status: String,
    pub(crate) owner: String,
    pub(crate) parent: String,
    pub(crate) starts_on: String,
    pub(crate) ends_on: String,
    pub(crate) weight: String,
    pub(crate) check_in_every: String,
    pub(crate) version: String,
}

impl TypedObjective {
    pub(crate) fn of(objective: &Objective) -> Self {
        let fields = &objective.fields;
        Self {
            title: fields.title.clone(),
            description: fields.description.clone(),
            level: fields.level.word().to_owned(),
            status: fields.status.word().to_owned(),
            owner: fields.owner.map(|owner| owner.to_string()).unwrap_or_default(),
            parent: fields.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            starts_on: fields.starts_on.to_string(),
            ends_on: fields.ends_on.to_string(),
            weight: fields.weight.to_string(),
            check_in_every: fields.check_in_every.word().to_owned(),
            version: objective.version.to_string(),
        }
    }

    pub(crate) fn read(&self) -> Result<ObjectiveFields, Wrong> {
        let mut read = Reader::default();
        let fields = ObjectiveFields {
            title: self.title.clone(),
            description: self.description.clone(),
            level: read.word("level", &self.level, Level::parse, Level::Team),
            status: read.word("status", &self.status, Status::parse, Status::Draft),
            owner: read.maybe("owner", &self.owner, EN.bad_choice).map(|id: uuid::Uuid| PersonId::from(id)),
            parent: read.maybe("parent", &self.parent, EN.bad_choice),
            starts_on: read.needed("starts_on", &self.starts_on, EN.bad_day),
            ends_on: read.needed("ends_on", &self.ends_on, EN.bad_day),
            weight: read.weight(&self.weight),
            check_in_every: read.word("check_in_every", &self.check_in_every, Every::parse, Every::Week),
        };
        read.done(fields)
    }
}

/// A key result as it is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TypedKeyResult {
    pub(crate) title: String,
    pub(crate) owner: String,
    pub(crate) unit: String,
    pub(crate) direction: String,
    pub(crate) initial: String,
    pub(crate) target: String,
    pub(crate) lower: String,
    pub(crate) weight: String,
    pub(crate) version: String,
}

impl TypedKeyResult {
    pub(crate) fn of(key_result: &KeyResult) -> Self {
        let fields = &key_result.fields;
        Self {
            title: fields.title.clone(),
            owner: fields.owner.map(|owner| owner.to_string()).unwrap_or_default(),
            unit: fields.unit.word().to_owned(),
            direction: fields.direction.word().to_owned(),
            initial: fields.initial.to_string(),
            target: fields.target.to_string(),
            lower: fields.lower.map(|lower| lower.to_string()).unwrap_or_default(),
            weight: fields.weight.to_string(),
            version: key_result.version.to_string(),
        }
    }

    pub(crate) fn read(&self) -> Result<KeyResultFields, Wrong> {
        let mut read = Reader::default();
        let unit = read.word("unit", &self.unit, Unit::parse, Unit::Number);
        // For yes or no the figures follow by themselves, whatever stands in the fields.
        let figure = |read: &mut Reader, name, text: &str| match unit {
            Unit::Boolean => 0.0,
            _ => read.needed(name, text, EN.bad_number),
        };
        let fields = KeyResultFields {
            title: self.title.clone(),
            owner: read.maybe("owner", &self.owner, EN.bad_choice).map(|id: uuid::Uuid| PersonId::from(id)),
            unit,
            direction: read.word("direction", &self.direction, Direction::parse, Direction::Increase),
            initial: figure(&mut read, "initial", &self.initial),
            target: figure(&mut read, "target", &self.target),
            lower: read.maybe("lower", &self.lower, EN.bad_number),
            weight: read.weight(&self.weight),
        };
        read.done(fields)
    }
}

/// A check-in as it is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TypedCheckIn {
    pub(crate) value: String,
    pub(crate) confidence: String,
    pub(crate) comment: String,
}

impl TypedCheckIn {
    pub(crate) fn read(&self) -> Result<NewCheckIn, Wrong> {
        let mut read = Reader::default();
        let value = read.needed("value", &self.value, EN.bad_number);
        let confidence = read.needed("confidence", &self.confidence, EN.bad_confidence);
        read.done(NewCheckIn { value, confidence, comment: self.comment.clone() })
    }
}

/// Collects what is wrong while it reads.
#[derive(Default)]
struct Reader(Wrong);

impl Reader {
    fn needed<T: FromStr + Default>(&mut self, name: &'static str, text: &str, wrong: &'static str) -> T {
        text.trim().parse().unwrap_or_else(|_| {
            self.0.insert(name, wrong);
            T::default()
        })
    }

    fn maybe<T: FromStr + Default>(&mut self, name: &'static str, text: &str, wrong: &'static str) -> Option<T> {
        if text.trim().is_empty() { None } else { Some(self.needed(name, text, wrong)) }
    }

    fn word<T>(&mut self, name: &'static str, text: &str, parse: fn(&str) -> Option<T>, otherwise: T) -> T {
        parse(text).unwrap_or_else(|| {
            self.0.insert(name, EN.bad_choice);
            otherwise
        })
    }

    fn weight(&mut self, text: &str) -> u8 {
        let weight = self.needed("weight", text, EN.bad_weight);
        if weight > 100 {
            self.0.insert("weight", EN.bad_weight);
        }
        weight
    }

    fn done<T>(self, value: T) -> Result<T, Wrong> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_or_named() {
        let typed = TypedObjective {
            title: "x".to_owned(),
            level: "team".to_owned(),
            status: "active".to_owned(),
            starts_on: "2026-10-01".to_owned(),
            ends_on: "2026-12-31".to_owned(),
            weight: " 50 ".to_owned(),
            check_in_every: "week".to_owned(),
            ..TypedObjective::default()
        };
        let fields = typed.read().unwrap();
        assert_eq!((fields.weight, fields.owner, fields.parent), (50, None, None));
        let wrong = TypedObjective {
            level: "boss".to_owned(),
            starts_on: "31.12.".to_owned(),
            weight: "101".to_owned(),
            owner: "me".to_owned(),
            ..typed
        };
        let named: Vec<_> = wrong.read().unwrap_err().into_keys().collect();
        assert_eq!(named, ["level", "owner", "starts_on", "weight"]);
    }

    #[test]
    fn yes_or_no_needs_no_figures() {
        let typed = TypedKeyResult {
            title: "x".to_owned(),
            unit: "boolean".to_owned(),
            direction: "increase".to_owned(),
            weight: "1".to_owned(),
            ..TypedKeyResult::default()
        };
        assert!(typed.read().is_ok());
        let number = TypedKeyResult { unit: "number".to_owned(), ..typed };
        assert_eq!(number.read().unwrap_err().len(), 2);
    }
}
