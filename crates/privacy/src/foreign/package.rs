//! What a person is given of their rows: JSON that programs read, a page that people read, a table per table for whoever
//! wants to take them along. Rows are written as they come, so that a long list needs no memory.

mod csv;
mod page;

use super::{
    error::ForeignError,
    find::{Subject, find, handles, identifiers},
    map::{Class, Map, Table},
    needles::Needles,
    territory::Territory,
};
use kernel::{Clock, DataClass};
use serde::Serialize;
use std::{
    fs,
    io::{BufWriter, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use store::foreign::{
    Catalogue, Foreign, TableName,
    search::{Reader, Searched},
};

/// The version of the package's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// What is needed to make a package.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The map.
    pub map: &'a Map,
    /// The schema.
    pub catalogue: &'a Catalogue,
    /// Who owns what.
    pub territory: &'a Territory,
    /// Who is meant.
    pub selector: &'a super::find::Selector,
    /// The folder to write into: a new one, or an empty one.
    pub out: &'a Path,
    /// Whether texts that are nobody's are searched for the person too, which reads them all.
    pub search: bool,
    /// What else identifies them in texts, besides what the map says.
    pub also: &'a [String],
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// One table of a package, as the summary has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// The table.
    pub table: TableName,
    /// What it holds, if the map says.
    pub about: String,
    /// How many rows are the person's.
    pub rows: u64,
    /// Columns that are not handed out: secrets and their hashes.
    pub withheld: Vec<String>,
}

/// A place that names the person without being theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The table.
    pub table: TableName,
    /// The columns.
    pub columns: Vec<String>,
    /// In how many rows.
    pub rows: u64,
}

/// What a package holds, without its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The version of the schema.
    pub schema_version: u32,
    /// When it was made.
    pub made_at: String,
    /// The name of the database.
    pub database: String,
    /// The tables.
    pub sections: Vec<Section>,
    /// Links that name the person in rows that are not theirs.
    pub named: Vec<Named>,
    /// Texts that name the person in rows that are not theirs; nothing when they were not searched.
    pub mentioned: Option<Vec<Named>>,
}

/// Makes a package. Everything in it is of one moment.
///
/// # Errors
/// When nobody is meant, the database refuses, or the folder cannot be written.
pub async fn write(foreign: &mut Foreign, request: Request<'_>) -> Result<Summary, ForeignError> {
    let folder = open(request.out)?;
    foreign.freeze().await?;
    let made = make(foreign, request, &folder).await;
    let ended = foreign.end().await;
    let summary = made?;
    ended?;
    Ok(summary)
}

/// A folder of which only its owner reads.
fn open(out: &Path) -> Result<PathBuf, ForeignError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(out).map_err(ForeignError::file(out))?;
    if fs::read_dir(out).map_err(ForeignError::file(out))?.next().is_some() {
        return Err(ForeignError::Refused(format!("{} is not empty: name a new folder", out.display())));
    }
    Ok(out.to_owned())
}

async fn make(foreign: &mut Foreign, request: Request<'_>, folder: &Path) -> Result<Summary, ForeignError> {
    let selectors = std::slice::from_ref(request.selector);
    let subjects = find(foreign, request.map, request.catalogue, request.territory, selectors).await?;
    let mut summary = Summary {
        schema_version: SCHEMA_VERSION,
        made_at: request.clock.now().to_string(),
        database: foreign.identity().await?.database,
        sections: Vec::new(),
        named: Vec::new(),
        mentioned: None,
    };
    let mut json = create(&folder.join("package.json"))?;
    let mut page = create(&folder.join("package.html"))?;
    page::begin(&mut page.file, &summary.made_at, &summary.database).map_err(|error| page.failed(error))?;
    json.put(&head(&summary))?;
    for table in request.map.tables.iter().filter(|table| request.territory.owned.contains_key(&table.name)) {
        let between = if summary.sections.is_empty() { "" } else { "," };
        json.put(between)?;
        let files = (&mut json, &mut page, folder);
        summary.sections.push(section(foreign, request, table, &subjects, files).await?);
    }
    summary.named = named(foreign, request, &subjects).await?;
    if request.search {
        summary.mentioned = Some(mentioned(foreign, request, &subjects).await?);
    }
    json.put(&format!("\n],\n\"named\": {},\n\"mentioned\": {}}}\n", text(&summary.named), text(&summary.mentioned)))?;
    page::end(&mut page.file, &summary).map_err(|error| page.failed(error))?;
    json.close()?;
    page.close()?;
    Ok(summary)
}

fn head(summary: &Summary) -> String {
    format!(
        "{{\"schema_version\": {SCHEMA_VERSION},\n\"made_at\": {},\n\"database\": {},\n\"sections\": [",
        text(&summary.made_at),
        text(&summary.database)
    )
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// One table: into all three files, row by row.
async fn section(
    foreign: &mut Foreign,
    request: Request<'_>,
    table: &Table,
    subjects: &[Subject],
    (json, page, folder): (&mut Output, &mut Output, &Path),
) -> Result<Section, ForeignError> {
    let live = request.catalogue.tables.get(&table.name);
    let is_secret = |column: &&store::foreign::Column| {
        matches!(table.columns.get(&column.name), Some(Class::Known(DataClass::Credential)))
    };
    let all = || live.into_iter().flat_map(|live| &live.columns);
    let withheld: Vec<String> = all().filter(is_secret).map(|column| column.name.clone()).collect();
    let shown: Vec<String> = all().filter(|column| !is_secret(column)).map(|column| column.name.clone()).collect();
    let order = live.map_or(&[][..], |live| live.primary_key.as_slice());
    json.put(&format!(
        "\n{{\"table\": {}, \"about\": {}, \"withheld\": {}, \"rows\": [",
        text(&table.name),
        text(&table.about),
        text(&withheld)
    ))?;
    let mut list = create(&folder.join(format!("{}.csv", file_name(&table.name))))?;
    list.put(&csv::line(shown.iter().map(|name| Some(name.as_str()))))?;
    page::table(&mut page.file, table, &shown).map_err(|error| page.failed(error))?;
    let mut rows = 0;
    let handles = handles(request.territory, subjects);
    let whose = (request.territory.reaches(&table.name), handles.as_slice());
    foreign
        .walk(&table.name, &shown, order, whose, |row, texts| {
            json.put(if rows == 0 { "\n" } else { ",\n" })?;
            json.put(row)?;
            list.put(&csv::line(texts.iter().map(Option::as_deref)))?;
            page::row(&mut page.file, rows, texts).map_err(|error| page.failed(error))?;
            rows += 1;
            Ok::<(), ForeignError>(())
        })
        .await?;
    json.put("]}")?;
    list.close()?;
    page::table_end(&mut page.file, rows, &withheld).map_err(|error| page.failed(error))?;
    Ok(Section { table: table.name.clone(), about: table.about.clone(), rows, withheld })
}

/// Rows of others that point at the person.
async fn named(foreign: &mut Foreign, request: Request<'_>, subjects: &[Subject]) -> Result<Vec<Named>, ForeignError> {
    let handles = handles(request.territory, subjects);
    let mut out = Vec::new();
    for step in &request.territory.clear {
        let rows = foreign.held(&step.table, &step.reaches, &handles).await?;
        let columns = step.reaches.iter().flat_map(store::foreign::Reach::columns).collect();
        if rows > 0 {
            out.push(Named { table: step.table.clone(), columns, rows });
        }
    }
    Ok(out)
}

/// Texts of others that name the person.
async fn mentioned(
    foreign: &mut Foreign,
    request: Request<'_>,
    subjects: &[Subject],
) -> Result<Vec<Named>, ForeignError> {
    let mut identifiers = identifiers(foreign, request.map, request.territory, subjects).await?;
    identifiers.extend(request.also.iter().cloned());
    let Some(needles) = Needles::new(identifiers).filter(|needles| !needles.is_empty()) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for (name, live) in request.catalogue.tables.iter().filter(|(name, _)| !request.territory.owned.contains_key(*name))
    {
        for column in live.columns.iter().filter(|column| column.is_searchable()) {
            let bytes = column.base == "bytea";
            let searched = Searched { column: column.name.clone(), kind: column.kind.clone(), bytes };
            let mut rows = 0;
            for leaf in &live.leaves {
                let mut reader = Reader::new(leaf.clone(), vec![searched.clone()], needles.few(), needles.marks());
                while let Some(found) = foreign.read_on(&mut reader).await? {
                    let names = |row: &&store::foreign::search::Found| {
                        row.texts.iter().flatten().any(|text| needles.are_in(text))
                    };
                    rows += found.iter().filter(names).count() as u64;
                }
            }
            if rows > 0 {
                out.push(Named { table: name.clone(), columns: vec![column.name.clone()], rows });
            }
        }
    }
    Ok(out)
}

/// A file that is being written.
struct Output {
    path: PathBuf,
    file: BufWriter<fs::File>,
}

fn create(path: &Path) -> Result<Output, ForeignError> {
    let file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(ForeignError::file(path))?;
    Ok(Output { path: path.to_owned(), file: BufWriter::new(file) })
}

impl Output {
    fn put(&mut self, text: &str) -> Result<(), ForeignError> {
        self.file.write_all(text.as_bytes()).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: std::io::Error) -> ForeignError {
        ForeignError::file(&self.path)(error)
    }

    fn close(mut self) -> Result<(), ForeignError> {
        self.file.flush().map_err(|error| self.failed(error))
    }
}

/// A table's name as a file's: letters, digits, dots and dashes.
fn file_name(table: &TableName) -> String {
    let plain = |c: char| if c.is_alphanumeric() || c == '.' || c == '-' || c == '_' { c } else { '_' };
    table.to_string().chars().map(plain).collect()
}
