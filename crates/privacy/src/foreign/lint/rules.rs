//! Rules: what an erasure does must be possible, and what stays about people must have a reason.

use super::Findings;
use crate::foreign::{
    map::{Map, Mention, Rule, Table},
    needles::{DISTINCT, ERASED},
    territory::becomes,
};
use kernel::DataClass;
use store::foreign::{Become, Column, Kind, Table as Live};

/// What says something about a person.
const ABOUT: [DataClass; 3] = [DataClass::Personal, DataClass::Content, DataClass::Credential];

/// The rules of one table.
pub(super) fn rules(map: &Map, table: &Table, live: &Live, findings: &mut Findings) {
    let name = &table.name;
    let is_owned = map.is_root(name) || !table.owned_by.is_empty();
    if map.is_root(name) && !table.owned_by.is_empty() {
        findings.error(name, "holds the people: nobody owns them");
    }
    match (live.kind, table.on_erase) {
        (Kind::Materialized, Rule::Refresh) => {}
        (Kind::Materialized, _) => findings
            .error(name, "is a materialized view, a copy that stays as it is when rows go: on_erase = \"refresh\""),
        (_, Rule::Refresh) => findings.error(name, "is a table: only a materialized view is made anew"),
        (_, Rule::Delete | Rule::Anonymise) if !is_owned => {
            findings.error(name, "nothing leads from it to the person: say owned_by, or on_erase = \"keep\"");
        }
        _ => {}
    }
    reasons(table, is_owned, live.kind, findings);
    anonymising(table, live, findings);
    ageing(table, live, findings);
    for column in table.mentions.iter().filter(|(_, what)| **what == Mention::Redact).map(|(column, _)| column) {
        let is_unique = live.uniques.iter().any(|unique| unique.contains(column));
        redacting(table, live.column(column), is_unique, findings);
    }
    if !live.triggers.is_empty() && is_owned {
        findings.advice(name, format!("has triggers that run when its rows change: {}", live.triggers.join(", ")));
    }
    if live.row_security {
        findings
            .advice(name, "has row security: the role must be one that it does not bind, or nothing is read at all");
    }
}

/// What stays about people needs a reason.
fn reasons(table: &Table, is_owned: bool, kind: Kind, findings: &mut Findings) {
    let stays: Vec<&str> = match table.on_erase {
        Rule::Delete => return,
        Rule::Anonymise => table
            .columns_of(&[DataClass::Personal, DataClass::Credential])
            .filter(|column| !table.anonymise.contains_key(*column))
            .collect(),
        Rule::Keep => table.columns_of(&ABOUT).collect(),
        Rule::Refresh => Vec::new(),
    };
    let has_reason = table.keep_reason.as_ref().is_some_and(|reason| reason.trim().len() >= 10);
    if stays.is_empty() || has_reason || kind == Kind::Materialized {
        if table.mentions.values().any(|what| *what == Mention::Keep) && !has_reason {
            findings.error(&table.name, "keeps texts that may name somebody, without a keep_reason");
        }
        return;
    }
    let how = match (table.on_erase, is_owned) {
        (Rule::Anonymise, _) => "stay as they are: name them under anonymise, or say a keep_reason",
        (_, true) => "are kept, for ever and without a reason: say keep_reason, with keep_for and age where it ends",
        (_, false) => "are in a table from which nothing leads to the person: say owned_by, or a keep_reason",
    };
    findings.error(&table.name, format!("{} {how}", stays.join(", ")));
}

fn anonymising(table: &Table, live: &Live, findings: &mut Findings) {
    if table.on_erase != Rule::Anonymise {
        if !table.anonymise.is_empty() {
            findings.error(&table.name, "says what columns become, and its rows are not made anonymous");
        }
        return;
    }
    if table.anonymise.is_empty() {
        findings.error(&table.name, "is to be made anonymous and says of no column what it becomes");
    }
    for (name, words) in &table.anonymise {
        let Some(column) = live.column(name) else {
            findings.error(format!("{}.{name}", table.name), "is under anonymise and not in the database");
            continue;
        };
        if let Some(what) = impossible(column, words, live.is_unique(name)) {
            findings.error(format!("{}.{name}", table.name), what);
        }
    }
}

/// Why the column cannot become that.
fn impossible(column: &Column, words: &str, is_unique: bool) -> Option<String> {
    let fits = |length: usize| column.longest.is_none_or(|longest| usize::try_from(longest).is_ok_and(|l| length <= l));
    match becomes(words, column.longest)? {
        _ if column.generated => Some("is made by the database from other columns and cannot be set".to_owned()),
        Become::Null if column.not_null => Some("may not be null: say =text or random".to_owned()),
        Become::Text(_) if is_unique => Some("may hold no value twice: say random, or null".to_owned()),
        Become::Text(text) if !fits(text.chars().count()) => {
            Some(format!("holds no more than {} characters", column.kind))
        }
        Become::Random { .. } if !column.is_text() || column.is_array() => {
            Some(format!("holds {}: random is for texts", column.kind))
        }
        Become::Random { suffix, .. } if !fits(15 + suffix.len()) => {
            Some(format!("{} has no room for something random", column.kind))
        }
        Become::Null | Become::Text(_) | Become::Random { .. } => None,
    }
}

fn ageing(table: &Table, live: &Live, findings: &mut Findings) {
    match (&table.keep_for, &table.age) {
        (Some(_), None) => findings.error(&table.name, "says keep_for and not from which column age counts"),
        (None, Some(_)) => findings.error(&table.name, "says age and not keep_for"),
        (Some(_), Some(age)) => match live.column(age) {
            Some(column) if matches!(column.base.as_str(), "timestamptz" | "timestamp" | "date") => {}
            Some(column) => {
                findings.error(format!("{}.{age}", table.name), format!("is {} and tells no age", column.kind))
            }
            None => findings.error(format!("{}.{age}", table.name), "is to tell the age and is not in the database"),
        },
        (None, None) => {}
    }
}

fn redacting(table: &Table, column: Option<&Column>, is_unique: bool, findings: &mut Findings) {
    let Some(column) = column else { return };
    let place = format!("{}.{}", table.name, column.name);
    let needed = if is_unique { DISTINCT } else { ERASED.len() };
    if column.base == "bytea" {
        findings.error(place, "holds bytes: what names somebody in them cannot be replaced");
    } else if column.is_json() && column.is_array() {
        findings.error(place, "holds lists of JSON: what names somebody in them cannot be replaced");
    } else if column.generated {
        findings.error(place, "is made by the database from other columns and cannot be changed");
    } else if column.longest.is_some_and(|longest| usize::try_from(longest).is_ok_and(|longest| longest < needed)) {
        let why = if is_unique { ", where no value may come twice" } else { "" };
        findings.error(
            place,
            format!("holds {} and has no room for the {needed} signs of what is put there{why}", column.kind),
        );
    }
}
