//! What each column probably holds: by its type, its name, its keys, and what samples of it look like.

use super::{
    Guess, Sketch, names,
    shapes::{Shape, Values, look},
};
use kernel::DataClass;
use std::collections::BTreeMap;
use store::foreign::{Catalogue, Column, Table, TableName};

/// From which share on a shape speaks for the column.
const MOSTLY: f64 = 0.6;

/// A first guess at every column.
pub(super) fn guess_all(
    catalogue: &Catalogue,
    samples: &BTreeMap<TableName, Vec<Vec<String>>>,
) -> BTreeMap<TableName, BTreeMap<String, Guess>> {
    let of = |name: &TableName, table: &Table| {
        let samples = samples.get(name).map_or(&[][..], Vec::as_slice);
        let values = |number: usize| samples.get(number).map_or_else(Values::default, |values| look(values));
        table
            .columns
            .iter()
            .enumerate()
            .map(|(n, column)| (column.name.clone(), guess(table, column, &values(n))))
            .collect()
    };
    catalogue.tables.iter().map(|(name, table)| (name.clone(), of(name, table))).collect()
}

fn guess(table: &Table, column: &Column, values: &Values) -> Guess {
    let is_key = table.primary_key.contains(&column.name)
        || table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
    let by_name = names::class(&column.name);
    let mut guess = match column.base.trim_start_matches('_') {
        _ if is_key && !column.is_text() => Guess::new(DataClass::System, 0.95, "a key"),
        "inet" | "cidr" => Guess::new(DataClass::Personal, 0.9, "an IP address by its type"),
        "bool" => Guess::new(DataClass::System, 0.9, "yes or no"),
        "uuid" => Guess::new(DataClass::System, 0.6, "a UUID"),
        "bytea" => bytes(by_name),
        _ if column.is_text() || column.is_json() => text(column, by_name, values),
        _ => plain(column, by_name),
    };
    guess.mentions = values.with_address > 0.0 && (column.is_text() || column.is_json());
    if guess.mentions {
        guess.reason += &format!("; {} of them name e-mail addresses", percent(values.with_address));
    }
    guess
}

/// Numbers, dates, and what else has no words.
fn plain(column: &Column, by_name: Option<(DataClass, f64)>) -> Guess {
    match by_name {
        Some((class @ DataClass::Personal, sure)) => Guess::new(class, sure * 0.9, "by its name"),
        _ => Guess::new(DataClass::System, 0.8, format!("{} without a name that speaks of people", column.kind)),
    }
}

fn bytes(by_name: Option<(DataClass, f64)>) -> Guess {
    match by_name {
        Some((class, sure)) => Guess::new(class, sure * 0.9, "bytes, by their name"),
        None => Guess::unknown("bytes, and the name says nothing"),
    }
}

fn text(column: &Column, by_name: Option<(DataClass, f64)>, values: &Values) -> Guess {
    let by_shape =
        values.shape.filter(|(_, share)| *share >= MOSTLY).and_then(|(shape, share)| speaks_for(shape, share));
    let looks = values
        .shape
        .filter(|(_, share)| *share >= MOSTLY)
        .map(|(shape, share)| format!("{} of {} values look like {}", percent(share), values.count, shape.words()));
    match (by_name, by_shape, looks) {
        (Some((class, sure)), Some((other, _)), Some(looks)) if class == other => {
            Guess::new(class, (sure + 0.08).min(0.99), format!("by its name; {looks}"))
        }
        // What the values are counts for more than what somebody called them, unless the name is surer.
        (Some((class, sure)), Some((other, seen)), Some(looks)) => {
            let (class, sure) = if sure > seen { (class, sure) } else { (other, seen) };
            Guess::new(class, sure * 0.9, format!("name and values differ; {looks}"))
        }
        (None, Some((class, sure)), Some(looks)) => Guess::new(class, sure, looks),
        (Some((class, sure)), _, looks) => {
            let and = looks.map_or_else(String::new, |looks| format!("; {looks}"));
            Guess::new(class, sure, format!("by its name{and}"))
        }
        (None, _, _) if few_words(values) => {
            Guess::new(DataClass::System, 0.7, format!("{} different values in {}", values.different, values.count))
        }
        (None, _, _) if values.count == 0 => Guess::unknown("empty, and the name says nothing"),
        (None, _, looks) => {
            Guess::unknown(looks.unwrap_or_else(|| format!("{}, of no shape that is known", column.kind)))
        }
    }
}

/// A handful of values that come again and again are a choice and not a text.
fn few_words(values: &Values) -> bool {
    values.count >= 50 && values.different <= 12
}

/// The class for which a shape speaks, and how clearly.
fn speaks_for(shape: Shape, share: f64) -> Option<(DataClass, f64)> {
    let (class, sure) = match shape {
        Shape::Email => (DataClass::Personal, 0.98),
        Shape::Ip => (DataClass::Personal, 0.92),
        Shape::Phone => (DataClass::Personal, 0.85),
        Shape::Name => (DataClass::Personal, 0.6),
        Shape::PasswordHash => (DataClass::Credential, 0.98),
        Shape::Token => (DataClass::Credential, 0.6),
        Shape::FreeText => (DataClass::Content, 0.75),
        Shape::Json => (DataClass::Content, 0.55),
        Shape::Uuid => (DataClass::System, 0.6),
        Shape::Digest => (DataClass::System, 0.5),
        Shape::Url => return None,
    };
    Some((class, sure * share))
}

/// What the links say, once they are known: keys that lead to a person are pseudonyms, and a name in the table of people
/// is a person's.
pub(super) fn refine(sketch: &mut Sketch<'_>) {
    let (root, key) = (sketch.root.clone(), sketch.key.clone());
    for (table, links) in &sketch.links {
        let Some(columns) = sketch.guesses.get_mut(table) else { continue };
        for link in links.all().filter(|link| link.table == root) {
            for column in &link.columns {
                let holds_key = link.targets.contains(&key);
                if let Some(guess) = columns.get_mut(column).filter(|_| holds_key) {
                    *guess = Guess::new(DataClass::Pseudonym, 0.99, format!("leads to {root}"));
                }
            }
        }
    }
    let Some(columns) = sketch.guesses.get_mut(&root) else { return };
    if let Some(guess) = columns.get_mut(&key) {
        *guess = Guess::new(DataClass::Pseudonym, 0.99, "tells people apart");
    }
    if let Some(guess) = columns.get_mut("name") {
        *guess = Guess::new(DataClass::Personal, 0.9, "a name, in the table of people");
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).max(1.0))
}
