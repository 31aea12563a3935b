//! Whose the rows are: the table of people, what leads to it, and what a link is for.

use super::{Guess, Sketch, names};
use crate::foreign::{
    error::ForeignError,
    map::{Link, Rule},
};
use kernel::DataClass;
use std::collections::{BTreeMap, BTreeSet};
use store::foreign::{Catalogue, Foreign, Kind, OnDelete, Table, TableName, sample::comparable};

/// How many values must be there for an overlap to mean something, and which share of them must be found.
const FEWEST: u64 = 3;
const OVERLAP: f64 = 0.95;

/// The links of one table, each with why.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    pub(super) owned_by: Vec<(Link, String)>,
    pub(super) cleared: Vec<(Link, String)>,
    pub(super) points_at: Vec<(Link, String)>,
    pub(super) rule: Option<(Rule, String)>,
}

impl Links {
    pub(super) fn all(&self) -> impl Iterator<Item = &Link> {
        self.owned_by.iter().chain(&self.cleared).chain(&self.points_at).map(|(link, _)| link)
    }

    pub(super) fn guessed(&self) -> usize {
        self.all().filter(|link| link.undeclared).count()
    }
}

/// The table of people: the one whose name, columns and popularity speak most for it.
pub(super) fn root(
    catalogue: &Catalogue,
    guesses: &BTreeMap<TableName, BTreeMap<String, Guess>>,
) -> Result<(TableName, String), ForeignError> {
    let score = |name: &TableName, table: &Table| {
        let holds = |column: &str, class| {
            guesses
                .get(name)
                .and_then(|of| of.get(column))
                .is_some_and(|g| g.class == Some(class) && g.confidence > 0.7)
        };
        let email =
            table.columns.iter().any(|c| c.name.to_lowercase().contains("mail") && holds(&c.name, DataClass::Personal));
        let password = table.columns.iter().any(|c| c.name.to_lowercase().contains("passw"));
        let pointing =
            catalogue.tables.values().flat_map(|t| &t.foreign_keys).filter(|key| key.target == *name).count();
        let speaks = names::people(&name.name) + f64::from(u8::from(email)) * 2.0 + f64::from(u8::from(password));
        let eligible = table.kind != Kind::Materialized
            && table.primary_key.len() == 1
            && (email || names::people(&name.name) > 1.0);
        eligible.then(|| speaks + (pointing.min(20) as f64) * 0.1)
    };
    let best = catalogue
        .tables
        .iter()
        .filter_map(|(name, table)| Some((score(name, table)?, name)))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let Some((_, name)) = best else {
        return Err(ForeignError::Subject(
            "no table looks like one of people: name it with --people schema.table".to_owned(),
        ));
    };
    Ok((name.clone(), key_of(catalogue, name)?))
}

/// The column that tells the people of a table apart.
pub(super) fn key_of(catalogue: &Catalogue, name: &TableName) -> Result<String, ForeignError> {
    let table = catalogue.tables.get(name).ok_or_else(|| ForeignError::Subject(format!("there is no table {name}")))?;
    match table.primary_key.as_slice() {
        [key] => Ok(key.clone()),
        _ => Err(ForeignError::Subject(format!(
            "{name} has no primary key of one column, by which people could be told apart"
        ))),
    }
}

/// Links that the schema does not declare: by name and values.
pub(super) async fn undeclared(
    foreign: &mut Foreign,
    sketch: &Sketch<'_>,
) -> Result<BTreeMap<TableName, Vec<(Link, String)>>, ForeignError> {
    let mut out: BTreeMap<TableName, Vec<(Link, String)>> = BTreeMap::new();
    let ends = ends(sketch);
    for (name, table) in &sketch.catalogue.tables {
        let declared: BTreeSet<&String> = table.foreign_keys.iter().flat_map(|key| &key.columns).collect();
        let free = |column: &&store::foreign::Column| {
            !declared.contains(&column.name) && table.primary_key != [column.name.clone()]
        };
        for column in table.columns.iter().filter(free) {
            for (target, end, base) in &ends {
                if target == name
                    || !comparable(&column.base, base)
                    || !is_worth_a_look(sketch, name, &column.name, target, end)
                {
                    continue;
                }
                let (all, there) = foreign.overlap((name, &column.name), (target, end)).await?;
                let share = if all == 0 { 0.0 } else { there as f64 / all as f64 };
                if all >= FEWEST && share >= OVERLAP {
                    let why = format!("guessed: {:.0} % of {all} values stand in {target}.{end}", share * 100.0);
                    let link = Link {
                        columns: vec![column.name.clone()],
                        table: target.clone(),
                        targets: vec![end.clone()],
                        undeclared: true,
                    };
                    out.entry(name.clone()).or_default().push((link, why));
                    break;
                }
            }
        }
    }
    Ok(out)
}

/// What a link could lead to: what tells people apart first, then every table's key. Table, column, type.
fn ends(sketch: &Sketch<'_>) -> Vec<(TableName, String, String)> {
    let mut out = Vec::new();
    if let Some(root) = sketch.catalogue.tables.get(&sketch.root) {
        let tells = |column: &&store::foreign::Column| column.name == sketch.key || root.is_unique(&column.name);
        out.extend(root.columns.iter().filter(tells).map(|c| (sketch.root.clone(), c.name.clone(), c.base.clone())));
    }
    for (name, table) in &sketch.catalogue.tables {
        if let ([key], false) = (table.primary_key.as_slice(), *name == sketch.root)
            && let Some(column) = table.column(key)
        {
            out.push((name.clone(), key.clone(), column.base.clone()));
        }
    }
    out
}

/// Whether values are compared at all. Small numbers are found in every table, so that for them the name must speak too;
/// addresses, names of users and UUIDs of people speak for themselves.
fn is_worth_a_look(sketch: &Sketch<'_>, table: &TableName, column: &str, target: &TableName, end: &str) -> bool {
    let is_people = *target == sketch.root;
    let base = sketch.catalogue.tables.get(table).and_then(|t| t.column(column)).map_or("", |c| c.base.as_str());
    let is_number = base.starts_with("int");
    let by_name = names::stands_for(column, &target.name)
        || (is_people && (names::is_owner(column) || names::is_touched(column)) && (end == sketch.key || !is_number));
    let personal = || {
        let guess = sketch.guesses.get(table).and_then(|of| of.get(column));
        guess.is_some_and(|guess| guess.class == Some(DataClass::Personal) || base == "uuid")
    };
    by_name || (is_people && !is_number && personal())
}

/// Decides what each link is for, from the table of people outwards, until nothing changes.
pub(super) fn decide(sketch: &mut Sketch<'_>, undeclared: BTreeMap<TableName, Vec<(Link, String)>>) {
    let shared = shared(sketch);
    let mut going: BTreeSet<TableName> = BTreeSet::from([sketch.root.clone()]);
    loop {
        let before = going.len();
        for (name, table) in &sketch.catalogue.tables {
            let guessed = undeclared.get(name).map_or(&[][..], Vec::as_slice);
            let links = assign(sketch, name, table, guessed, &going, &shared);
            if links.rule.as_ref().is_some_and(|(rule, _)| *rule == Rule::Delete) {
                going.insert(name.clone());
            }
            sketch.links.insert(name.clone(), links);
        }
        if going.len() == before {
            return;
        }
    }
}

/// Tables whose rows several people share: a table between them and people says who belongs to what.
fn shared(sketch: &Sketch<'_>) -> BTreeSet<TableName> {
    let mut out = BTreeSet::new();
    for (name, table) in &sketch.catalogue.tables {
        let names_people = table.foreign_keys.iter().any(|key| key.target == sketch.root);
        let others: BTreeSet<&TableName> = table
            .foreign_keys
            .iter()
            .map(|key| &key.target)
            .filter(|target| **target != sketch.root && *target != name)
            .collect();
        let is_between =
            table.uniques.iter().any(|unique| unique.len() >= 2) || table.columns.len() <= table.foreign_keys.len() + 2;
        if names_people && is_between {
            out.extend(others.into_iter().cloned());
        }
    }
    out
}

fn assign(
    sketch: &Sketch<'_>,
    name: &TableName,
    table: &Table,
    guessed: &[(Link, String)],
    going: &BTreeSet<TableName>,
    shared: &BTreeSet<TableName>,
) -> Links {
    let mut out = Links::default();
    for key in &table.foreign_keys {
        let link = Link {
            columns: key.columns.clone(),
            table: key.target.clone(),
            targets: key.targets.clone(),
            undeclared: false,
        };
        let may_be_null = key.columns.iter().any(|column| table.column(column).is_some_and(|c| !c.not_null));
        if !going.contains(&key.target) || *name == sketch.root && key.target == sketch.root {
            out.points_at.push((link, "says nothing about whose it is".to_owned()));
        } else if key.target == *name {
            out.cleared.push((link, "points at a row of its own kind".to_owned()));
        } else if key.on_delete == OnDelete::Cascade || !may_be_null {
            let why = if may_be_null { "the schema lets it go with that row" } else { "may not be without" };
            out.owned_by.push((link, why.to_owned()));
        } else {
            out.cleared.push((link, "may be without".to_owned()));
        }
    }
    for (link, why) in guessed.iter().filter(|(link, _)| going.contains(&link.table) && *name != sketch.root) {
        out.owned_by.push((link.clone(), why.clone()));
    }
    out.rule = Some(rule(sketch, name, table, &out, shared));
    out
}

fn rule(
    sketch: &Sketch<'_>,
    name: &TableName,
    table: &Table,
    links: &Links,
    shared: &BTreeSet<TableName>,
) -> (Rule, String) {
    if table.kind == Kind::Materialized {
        return (Rule::Refresh, "a copy of other tables' rows".to_owned());
    }
    if *name == sketch.root {
        return (Rule::Delete, "the people themselves".to_owned());
    }
    if links.owned_by.is_empty() {
        return (Rule::Keep, "nothing leads from it to a person".to_owned());
    }
    if shared.contains(name) {
        return (Rule::Keep, "several people share its rows: decide what becomes of them".to_owned());
    }
    (Rule::Delete, "its rows are the person's".to_owned())
}
