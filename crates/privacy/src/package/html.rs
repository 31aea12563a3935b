//! The package as a page for people: one file without scripts and without anything from elsewhere.

use super::{Package, Section, words};
use askama::Template;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Template)]
#[template(path = "package.html")]
struct Page<'a> {
    made_at: String,
    sections: Vec<Shown<'a>>,
    empty: Vec<&'a str>,
    kept_back: Vec<Kept<'a>>,
    files: usize,
}

struct Shown<'a> {
    id: &'a str,
    title: &'a str,
    about: &'a str,
    count: usize,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

struct Kept<'a> {
    title: &'a str,
    column: String,
    why: &'a str,
}

/// The package as a page.
///
/// # Errors
/// Never for a template that the compiler has checked; the signature of rendering has one.
pub fn html(package: &Package) -> Result<String, askama::Error> {
    let teams = teams(package);
    let (filled, empty): (Vec<&Section>, Vec<&Section>) =
        package.sections.iter().partition(|section| !section.rows.is_empty());
    let title = |name: &str| package.section(name).map_or("", |section| section.title.as_str());
    let kept = package.kept_back.iter().map(|one| Kept {
        title: title(&one.section),
        column: words::label(&one.column),
        why: &one.why,
    });
    let page = Page {
        made_at: moment(&package.made_at.to_string()),
        sections: filled.into_iter().map(|section| shown(section, &teams)).collect(),
        empty: empty.into_iter().map(|section| section.title.as_str()).collect(),
        kept_back: kept.collect(),
        files: package.files.len(),
    };
    page.render()
}

/// What each team is called.
fn teams(package: &Package) -> BTreeMap<String, String> {
    let rows = package.section("tenant").map(|section| section.rows.as_slice()).unwrap_or_default();
    let pair = |row: &Map<String, Value>| {
        Some((row.get("tenant_id")?.as_str()?.to_owned(), row.get("name")?.as_str()?.to_owned()))
    };
    rows.iter().filter_map(pair).collect()
}

fn shown<'a>(section: &'a Section, teams: &BTreeMap<String, String>) -> Shown<'a> {
    let rows: Vec<BTreeMap<String, String>> = section.rows.iter().map(|row| read(row, teams)).collect();
    // Where nobody has anything there is no column.
    let heads: BTreeSet<&String> =
        rows.iter().flat_map(|row| row.iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name)).collect();
    let cells = |row: &BTreeMap<String, String>| {
        heads.iter().map(|head| row.get(*head).cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    Shown {
        id: &section.section,
        title: &section.title,
        about: &section.about,
        count: section.rows.len(),
        rows: rows.iter().map(cells).collect(),
        heads: heads.iter().map(|head| words::label(head)).collect(),
    }
}

/// A row as people read it: teams by name, instants to the minute, ids left to the document for programs.
fn read(row: &Map<String, Value>, teams: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, value) in row {
        match value {
            Value::Object(inner) => out.extend(read(inner, teams)),
            Value::String(id) if name == "tenant_id" => {
                out.insert(name.clone(), teams.get(id).cloned().unwrap_or_default());
            }
            _ if name.ends_with("_id") || name == "version" || name == "sha256" => {}
            other => {
                out.insert(name.clone(), text(other));
            }
        }
    }
    out
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => moment(text),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Object(all) => {
            let pair = |(name, value): (&String, &Value)| format!("{}: {}", words::label(name), text(value));
            all.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
    }
}

/// An instant to the minute; any other text as it is.
fn moment(text: &str) -> String {
    let is_instant = text.len() > 18 && text.parse::<kernel::Timestamp>().is_ok();
    match (is_instant, text.get(..10), text.get(11..16)) {
        (true, Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{KeptBack, Reach};
    use kernel::AccountId;
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn a_page_says_what_is_held_in_words_and_runs_nothing() {
        let row = |value: Value| value.as_object().unwrap().clone();
        let team = Uuid::now_v7();
        let section = |name: &str, rows: Vec<Value>| Section {
            section: name.to_owned(),
            title: words::of(name).unwrap().title.to_owned(),
            about: words::of(name).unwrap().about.to_owned(),
            rows: rows.into_iter().map(row).collect(),
        };
        let package = Package {
            id: Uuid::now_v7(),
            made_at: "2026-11-22T10:30:00Z".parse().unwrap(),
            reach: Reach::Access,
            account: AccountId::new(),
            sections: vec![
                section("tenant", vec![json!({"tenant_id": team, "name": "Engines & more"})]),
                section(
                    "note",
                    vec![json!({"tenant_id": team, "note_id": team, "title": "<script>alert(1)</script>",
                    "created_at": "2026-11-22T09:08:07Z", "updated_at": null})],
                ),
                section("drawing", Vec::new()),
            ],
            kept_back: vec![KeptBack { section: "note".to_owned(), column: "secret".to_owned(), why: "so".to_owned() }],
            files: Vec::new(),
        };
        let page = html(&package).unwrap();
        for words in
            ["Engines &#38; more", "&#60;script&#62;", "2026-11-22 09:08 UTC", "Created", "2026-11-22 10:30 UTC"]
        {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("<script") && !page.contains("http"), "nothing runs, nothing comes from elsewhere");
        assert!(!page.contains(&team.to_string()) && !page.contains(">Updated<"), "{page}");
        assert!(page.contains("Drawings"), "that nothing is held is said");
    }
}
