//! The command line: what it says when asked, and when something is wrong.

use std::process::{Command, Output};

fn wordbond(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordbond"));
    command.args(arguments).env_remove("WORDBOND_DATABASE_URL").env("COLUMNS", "100").output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_says_what_there_is() {
    for (name, arguments) in [
        ("help", vec!["--help"]),
        ("help-up", vec!["up", "--help"]),
        ("help-check", vec!["check", "--help"]),
        ("help-probe", vec!["probe", "--help"]),
        ("help-verify", vec!["verify", "--help"]),
        ("help-sabotage", vec!["sabotage", "--help"]),
        ("help-promises", vec!["promises", "--help"]),
        ("help-promises-lint", vec!["promises", "lint", "--help"]),
        ("help-promises-diff", vec!["promises", "diff", "--help"]),
        ("help-promises-show", vec!["promises", "show", "--help"]),
        ("help-keys", vec!["keys", "--help"]),
        ("help-retention", vec!["retention", "--help"]),
        ("help-map", vec!["map", "--help"]),
        ("help-map-discover", vec!["map", "discover", "--help"]),
        ("help-map-lint", vec!["map", "lint", "--help"]),
        ("help-export", vec!["export", "--help"]),
        ("help-erase", vec!["erase", "--help"]),
    ] {
        let output = wordbond(&arguments);
        assert!(output.status.success(), "{arguments:?}");
        insta::assert_snapshot!(name, out(&output));
    }
}

#[test]
fn without_a_running_system_there_is_one_clear_line_and_exit_2() {
    let empty = tempfile::tempdir().unwrap();
    let output = wordbond(&["check", "--data-dir", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(out(&output), "");
    assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
    assert!(err(&output).contains("wordbond up"));
}

#[test]
fn a_stale_ready_file_is_no_running_system() {
    let folder = tempfile::tempdir().unwrap();
    let ready = r#"{"app":"https://localhost:1","page":"https://localhost:1/trust","ca":null,"pg":null,"pid":1,
        "profile":"promises.toml","managed":false,"started":18446744073709551615}"#;
    std::fs::write(folder.path().join("ready.json"), ready).unwrap();
    let output = wordbond(&["check", "--data-dir", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    std::fs::write(folder.path().join("ready.json"), "{").unwrap();
    let output = wordbond(&["check", "--data-dir", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("cannot be read"));
}

#[test]
fn a_malformed_profile_is_told_with_line_and_caret_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("promises.toml");
    std::fs::write(&profile, "[service]\nnmae = \"x\"\n").unwrap();
    let data = folder.path().join("data");
    let arguments = ["up", "--profile", profile.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    let output = wordbond(&arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("nmae") && err(&output).contains('^'), "{}", err(&output));
    assert!(!data.join("pg").exists() && !data.join("keys").exists());
}

#[test]
fn an_address_that_is_none_is_refused() {
    for command in ["probe", "verify"] {
        for address in ["http://localhost:1", "localhost", "https://", "https://user@localhost:1"] {
            let output = wordbond(&[command, address]);
            assert_eq!(output.status.code(), Some(2), "{command} {address}: {}", err(&output));
            assert!(err(&output).contains("https://host"), "{}", err(&output));
        }
    }
}

#[test]
fn a_service_that_does_not_answer_is_an_error_and_never_kept() {
    let output = wordbond(&["probe", "https://localhost:1", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["kept"], 0);
    assert!(report["summary"]["error"].as_u64().unwrap() > 0);
}
