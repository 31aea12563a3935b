//! The table of the verification standard cannot rot: every requirement of its chapters is there once, with its level; every
//! test, control and file that an answer points at exists; and the counts at its head are those of its rows.

use crate::workspace::{files, root};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The requirements of OWASP ASVS 5.0.0, by section: the level of each, in order.
const SECTIONS: [(&str, &str); 37] = [
    ("3.1", "3"),
    ("3.2", "113"),
    ("3.3", "12223"),
    ("3.4", "11222233"),
    ("3.5", "11122333"),
    ("3.6", "3"),
    ("3.7", "22333"),
    ("6.1", "122"),
    ("6.2", "111111112222"),
    ("6.3", "11223333"),
    ("6.4", "112233"),
    ("6.5", "22222333"),
    ("6.6", "2223"),
    ("6.7", "33"),
    ("6.8", "2222"),
    ("7.1", "222"),
    ("7.2", "1111"),
    ("7.3", "22"),
    ("7.4", "11222"),
    ("7.5", "223"),
    ("7.6", "22"),
    ("8.1", "1233"),
    ("8.2", "1123"),
    ("8.3", "133"),
    ("8.4", "23"),
    ("9.1", "111"),
    ("9.2", "1222"),
    ("10.1", "22"),
    ("10.2", "223"),
    ("10.3", "22223"),
    ("10.4", "1111122222233333"),
    ("10.5", "22222"),
    ("10.6", "22"),
    ("10.7", "222"),
    ("12.1", "12233"),
    ("12.2", "11"),
    ("12.3", "22223"),
];

/// What an answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Shown,
    Construction,
    NotApplicable,
    Open,
}

/// One requirement in the table.
#[derive(Debug)]
struct Row {
    id: String,
    level: String,
    asks: String,
    says: String,
}

impl Row {
    fn of(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let id = cells[0];
        let numbered = id.split('.').count() == 3 && id.split('.').all(|part| part.parse::<u32>().is_ok());
        if !numbered {
            return None;
        }
        assert_eq!(cells.len(), 4, "{line}");
        let cell = |at: usize| cells[at].to_owned();
        Some(Self { id: cell(0), level: cell(1), asks: cell(2), says: cell(3) })
    }

    fn answer(&self) -> Answer {
        match self.says.split_once(": ").map(|(first, _)| first) {
            Some("by construction") => Answer::Construction,
            Some("not applicable") => Answer::NotApplicable,
            Some("open") => Answer::Open,
            _ => Answer::Shown,
        }
    }

    fn chapter(&self) -> String {
        format!("V{}", self.id.split('.').next().unwrap())
    }

    /// What stands between back-ticks: tests, controls and files.
    fn cited(&self) -> impl Iterator<Item = &str> {
        self.says.split('`').skip(1).step_by(2)
    }
}

static TEXT: LazyLock<String> = LazyLock::new(|| fs::read_to_string(root().join("docs/ASVS.md")).unwrap());

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| TEXT.lines().filter_map(Row::of).collect());

#[test]
fn every_requirement_is_there_once_with_its_level() {
    let wanted: Vec<(String, String)> = SECTIONS
        .iter()
        .flat_map(|(section, levels)| {
            levels.chars().enumerate().map(move |(at, level)| (format!("{section}.{}", at + 1), level.to_string()))
        })
        .collect();
    assert_eq!(wanted.len(), 165);
    let found: Vec<(String, String)> = ROWS.iter().map(|row| (row.id.clone(), row.level.clone())).collect();
    assert_eq!(found, wanted);
    for row in ROWS.iter() {
        assert!(row.asks.len() > 10 && row.says.len() > 10, "{} says nothing", row.id);
    }
}

#[test]
fn every_answer_points_at_what_exists() {
    let (sources, controls) = (Sources::read(), controls());
    let mut wrong = Vec::new();
    for row in ROWS.iter() {
        let mut shown = false;
        for cited in row.cited() {
            let fault = if cited.contains("::") {
                shown = true;
                (!sources.has_test(cited)).then_some("is no test")
            } else if cited.contains('/') {
                shown |= cited.starts_with("judges/");
                (!root().join(cited).is_file()).then_some("is not there")
            } else if cited.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-') {
                shown = true;
                (!controls.contains(cited)).then_some("is no control that is built")
            } else {
                None
            };
            wrong.extend(fault.map(|fault| format!("{}: {cited} {fault}", row.id)));
        }
        if row.answer() == Answer::Shown && !shown {
            wrong.push(format!("{} names nothing that shows it", row.id));
        }
        let below = row.says.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to);
        for heading in below {
            let there = TEXT.lines().filter_map(|line| line.strip_prefix("### ")).any(|title| anchor(title) == heading);
            if !there {
                wrong.push(format!("{}: nothing is called {heading}", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_counts_are_those_of_the_rows() {
    let mut counted: BTreeMap<String, BTreeMap<Answer, usize>> = BTreeMap::new();
    for row in ROWS.iter() {
        for chapter in [row.chapter(), "all".to_owned()] {
            *counted.entry(chapter).or_default().entry(row.answer()).or_default() += 1;
        }
    }
    let kinds = [Answer::Shown, Answer::Construction, Answer::NotApplicable, Answer::Open];
    for (chapter, counts) in &counted {
        let each = kinds.map(|kind| counts.get(&kind).copied().unwrap_or_default());
        let [shown, construction, elsewhere, open] = each;
        let all: usize = each.iter().sum();
        let line = format!("| {chapter} | {all} | {shown} | {construction} | {elsewhere} | {open} |");
        assert!(TEXT.contains(&line), "at the head should stand: {line}");
    }
}

/// A heading as links name it.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

/// The controls that are built, as their definitions name them. Announced ones do not count.
fn controls() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(&root().join("crates"), ".rs") {
        let path = file.display().to_string();
        if !path.contains("/src/") || path.contains("/crates/promises/") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let specs = text.split("SPEC: ControlSpec = ControlSpec {").skip(1);
        found.extend(specs.filter_map(|rest| Some(rest.split_once("id: \"")?.1.split_once('"')?.0.to_owned())));
    }
    found
}

/// Every source file with the tests in it.
struct Sources(Vec<(PathBuf, BTreeSet<String>)>);

impl Sources {
    fn read() -> Self {
        let all = files(&root().join("crates"), ".rs");
        Self(all.into_iter().map(|file| (file.clone(), tests(&fs::read_to_string(file).unwrap()))).collect())
    }

    /// Whether `crate::module::test` is a test: in a file of that crate whose path has the modules in that order.
    fn has_test(&self, cited: &str) -> bool {
        let parts: Vec<&str> = cited.split("::").collect();
        let (Some((name, modules)), Some(package)) = (parts[1..].split_last(), parts.first()) else { return false };
        self.0.iter().any(|(file, tests)| {
            tests.contains(*name) && below(file, package).is_some_and(|path| in_order(path, modules))
        })
    }
}

/// The names of the functions that are marked as tests.
fn tests(text: &str) -> BTreeSet<String> {
    let (mut found, mut marked) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) {
            if marked {
                found.insert(rest.split('(').next().unwrap().to_owned());
            }
            marked = false;
        }
    }
    found
}

/// The path of a file within the crate of that name; `None` where it is another's.
fn below<'a>(file: &'a Path, package: &str) -> Option<&'a Path> {
    let crates = root().join("crates");
    let folders = [crates.join(package), crates.join("workspaces").join(package)];
    folders.iter().find_map(|folder| file.strip_prefix(folder).ok())
}

fn in_order(path: &Path, modules: &[&str]) -> bool {
    let stems = path.iter().filter_map(|part| Path::new(part).file_stem()?.to_str());
    let mut wanted = modules.iter().peekable();
    for stem in stems {
        wanted.next_if(|module| **module == stem);
    }
    wanted.peek().is_none()
}
