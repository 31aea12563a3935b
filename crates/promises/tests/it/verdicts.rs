//! What may be said, and when: nothing unknown is green, and nothing broken heals by waiting.

use crate::{language::with, parse};
use jiff::{SignedDuration, Timestamp};
use promises::{
    About, Finding, Judgement, Observation, Outcome, Promise, Recorded, Story, Verdict, control::Vantage, judge,
};
use proptest::prelude::*;

const PROFILE: &str = "profile-a";

/// An enforced promise that is fresh for twenty minutes.
fn promise() -> Promise {
    parse("p", &with("words = \"Words.\"\nkind = \"enforced\"\ncontrol = \"hsts\"")).promises.remove(0)
}

fn start() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn minute(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn seen(run: u64, at: i64, outcome: Outcome, profile: &str, valid: i64) -> Recorded {
    let about = About {
        promise: "one".to_owned(),
        control: "hsts".to_owned(),
        run,
        vantage: Vantage::Outside,
        target: "https://localhost".to_owned(),
        observed_at: minute(at),
        valid_until: minute(at + valid),
        took_ms: 5,
        build: "b".to_owned(),
        profile: profile.to_owned(),
    };
    let observation = Observation {
        about,
        outcome,
        saw: format!("{outcome:?} in run {run}"),
        tried: Vec::new(),
        coverage: Default::default(),
    };
    Recorded { leaf: run, observation }
}

/// Attacks by minute, in order.
fn told(attacks: &[(i64, Outcome)]) -> Story {
    let observations: Vec<_> =
        (1..).zip(attacks).map(|(run, (at, outcome))| seen(run, *at, *outcome, PROFILE, 20)).collect();
    Story::of(&promise(), &observations)
}

fn at(story: &Story, now: i64) -> Judgement<'_> {
    // The promise only lends its id and freshness: the judgement borrows from the story.
    judge(&promise(), PROFILE, story, minute(now))
}

#[test]
fn a_held_attack_counts_until_it_is_stale() {
    let story = told(&[(0, Outcome::Held), (10, Outcome::Held)]);
    let kept = at(&story, 29);
    assert_eq!((kept.verdict, kept.since, kept.until), (Verdict::Kept, Some(minute(0)), Some(minute(30))));
    let stale = at(&story, 30);
    assert_eq!((stale.verdict, stale.since, stale.until), (Verdict::Unproven, Some(minute(30)), None));
    assert!(stale.why.contains("too old"), "{}", stale.why);
}

#[test]
fn a_gap_begins_a_new_stretch() {
    let story = told(&[(0, Outcome::Held), (50, Outcome::Held)]);
    assert_eq!(at(&story, 55).since, Some(minute(50)));
}

#[test]
fn a_break_ends_with_an_attack_that_held_and_with_nothing_else() {
    let story = told(&[(0, Outcome::Held), (10, Outcome::Broke), (15, Outcome::Broke)]);
    let broken = at(&story, 100_000);
    assert_eq!((broken.verdict, broken.since, broken.until), (Verdict::Broken, Some(minute(10)), None));
    for outcome in [Outcome::Failed, Outcome::Nothing] {
        let hidden = told(&[(10, Outcome::Broke), (15, outcome), (20, outcome)]);
        let still = at(&hidden, 21);
        assert_eq!((still.verdict, still.since), (Verdict::Broken, Some(minute(10))), "{outcome:?}");
        assert_eq!(still.rests_on.unwrap().leaf, 1);
        assert_eq!(at(&hidden, 10_000).verdict, Verdict::Broken, "{outcome:?}");
    }
    assert_eq!(at(&told(&[(10, Outcome::Broke), (15, Outcome::Held)]), 16).verdict, Verdict::Kept);
}

#[test]
fn a_failed_probe_is_an_error_and_then_unknown() {
    let story = told(&[(0, Outcome::Held), (5, Outcome::Failed)]);
    assert_eq!(at(&story, 6).verdict, Verdict::Error);
    assert_eq!(at(&story, 25).verdict, Verdict::Unproven);
}

#[test]
fn an_attack_on_nothing_proves_nothing() {
    let finding = Finding::held("nothing was wrong").covered("routes", 3).covered("tables", 0);
    assert_eq!(finding.outcome(), Outcome::Nothing);
    assert_eq!(Finding::held("no coverage stated").outcome(), Outcome::Nothing);
    let story = told(&[(0, Outcome::Nothing)]);
    let unproven = at(&story, 1);
    assert_eq!((unproven.verdict, unproven.why.as_str()), (Verdict::Unproven, "Nothing in run 1"));
}

#[test]
fn other_words_need_other_attacks() {
    let story = Story::of(&promise(), &[seen(1, 0, Outcome::Held, "profile-b", 20)]);
    assert_eq!(at(&story, 1).verdict, Verdict::Unproven);
    let broken =
        Story::of(&promise(), &[seen(1, 0, Outcome::Broke, "profile-b", 20), seen(2, 1, Outcome::Failed, PROFILE, 20)]);
    assert_eq!(at(&broken, 2).verdict, Verdict::Error);
}

#[test]
fn the_promise_s_freshness_caps_what_an_observation_says_of_itself() {
    let story = Story::of(&promise(), &[seen(1, 0, Outcome::Held, PROFILE, 1_000)]);
    assert_eq!(at(&story, 19).verdict, Verdict::Kept);
    assert_eq!(at(&story, 20).verdict, Verdict::Unproven);
}

#[test]
fn the_future_is_no_evidence() {
    let story = told(&[(100, Outcome::Held)]);
    let early = at(&story, 0);
    assert_eq!(early.verdict, Verdict::Unproven);
    assert!(early.why.contains("future"), "{}", early.why);
    // At the end of time nothing overflows.
    assert_eq!(judge(&promise(), PROFILE, &story, Timestamp::MAX).verdict, Verdict::Unproven);
}

#[test]
fn statements_plans_and_waivers_are_never_green() {
    let read = |rest: &str| parse("p", &with(&format!("words = \"Words.\"\n{rest}"))).promises.remove(0);
    let green = told(&[(0, Outcome::Held)]);
    let statement = read("kind = \"attested\"\nattested = { owner = \"O\", document = \"D\", expires = 2026-11-23 }");
    assert_eq!(judge(&statement, PROFILE, &green, minute(0)).verdict, Verdict::Attested);
    assert_eq!(judge(&statement, PROFILE, &green, minute(12 * 60)).verdict, Verdict::Unproven);
    assert_eq!(judge(&read("kind = \"attested\""), PROFILE, &green, minute(0)).verdict, Verdict::Unproven);
    let plan = read("kind = \"planned\"\nplanned = { phase = \"Phase 2\" }");
    assert_eq!(judge(&plan, PROFILE, &green, minute(0)).verdict, Verdict::Planned);
    let waived = read("kind = \"enforced\"\ncontrol = \"hsts\"\nwaived = { reason = \"R\", until = 2026-11-23 }");
    assert_eq!(judge(&waived, PROFILE, &green, minute(0)).verdict, Verdict::Waived);
    assert_eq!(judge(&waived, PROFILE, &Story::default(), minute(12 * 60)).verdict, Verdict::Unproven);
    assert_eq!(
        judge(&read("kind = \"enforced\""), PROFILE, &Story::default(), minute(0)).why,
        "no control stands behind it"
    );
}

#[test]
fn a_day_shows_its_worst() {
    let day = 24 * 60;
    let story = told(&[(0, Outcome::Held), (1, Outcome::Broke), (2, Outcome::Held), (2 * day, Outcome::Held)]);
    let history = story.history(minute(2 * day), 4);
    let shown: Vec<_> = history.iter().map(|day| (day.date.as_str(), day.worst, day.attacks)).collect();
    assert_eq!(
        shown,
        [
            ("2026-11-21", None, 0),
            ("2026-11-22", Some(Verdict::Broken), 3),
            ("2026-11-23", None, 0),
            ("2026-11-24", Some(Verdict::Kept), 1),
        ]
    );
}

fn outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(vec![Outcome::Held, Outcome::Broke, Outcome::Nothing, Outcome::Failed])
}

/// Attacks in the order of their runs, under two profiles, with gaps and freshness of their own.
fn attacks() -> impl Strategy<Value = Vec<Recorded>> {
    proptest::collection::vec((0i64..40, outcome(), any::<bool>(), 1i64..60), 0..12).prop_map(|attacks| {
        let mut clock = 0;
        (1..)
            .zip(attacks)
            .map(|(run, (pause, outcome, ours, valid))| {
                clock += pause;
                seen(run, clock, outcome, if ours { PROFILE } else { "profile-b" }, valid)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn green_needs_a_fresh_held_attack_under_these_words(attacks in attacks(), later in 0i64..60) {
        let story = Story::of(&promise(), &attacks);
        let end = attacks.last().map_or(start(), |last| last.observation.about.observed_at);
        let now = end + SignedDuration::from_mins(later);
        let judged = judge(&promise(), PROFILE, &story, now);
        if judged.verdict == Verdict::Kept {
            let newest = &attacks.last().unwrap().observation;
            prop_assert_eq!(newest.outcome, Outcome::Held);
            prop_assert_eq!(&newest.about.profile, PROFILE);
            prop_assert!(now < newest.about.valid_until && now < newest.about.observed_at + SignedDuration::from_mins(20));
            prop_assert!(judged.until.unwrap() > now);
        }
        prop_assert!(judged.since.is_none_or(|since| since <= now));
    }

    #[test]
    fn waiting_alone_never_helps(attacks in attacks(), steps in proptest::collection::vec(0i64..30, 1..6)) {
        let story = Story::of(&promise(), &attacks);
        let mut now = attacks.last().map_or(start(), |last| last.observation.about.observed_at);
        let mut before = judge(&promise(), PROFILE, &story, now);
        for step in steps {
            let expected = before.until;
            now += SignedDuration::from_mins(step);
            let after = judge(&promise(), PROFILE, &story, now);
            if before.verdict == after.verdict {
                prop_assert_eq!(before.since, after.since);
            } else {
                prop_assert_eq!(after.verdict, Verdict::Unproven);
                prop_assert!(matches!(before.verdict, Verdict::Kept | Verdict::Error));
                prop_assert!(expected.is_some_and(|until| until <= now));
                prop_assert_eq!(after.since, expected);
            }
            before = after;
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(attacks in attacks(), seed in any::<u64>()) {
        let mut shuffled = attacks.clone();
        shuffled.sort_by_key(|recorded| recorded.leaf.wrapping_mul(seed | 1));
        let (one, other) = (Story::of(&promise(), &attacks), Story::of(&promise(), &shuffled));
        prop_assert_eq!(judge(&promise(), PROFILE, &one, minute(500)), judge(&promise(), PROFILE, &other, minute(500)));
    }
}
