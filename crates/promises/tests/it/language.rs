//! Reading: what is understood, what is refused and how that is said, and that nothing makes it panic.

use crate::{built, parse};
use kernel::Span;
use promises::{Diagnostics, Profile, parse::LARGEST, profile::Value};
use proptest::prelude::*;

const HEAD: &str = r#"
[service]
name = "Example"
about = "Keeps notes"
operator = "Example GmbH"
mode = "built"

[contacts]
security = "security@example.org"

[[region]]
id = "eu"
name = "European Union"

[[processor]]
name = "Example Cloud"
purpose = "Hosting"
region = "eu"
data = ["content"]
hosts = ["api.example.org"]
"#;

pub(crate) fn with(promise: &str) -> String {
    format!("{HEAD}\n[[promise]]\nid = \"one\"\nsection = \"Data\"\n{promise}\n")
}

fn errors(text: &str) -> Diagnostics {
    match Profile::parse(text, &built::catalogue()) {
        Ok(_) => panic!("this should not have been understood:\n{text}"),
        Err(errors) => errors,
    }
}

/// The only error of a text.
fn error(text: &str) -> String {
    let errors = errors(text);
    assert_eq!(errors.count(), 1, "{errors}");
    let error = errors.iter().next().unwrap();
    format!("{} {}", error.message, error.help.clone().unwrap_or_default())
}

#[test]
fn every_type_of_parameter_is_read() {
    let profile = parse("specimen", &with(r#"
        words = "Within {span}, at {time}, {size}, {count}, {percent}, {text}, {word}, {list}."
        kind = "enforced"
        control = "specimen"
        params = { span = "48 hours", time = "3:00 UTC", size = "500 kB", count = 7, percent = "99.5 %", text = "x", word = "right", list = ["c"], flag = false }
    "#).replace("3:00", "03:00"));
    let promise = profile.promise("one").unwrap();
    assert_eq!(promise.words, "Within 48 hours, at 03:00 UTC, 500 kB, 7, 99.5 %, x, right, c.");
    assert_eq!(promise.span("span"), Some(Span::hours(48)));
    assert_eq!(promise.count("count"), Some(7));
    for (name, value) in [
        ("time", Value::Time("03:00 UTC".to_owned())),
        ("size", Value::Size(500_000)),
        ("percent", Value::Percent(99.5)),
        ("word", Value::Text("right".to_owned())),
        ("list", Value::List(vec!["c".to_owned()])),
        ("flag", Value::Flag(false)),
    ] {
        assert_eq!(promise.params.get(name), Some(&value), "{name}");
    }
}

#[test]
fn what_is_left_out_has_the_default() {
    let profile = parse(
        "specimen",
        &with("words = \"Within {span}: {list}; every {cadence}.\"\nkind = \"enforced\"\ncontrol = \"specimen\""),
    );
    let promise = profile.promise("one").unwrap();
    assert_eq!(promise.words, "Within 30 days: a and b; every 5 minutes.");
    assert_eq!(promise.params.len(), 10);
    assert_eq!((promise.cadence, promise.freshness), (Span::minutes(5), Span::minutes(20)));
}

#[test]
fn a_region_is_written_by_its_name() {
    let profile = parse(
        "region",
        &with(
            r#"
        words = "Stored in the {region} by {stores}."
        kind = "enforced"
        control = "data-region"
        params = { region = "eu", stores = ["Example Cloud"] }
    "#,
        ),
    );
    assert_eq!(profile.promise("one").unwrap().words, "Stored in the European Union by Example Cloud.");
}

#[test]
fn statements_plans_and_waivers_are_read() {
    let profile = parse(
        "tables",
        &with(
            r#"
        words = "We do not sell data."
        kind = "attested"
        attested = { owner = "Managing Director", document = "Statement", expires = 2027-03-31 }
        waived = { reason = "Being rewritten", until = "2027-01-31" }
    "#,
        ),
    );
    let promise = profile.promise("one").unwrap();
    assert_eq!(promise.attested.as_ref().unwrap().expires.to_string(), "2027-03-31T00:00:00Z");
    assert_eq!(promise.waiver.as_ref().unwrap().until.to_string(), "2027-01-31T00:00:00Z");
}

#[test]
fn each_mistake_is_named() {
    let enforced = |rest: &str| with(&format!("words = \"Words.\"\nkind = \"enforced\"\n{rest}"));
    for (text, said) in [
        (enforced("control = \"hst\""), "there is no control `hst` did you mean `hsts`?"),
        (enforced("contrl = \"hsts\""), "unknown key `contrl` in `[[promise]]` did you mean `control`?"),
        (
            enforced("control = \"hsts\"\nparams = { max_aeg = \"1 day\" }"),
            "no parameter `max_aeg` did you mean `max_age`?",
        ),
        (enforced("control = \"hsts\"\nparams = { max_age = 30 }"), "expected a span of time in quotes"),
        (enforced("control = \"hsts\"\nparams = { max_age = \"30 moons\" }"), "`moons` is no unit of time"),
        (enforced("control = \"erase-clock\""), "the control `erase-clock` needs the parameter `within`"),
        (enforced("control = \"specimen\"\nparams = { word = \"rigth\" }"), "did you mean `right`?"),
        (enforced("control = \"specimen\"\nparams = { percent = 95 }"), "write the sign"),
        (enforced("control = \"specimen\"\nparams = { list = [\"a\", \"a\"] }"), "`a` stands twice in the list"),
        (
            enforced("control = \"data-region\"\nparams = { region = \"ue\", stores = [] }"),
            "`ue` is no region of this profile",
        ),
        (
            enforced("control = \"data-region\"\nparams = { region = \"eu\", stores = [\"Exampel Cloud\"] }"),
            "did you mean `Example Cloud`?",
        ),
        (
            enforced("control = \"hsts\"\ncadence = \"1 hour\""),
            "the cadence of 1 hour must be shorter than the freshness of 20 minutes",
        ),
        (enforced("control = \"hsts\"\nfreshness = \"0 s\""), "`freshness` must be longer than nothing"),
        (enforced("params = { within = \"1 day\" }"), "`params` needs a control"),
        (enforced("planned = { phase = \"Phase 2\" }"), "`planned` belongs to promises of kind `planned`"),
        (enforced("waived = { reason = \"Rebuilt\", until = 2027-02-30 }"), "invalid"),
        (enforced("waived = { reason = \"Rebuilt\", until = \"next week\" }"), "`next week` is no date"),
        (enforced("waived = { reason = \"Rebuilt\" }"), "`waived` needs `until`"),
        (with("words = \"Words.\"\nkind = \"enforcd\""), "did you mean `enforced`?"),
        (
            with(
                "words = \"Within {withn}.\"\nkind = \"clocked\"\ncontrol = \"erase-clock\"\nparams = { within = \"1 day\" }",
            ),
            "did you mean `within`?",
        ),
        (with("words = \"Within {within.\"\nkind = \"enforced\""), "is never closed"),
        (with("words = \" \"\nkind = \"enforced\""), "`words` is empty"),
        (with("words = \"Words.\"\nkind = \"planned\""), "`[[promise]]` needs `planned`"),
        (with("kind = \"enforced\""), "`[[promise]]` needs `words`"),
        (
            with(
                "words = \"W.\"\nkind = \"enforced\"\n[[promise]]\nid = \"one\"\nsection = \"S\"\nwords = \"W.\"\nkind = \"enforced\"",
            ),
            "the promise `one` is written twice",
        ),
        (enforced("").replace("id = \"one\"", "id = \"One Two\""), "`One Two` is no id"),
        (enforced("").replace("[\"content\"]", "[\"contents\"]"), "did you mean `content`?"),
        (enforced("").replace("[\"api.example.org\"]", "[\"https://api.example.org\"]"), "is no host name"),
        (enforced("").replace("[\"api.example.org\"]", "[\"*.example.org\"]"), "is no host name"),
        (
            enforced("").replace("region = \"eu\"", "region = \"eur\""),
            "`eur` is no region of this profile did you mean `eu`?",
        ),
        (enforced("").replace("security@example.org", "security at example"), "is no mail address"),
        (enforced("").replace("mode = \"built\"", "mode = \"build\""), "did you mean `built`?"),
        (enforced("").replace("mode = \"built\"", "mode = \"built\"\npublic_url = \"example.org\""), "is no address"),
        (enforced("").replace("[service]", "[servise]"), "did you mean `service`?"),
    ] {
        let errors = errors(&text);
        let all = errors.to_string();
        assert!(all.contains(said.split(" did you").next().unwrap()), "expected «{said}» in\n{all}\nof\n{text}");
        if let Some((_, hint)) = said.split_once(" did you") {
            assert!(all.contains(&format!("(did you{hint})")), "expected the hint of «{said}» in\n{all}");
        }
    }
    assert_eq!(error(&enforced("control = \"hst\"")), "there is no control `hst` did you mean `hsts`?");
}

#[test]
fn all_mistakes_are_drawn_at_once() {
    let text = include_str!("../fixtures/mistakes.toml");
    insta::assert_snapshot!(errors(text).render("promises.toml", text));
}

#[test]
fn a_broken_line_hides_no_other_mistake_and_invents_none() {
    let text = with("words = \"Words.\nkind = \"enforced\"\ncontrol = \"hst\"");
    let all = errors(&text).to_string();
    assert!(all.contains("there is no control `hst`"), "{all}");
    assert!(!all.contains("needs `words`"), "{all}");
}

#[test]
fn a_place_is_counted_in_characters() {
    let text = with("words = \"Wörter — {x}\"\nkind = \"enforced\"").replace("[contacts]", "[contacts] # ü\r\n#");
    let errors = errors(&text);
    let error = errors.iter().next().unwrap();
    let line = text.lines().nth(error.line - 1).unwrap();
    assert!(line.starts_with("words"), "{line}");
    assert_eq!(error.column, 19);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let text = "#".repeat(LARGEST + 1);
    assert!(error(&text).contains("the limit is 1048576"));
    let many: String = (0..5_000).map(|n| format!("k{n} = 1\n")).collect();
    let errors = errors(&many);
    assert!(errors.count() >= 5_000);
    assert_eq!(errors.iter().count(), 200);
    assert!(errors.render("p", &many).ends_with("the first 200 shown\n"));
}

#[test]
fn a_flood_is_refused_in_time() {
    let words = "{a}".repeat(300_000);
    let flood = with(&format!("words = \"{words}\"\nkind = \"enforced\""));
    assert!(errors(&flood).to_string().contains("`words` is longer than 2000 bytes"));
    let list: String = (0..90_000).map(|n| format!("\"{n}\",")).collect();
    let flood =
        with(&format!("words = \"W.\"\nkind = \"enforced\"\ncontrol = \"specimen\"\nparams = {{ list = [{list}] }}"));
    assert!(errors(&flood).to_string().contains("the list has 90000 items"));
    let flood = "[[promise]]\n".repeat(80_000);
    assert!(errors(&flood).to_string().contains("has 80000 items; at most 1000 are read"));
}

/// Lines that look like a profile, whole and broken.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[service]".to_owned()),
        Just("[contacts]".to_owned()),
        Just("[[region]]".to_owned()),
        Just("[[processor]]".to_owned()),
        Just("[[promise]]".to_owned()),
        Just("control = \"specimen\"".to_owned()),
        Just("kind = \"attested\"".to_owned()),
        Just("attested = { owner = \"O\", expires = 9999-12-31 }".to_owned()),
        Just("waived = { reason = \"R\", until = -9999-01-01 }".to_owned()),
        "(id|name|words|section|purpose|mode|region|freshness|cadence) = (\"\\PC{0,12}\"|[0-9]{1,20}|\\[\"a\", 1\\]|\\{ a = 1 \\}|1979-05-27)",
        "words = \"[a-z{}% 0-9.]{0,30}\"",
        "params = \\{ (span|time|size|count|percent|text|word|list|flag) = (\"\\PC{0,12}\"|[0-9]{1,20}|[0-9]\\.[0-9]e[0-9]{1,3}|true|\\[\\]) \\}",
        "\\PC{0,40}",
        "[\\x00-\\x7f]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_panics(lines in proptest::collection::vec(line(), 0..24)) {
        let text = lines.join("\n");
        match Profile::parse(&text, &built::catalogue()) {
            Ok(profile) => {
                let found = promises::lint(&profile, &built::catalogue(), crate::now());
                let _ = promises::lint::render(&found, "p", &text);
                prop_assert!(promises::diff(&profile, &profile, &built::catalogue()).is_empty());
            }
            Err(errors) => {
                prop_assert!(errors.count() > 0);
                let _ = errors.render("p", &text);
            }
        }
    }

    #[test]
    fn a_sound_profile_bitten_anywhere_does_not_panic(at in 0usize..9_000, length in 0usize..40, junk in "\\PC{0,8}") {
        let mut text = include_str!("../../../../profiles/starter.toml").to_owned();
        let from = text.floor_char_boundary(at.min(text.len()));
        let to = text.floor_char_boundary((from + length).min(text.len()));
        text.replace_range(from..to.max(from), &junk);
        if let Err(errors) = Profile::parse(&text, &built::catalogue()) {
            let _ = errors.render("p", &text);
        }
    }
}
