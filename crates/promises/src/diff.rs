//! What changed between two profiles, said so that a weakening cannot hide: for each promise and each of its parameters
//! whether the change promises more, less, or something else.

mod compare;
mod register;

use crate::{
    control::Catalogue,
    profile::{Profile, Promise},
};
use std::{collections::BTreeMap, fmt};

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It was not there before.
    Added,
    /// It is no longer there.
    Removed,
    /// More is promised than before.
    Stronger,
    /// Less is promised than before.
    Weaker,
    /// The same is promised in other words.
    Reworded,
    /// Something else is promised, neither more nor less.
    Changed,
}

impl Direction {
    /// The direction of the same change seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Added => Self::Removed,
            Self::Removed => Self::Added,
            Self::Stronger => Self::Weaker,
            Self::Weaker => Self::Stronger,
            Self::Reworded => Self::Reworded,
            Self::Changed => Self::Changed,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Stronger => "stronger",
            Self::Weaker => "weaker",
            Self::Reworded => "reworded",
            Self::Changed => "changed",
        })
    }
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(tag = "what", content = "id", rename_all = "lowercase")]
pub enum Subject {
    /// The service.
    Service,
    /// The contacts.
    Contacts,
    /// A region, by id.
    Region(String),
    /// A sub-processor, by name.
    Processor(String),
    /// A promise, by id.
    Promise(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("service"),
            Self::Contacts => f.write_str("contacts"),
            Self::Region(id) => write!(f, "region {id}"),
            Self::Processor(name) => write!(f, "sub-processor {name}"),
            Self::Promise(id) => write!(f, "promise {id}"),
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Which way it goes.
    pub direction: Direction,
    /// What it is about.
    pub subject: Subject,
    /// Which part of it: `within`, `kind`, `freshness`; empty where it is about the whole.
    pub aspect: String,
    /// What it was before; empty for what is new.
    pub before: String,
    /// What it is now; empty for what is gone.
    pub after: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.direction, self.subject)?;
        if !self.aspect.is_empty() {
            write!(f, ": {}", self.aspect)?;
        }
        match (self.before.is_empty(), self.after.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => write!(f, ": {}", self.after),
            (false, true) => write!(f, ": was {}", self.before),
            (false, false) => write!(f, ": {} → {}", self.before, self.after),
        }
    }
}

/// Collects the changes of one subject.
pub(crate) struct Changes<'a> {
    list: &'a mut Vec<Change>,
    subject: Subject,
}

impl Changes<'_> {
    fn note(&mut self, direction: Direction, aspect: &str, before: impl fmt::Display, after: impl fmt::Display) {
        let (before, after) = (before.to_string(), after.to_string());
        self.list.push(Change { direction, subject: self.subject.clone(), aspect: aspect.to_owned(), before, after });
    }

    /// Notes a neutral change where the two differ.
    fn neutral(&mut self, aspect: &str, before: impl fmt::Display, after: impl fmt::Display) {
        let (before, after) = (before.to_string(), after.to_string());
        if before != after {
            self.note(Direction::Changed, aspect, before, after);
        }
    }
}

/// Every change from `old` to `new`: service, contacts, regions, register, then promises in the order of the new page,
/// removed ones last. The catalogue says which way each parameter gets stronger.
#[must_use]
pub fn diff(old: &Profile, new: &Profile, catalogue: &Catalogue) -> Vec<Change> {
    let mut changes = Vec::new();
    register::diff(old, new, &mut changes);
    let (before, after) = (templates(old), templates(new));
    for promise in &new.promises {
        let mut own = Changes { list: &mut changes, subject: Subject::Promise(promise.id.clone()) };
        match old.promise(&promise.id) {
            None => own.note(Direction::Added, "", "", &promise.words),
            Some(was) => {
                compare::promise(was, promise, catalogue, &mut own);
                words(was, promise, (before.get(&was.id), after.get(&promise.id)), &mut own);
            }
        }
    }
    for gone in old.promises.iter().filter(|promise| new.promise(&promise.id).is_none()) {
        let mut own = Changes { list: &mut changes, subject: Subject::Promise(gone.id.clone()) };
        own.note(Direction::Removed, "", &gone.words, "");
    }
    changes
}

/// The words of each promise before its placeholders were filled, so that a changed figure is no rewording.
fn templates(profile: &Profile) -> BTreeMap<String, String> {
    crate::lint::templates(&profile.source)
}

fn words(was: &Promise, is: &Promise, templates: (Option<&String>, Option<&String>), changes: &mut Changes<'_>) {
    let (before, after) = match templates {
        (Some(before), Some(after)) => (before, after),
        _ => (&was.words, &is.words),
    };
    if before != after {
        changes.note(Direction::Reworded, "words", before, after);
    }
}
