//! Documents cannot rot: every command they show is one that exists, with the flags it is shown with, and every file that
//! they point at is there.

use crate::workspace::{files, root};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn every_command_shown_exists() {
    let mut helps: BTreeMap<Vec<String>, Option<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for line in shell_lines(&text) {
            for words in commands(&line) {
                if let Some(fault) = check(&words, &mut helps) {
                    wrong.push(format!("{}: {line}: {fault}", name(&document)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_pointed_at_is_there() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            let file = target.split('#').next().unwrap();
            let elsewhere = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
            if !elsewhere && !document.parent().unwrap().join(file).exists() {
                wrong.push(format!("{} points at {target}, which is not there", name(&document)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    found.extend(files(&root().join("docs"), ".md"));
    found
}

fn name(document: &Path) -> String {
    document.strip_prefix(root()).unwrap().display().to_string()
}

/// The lines of fenced `sh` blocks, without prompts, comments and continuations.
fn shell_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            inside = line.trim() == "```sh";
        } else if inside {
            let line = line.split(" #").next().unwrap().trim();
            lines.push(line.strip_prefix("$ ").unwrap_or(line).to_owned());
        }
    }
    lines
}

/// The commands of ours in one line, as words.
fn commands(line: &str) -> Vec<Vec<String>> {
    line.split("&&")
        .flat_map(|part| part.split(['|', ';']))
        .map(|part| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|words| words.first().is_some_and(|first| first == "wordbond" || first.starts_with("bin/")))
        .collect()
}

fn check(words: &[String], helps: &mut BTreeMap<Vec<String>, Option<String>>) -> Option<String> {
    let (program, rest) = words.split_first()?;
    if program != "wordbond" {
        return (!root().join(program).is_file()).then(|| format!("no script {program}"));
    }
    let own: Vec<String> = rest
        .iter()
        .take(2)
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-'))
        .cloned()
        .collect();
    // These have commands of their own; a second word elsewhere is an argument.
    let depth =
        if own.first().is_some_and(|first| ["keys", "promises", "map"].contains(&first.as_str())) { 2 } else { 1 };
    let own: Vec<String> = own.into_iter().take(depth).collect();
    let Some(help) = helps.entry(own.clone()).or_insert_with(|| help(&own)).as_ref() else {
        return Some(format!("no command «{}»", own.join(" ")));
    };
    let flag = |word: &&String| word.starts_with("--") && word.len() > 2;
    let unknown =
        rest.iter().filter(flag).map(|word| word.split('=').next().unwrap()).find(|word| !help.contains(*word))?;
    Some(format!("«{}» has no {unknown}", own.join(" ")))
}

fn help(own: &[String]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_wordbond")).args(own).arg("--help").output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}
