//! Each lint: a profile that has the fault, and the same without it.

use crate::{built, now, parse};
use promises::{Severity, lint, lint::CODES};

const HEAD: &str = r#"
[service]
name = "Example"
about = "Keeps notes"
operator = "Example GmbH"
public_url = "https://example.org"
mode = "built"

[contacts]
security = "security@example.org"

[[region]]
id = "eu"
name = "European Union"

[[region]]
id = "us"
name = "United States"

[[processor]]
name = "Example Cloud"
purpose = "Hosting"
region = "eu"
data = ["content"]
hosts = ["api.example.org"]
"#;

/// A promise with these lines.
fn promise(id: &str, rest: &str) -> String {
    format!("\n[[promise]]\nid = \"{id}\"\nsection = \"Data\"\n{rest}\n")
}

fn enforced(words: &str, rest: &str) -> String {
    promise("one", &format!("words = \"{words}\"\nkind = \"enforced\"\n{rest}"))
}

/// The codes and severities that lint finds.
fn found(text: &str) -> Vec<(&'static str, Severity)> {
    let profile = parse("promises.toml", text);
    lint(&profile, &built::catalogue(), now()).into_iter().map(|lint| (lint.code, lint.severity)).collect()
}

/// The fault is found, and nothing else; without it nothing is found.
fn holds(code: &'static str, severity: Severity, faulty: &str, sound: &str) {
    assert!(CODES.iter().any(|(known, _)| *known == code));
    assert_eq!(found(&format!("{HEAD}{faulty}")), [(code, severity)], "{faulty}");
    assert_eq!(found(&format!("{HEAD}{sound}")), [], "{sound}");
}

#[test]
fn wb001_a_figure_said_twice() {
    let attested = |id: &str, words: &str| {
        promise(
            id,
            &format!(
                "words = \"{words}\"\nkind = \"attested\"\nattested = {{ owner = \"Director\", document = \"Policy\", expires = 2027-11-30 }}"
            ),
        )
    };
    let three = [
        attested("one", "Backups are kept for 99 days."),
        attested("two", "We drop a backup after 100 days, not before."),
        attested("three", "What is gone is gone from backups within 93 days."),
    ];
    let errors = |text: &str| found(text).into_iter().filter(|(code, _)| *code == "WB001").count();
    assert_eq!(errors(&format!("{HEAD}{}", three.concat())), 2);
    let same = three.concat().replace("100", "99").replace("93", "99");
    assert_eq!(errors(&format!("{HEAD}{same}")), 0);
}

#[test]
fn wb001_one_control_with_two_figures() {
    let clock = |id: &str, within: &str| {
        promise(
            id,
            &format!(
                "words = \"In time.\"\nkind = \"clocked\"\ncontrol = \"access-clock\"\nparams = {{ within = \"{within}\" }}"
            ),
        )
    };
    let two = |within: &str| clock("one", "30 days") + &clock("two", within);
    holds("WB001", Severity::Error, &two("31 days"), &two("30 days"));
}

#[test]
fn wb002_nothing_enforces_it() {
    holds(
        "WB002",
        Severity::Error,
        &enforced("We redirect.", ""),
        &enforced("We redirect.", "control = \"https-only\""),
    );
}

#[test]
fn wb003_a_statement_without_its_parts() {
    let attested =
        |table: &str| promise("one", &format!("words = \"We do not sell data.\"\nkind = \"attested\"\n{table}"));
    let sound = attested("attested = { owner = \"Director\", document = \"Policy\", expires = 2027-11-30 }");
    for table in [
        "",
        "attested = {}",
        "attested = { document = \"Policy\", expires = 2027-11-30 }",
        "attested = { owner = \"Director\", expires = 2027-11-30 }",
        "attested = { owner = \"Director\", document = \"Policy\" }",
    ] {
        holds("WB003", Severity::Error, &attested(table), &sound);
    }
    let profile = parse("promises.toml", &format!("{HEAD}{}", attested("attested = { owner = \"Director\" }")));
    let lints = lint(&profile, &built::catalogue(), now());
    assert_eq!(lints.first().unwrap().message, "the statement has no document, no expiry");
}

#[test]
fn wb004_a_statement_that_ran_out() {
    let until = |day: &str| {
        promise(
            "one",
            &format!(
                "words = \"We do not sell data.\"\nkind = \"attested\"\nattested = {{ owner = \"Director\", document = \"Policy\", expires = {day} }}"
            ),
        )
    };
    holds("WB004", Severity::Error, &until("2026-11-22"), &until("2027-11-30"));
    holds("WB004", Severity::Warning, &until("2026-12-01"), &until("2027-11-30"));
}

#[test]
fn wb005_a_plan_worded_as_present() {
    let planned = |words: &str| {
        promise("one", &format!("words = \"{words}\"\nkind = \"planned\"\nplanned = {{ phase = \"Phase 3\" }}"))
    };
    for words in ["We are SOC 2 certified.", "SAML sign-in."] {
        holds("WB005", Severity::Error, &planned(words), &planned("We will be SOC 2 certified in phase 3."));
    }
}

#[test]
fn wb006_a_figure_that_nothing_measures() {
    let clock = |words: &str| {
        promise(
            "one",
            &format!(
                "words = \"{words}\"\nkind = \"clocked\"\ncontrol = \"access-clock\"\nparams = {{ within = \"30 days\" }}"
            ),
        )
    };
    for words in [
        "The answer comes in 20 days.",
        "It comes in thirty-one days.",
        "Of requests, 99 % come in time.",
        "Within a month.",
    ] {
        holds(
            "WB006",
            Severity::Warning,
            &clock(words),
            &clock("The answer comes within {within}: 30 days, thirty days, 720 hours."),
        );
    }
}

#[test]
fn wb007_a_scope_that_nothing_covers() {
    let hsts = |words: &str| enforced(words, "control = \"hsts\"");
    for word in ["all servers", "every cookie", "Never", "only", "none", "no one", "always"] {
        holds(
            "WB007",
            Severity::Warning,
            &hsts(&format!("The header: {word}.")),
            &hsts("The header stands on every response, on all responses."),
        );
    }
    assert_eq!(
        found(&format!(
            "{HEAD}{}",
            promise(
                "one",
                "words = \"We never sell data.\"\nkind = \"attested\"\nattested = { owner = \"Director\", document = \"Policy\", expires = 2027-11-30 }"
            )
        )),
        [("WB007", Severity::Note)]
    );
}

#[test]
fn wb008_a_third_party_outside_the_register() {
    let alert = |words: &str| enforced(words, "control = \"critical-webhook\"");
    let listed = "\n[[processor]]\nname = \"Discord\"\npurpose = \"Alerts\"\nregion = \"us\"\ndata = [\"system\"]\nhosts = [\"discord.com\"]\n";
    let words = "An alert goes to Discord.";
    holds("WB008", Severity::Warning, &alert(words), &(listed.to_owned() + &alert(words)));
    holds(
        "WB008",
        Severity::Note,
        &alert("An alert goes to Acmecorp."),
        &alert("An alert goes to Example, on Monday."),
    );
}

#[test]
fn wb009_backups_outlive_an_erasure() {
    let erase = promise(
        "one",
        "words = \"Erased within {within}.\"\nkind = \"clocked\"\ncontrol = \"erase-clock\"\nparams = { within = \"30 days\" }",
    );
    let keep = promise(
        "two",
        "words = \"Backups are kept for {keep}.\"\nkind = \"enforced\"\ncontrol = \"backup-retention\"\nparams = { keep = \"90 days\" }",
    );
    let drill = |replay: bool| {
        promise(
            "three",
            &format!(
                "words = \"Restoring is drilled.\"\nkind = \"enforced\"\ncontrol = \"restore-drill\"\nparams = {{ replay = {replay} }}"
            ),
        )
    };
    let both = erase + &keep;
    holds("WB009", Severity::Error, &both, &both.replace("90 days", "30 days"));
    holds("WB009", Severity::Error, &(both.clone() + &drill(false)), &(both + &drill(true)));
}

#[test]
fn wb009_backups_outlive_what_is_said_of_them() {
    let keep = |keep: &str| {
        promise(
            "one",
            &format!(
                "words = \"Backups end.\"\nkind = \"enforced\"\ncontrol = \"backup-retention\"\nparams = {{ keep = \"{keep}\" }}"
            ),
        )
    };
    let aged = promise(
        "two",
        "words = \"They forget.\"\nkind = \"enforced\"\ncontrol = \"erase-backups\"\nparams = { within = \"60 days\" }",
    );
    holds("WB009", Severity::Error, &(keep("90 days") + &aged), &(keep("60 days") + &aged));
}

#[test]
fn wb009_logs_outlive_an_erasure() {
    let erase = promise(
        "one",
        "words = \"In time.\"\nkind = \"clocked\"\ncontrol = \"erase-clock\"\nparams = { within = \"30 days\" }",
    );
    let logs = |personal: bool| {
        promise(
            "two",
            &format!(
                "words = \"Logs end.\"\nkind = \"enforced\"\ncontrol = \"log-retention\"\nparams = {{ keep = \"90 days\", personal = {personal} }}"
            ),
        )
    };
    holds("WB009", Severity::Warning, &(erase.clone() + &logs(true)), &(erase + &logs(false)));
}

#[test]
fn wb009_a_model_provider_in_the_register_of_those_who_call_none() {
    let provider = "\n[[processor]]\nname = \"OpenAI\"\npurpose = \"Inference\"\nregion = \"us\"\ndata = [\"content\"]\nhosts = [\"api.openai.com\"]\n";
    let local = enforced("Suggestions are made here.", "control = \"ai-on-platform\"");
    holds("WB009", Severity::Error, &(provider.to_owned() + &local), &local);
}

#[test]
fn wb009_a_store_in_another_region() {
    let stored = |region: &str| {
        enforced(
            "Stored in the {region}.",
            &format!("control = \"data-region\"\nparams = {{ region = \"{region}\", stores = [\"Example Cloud\"] }}"),
        )
    };
    holds("WB009", Severity::Error, &stored("us"), &stored("eu"));
}

#[test]
fn wb009_shared_with_nobody_but_the_register() {
    let shared = |words: &str| enforced(words, "control = \"egress-purpose\"");
    holds(
        "WB009",
        Severity::Warning,
        &shared("Data is not shared with third parties."),
        &shared("Data is not shared with third parties outside the register."),
    );
}

#[test]
fn wb010_a_mode_that_cannot_carry_it() {
    let scoped = enforced("Rows are scoped.", "control = \"scope-sql\"");
    let proxy = HEAD.replace("\"built\"", "\"proxy\"");
    assert_eq!(found(&format!("{proxy}{scoped}")), [("WB010", Severity::Error)]);
    assert_eq!(found(&format!("{HEAD}{scoped}")), []);
}

#[test]
fn wb011_nobody_to_report_to() {
    let silent = HEAD.replace("security = \"security@example.org\"", "support = \"help@example.org\"");
    let promise = enforced("We redirect.", "control = \"https-only\"");
    assert_eq!(found(&format!("{silent}{promise}")), [("WB011", Severity::Error)]);
}

#[test]
fn wb012_a_plain_address() {
    let plain = HEAD.replace("https://example.org", "http://example.org");
    let promise = enforced("We redirect.", "control = \"https-only\"");
    assert_eq!(found(&format!("{plain}{promise}")), [("WB012", Severity::Error)]);
}

#[test]
fn wb013_a_waiver_that_ended() {
    let waived = |day: &str| {
        enforced(
            "We redirect.",
            &format!("control = \"https-only\"\nwaived = {{ reason = \"Rebuilt\", until = {day} }}"),
        )
    };
    holds("WB013", Severity::Warning, &waived("2026-11-01"), &waived("2027-01-31"));
}

#[test]
fn wb014_a_thin_register() {
    let promise = enforced("We redirect.", "control = \"https-only\"");
    for (line, severity) in [
        ("purpose = \"Hosting\"\n", Severity::Warning),
        ("region = \"eu\"\n", Severity::Note),
        ("data = [\"content\"]\n", Severity::Note),
        ("hosts = [\"api.example.org\"]\n", Severity::Note),
    ] {
        let thin = HEAD.replace(line, "");
        assert_eq!(found(&format!("{thin}{promise}")), [("WB014", severity)], "{line}");
    }
}

#[test]
fn wb015_a_word_that_cannot_fail() {
    let soft = |words: &str| enforced(words, "control = \"dependency-scan\"");
    for words in
        ["We scan regularly.", "We aim to scan.", "Industry-standard scanning.", "We scan as soon as possible."]
    {
        holds("WB015", Severity::Warning, &soft(words), &soft("The last scan is at most {at_most} old."));
    }
}

#[test]
fn a_finding_points_at_its_word() {
    let text = format!("{HEAD}{}", enforced("The header now knows no limit.", "control = \"hsts\""));
    let profile = parse("promises.toml", &text);
    let lints = lint(&profile, &built::catalogue(), now());
    let found = lints.first().unwrap();
    let line = text.lines().nth(found.line.unwrap() - 1).unwrap();
    let at: String = line.chars().skip(found.column.unwrap() - 1).collect();
    assert!(at.starts_with("no limit"), "{at}");
    let drawn = lint::render(&lints, "promises.toml", &text);
    assert!(drawn.starts_with("warning[WB007]: «no» is more than the attack covers"), "{drawn}");
}

#[test]
fn a_profile_without_text_is_looked_over_too() {
    let mut profile = parse("promises.toml", &format!("{HEAD}{}", enforced("We redirect.", "")));
    profile.source.clear();
    let lints = lint(&profile, &built::catalogue(), now());
    assert_eq!(lints.len(), 1);
    assert_eq!(lints.first().unwrap().line, None);
}
