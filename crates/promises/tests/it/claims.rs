//! Every row and part of the claims stands in its profile once, with the right kind.

use crate::{file, read};
use promises::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Claim to kind.
type Claims = BTreeMap<String, Kind>;

fn kind(word: &str) -> Kind {
    match word {
        "enforced" | "E" => Kind::Enforced,
        "clocked" | "C" => Kind::Clocked,
        "attested" | "A" => Kind::Attested,
        "planned" | "P" => Kind::Planned,
        _ => panic!("no kind: {word}"),
    }
}

/// The reference list, for one profile or for both.
fn listed(profile: Option<&str>) -> Claims {
    let text = std::fs::read_to_string(file("tests/claims.txt")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut claims = Claims::new();
    for row in rows {
        let [name, claim, word] = row.split(' ').collect::<Vec<_>>().try_into().unwrap();
        if profile.is_none_or(|profile| profile == name) {
            assert!(claims.insert(claim.to_owned(), kind(word)).is_none(), "{claim} is listed twice");
        }
    }
    claims
}

/// A part stands once, or once for each way in which a request may come: each with a verdict of its own.
fn carried(path: &str) -> Claims {
    let mut claims = Claims::new();
    let mut ways = BTreeSet::new();
    for promise in read(path).promises {
        assert_eq!(promise.claims.len(), 1, "`{}` must stand for exactly one part", promise.id);
        let way = promise.params.get("by").map(ToString::to_string);
        for claim in promise.claims {
            assert!(ways.insert((claim.clone(), way.clone())), "{claim} stands twice in {path}");
            assert!(claims.insert(claim.clone(), promise.kind).is_none_or(|kind| kind == promise.kind), "{claim}");
        }
    }
    claims
}

#[test]
fn leide_carries_every_claim_of_its_page() {
    assert_eq!(carried("../../profiles/leide.toml"), listed(Some("leide")));
}

#[test]
fn leemu_carries_every_claim_of_its_page() {
    assert_eq!(carried("../../profiles/leemu.toml"), listed(Some("leemu")));
}

#[test]
fn the_list_is_the_design_s() {
    let path = file("../../../shared/design/CLAIMS.md");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: the design's CLAIMS.md is not beside this checkout; tests/claims.txt stands for it");
        return;
    };
    let listed = listed(None);
    let designed = designed(&text);
    // The design names the parts of L34 by no slug; it counts them.
    let (planned, rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
        listed.into_iter().partition(|(claim, _)| claim.starts_with("L34."));
    assert!(planned.values().all(|kind| *kind == Kind::Planned));
    assert_eq!(planned.len(), l34_items(&text));
    assert_eq!(rest, since(designed));
}

/// What the page only planned and we have built since: its line became an enforced promise, as a public diff.
fn since(mut designed: Claims) -> Claims {
    assert_eq!(designed.insert("M16".to_owned(), Kind::Enforced), Some(Kind::Planned));
    designed
}

/// What the design's table and its paragraph on parts ask for, L34 aside.
fn designed(text: &str) -> Claims {
    let mut claims = parts(text);
    let split: BTreeSet<String> = claims.keys().filter_map(|claim| Some(claim.split_once('.')?.0.to_owned())).collect();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, id, _, word, ..] = cells.as_slice() else { continue };
        let is_row = id.len() == 3 && id.starts_with(['L', 'M']) && id.chars().skip(1).all(|c| c.is_ascii_digit());
        if is_row && *id != "L34" && !split.contains(*id) {
            claims.insert((*id).to_owned(), kind(word));
        }
    }
    claims
}

/// «L05 and L30 `.erase` E, `.backups` E · …»: ids without a kind share that of the next part.
fn parts(text: &str) -> Claims {
    let start = text.find("Parts of the rows below:").unwrap();
    let paragraph = text.get(start..).unwrap().split("\n\n").next().unwrap().replace('\n', " ");
    let mut claims = Claims::new();
    let (mut ids, mut slugs, mut fresh) = (Vec::<String>::new(), Vec::<String>::new(), true);
    for word in paragraph.split_whitespace().skip(5) {
        let word = word.trim_end_matches([',', '.']);
        if word == "·" {
            fresh = true;
        } else if word.len() == 3 && word.starts_with(['L', 'M']) && word.ends_with(|c: char| c.is_ascii_digit()) {
            if fresh {
                (ids, fresh) = (Vec::new(), false);
            }
            ids.push(word.to_owned());
        } else if let Some(slug) = word.strip_prefix("`.") {
            slugs.push(slug.trim_end_matches('`').to_owned());
        } else if word.len() == 1 && !slugs.is_empty() {
            for id in &ids {
                claims.extend(slugs.iter().map(|slug| (format!("{id}.{slug}"), kind(word))));
            }
            slugs.clear();
        }
    }
    claims
}

fn l34_items(text: &str) -> usize {
    let row = text.lines().find(|line| line.starts_with("| L34")).unwrap();
    let claim = row.split('|').nth(2).unwrap();
    claim.split([',', ';']).count()
}
