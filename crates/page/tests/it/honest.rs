//! No row says more than the judge does, and none is left out.

use crate::{
    fixture::{self, World},
    markup,
};
use jiff::{SignedDuration, Timestamp};
use page::{Evidence, Snapshot, feed, oscal, promise, trust, wire};
use promises::{Finding, Recorded, Story, Verdict, judge};
use proptest::prelude::*;

/// Attacks on one promise: how each ended, and how many seconds after the one before.
fn attacks() -> impl Strategy<Value = Vec<(u8, i64)>> {
    prop::collection::vec((0..4_u8, 0..600_i64), 0..12)
}

fn observations(attacks: &[(u8, i64)]) -> Vec<Recorded> {
    let mut ago: i64 = attacks.iter().map(|(_, gap)| gap).sum();
    let mut all = Vec::new();
    for (run, (end, gap)) in (1..).zip(attacks) {
        ago -= gap;
        let finding = match end {
            0 => Finding::held("held").covered("routes", 3),
            1 => Finding::broke("broke"),
            2 => Finding::failed("failed"),
            _ => Finding::held("covered nothing"),
        };
        all.push(fixture::recorded(run, run, "L14", "hsts", SignedDuration::from_secs(ago), finding));
    }
    all
}

/// What the rows of a page say: promise, verdict for programs, verdict for people.
fn said(snapshot: &Snapshot) -> Vec<(String, String, String)> {
    let html = String::from_utf8(trust::render(snapshot).unwrap().body).unwrap();
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for tag in markup::check_page(&html) {
        if let Some(promise) = tag.get("data-promise") {
            rows.push((promise.to_owned(), tag.get("data-verdict").unwrap().to_owned(), String::new()));
        } else if tag.get("class") == Some("word") {
            rows.last_mut().unwrap().2 = tag.text;
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_row_says_what_the_judge_says(attacks in attacks(), later in 0..2_000_i64) {
        let world = World::of(fixture::profile(), observations(&attacks));
        let now = fixture::now() + SignedDuration::from_secs(later);
        let snapshot = world.at(now);
        let rows = said(&snapshot);
        prop_assert_eq!(rows.len(), world.profile.promises.len());
        for (promise, (id, slug, word)) in world.profile.promises.iter().zip(rows) {
            let story = Story::of(promise, &observations(&attacks));
            let verdict = judge(promise, &world.hash, &story, now).verdict;
            prop_assert_eq!((&id, slug.as_str(), word.as_str()), (&promise.id, verdict.slug(), verdict.word()));
        }
        prop_assert_eq!(snapshot.summary.total(), world.profile.promises.len() as u64);
    }

    #[test]
    fn nothing_changes_before_the_snapshot_expires(attacks in attacks(), later in 0..2_000_i64) {
        let world = World::of(fixture::profile(), observations(&attacks));
        let now = fixture::now() + SignedDuration::from_secs(later);
        let snapshot = world.at(now);
        prop_assert!(snapshot.expires_at > now);
        let last: Timestamp = snapshot.expires_at - SignedDuration::from_nanos(1);
        let verdicts = |snapshot: &Snapshot| snapshot.rows.iter().map(page::Row::verdict).collect::<Vec<_>>();
        prop_assert_eq!(verdicts(&snapshot), verdicts(&world.at(last)));
    }
}

#[test]
fn evidence_under_another_profile_does_not_count() {
    let mut all = observations(&[(0, 0)]);
    all[0].observation.about.profile = page::digest::hex(b"another");
    let snapshot = World::of(fixture::profile(), all).at(fixture::now());
    assert_eq!(snapshot.row("L14").unwrap().verdict(), Verdict::Unproven);
}

#[test]
fn what_was_sealed_late_does_not_undo_what_came_after() {
    let mut all = observations(&[(0, 0), (1, 10)]);
    all[0].leaf = 9;
    all.reverse();
    let profile = fixture::profile();
    let evidence = Evidence::of(&profile, all);
    assert_eq!(evidence.story("L14").unwrap().newest().unwrap().observation.about.run, 2);
}

#[test]
fn every_form_says_the_same() {
    let snapshot = fixture::world().at(fixture::now());
    let json: wire::Trust = serde_json::from_slice(&wire::render(&snapshot).unwrap().body).unwrap();
    assert_eq!(json, wire::trust(&snapshot));
    let oscal: serde_json::Value = serde_json::from_slice(&oscal::render(&snapshot).unwrap().body).unwrap();
    let findings = oscal["assessment-results"]["results"][0]["findings"].as_array().unwrap();
    for ((row, line), finding) in snapshot.rows.iter().zip(&json.promises).zip(findings) {
        assert_eq!(row.verdict(), line.verdict);
        let satisfied = finding["target"]["status"]["state"] == "satisfied";
        assert_eq!(satisfied, row.verdict() == Verdict::Kept, "{}", row.promise.id);
        let html = promise::render(&snapshot, &row.promise.id).unwrap().unwrap();
        let html = String::from_utf8(html.body).unwrap();
        assert!(html.contains(&format!("data-verdict=\"{}\"", row.verdict().slug())));
    }
}

#[test]
fn the_feed_keeps_its_ids() {
    let world = fixture::world();
    let ids = |now| {
        let feed = String::from_utf8(feed::render(&world.at(now)).unwrap().body).unwrap();
        let parts = feed.split("<entry>\n<id>").skip(1).map(|part| part.split('<').next().unwrap().to_owned());
        parts.collect::<Vec<_>>()
    };
    let before = ids(fixture::now());
    let after = ids(fixture::now() + SignedDuration::from_secs(200));
    assert_eq!(before, after);
    let unique: std::collections::BTreeSet<_> = before.iter().collect();
    assert_eq!(unique.len(), before.len());
    assert_eq!(before.len(), 100);
}
