//! Whatever stands in a profile or an observation, pages stay whole and nothing of it becomes markup.

use crate::{
    fixture::{self, World},
    markup,
};
use jiff::SignedDuration;
use page::{Document, changes, feed, observation, oscal, promise, security_txt, trust, wire};
use promises::{Finding, Profile};
use proptest::prelude::*;

const ATTACKS: [&str; 8] = [
    "<script>alert(1)</script>",
    "\" onmouseover=\"alert(1)\" data-verdict=\"kept",
    "'><img src=x onerror=alert(1)>",
    "</title></main><b class=\"word\">Kept</b>",
    "&lt;b&gt; &#0; &amp",
    "]]><!-- -->\u{0}\u{b}\u{7f}\u{85}",
    "\u{202e}tpecxe\u{2066} \u{ffff}\u{feff}",
    "{{ 7 * 7 }}{% raw %}\r\nContact: mailto:thief@example.org",
];

fn text(document: Document) -> String {
    String::from_utf8(document.body).unwrap()
}

/// The fixture with a text in every field that anybody can write into.
fn world(words: &str) -> World {
    let mut profile: Profile = fixture::profile();
    let text = || words.to_owned();
    profile.service.name = text();
    profile.service.about = text();
    profile.service.operator = text();
    profile.contacts.security = text();
    profile.contacts.privacy = Some(text());
    profile.contacts.support = Some(text());
    profile.contacts.policy = Some(text());
    profile.contacts.languages = vec![text()];
    for processor in &mut profile.register {
        processor.name = text();
        processor.purpose = text();
        processor.region = Some(text());
        processor.hosts = vec![text()];
        processor.link = Some(format!("https://{words}"));
    }
    profile.register[0].link = Some(format!("javascript:{words}"));
    for promise in &mut profile.promises {
        promise.words = text();
        promise.section = text();
        promise.claims = vec![text()];
        promise.params.insert(text(), promises::profile::Value::Text(text()));
        if let Some(attested) = &mut promise.attested {
            attested.owner = text();
            attested.document = text();
        }
        if let Some(planned) = &mut promise.planned {
            planned.phase = text();
        }
        if let Some(waiver) = &mut promise.waiver {
            waiver.reason = text();
        }
    }
    let attack = |leaf, run, finding: Finding| {
        let mut recorded = fixture::recorded(leaf, run, "L14", "hsts", SignedDuration::from_secs(10), finding);
        recorded.observation.about.target = text();
        recorded.observation.about.control = text();
        recorded
    };
    let held = Finding::held(words).tried(words).covered(words, 3);
    let mut world = World::of(profile, vec![attack(2, 1, held), attack(3, 2, Finding::broke(words).tried(words))]);
    for change in &mut world.changes {
        change.lines = vec![text()];
        change.hash = text();
    }
    if let Some(run) = &mut world.sabotage {
        run.survivors = vec![text()];
    }
    world
}

fn check(words: &str) {
    let snapshot = world(words).at(fixture::now());
    let broken = snapshot.row("L14").unwrap().rests_on.clone().unwrap();
    for document in [
        trust::render(&snapshot).unwrap(),
        changes::render(&snapshot).unwrap(),
        promise::render(&snapshot, "L14").unwrap().unwrap(),
        promise::render(&snapshot, "L27").unwrap().unwrap(),
        observation::render(&snapshot, &broken).unwrap(),
    ] {
        markup::check_page(&text(document));
    }
    markup::read(&text(feed::render(&snapshot).unwrap()));
    for document in [wire::render(&snapshot).unwrap(), oscal::render(&snapshot).unwrap()] {
        serde_json::from_slice::<serde_json::Value>(&document.body).unwrap();
    }
    let security = text(security_txt::render(&snapshot));
    let fields: Vec<&str> = security.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(fields, ["Contact", "Expires", "Canonical", "Preferred-Languages", "Policy"]);
}

#[test]
fn no_known_attack_becomes_markup() {
    ATTACKS.into_iter().for_each(check);
    check(&ATTACKS.concat());
    check("");
}

#[test]
fn a_promise_may_be_called_like_a_part_of_the_page() {
    let mut profile = fixture::profile();
    let parts = ["main", "headline", "alarms", "sabotage", "register", "limits", "verify", "contact", "i-kept"];
    for (promise, id) in profile.promises.iter_mut().zip(parts) {
        promise.id = id.to_owned();
    }
    let snapshot = World::of(profile, Vec::new()).at(fixture::now());
    markup::check_page(&text(trust::render(&snapshot).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_text_becomes_markup(words in "\\PC{0,12}[<>&\"'\\x00-\\x1f]{0,6}\\PC{0,12}") {
        check(&words);
    }
}
