//! The control over files at rest: holds on a system with files of its own, and finds what lies in the clear.

use drawings::Drawings;
use ingress::{Answer, Doors, FormToken, LiveSession, Settings, State, Tls, gate::Later, serve};
use kernel::Timestamp;
use outbound::{Dialler, Register, Site, Trust};
use promises::{
    Outcome,
    fault::{Fault, Make},
};
use std::{fs, sync::Arc};
use store::{Config, Store, sealed_files};
use testkit::ScratchDir;
use tokio::{net::TcpListener, sync::oneshot};
use ui::{Page, Shell};

/// A frame around pages.
fn chrome<'a>(
    _: Option<&'a LiveSession>,
    _: &'a FormToken,
    path: &'a str,
    page: &'a Page,
) -> Later<'a, Answer<String>> {
    Box::pin(async move {
        let shell = Shell { service: "Test".to_owned(), path: path.to_owned(), nav: None };
        page.render(&shell).map_err(ingress::problem::internal)
    })
}

async fn outcome(site: &Site, store: &Store, dir: &ScratchDir, plant: &mut sealed_files::Plant) -> (Outcome, String) {
    let finding = sealed_files::probe(site, store, dir.path(), plant).await;
    (finding.outcome(), finding.saw().to_owned())
}

#[tokio::test]
async fn files_are_ciphertext_and_what_lies_in_the_clear_is_found() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let dir = ScratchDir::new().unwrap();
    let store = Store::open(Config { durable: false, ..Config::at(dir.path()) }).await.unwrap();
    let (tls, _) = Tls::development(dir.path(), &[], Timestamp::now()).unwrap();
    let pem = fs::read_to_string(tls.ca().unwrap()).unwrap();
    let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", main.local_addr().unwrap().port());
    let dialler = Dialler::new(Register::only("example.com"), Trust::none());
    let state = State::new(store.clone(), dialler, "wbo_a-token").at(&url);
    let table = ingress::routes(&state).merge(drawings::routes(&Drawings::new(&state, Arc::new(chrome))));
    let router = table.router(&state.gate()).unwrap();
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(Doors { main, plain: None }, router, tls, Settings::new(&url).unwrap(), async {
        let _ = stopped.await;
    }));
    let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
    let mut plant = sealed_files::Plant::sow(&site).await.unwrap();
    for _ in 0..2 {
        let (found, saw) = outcome(&site, &store, &dir, &mut plant).await;
        assert_eq!(found, Outcome::Held, "{saw}");
    }
    let files = |fault: &Fault| if let Make::File { from, to } = fault.make { Some((from, to)) } else { None };
    for (from, to) in sealed_files::FAULTS.iter().filter_map(files) {
        let to = dir.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(dir.path().join(from), &to).unwrap();
        let (found, saw) = outcome(&site, &store, &dir, &mut plant).await;
        assert_eq!(found, Outcome::Broke, "{}: {saw}", to.display());
        fs::remove_file(&to).unwrap();
        let (found, saw) = outcome(&site, &store, &dir, &mut plant).await;
        assert_eq!(found, Outcome::Held, "{saw}");
    }
    store.close().await;
}
