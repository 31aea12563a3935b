//! The exports of a workspace, compared with each other and with what the database has recorded.

use super::{
    Stop,
    client::call,
    plant::{Member, Plant, Written},
};
use crate::{
    csv,
    export::{self, Document},
};
use outbound::Site;
use std::collections::{BTreeMap, BTreeSet};
use store::{Store, objectives::walk};

/// Where a workspace comes out.
pub(super) const PATHS: [&str; 8] = [
    "/objectives/export.json",
    "/objectives/export.zip",
    "/api/objectives/export",
    "/objectives/export/objectives.csv",
    "/objectives/export/key-results.csv",
    "/objectives/export/check-ins.csv",
    "/objectives/export/history.csv",
    "/objectives/export/people.csv",
];

/// How many files there are.
pub(super) const FILES: usize = PATHS.len();

/// The document of a workspace, from the page that people download it from.
pub(super) async fn document(site: &Site, who: &Member) -> Result<Document, Stop> {
    let body = file(site, who, "/objectives/export.json").await?;
    serde_json::from_slice(&body).map_err(|_| Stop::Broke("the exported document is not of its own form".to_owned()))
}

async fn file(site: &Site, who: &Member, path: &str) -> Result<Vec<u8>, Stop> {
    let answer = call(site, Some(&who.token), "GET", path, None).await?;
    if answer.status == 200 {
        return Ok(answer.body);
    }
    Err(Stop::Broke(format!("GET {path} was answered with {}", answer.status)))
}

/// Takes every export, and compares them.
pub(super) async fn exports(site: &Site, who: &Member, written: &Written) -> Result<Document, Stop> {
    let page = String::from_utf8_lossy(&file(site, who, "/objectives/export").await?).into_owned();
    for path in PATHS.iter().filter(|path| !path.starts_with("/api/")) {
        if !page.contains(&format!("href=\"{path}\"")) {
            return Err(Stop::Broke(format!("the page for exports does not lead to {path}")));
        }
    }
    let document = document(site, who).await?;
    let text = serde_json::to_string(&document).unwrap_or_default();
    for words in &written.texts {
        let quoted = serde_json::to_string(words).unwrap_or_default();
        if !text.contains(quoted.trim_matches('"')) {
            return Err(Stop::Broke("a text that was just written is not in the exported document".to_owned()));
        }
    }
    let archived = export::read_archive(&file(site, who, "/objectives/export.zip").await?);
    let archived = archived.ok_or_else(|| Stop::Broke("the exported archive cannot be read".to_owned()))?;
    let called: Document = serde_json::from_slice(&file(site, who, "/api/objectives/export").await?)
        .map_err(|_| Stop::Broke("the document of the API is not of its own form".to_owned()))?;
    for (what, other) in [("archive", &archived.document), ("API", &called)] {
        let same = Document { exported_at: document.exported_at, ..other.clone() };
        if same != document {
            return Err(Stop::Broke(format!("the document of the {what} is not the one of the page")));
        }
    }
    for path in PATHS.iter().filter(|path| path.ends_with(".csv")) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let table = String::from_utf8_lossy(&file(site, who, path).await?).into_owned();
        if archived.tables.get(name) != Some(&table) {
            return Err(Stop::Broke(format!("{name} in the archive is not the one of the page")));
        }
        compare_table(&document, name, &table)?;
    }
    Ok(document)
}

/// Every row of the document is in its table, with the texts that people wrote, and none is a formula.
fn compare_table(document: &Document, name: &str, table: &str) -> Result<(), Stop> {
    let records = csv::parse(table).map_err(|at| Stop::Broke(format!("record {at} of {name} cannot be read")))?;
    let Some((heads, rows)) = records.split_first() else {
        return Err(Stop::Broke(format!("{name} is empty")));
    };
    let column = |row: &Vec<String>, head: &str| {
        let at = heads.iter().position(|one| one == head);
        at.and_then(|at| row.get(at)).map(|cell| csv::text(cell).to_owned()).unwrap_or_default()
    };
    let wanted: BTreeSet<(String, String)> = match name {
        "objectives.csv" => document.objectives.iter().map(|one| (one.id.to_string(), one.title.clone())).collect(),
        "key-results.csv" => document.key_results.iter().map(|one| (one.id.to_string(), one.title.clone())).collect(),
        "check-ins.csv" => document.check_ins.iter().map(|one| (one.id.to_string(), one.comment.clone())).collect(),
        "history.csv" => document.history.iter().map(|one| (one.id.to_string(), one.version.to_string())).collect(),
        _ => document.people.iter().filter_map(|one| Some((one.id.to_string(), one.name.clone()?))).collect(),
    };
    let (id, text) = match name {
        "objectives.csv" => ("objective", "title"),
        "key-results.csv" => ("key_result", "title"),
        "check-ins.csv" => ("check_in", "comment"),
        "history.csv" => ("revision", "version"),
        _ => ("person", "person_name"),
    };
    let there: BTreeSet<(String, String)> = rows.iter().map(|row| (column(row, id), column(row, text))).collect();
    if there != wanted {
        return Err(Stop::Broke(format!("{name} does not have the rows of the document")));
    }
    let runs = |cell: &String| cell.trim_start_matches(' ').starts_with(['=', '@', '\t', '\r']);
    if rows.iter().flatten().any(runs) {
        return Err(Stop::Broke(format!("a cell of {name} begins like a formula")));
    }
    Ok(())
}

/// The document has every row that is recorded, as it is recorded, and no other.
pub(super) async fn with_recorded(store: &Store, plant: &Plant, exported: &Document) -> Result<(), Stop> {
    let recorded = walk::recorded(store, plant.owner.tenant.into()).await?;
    let recorded = Document::bare(recorded);
    let differs = |what: &str| Stop::Broke(format!("the exported {what} are not those that the database has recorded"));
    if recorded.objectives != exported.objectives {
        return Err(differs("objectives"));
    }
    if recorded.key_results != exported.key_results {
        return Err(differs("key results"));
    }
    if recorded.check_ins != exported.check_ins {
        return Err(differs("check-ins"));
    }
    if recorded.history != exported.history {
        return Err(differs("changes"));
    }
    let names: BTreeMap<_, _> = exported.people.iter().map(|one| (one.id.uuid(), one.name.as_deref())).collect();
    for member in [&plant.owner, &plant.colleague] {
        if names.get(&member.id) != Some(&Some(member.name.as_str())) {
            return Err(Stop::Broke("the exported document does not name everybody".to_owned()));
        }
    }
    Ok(())
}
