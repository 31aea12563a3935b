//! The spelling of each kind of leaf: a change here changes the format.

use super::*;

const SPELT: [&str; 5] = [
    concat!(
        r#"{"kind":"observation","promise":"hsts","control":"hsts","run":7,"vantage":"outside","#,
        r#""target":"https://localhost:8443","observed_at":"2026-11-22T03:48:00Z","valid_until":"2026-11-23T03:48:00Z","#,
        r#""took_ms":12,"build":"b1","profile":"p1","outcome":"held","saw":"all 31 routes carry it","#,
        r#""tried":["GET /"],"coverage":{"routes":31}}"#,
    ),
    concat!(
        r#"{"kind":"audit","commitment":"00000000000000000000000000000000000000000000000000000000000000ff","#,
        r#""at":"2026-11-22T03:48:00.5Z"}"#,
    ),
    r#"{"kind":"profile","hash":"p2","previous":"p1","at":"2026-11-22T03:48:00Z","changes":["- weaker: hsts"]}"#,
    r#"{"kind":"start","build":"b1","profile":"p1","at":"2026-11-22T03:48:00Z","instance":"i1"}"#,
    concat!(
        r#"{"kind":"sabotage","build":"b1","caught":9,"missed":1,"not_undone":0,"survivors":["f1"],"#,
        r#""at":"2026-11-22T03:48:00Z"}"#,
    ),
];

#[test]
fn every_kind_has_its_spelling() {
    for spelt in SPELT {
        let leaf = Leaf::from_bytes(spelt.as_bytes()).unwrap();
        assert_eq!(leaf.to_bytes().unwrap(), spelt.as_bytes());
        assert!(spelt.starts_with(&format!(r#"{{"kind":"{}""#, leaf.kind())));
        assert_eq!(leaf.promise(), (leaf.kind() == "observation").then_some("hsts"));
    }
}

#[test]
fn what_a_reader_would_overlook_is_refused() {
    for spelt in SPELT {
        let more = spelt.replacen('}', r#","more":1}"#, 1);
        let space = spelt.replacen(':', ": ", 1);
        let twice = spelt.replacen(r#","at""#, r#","at":"2026-11-22T03:48:00Z","at""#, 1);
        let elsewhere = spelt.replace("2026-11-22T03:48:00Z", "2026-11-22T04:48:00+01:00");
        for wrong in [more, space, twice, elsewhere, format!("{spelt}\n")] {
            assert!(wrong == spelt || Leaf::from_bytes(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
    for wrong in
        ["", "{}", "[]", r#"{"kind":"other"}"#, r#"{"kind":"audit","commitment":"00FF","at":"2026-11-22T03:48:00Z"}"#]
    {
        assert!(matches!(Leaf::from_bytes(wrong.as_bytes()), Err(LeafError::Json(_))), "{wrong}");
    }
}

#[test]
fn a_leaf_that_does_not_fit_is_refused() {
    let Leaf::Profile { hash, previous, at, .. } = Leaf::from_bytes(SPELT[2].as_bytes()).unwrap() else {
        unreachable!("the third is a profile");
    };
    let leaf = Leaf::Profile { hash, previous, at, changes: vec!["x".repeat(MAX_ENTRY)] };
    assert!(matches!(leaf.to_bytes(), Err(LeafError::TooLong(_))));
}
