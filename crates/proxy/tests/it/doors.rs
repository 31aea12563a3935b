//! The control that looks for ways around the gate.

use crate::{application::Application, house::House};
use kernel::{Span, SystemClock};
use outbound::{
    Site, Trust,
    upstream::{Limits, Place, reach},
};
use promises::{Kind, Outcome, Promise, profile::Value};
use proxy::{Settings, upstream_gate};
use std::sync::Arc;
use tokio::net::TcpListener;

fn promise(open: &[&str]) -> Promise {
    let open = open.iter().map(|&path| path.to_owned()).collect();
    Promise {
        id: "gate".to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some("upstream-gate".to_owned()),
        params: [("open".to_owned(), Value::List(open))].into(),
        cadence: Span::minutes(5),
        freshness: Span::minutes(30),
        attested: None,
        planned: None,
        waiver: None,
    }
}

struct Scene {
    house: House,
    site: Site,
    settings: Settings,
    place: Place,
}

async fn scene() -> Scene {
    let house = House::of(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await).await;
    let url = format!("https://localhost:{}", house.port);
    let site = Site::new(&url, Trust::none().with_pem(&house.ca).unwrap()).unwrap();
    let settings = Settings::new(&url, Arc::new(SystemClock)).unwrap().open(["/open/".parse().unwrap()]);
    let place = house.application.url.parse().unwrap();
    Scene { house, site, settings, place }
}

#[tokio::test]
async fn a_gate_without_ways_around_holds() {
    let it = scene().await;
    let finding = upstream_gate::probe(&it.site, Some(&it.place), Some(&it.settings), &promise(&["/open/"])).await;
    assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    assert_eq!(it.house.application.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_second_door_is_found() {
    let it = scene().await;
    let addresses = reach::own_addresses().unwrap();
    let Some(address) = addresses.iter().next() else {
        eprintln!("this machine has no address but loopback: nothing to try");
        return;
    };
    let _door = TcpListener::bind((*address, it.place.port())).await.unwrap();
    let finding = upstream_gate::probe(&it.site, Some(&it.place), Some(&it.settings), &promise(&["/open/"])).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
}

#[tokio::test]
async fn an_open_path_that_nobody_promised_is_found() {
    let it = scene().await;
    let finding = upstream_gate::probe(&it.site, Some(&it.place), Some(&it.settings), &promise(&[])).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
}

#[tokio::test]
async fn a_path_that_is_served_to_nobody_is_found() {
    let application = Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let house = House::build(application, Limits::default(), "/static/", None).await;
    let url = format!("https://localhost:{}", house.port);
    let site = Site::new(&url, Trust::none().with_pem(&house.ca).unwrap()).unwrap();
    let settings = Settings::new(&url, Arc::new(SystemClock)).unwrap();
    let place = house.application.url.parse().unwrap();
    let finding = upstream_gate::probe(&site, Some(&place), Some(&settings), &promise(&[])).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
    assert!(finding.saw().contains("/static/"), "{}", finding.saw());
}

#[tokio::test]
async fn without_an_application_or_a_gate_nothing_is_proven() {
    let it = scene().await;
    let finding = upstream_gate::probe(&it.site, None, None, &promise(&[])).await;
    assert_eq!(finding.outcome(), Outcome::Nothing);
    let nobody = Site::new("https://localhost:9", Trust::none()).unwrap();
    let finding = upstream_gate::probe(&nobody, Some(&it.place), Some(&it.settings), &promise(&["/open/"])).await;
    assert_eq!(finding.outcome(), Outcome::Failed);
}
