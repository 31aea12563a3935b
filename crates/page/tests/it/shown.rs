//! What the pages show, for people to read in a diff.

use crate::fixture::{self, World};
use jiff::SignedDuration;
use page::{Document, assets, changes, oscal, promise, security_txt, trust, wire};
use promises::Finding;

/// A small service: three promises, one attack on each of two.
fn small() -> World {
    let mut profile = fixture::profile();
    profile.promises.retain(|promise| ["L13", "L14", "L34.saml"].contains(&promise.id.as_str()));
    profile.register.truncate(1);
    let attack = |leaf, promise, control, finding| {
        fixture::recorded(leaf, 1, promise, control, SignedDuration::from_secs(4), finding)
    };
    let held = Finding::held("31 routes, all with the header").tried("GET of 31 routes").covered("routes", 31);
    let broke =
        Finding::broke("GET / came over plain HTTP").tried("GET of 31 routes over plain HTTP").covered("routes", 31);
    World::of(profile, vec![attack(2, "L14", "hsts", held), attack(3, "L13", "https-only", broke)])
}

/// The text of a document; the names of assets without their hashes, which change with every colour.
fn text(document: Document) -> String {
    let mut text = String::from_utf8(document.body).unwrap();
    for asset in assets::all() {
        let plain: Vec<&str> = asset.path.split('.').collect();
        text = text.replace(&asset.path, &format!("{}.….{}", plain[0], plain[2]));
    }
    text
}

#[test]
fn the_trust_page() {
    insta::assert_snapshot!(text(trust::render(&small().at(fixture::now())).unwrap()));
}

#[test]
fn the_page_of_a_promise() {
    insta::assert_snapshot!(text(promise::render(&small().at(fixture::now()), "L14").unwrap().unwrap()));
}

#[test]
fn the_page_of_changes() {
    insta::assert_snapshot!(text(changes::render(&small().at(fixture::now())).unwrap()));
}

#[test]
fn the_data() {
    let mut data = wire::trust(&small().at(fixture::now()));
    for line in &mut data.promises {
        line.history.retain(|day| day.attacks > 0);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&data).unwrap());
}

#[test]
fn the_assessment_results() {
    insta::assert_snapshot!(text(oscal::render(&small().at(fixture::now())).unwrap()));
}

#[test]
fn the_security_contact() {
    insta::assert_snapshot!(text(security_txt::render(&small().at(fixture::now()))));
}

#[test]
fn a_page_that_does_not_exist() {
    assert!(promise::render(&small().at(fixture::now()), "L99").unwrap().is_none());
    assert!(assets::find("/assets/wordbond.css").is_none());
}

#[test]
fn a_page_must_be_asked_for_and_an_asset_may_be_kept() {
    let page = trust::render(&small().at(fixture::now())).unwrap();
    assert_eq!(page.cache_control(), "no-cache");
    assert!(assets::all().iter().all(|asset| asset.document.cache_control().contains("immutable")));
    assert_ne!(page.etag(), trust::render(&fixture::world().at(fixture::now())).unwrap().etag());
}
