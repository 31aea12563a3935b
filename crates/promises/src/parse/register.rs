//! The tables that are not promises: service, contacts, regions, sub-processors.

use super::section::{Section, is_host, mail, url};
use crate::{
    control::Mode,
    diagnostics::nearest,
    profile::{Contacts, Processor, Region, Service, Workspace},
    quantity::shorten,
};
use kernel::DataClass;
use std::collections::BTreeSet;

pub(super) fn service(root: &Section<'_>) -> Service {
    const KEYS: [&str; 6] = ["name", "about", "operator", "public_url", "mode", "workspace"];
    let Some(section) = root.table("service", "`[service]`", &KEYS) else {
        if root.get("service").is_none() {
            root.missing("[service]", "{ name, about, operator, mode }");
        }
        return Service {
            name: String::new(),
            about: String::new(),
            operator: String::new(),
            public_url: None,
            mode: Mode::Built,
            workspace: None,
        };
    };
    if section.get("mode").is_none() {
        section.missing("mode", "\"built\"");
    }
    Service {
        name: section.required("name", "\"Example\"").0,
        about: section.required("about", "\"Keeps notes for teams\"").0,
        operator: section.required("operator", "\"Example GmbH\"").0,
        public_url: url(&section, "public_url", &["https://", "http://"])
            .map(|url| url.trim_end_matches('/').to_owned()),
        workspace: section.word("workspace", &Workspace::ALL.map(|one| (one.word(), one))).map(|(one, _)| one),
        mode: section.word("mode", &Mode::ALL.map(|mode| (mode.word(), mode))).map_or(Mode::Built, |(mode, _)| mode),
    }
}

/// A profile without contacts can be read; lint asks for the one that must be there.
pub(super) fn contacts(root: &Section<'_>) -> Contacts {
    const KEYS: [&str; 5] = ["security", "privacy", "support", "languages", "policy"];
    let Some(section) = root.table("contacts", "`[contacts]`", &KEYS) else {
        return Contacts { security: String::new(), privacy: None, support: None, languages: Vec::new(), policy: None };
    };
    Contacts {
        security: mail(&section, "security").unwrap_or_default(),
        privacy: mail(&section, "privacy"),
        support: mail(&section, "support"),
        languages: languages(&section),
        policy: url(&section, "policy", &["https://"]),
    }
}

fn languages(section: &Section<'_>) -> Vec<String> {
    let mut tags = Vec::new();
    for (tag, at) in section.list("languages") {
        let sound = tag.len() <= 35
            && tag
                .split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
        if sound {
            tags.push(tag);
        } else {
            section.sink.error(
                at,
                format!("`{}` is no language tag", shorten(&tag)),
                Some("for example `en` or `de-AT`".to_owned()),
            );
        }
    }
    tags
}

pub(super) fn regions(root: &Section<'_>) -> Vec<Region> {
    let mut seen = BTreeSet::new();
    let mut regions = Vec::new();
    for section in root.tables("region", "`[[region]]`", &["id", "name", "codes"]) {
        let (id, at) = section.slug("id", "\"eu\"");
        if !id.is_empty() && !seen.insert(id.clone()) {
            section.sink.error(at, format!("the region `{}` is declared twice", shorten(&id)), None);
        }
        let name = section.required("name", "\"European Union\"").0;
        let codes = section.list("codes").into_iter().map(|(code, _)| code).collect();
        regions.push(Region { id, name, codes });
    }
    regions
}

pub(super) fn register(root: &Section<'_>, regions: &[Region]) -> Vec<Processor> {
    const KEYS: [&str; 6] = ["name", "purpose", "region", "data", "hosts", "link"];
    let mut names = BTreeSet::new();
    let mut register = Vec::new();
    for section in root.tables("processor", "`[[processor]]`", &KEYS) {
        let (name, at) = section.required("name", "\"Example Cloud\"");
        if !name.is_empty() && !names.insert(name.to_lowercase()) {
            section.sink.error(at, format!("the sub-processor `{}` is declared twice", shorten(&name)), None);
        }
        register.push(Processor {
            name,
            purpose: section.text("purpose").map(|(purpose, _)| purpose).unwrap_or_default(),
            region: region(&section, regions),
            data: classes(&section),
            hosts: hosts(&section),
            link: url(&section, "link", &["https://"]),
        });
    }
    register
}

fn region(section: &Section<'_>, regions: &[Region]) -> Option<String> {
    let (id, at) = section.text("region")?;
    if !regions.iter().any(|region| region.id == id) {
        let help = nearest(&id, regions.iter().map(|region| region.id.as_str()))
            .unwrap_or_else(|| "declare it in a `[[region]]`, or leave the key out where nobody has said".to_owned());
        section.sink.error(at, format!("`{}` is no region of this profile", shorten(&id)), Some(help));
    }
    Some(id)
}

fn classes(section: &Section<'_>) -> Vec<DataClass> {
    let mut classes = Vec::new();
    for (word, at) in section.list("data") {
        match word.parse() {
            Ok(class) => classes.push(class),
            Err(error) => section.sink.error(at, error, nearest(&word, DataClass::ALL.map(DataClass::word))),
        }
    }
    classes
}

fn hosts(section: &Section<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for (host, at) in section.list("hosts") {
        if is_host(&host) {
            hosts.push(host);
        } else {
            let help = "an exact name in lower case without scheme, port or `*`, as in `api.example.org`".to_owned();
            section.sink.error(at, format!("`{}` is no host name", shorten(&host)), Some(help));
        }
    }
    hosts
}
