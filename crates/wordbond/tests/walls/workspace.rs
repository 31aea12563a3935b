//! The workspace as cargo sees it.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// How a crate depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Linked into what ships.
    Normal,
    /// Only in tests and examples.
    Dev,
    /// Only while building.
    Build,
}

/// One line of a crate's manifest.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// The crate that depends.
    pub(crate) from: String,
    /// What it depends on.
    pub(crate) to: String,
    /// How.
    pub(crate) kind: Kind,
    /// Whether `to` is a crate of the house.
    pub(crate) ours: bool,
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Every direct dependency of every crate of the house.
pub(crate) static EDGES: LazyLock<Vec<Edge>> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            edges.push(edge(package, dependency));
        }
    }
    edges
});

fn edge(package: &Value, dependency: &Value) -> Edge {
    Edge {
        from: package["name"].as_str().unwrap().to_owned(),
        to: dependency["name"].as_str().unwrap().to_owned(),
        kind: match dependency["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        ours: dependency["path"].is_string(),
    }
}

/// The names of the crates of the house.
pub(crate) fn crates() -> Vec<String> {
    let folders = ["crates", "crates/workspaces"].map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let mut names: Vec<String> = folders
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file below `folder` that ends so, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
