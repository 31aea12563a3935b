//! Who is meant: by key or by address, one or many.

use super::{
    error::ForeignError,
    map::{Class, Map},
    territory::Territory,
};
use kernel::DataClass;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::foreign::{Catalogue, Foreign, Handle};

/// How somebody is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// By the key of the people's table.
    Key(String),
    /// By an e-mail address.
    Email(String),
}

impl Selector {
    /// What stands in a line of a file: an address if there is an at sign in it.
    #[must_use]
    pub fn of_line(line: &str) -> Self {
        let line = line.trim().to_owned();
        if line.contains('@') { Self::Email(line) } else { Self::Key(line) }
    }

    fn value(&self) -> &str {
        match self {
            Self::Key(value) | Self::Email(value) => value,
        }
    }
}

/// One person: the value of each handle, the key first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The values, in the order of the territory's handles.
    pub values: Vec<Option<String>>,
}

impl Subject {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.values.first().and_then(Option::as_deref).unwrap_or_default()
    }
}

/// A row of the people's table: its columns, as text.
pub type Row = BTreeMap<String, Option<String>>;

/// The people in these rows, as this map knows them; `None` when it knows them by a column that is not there.
#[must_use]
pub fn subjects_in(territory: &Territory, rows: &[Row]) -> Option<Vec<Subject>> {
    let subject = |row: &Row| {
        let values = territory.handles.iter().map(|handle| row.get(&handle.column).cloned());
        Some(Subject { values: values.collect::<Option<_>>()? })
    };
    rows.iter().map(subject).collect()
}

/// The rows of these people, without credentials: a map that comes later may know them by other columns, when the rows are
/// gone already.
///
/// # Errors
/// When the database refuses.
pub async fn rows(
    foreign: &mut Foreign,
    map: &Map,
    catalogue: &Catalogue,
    territory: &Territory,
    subjects: &[Subject],
) -> Result<Vec<Row>, ForeignError> {
    let root = &map.subject.table;
    let kind = territory.handles.first().map_or("text", |handle| handle.kind.as_str());
    let keys: Vec<String> = subjects.iter().map(|subject| subject.key().to_owned()).collect();
    let is_secret = |name: &str| {
        let class = map.table(root).and_then(|table| table.columns.get(name));
        matches!(class, Some(Class::Known(DataClass::Credential)))
    };
    let columns = catalogue.tables.get(root).into_iter().flat_map(|live| &live.columns);
    let mut names: BTreeSet<String> =
        columns.map(|column| column.name.clone()).filter(|name| !is_secret(name)).collect();
    names.extend(territory.handles.iter().map(|handle| handle.column.clone()));
    let names: Vec<String> = names.into_iter().collect();
    let found = foreign.subjects(root, &map.subject.key, kind, &keys, false, &names).await?;
    Ok(found.into_iter().map(|values| names.iter().cloned().zip(values).collect()).collect())
}

/// Finds everybody who is meant, each once.
///
/// # Errors
/// [`ForeignError::Subject`] when somebody is not there, or an address is several people's. It says which one by their
/// place in the list, and shows no value.
pub async fn find(
    foreign: &mut Foreign,
    map: &Map,
    catalogue: &Catalogue,
    territory: &Territory,
    selectors: &[Selector],
) -> Result<Vec<Subject>, ForeignError> {
    let wanted: Vec<String> = territory.handles.iter().map(|handle| handle.column.clone()).collect();
    let root = &map.subject.table;
    let kind = territory.handles.first().map_or("text", |handle| handle.kind.as_str());
    let mut found: BTreeMap<String, Subject> = BTreeMap::new();
    let mut keys_by_value: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let by_key: Vec<String> = values(selectors, |selector| matches!(selector, Selector::Key(_)));
    if !by_key.is_empty() {
        let rows = foreign.subjects(root, &map.subject.key, kind, &by_key, false, &wanted).await.map_err(not_a_key)?;
        for values in rows {
            let subject = Subject { values };
            keys_by_value.entry(subject.key().to_owned()).or_default().insert(subject.key().to_owned());
            found.insert(subject.key().to_owned(), subject);
        }
    }
    let by_email: Vec<String> = values(selectors, |selector| matches!(selector, Selector::Email(_)));
    if !by_email.is_empty() && map.subject.email.is_empty() {
        return Err(ForeignError::Subject("the map names no column with addresses: say --subject KEY".to_owned()));
    }
    for column in map.subject.email.iter().filter(|_| !by_email.is_empty()) {
        let kind = catalogue.tables.get(root).and_then(|t| t.column(column)).map_or("text", |c| c.kind.as_str());
        let with_address: Vec<String> = wanted.iter().chain([column]).cloned().collect();
        for mut values in foreign.subjects(root, column, kind, &by_email, true, &with_address).await? {
            let address = values.pop().flatten().unwrap_or_default().to_lowercase();
            let subject = Subject { values };
            keys_by_value.entry(address).or_default().insert(subject.key().to_owned());
            found.insert(subject.key().to_owned(), subject);
        }
    }
    everybody(selectors, &keys_by_value)?;
    Ok(found.into_values().collect())
}

fn values(selectors: &[Selector], wanted: fn(&Selector) -> bool) -> Vec<String> {
    selectors.iter().filter(|selector| wanted(selector)).map(|selector| selector.value().to_owned()).collect()
}

/// A value that the key's type does not take is nobody's key. What the database says of it is not shown: it repeats the
/// value.
fn not_a_key(error: store::StoreError) -> ForeignError {
    match &error {
        store::StoreError::Database(_) => {
            ForeignError::Subject("what was named cannot be a key of the people's table".to_owned())
        }
        _ => error.into(),
    }
}

fn everybody(selectors: &[Selector], found: &BTreeMap<String, BTreeSet<String>>) -> Result<(), ForeignError> {
    for (place, selector) in selectors.iter().enumerate() {
        let keys = match selector {
            Selector::Key(key) => found.get(key),
            Selector::Email(address) => found.get(&address.to_lowercase()),
        };
        let which = if selectors.len() == 1 { String::new() } else { format!(" (number {} of the list)", place + 1) };
        match keys.map_or(0, BTreeSet::len) {
            0 => return Err(ForeignError::Subject(format!("there is nobody like that{which}"))),
            1 => {}
            several => {
                let keys: Vec<&str> = keys.into_iter().flatten().map(String::as_str).collect();
                return Err(ForeignError::Subject(format!(
                    "{several} people have that address{which}: name one by --subject, with the key {}",
                    keys.join(" or ")
                )));
            }
        }
    }
    Ok(())
}

/// The handles of several people, as statements take them.
#[must_use]
pub fn handles(territory: &Territory, subjects: &[Subject]) -> Vec<Handle> {
    let values = |number: usize| subjects.iter().filter_map(|s| s.values.get(number).cloned().flatten()).collect();
    let of = |(number, handle): (usize, &super::territory::HandleColumn)| Handle {
        column: handle.column.clone(),
        kind: handle.kind.clone(),
        values: values(number),
    };
    territory.handles.iter().enumerate().map(of).collect()
}

/// What identifies these people in texts.
///
/// # Errors
/// When the database refuses.
pub async fn identifiers(
    foreign: &mut Foreign,
    map: &Map,
    territory: &Territory,
    subjects: &[Subject],
) -> Result<BTreeSet<String>, ForeignError> {
    let handles = handles(territory, subjects);
    let mut out = BTreeSet::new();
    for (table, column) in map.identifiers().map_err(ForeignError::Map)? {
        out.extend(foreign.values(&table, &column, territory.reaches(&table), &handles).await?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_somebody_by_key_or_by_address() {
        assert_eq!(Selector::of_line(" 17 "), Selector::Key("17".into()));
        assert_eq!(Selector::of_line("ada@example.org\r"), Selector::Email("ada@example.org".into()));
    }

    #[test]
    fn nobody_is_shown_when_somebody_is_missing() {
        let selectors = [Selector::Key("1".into()), Selector::Email("Ada@example.org".into())];
        let mut found = BTreeMap::from([("1".to_owned(), BTreeSet::from(["1".to_owned()]))]);
        let error = everybody(&selectors, &found).unwrap_err().to_string();
        assert!(error.contains("number 2") && !error.to_lowercase().contains("ada"), "{error}");
        found.insert("ada@example.org".to_owned(), BTreeSet::from(["1".to_owned(), "2".to_owned()]));
        assert!(everybody(&selectors, &found).unwrap_err().to_string().contains("2 people"));
        found.insert("ada@example.org".to_owned(), BTreeSet::from(["2".to_owned()]));
        assert!(everybody(&selectors, &found).is_ok());
    }
}
