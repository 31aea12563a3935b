//! What belongs to whom, worked out of map and schema: for each table the ways that lead to the person, and the order in
//! which rows can go without one pointing at nothing.

use super::map::{Link, Map, Rule, Table};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};
use store::foreign::{Act, Become, Catalogue, Owned, Reach, Step, TableName, catalogue::OnDelete};

/// A column of the people's table by whose values other tables name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleColumn {
    /// Its name.
    pub column: String,
    /// Its type.
    pub kind: String,
}

/// The whole of it.
#[derive(Clone, Debug)]
pub struct Territory {
    /// The key first, then what else names people.
    pub handles: Vec<HandleColumn>,
    /// The rows of each table that belong to somebody.
    pub owned: BTreeMap<TableName, Arc<Owned>>,
    /// What is emptied, before anything goes.
    pub clear: Vec<Step>,
    /// What goes or is made anonymous, children first.
    pub change: Vec<Step>,
    /// How many steps of `change` after one another do not wait for each other.
    levels: Vec<usize>,
    /// How many foreign keys point at a table, or at the whole that it is part of.
    pointed_at: BTreeMap<TableName, u32>,
}

/// Works it out step by step.
struct Survey<'a> {
    map: &'a Map,
    catalogue: &'a Catalogue,
    handles: Vec<HandleColumn>,
    owned: BTreeMap<TableName, Arc<Owned>>,
    /// Tables whose owners are being worked out: one that comes twice owns itself.
    open: BTreeSet<TableName>,
    wrong: Vec<String>,
}

impl Territory {
    /// Works it out.
    ///
    /// # Errors
    /// A sentence for each thing that does not fit.
    pub fn of(map: &Map, catalogue: &Catalogue) -> Result<Self, Vec<String>> {
        let mut survey = Survey {
            map,
            catalogue,
            handles: Vec::new(),
            owned: BTreeMap::new(),
            open: BTreeSet::new(),
            wrong: Vec::new(),
        };
        survey.handle(&map.subject.key);
        for table in &map.tables {
            if map.is_root(&table.name) || !table.owned_by.is_empty() {
                survey.own(&table.name);
            }
        }
        let clear = survey.clear_steps();
        let (change, levels) = survey.change_steps();
        if survey.wrong.is_empty() {
            let pointed_at = pointed_at(catalogue);
            Ok(Self { handles: survey.handles, owned: survey.owned, clear, change, levels, pointed_at })
        } else {
            Err(survey.wrong)
        }
    }

    /// The ways that lead from a row of the table to the person.
    #[must_use]
    pub fn reaches(&self, table: &TableName) -> &[Reach] {
        self.owned.get(table).map_or(&[], |owned| owned.reaches.as_slice())
    }

    /// The steps by their number, in rounds: those of one round do not wait for each other, and come after all before.
    #[must_use]
    pub fn rounds(&self) -> Vec<Range<usize>> {
        let mut next = 0;
        let mut round = |steps: usize| {
            next += steps;
            next - steps..next
        };
        // Two links of one table may be emptied, in the same rows.
        self.clear.iter().map(|_| 1).chain(self.levels.iter().copied()).map(&mut round).collect()
    }

    /// How many look-ups a row of a step costs: itself, and for each foreign key that points at it, whether anything still
    /// does.
    #[must_use]
    pub fn weight(&self, step: &Step) -> u32 {
        let keys = if step.act == Act::Delete { self.pointed_at.get(&step.table).copied().unwrap_or(0) } else { 0 };
        keys + 1
    }
}

fn pointed_at(catalogue: &Catalogue) -> BTreeMap<TableName, u32> {
    let mut out: BTreeMap<TableName, u32> = BTreeMap::new();
    for key in catalogue.tables.values().flat_map(|table| &table.foreign_keys) {
        let leaves = catalogue.tables.get(&key.target).map_or(&[][..], |table| table.leaves.as_slice());
        for leaf in leaves {
            *out.entry(leaf.clone()).or_default() += 1;
        }
    }
    out
}

impl<'a> Survey<'a> {
    /// The number of the handle with that column.
    fn handle(&mut self, column: &str) -> Option<usize> {
        if let Some(number) = self.handles.iter().position(|handle| handle.column == column) {
            return Some(number);
        }
        let root = &self.map.subject.table;
        let Some(found) = self.catalogue.tables.get(root).and_then(|table| table.column(column)) else {
            self.wrong.push(format!("{root} has no column {column}, by which people are told apart"));
            return None;
        };
        self.handles.push(HandleColumn { column: column.to_owned(), kind: found.kind.clone() });
        Some(self.handles.len() - 1)
    }

    /// The rows of a table that belong to somebody.
    fn own(&mut self, name: &TableName) -> Option<Arc<Owned>> {
        if let Some(owned) = self.owned.get(name) {
            return Some(Arc::clone(owned));
        }
        if self.map.is_root(name) {
            let (key, number) = (self.map.subject.key.clone(), 0);
            let kind = self.kind(name, &key)?;
            let reaches = vec![Reach::Handle { column: key, kind, handle: number }];
            return Some(self.keep(name, reaches));
        }
        let Some(table) = self.map.table(name) else {
            self.wrong.push(format!("{name} is named as an owner and is not on the map"));
            return None;
        };
        if table.owned_by.is_empty() {
            self.wrong.push(format!("{name} is named as an owner, and nothing leads from it to the person"));
            return None;
        }
        if !self.open.insert(name.clone()) {
            self.wrong.push(format!("{name} owns itself through its owners: one of these links is no ownership"));
            return None;
        }
        let links = table.owned_by.clone();
        let reaches: Vec<Reach> = links.iter().filter_map(|link| self.reach(name, link)).collect();
        self.open.remove(name);
        (reaches.len() == links.len()).then(|| self.keep(name, reaches))
    }

    fn keep(&mut self, name: &TableName, reaches: Vec<Reach>) -> Arc<Owned> {
        let owned = Arc::new(Owned { table: name.clone(), reaches });
        self.owned.insert(name.clone(), Arc::clone(&owned));
        owned
    }

    fn reach(&mut self, name: &TableName, link: &Link) -> Option<Reach> {
        if let ([column], [target]) = (link.columns.as_slice(), link.targets.as_slice())
            && self.map.is_root(&link.table)
        {
            let kind = self.kind(name, column)?;
            let handle = self.handle(target)?;
            return Some(Reach::Handle { column: column.clone(), kind, handle });
        }
        let parent = self.own(&link.table)?;
        Some(Reach::Through { columns: link.columns.clone(), targets: link.targets.clone(), parent })
    }

    fn kind(&mut self, table: &TableName, column: &str) -> Option<String> {
        let kind = self.catalogue.tables.get(table).and_then(|table| table.column(column)).map(|c| c.kind.clone());
        if kind.is_none() {
            self.wrong.push(format!("{table}.{column} is on the map and not in the database"));
        }
        kind
    }

    /// The parts of a table, as each is changed.
    fn leaves(&self, name: &TableName) -> Vec<TableName> {
        self.catalogue.tables.get(name).map_or_else(|| vec![name.clone()], |table| table.leaves.clone())
    }

    fn clear_steps(&mut self) -> Vec<Step> {
        let map = self.map;
        let mut steps = Vec::new();
        for table in &map.tables {
            for link in &table.cleared {
                let Some(reach) = self.reach(&table.name, link) else { continue };
                let live = self.catalogue.tables.get(&table.name);
                let may_be_empty = |column: &&String| live.and_then(|t| t.column(column)).is_some_and(|c| !c.not_null);
                let columns: Vec<String> = link.columns.iter().filter(may_be_empty).cloned().collect();
                if columns.is_empty() {
                    self.wrong
                        .push(format!("{}: {link} cannot be emptied, none of its columns may be null", table.name));
                    continue;
                }
                let step = |leaf| Step { table: leaf, reaches: vec![reach.clone()], act: Act::Clear(columns.clone()) };
                steps.extend(self.leaves(&table.name).into_iter().map(step));
            }
        }
        steps
    }

    /// The steps, and how many of them are of each level.
    fn change_steps(&mut self) -> (Vec<Step>, Vec<usize>) {
        let (mut steps, mut levels) = (Vec::new(), Vec::new());
        for level in self.in_order() {
            let before = steps.len();
            for table in level {
                let Some(owned) = self.owned.get(&table.name).cloned() else { continue };
                let act = match table.on_erase {
                    Rule::Delete => Act::Delete,
                    Rule::Anonymise => Act::Anonymise(self.becomes(table)),
                    Rule::Keep | Rule::Refresh => continue,
                };
                let step = |leaf| Step { table: leaf, reaches: owned.reaches.clone(), act: act.clone() };
                steps.extend(self.leaves(&table.name).into_iter().map(step));
            }
            levels.push(steps.len() - before);
        }
        (steps, levels)
    }

    /// What the columns of a table become.
    fn becomes(&mut self, table: &Table) -> Vec<(String, String, Become)> {
        let mut out = Vec::new();
        for (column, words) in &table.anonymise {
            let live = self.catalogue.tables.get(&table.name).and_then(|live| live.column(column));
            let (Some(live), Some(what)) = (live, becomes(words, live.and_then(|c| c.longest))) else {
                self.wrong.push(format!(
                    "{}.{column}: `{words}` is nothing that a column becomes; expected null, random, random@ or =text",
                    table.name
                ));
                continue;
            };
            out.push((column.clone(), live.kind.clone(), what));
        }
        out
    }

    /// The tables whose rows change, each before what it points at: level by level, and none of a level points at another.
    fn in_order(&mut self) -> Vec<Vec<&'a Table>> {
        let map = self.map;
        let mut left: Vec<&Table> = map
            .tables
            .iter()
            .filter(|table| {
                matches!(table.on_erase, Rule::Delete | Rule::Anonymise) && self.owned.contains_key(&table.name)
            })
            .collect();
        let mut out = Vec::new();
        while !left.is_empty() {
            let pointed_at: BTreeSet<TableName> = left.iter().flat_map(|table| self.points_at(table)).collect();
            let (ready, later): (Vec<&Table>, Vec<&Table>) =
                left.iter().partition(|table| !pointed_at.contains(&table.name));
            if ready.is_empty() {
                let names: Vec<String> = later.iter().map(|table| table.name.to_string()).collect();
                self.wrong.push(format!(
                    "{} point at each other in a circle: let one of the links be cleared",
                    names.join(", ")
                ));
                return Vec::new();
            }
            out.push(ready);
            left = later;
        }
        out
    }

    /// What a table points at so that it must go first: its owners, and rows whose deletion the database would refuse.
    fn points_at(&self, table: &Table) -> Vec<TableName> {
        let cleared: BTreeSet<&[String]> = table.cleared.iter().map(|link| link.columns.as_slice()).collect();
        let keys = self.catalogue.tables.get(&table.name).map_or(&[][..], |live| live.foreign_keys.as_slice());
        let declared = keys
            .iter()
            .filter(|key| key.on_delete != OnDelete::Empty && !cleared.contains(key.columns.as_slice()))
            .map(|key| key.target.clone());
        let owners = table.owned_by.iter().map(|link| link.table.clone());
        declared.chain(owners).filter(|target| *target != table.name).collect()
    }
}

/// Reads what a column becomes.
#[must_use]
pub fn becomes(words: &str, longest: Option<i32>) -> Option<Become> {
    let longest = longest.and_then(|longest| usize::try_from(longest).ok()).unwrap_or(usize::MAX);
    let random = |suffix: &str| Become::Random { suffix: suffix.to_owned(), longest };
    match words {
        "null" => Some(Become::Null),
        "random" => Some(random("")),
        "random@" => Some(random("@erased.invalid")),
        _ => words.strip_prefix('=').map(|text| Become::Text(text.to_owned())),
    }
}
