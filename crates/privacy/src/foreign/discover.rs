//! Proposing a map from a schema and samples of its rows. Every proposal says how sure it is and why, and never shows a
//! value. What it is not sure enough of stays unclassified, so that a person has to look.

mod columns;
mod emit;
mod links;
mod names;
mod shapes;

use super::{error::ForeignError, lint, map::Map, territory::Territory};
use std::collections::BTreeMap;
use store::foreign::{Catalogue, Foreign, TableName};

/// From which confidence on a class is proposed.
const SURE_ENOUGH: f64 = 0.5;

/// What a column probably holds.
#[derive(Clone, Debug, PartialEq)]
struct Guess {
    /// Its class; none when nothing speaks for one.
    class: Option<kernel::DataClass>,
    /// How sure, between 0 and 1.
    confidence: f64,
    /// Why.
    reason: String,
    /// Whether its texts hold addresses of people.
    mentions: bool,
}

/// A proposed map.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The map, as it would be written, with reasons as comments.
    pub text: String,
    /// The same, read.
    pub map: Map,
    /// How many columns it has, and how many of them nobody has classified.
    pub columns: usize,
    /// Those that a person must classify.
    pub unclassified: usize,
    /// Links that the schema does not declare.
    pub guessed: usize,
    /// Indexes that would serve an erasure, as commands.
    pub indexes: Vec<String>,
}

/// Everything known about the database while a map is being proposed.
struct Sketch<'a> {
    catalogue: &'a Catalogue,
    /// The table of people and its key.
    root: TableName,
    key: String,
    /// Table to column to what it probably holds.
    guesses: BTreeMap<TableName, BTreeMap<String, Guess>>,
    /// Table to its links.
    links: BTreeMap<TableName, links::Links>,
}

/// Proposes a map. The table of people is found where none is named.
///
/// # Errors
/// When the database cannot be read, or no table looks like one of people.
pub async fn discover(
    foreign: &mut Foreign,
    catalogue: &Catalogue,
    root: Option<TableName>,
) -> Result<Proposal, ForeignError> {
    let mut samples = BTreeMap::new();
    for (name, table) in &catalogue.tables {
        samples.insert(name.clone(), foreign.sample(name, table).await?);
    }
    let guesses = columns::guess_all(catalogue, &samples);
    let (root, key) = match root {
        Some(name) => (name.clone(), links::key_of(catalogue, &name)?),
        None => links::root(catalogue, &guesses)?,
    };
    let mut sketch = Sketch { catalogue, root, key, guesses, links: BTreeMap::new() };
    let undeclared = links::undeclared(foreign, &sketch).await?;
    links::decide(&mut sketch, undeclared);
    columns::refine(&mut sketch);
    propose(&sketch)
}

fn propose(sketch: &Sketch<'_>) -> Result<Proposal, ForeignError> {
    let mut text = emit::map(sketch);
    let map = Map::parse(&text)?;
    let mut indexes = Vec::new();
    if let Ok(territory) = Territory::of(&map, sketch.catalogue) {
        let missing = lint::unserved(&map, sketch.catalogue, &territory);
        indexes.extend(missing.iter().map(|(table, columns)| format!("{};", Foreign::index_command(table, columns))));
    }
    text += &emit::indexes(&indexes);
    let columns = sketch.guesses.values().map(BTreeMap::len).sum();
    let unclassified = sketch.guesses.values().flat_map(BTreeMap::values).filter(|guess| !guess.is_sure()).count();
    let guessed = sketch.links.values().map(links::Links::guessed).sum();
    Ok(Proposal { text, map, columns, unclassified, guessed, indexes })
}

impl Guess {
    fn new(class: kernel::DataClass, confidence: f64, reason: impl Into<String>) -> Self {
        Self { class: Some(class), confidence, reason: reason.into(), mentions: false }
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Self { class: None, confidence: 0.0, reason: reason.into(), mentions: false }
    }

    fn is_sure(&self) -> bool {
        self.class.is_some() && self.confidence >= SURE_ENOUGH
    }
}
