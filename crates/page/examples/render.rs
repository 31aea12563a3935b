//! Writes every page of a made-up service into a folder, to look at: `cargo run -p page --example render -- FOLDER`.

#![expect(clippy::unwrap_used, reason = "an example may fail loudly")]

#[path = "../tests/it/fixture.rs"]
mod fixture;

use page::{Document, assets, changes, feed, observation, oscal, promise, security_txt, trust, wire};
use std::{fs, path::Path};

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/page".to_owned());
    let snapshot = fixture::world().at(fixture::now());
    let write = |path: &str, document: &Document| {
        let file = Path::new(&folder).join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &document.body).unwrap();
    };
    for asset in assets::all() {
        write(&asset.path, &asset.document);
    }
    write("trust.html", &trust::render(&snapshot).unwrap());
    write("changes.html", &changes::render(&snapshot).unwrap());
    write("promise.html", &promise::render(&snapshot, "L14").unwrap().unwrap());
    write("planned.html", &promise::render(&snapshot, "L34.saml").unwrap().unwrap());
    let newest = snapshot.row("L24").and_then(|row| row.rests_on.clone()).unwrap();
    write("observation.html", &observation::render(&snapshot, &newest).unwrap());
    write("trust.json", &wire::render(&snapshot).unwrap());
    write("feed.atom", &feed::render(&snapshot).unwrap());
    write("oscal.json", &oscal::render(&snapshot).unwrap());
    write("security.txt", &security_txt::render(&snapshot));
}
