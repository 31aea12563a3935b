//! What a diff says, and that it says the same from both sides.

use crate::{built, language::with, parse};
use promises::{Change, Direction, Profile, diff::Subject};
use proptest::prelude::*;

fn diff(old: &Profile, new: &Profile) -> Vec<Change> {
    promises::diff(old, new, &built::catalogue())
}

fn profile(rest: &str) -> Profile {
    parse("promises.toml", &with(&format!("words = \"Words.\"\n{rest}")))
}

/// The only change between two versions of one promise.
fn one(old: &str, new: &str) -> (Direction, String) {
    let changes = diff(&profile(old), &profile(new));
    assert_eq!(changes.len(), 1, "{changes:?}");
    let change = changes.into_iter().next().unwrap();
    (change.direction, change.to_string())
}

fn specimen(params: &str) -> String {
    format!("kind = \"enforced\"\ncontrol = \"specimen\"\nparams = {{ {params} }}")
}

#[test]
fn parameters_say_which_way_they_went() {
    for (old, new, direction) in [
        ("span = \"30 days\"", "span = \"20 days\"", Direction::Stronger),
        ("span = \"30 days\"", "span = \"40 days\"", Direction::Weaker),
        ("size = \"5 MiB\"", "size = \"6 MiB\"", Direction::Stronger),
        ("count = 3", "count = 2", Direction::Weaker),
        ("percent = \"95 %\"", "percent = \"95.5 %\"", Direction::Stronger),
        ("flag = true", "flag = false", Direction::Weaker),
        ("list = [\"a\"]", "list = [\"a\", \"c\"]", Direction::Stronger),
        ("list = [\"a\"]", "list = [\"b\"]", Direction::Changed),
        ("allow = [\"x\"]", "allow = [\"x\", \"z\"]", Direction::Weaker),
        ("text = \"a\"", "text = \"b\"", Direction::Changed),
        ("word = \"left\"", "word = \"right\"", Direction::Changed),
    ] {
        assert_eq!(one(&specimen(old), &specimen(new)).0, direction, "{old} → {new}");
        assert_eq!(one(&specimen(new), &specimen(old)).0, direction.reversed(), "{new} → {old}");
    }
    let (_, line) = one(&specimen("span = \"30 days\""), &specimen("span = \"40 days\""));
    assert_eq!(line, "weaker promise one: span: 30 days → 40 days");
}

#[test]
fn a_promise_that_says_less_is_weaker() {
    let hsts = "kind = \"enforced\"\ncontrol = \"hsts\"";
    let waived = |day: &str| format!("{hsts}\nwaived = {{ reason = \"Rebuilt\", until = {day} }}");
    for (old, new) in [
        (hsts.to_owned(), format!("{hsts}\nfreshness = \"1 hour\"")),
        (hsts.to_owned(), format!("{hsts}\ncadence = \"10 minutes\"")),
        (hsts.to_owned(), waived("2027-01-31")),
        (waived("2027-01-31"), waived("2027-02-28")),
        ("kind = \"enforced\"\ncontrol = \"hsts\"".to_owned(), "kind = \"clocked\"\ncontrol = \"hsts\"".to_owned()),
    ] {
        assert_eq!(one(&old, &new).0, Direction::Weaker, "{old} → {new}");
        assert_eq!(one(&new, &old).0, Direction::Stronger, "{new} → {old}");
    }
    let planned = "kind = \"planned\"\nplanned = { phase = \"Phase 2\" }";
    let directions: Vec<_> =
        diff(&profile(hsts), &profile(planned)).into_iter().map(|change| (change.aspect, change.direction)).collect();
    assert!(directions.contains(&("kind".to_owned(), Direction::Weaker)));
    assert!(directions.contains(&("control".to_owned(), Direction::Weaker)));
}

#[test]
fn a_changed_figure_is_no_rewording() {
    let text = |words: &str, days: u8| {
        with(&format!(
            "words = \"{words}\"\nkind = \"clocked\"\ncontrol = \"erase-clock\"\nparams = {{ within = \"{days} days\" }}"
        ))
    };
    let old = parse("old", &text("Within {within}.", 30));
    let figure = diff(&old, &parse("new", &text("Within {within}.", 20)));
    assert_eq!(figure.iter().map(|change| change.direction).collect::<Vec<_>>(), [Direction::Stronger]);
    let words = diff(&old, &parse("new", &text("In {within}.", 30)));
    assert_eq!(
        words.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["reworded promise one: words: Within {within}. → In {within}."]
    );
}

#[test]
fn the_register_is_compared_too() {
    let old = parse("old", &with("words = \"W.\"\nkind = \"enforced\"\ncontrol = \"hsts\""));
    let text = old
        .source
        .replace("\"api.example.org\"", "\"api.example.org\", \"files.example.org\"")
        .replace("id = \"one\"", "id = \"two\"")
        + "\n[[processor]]\nname = \"Other\"\npurpose = \"Mail\"\n";
    let changes = diff(&old, &parse("new", &text));
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "weaker sub-processor Example Cloud: host: files.example.org",
            "added sub-processor Other",
            "added promise two: W.",
            "removed promise one: was W.",
        ]
    );
    assert!(changes.iter().any(|change| change.subject == Subject::Processor("Other".to_owned())));
}

/// A promise of the specimen control with arbitrary parameters.
fn version() -> impl Strategy<Value = Profile> {
    let list = || proptest::sample::subsequence(vec!["\"a\"", "\"b\"", "\"c\""], 0..=3);
    let kind = proptest::sample::select(vec!["enforced", "clocked"]);
    (1u32..4, 0u32..3, 0u32..3, list(), list(), any::<bool>(), kind, 25u32..28, proptest::option::of(1u32..4)).prop_map(
        |(span, count, percent, list, allow, flag, kind, freshness, waived)| {
            let params = format!(
                "span = \"{span} days\", count = {count}, percent = \"{percent} %\", list = [{}], allow = [{}], flag = {flag}",
                list.join(", "),
                allow.join(", ")
            );
            let waived = waived.map_or_else(String::new, |month| format!("waived = {{ reason = \"R\", until = 2027-0{month}-01 }}"));
            profile(&format!("kind = \"{kind}\"\ncontrol = \"specimen\"\nfreshness = \"{freshness} minutes\"\n{waived}\nparams = {{ {params} }}"))
        },
    )
}

/// What changed, and which way.
fn ways(old: &Profile, new: &Profile) -> std::collections::BTreeMap<String, Direction> {
    diff(old, new).into_iter().map(|change| (change.aspect, change.direction)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_other_side_sees_the_opposite(a in version(), b in version()) {
        let there = ways(&a, &b);
        let back: std::collections::BTreeMap<_, _> = ways(&b, &a).into_iter().map(|(aspect, way)| (aspect, way.reversed())).collect();
        prop_assert_eq!(there, back);
        prop_assert!(diff(&a, &a).is_empty());
    }

    #[test]
    fn two_steps_one_way_are_a_step_that_way(a in version(), b in version(), c in version()) {
        let (first, second, both) = (ways(&a, &b), ways(&b, &c), ways(&a, &c));
        for (aspect, way) in &first {
            if *way == Direction::Changed {
                continue;
            }
            if second.get(aspect).is_none_or(|next| next == way) {
                prop_assert_eq!(both.get(aspect), Some(way), "{}", aspect);
            }
        }
    }
}
