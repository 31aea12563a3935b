//! What the rows of a section bring back, whether they stood in the document or in a table.

use super::document::Piece;
use jiff::civil::Date;
use kernel::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use store::{
    copy::Row,
    objectives::{Direction, Every, KeyResultFields, Level, NewCheckIn, ObjectiveFields, Status, Unit},
};
use uuid::Uuid;

/// The sections of which rows are read back, each after those that it names rows of.
pub(super) const SECTIONS: [&str; 5] = ["account", "note", "objective", "key_result", "check_in"];

/// How many rows a section may have: more than anybody types.
pub(super) const MOST_ROWS: usize = 200_000;

/// What these rows of a section bring back, in an order in which it can be made. A row that lacks something is
/// [`Piece::Incomplete`]; sections of which nothing is read back yield nothing.
pub(super) fn pieces(section: &str, rows: &[Row]) -> Vec<Piece> {
    let each = |read: fn(&Row) -> Option<Piece>| -> Vec<Piece> {
        rows.iter().map(|row| read(row).unwrap_or(Piece::Incomplete)).collect()
    };
    match section {
        "account" => each(|row| Some(Piece::Name(text(row, "name")?))),
        "note" => each(|row| Some(Piece::Note { title: text(row, "title")?, text: text(row, "body")? })),
        "objective" => {
            let mut all = each(objective);
            // What an objective supports is of a higher level.
            all.sort_by_key(|piece| match piece {
                Piece::Objective { fields, .. } => Some(fields.level),
                _ => None,
            });
            all
        }
        "key_result" => each(key_result),
        "check_in" => newest(rows),
        _ => Vec::new(),
    }
}

fn objective(row: &Row) -> Option<Piece> {
    let fields = ObjectiveFields {
        title: text(row, "body.title")?,
        description: text(row, "body.description").unwrap_or_default(),
        level: Level::parse(&text(row, "level")?)?,
        status: Status::parse(&text(row, "status")?)?,
        owner: None,
        parent: None,
        starts_on: day(row, "starts_on")?,
        ends_on: day(row, "ends_on")?,
        weight: whole(row, "weight")?,
        check_in_every: Every::parse(&text(row, "check_in_every")?)?,
    };
    let (id, parent) = (id(row, "objective_id")?, id(row, "parent_id"));
    Some(Piece::Objective { id, parent, fields, archived: text(row, "archived_at").is_some() })
}

fn key_result(row: &Row) -> Option<Piece> {
    let fields = KeyResultFields {
        title: text(row, "body.title")?,
        owner: None,
        unit: Unit::parse(&text(row, "unit")?)?,
        direction: Direction::parse(&text(row, "direction")?)?,
        initial: figure(row, "body.initial")?,
        target: figure(row, "body.target")?,
        lower: figure(row, "body.lower"),
        weight: whole(row, "weight")?,
    };
    let (id, objective) = (id(row, "key_result_id")?, id(row, "objective_id")?);
    Some(Piece::KeyResult { id, objective, fields, archived: text(row, "archived_at").is_some() })
}

/// The newest check-in of each key result. The others were made then, and nobody can make them today.
fn newest(rows: &[Row]) -> Vec<Piece> {
    let mut newest: BTreeMap<Uuid, (Timestamp, Option<NewCheckIn>)> = BTreeMap::new();
    let mut out = Vec::new();
    for row in rows {
        let at = text(row, "created_at").and_then(|at| at.parse::<Timestamp>().ok());
        let (Some(key_result), Some(at)) = (id(row, "key_result_id"), at) else {
            out.push(Piece::Incomplete);
            continue;
        };
        if newest.get(&key_result).is_none_or(|(known, _)| *known <= at) {
            newest.insert(key_result, (at, check_in(row)));
        }
    }
    let made = newest.into_iter().map(|(key_result, (_, new))| match new {
        Some(new) => Piece::CheckIn { key_result, new },
        None => Piece::Incomplete,
    });
    out.extend(made);
    out
}

fn check_in(row: &Row) -> Option<NewCheckIn> {
    Some(NewCheckIn {
        value: figure(row, "body.value")?,
        confidence: whole(row, "body.confidence")?,
        comment: text(row, "body.comment").unwrap_or_default(),
    })
}

/// A field of a row, or of an object in it: `body.title`.
fn field<'a>(row: &'a Row, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let found = row.get(first)?;
    match rest {
        Some(rest) => field(found.as_object()?, rest),
        None => Some(found),
    }
}

pub(super) fn text(row: &Row, path: &str) -> Option<String> {
    field(row, path)?.as_str().map(str::to_owned)
}

/// A number, which a table writes as text.
fn figure(row: &Row, path: &str) -> Option<f64> {
    let value = field(row, path)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

pub(super) fn whole<T: TryFrom<u64>>(row: &Row, path: &str) -> Option<T> {
    let value = field(row, path)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    T::try_from(number).ok()
}

pub(super) fn id(row: &Row, path: &str) -> Option<Uuid> {
    text(row, path)?.parse().ok()
}

fn day(row: &Row, path: &str) -> Option<Date> {
    text(row, path)?.parse().ok()
}
