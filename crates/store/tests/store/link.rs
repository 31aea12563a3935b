//! The link to the database, attacked and broken.

use kernel::Span;
use promises::{Kind, Outcome, Promise, fault::Make};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};
use store::{
    Config, Store,
    server::{Layout, SUPERUSER, process},
    tls_database::{self, Knock, knock},
};
use testkit::ScratchDir;

pub(super) fn promise() -> Promise {
    Promise {
        id: "link".to_owned(),
        claims: vec!["L20".to_owned()],
        section: "Data".to_owned(),
        words: "The link is closed".to_owned(),
        kind: Kind::Enforced,
        control: Some("tls-database".to_owned()),
        params: BTreeMap::new(),
        cadence: Span::minutes(15),
        freshness: Span::minutes(45),
        attested: None,
        planned: None,
        waiver: None,
    }
}

/// A program that knocks as `wordbond knock` does, where everybody can reach it: this test binary behind a script.
fn program(dir: &ScratchDir) -> PathBuf {
    let (copy, script) = (dir.path().join("tests"), dir.path().join("knocker"));
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    // The three words `knock`, directory and role come as arguments; the test reads them from its surroundings.
    let text = format!(
        "#!/bin/sh\nWORDBOND_TEST_KNOCK=\"$2 $3\" exec {} --exact link::a_knocker --ignored --nocapture --quiet | grep -E '^(let in|refused|unable)'\n",
        copy.display()
    );
    fs::write(&script, text).unwrap();
    for path in [&copy, &script] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    script
}

#[test]
#[ignore = "only as a child of the tests below"]
fn a_knocker() {
    let Ok(words) = std::env::var("WORDBOND_TEST_KNOCK") else { return };
    let (dir, role) = words.split_once(' ').unwrap();
    println!("\n{}", knock(dir.as_ref(), role).line());
}

#[tokio::test]
async fn every_fault_of_the_link_turns_it_red_and_its_undoing_green() {
    if !geteuid().is_root() {
        println!("knocking as another user takes root");
        return;
    }
    let dir = ScratchDir::new().unwrap();
    let program = program(&dir);
    let store = Store::open(Config { durable: false, ..Config::at(dir.path()) }).await.unwrap();
    let layout = Layout::of(dir.path());
    let finding = tls_database::probe(&store, &program, &promise()).await;
    println!("{}", finding.saw());
    assert_eq!(finding.outcome(), Outcome::Held, "{finding:?}");

    let hba = fs::read_to_string(layout.hba()).unwrap();
    for fault in tls_database::FAULTS {
        let Make::Server { hba: rules, settings, socket_mode } = fault.make else {
            panic!("{} is no fault of a server", fault.id)
        };
        fs::write(layout.hba(), rules.unwrap_or(&hba)).unwrap();
        let auto: String = settings.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
        fs::write(layout.data().join("postgresql.auto.conf"), auto).unwrap();
        restart(&layout).await;
        if let Some(mode) = socket_mode {
            for path in [layout.base(), layout.socket_dir()] {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        let finding = tls_database::probe(&store, &program, &promise()).await;
        println!("{}: {}", fault.id, finding.saw());
        assert_eq!(finding.outcome(), Outcome::Broke, "{}: {finding:?}", fault.id);

        fs::write(layout.hba(), &hba).unwrap();
        fs::write(layout.data().join("postgresql.auto.conf"), "").unwrap();
        for path in [layout.base(), layout.socket_dir()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        restart(&layout).await;
        let finding = tls_database::probe(&store, &program, &promise()).await;
        assert_eq!(finding.outcome(), Outcome::Held, "{} undone: {finding:?}", fault.id);
    }
    store.close().await;
}

/// The server opens a second socket where everybody may pass, and knows one more user there.
#[tokio::test]
async fn a_second_door_is_found_and_tried_as_every_user() {
    if !geteuid().is_root() {
        println!("knocking as another user takes root");
        return;
    }
    let dir = ScratchDir::new().unwrap();
    let program = program(&dir);
    let store = Store::open(Config { durable: false, ..Config::at(dir.path()) }).await.unwrap();
    let layout = Layout::of(dir.path());
    let second = dir.path().join("second");
    fs::create_dir(&second).unwrap();
    fs::set_permissions(&second, fs::Permissions::from_mode(0o777)).unwrap();
    let settings = format!(
        "unix_socket_directories = '{}, {}'\nunix_socket_permissions = 0777\n",
        layout.socket_dir().display(),
        second.display()
    );
    fs::write(layout.data().join("postgresql.auto.conf"), settings).unwrap();
    restart(&layout).await;
    let finding = tls_database::probe(&store, &program, &promise()).await;
    assert_eq!(finding.outcome(), Outcome::Held, "a door that knows its callers is none to strangers: {finding:?}");
    let ident = layout.data().join("pg_ident.conf");
    let known = fs::read_to_string(&ident).unwrap();
    fs::write(&ident, format!("{known}wordbond daemon wordbond_app\n")).unwrap();
    restart(&layout).await;
    let finding = tls_database::probe(&store, &program, &promise()).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{finding:?}");
    assert!(finding.saw().contains("is let in as wordbond_app at another socket"), "{}", finding.saw());
    store.close().await;
}

/// As an operator would: the server is asked to end, and its supervisor starts it again.
pub(super) async fn restart(layout: &Layout) {
    let pid = process::running(layout).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    for _ in 0..300 {
        if process::noted(layout).is_some_and(|(new, ready)| ready && new != pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not come back");
}

#[tokio::test]
async fn the_own_user_is_let_in_and_a_missing_door_is_no_refusal() {
    let dir = ScratchDir::new().unwrap();
    let store = Store::open(Config { durable: false, ..Config::at(dir.path()) }).await.unwrap();
    let socket = Layout::of(dir.path()).socket_dir().to_owned();
    assert_eq!(knock(&socket, SUPERUSER), Knock::LetIn);
    assert!(matches!(knock(&socket, "nobody"), Knock::Refused(_)), "a role that the map does not name");
    store.close().await;
    assert!(matches!(knock(&socket, SUPERUSER), Knock::Unable(_)));
}
