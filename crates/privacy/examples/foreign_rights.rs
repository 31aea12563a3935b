//! Access and erasure in a foreign database, timed: what `bin/bench-rights` runs, without the rest of the program.
//!
//! `foreign_rights access|erase|lint URL MAP FILE`: `FILE` holds keys or addresses of people, one per line. Prints JSON.
//! `foreign_rights discover URL MAP -` writes the map.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use kernel::SystemClock;
use privacy::foreign::{Map, Territory, discover::discover, erase, find::Selector, lint, package};
use serde_json::json;
use std::{error::Error, time::Instant};
use store::foreign::{Foreign, Purpose};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, url, map, file] = arguments.as_slice() else {
        return Err("foreign_rights access|erase|lint URL MAP FILE".into());
    };
    let begun = Instant::now();
    if what == "discover" {
        let mut foreign = Foreign::connect(url, Purpose::Read).await?;
        let catalogue = foreign.catalogue().await?;
        let proposal = discover(&mut foreign, &catalogue, None).await?;
        std::fs::write(map, &proposal.text)?;
        println!(
            "{}",
            json!({ "indexes": proposal.indexes, "unclassified": proposal.unclassified, "all_ms": begun.elapsed().as_millis() })
        );
        return Ok(());
    }
    let text = std::fs::read_to_string(map)?;
    let map = Map::parse(&text)?;
    let purpose = if what == "erase" { Purpose::Change } else { Purpose::Read };
    let mut foreign = Foreign::connect(url, purpose).await?;
    let catalogue = foreign.catalogue().await?;
    let findings = lint::lint(&map, &catalogue);
    let wrong = lint::errors(&findings);
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let territory = Territory::of(&map, &catalogue).map_err(|wrong| wrong.join("\n"))?;
    let selectors: Vec<Selector> = std::fs::read_to_string(file)?.lines().map(Selector::of_line).collect();
    let ready = begun.elapsed().as_millis();
    let scratch = tempfile::tempdir()?;
    let mut out = match what.as_str() {
        "lint" => json!({ "findings": findings }),
        "access" => {
            let selector = selectors.first().ok_or("nobody is named")?;
            let request = package::Request {
                map: &map,
                catalogue: &catalogue,
                territory: &territory,
                selector,
                out: &scratch.path().join("package"),
                search: false,
                also: &[],
                clock: &SystemClock,
            };
            let summary = package::write(&mut foreign, request).await?;
            json!({ "rows": summary.sections.iter().map(|section| section.rows).sum::<u64>() })
        }
        _ => {
            let request = erase::Request {
                text: &text,
                map: &map,
                catalogue: &catalogue,
                territory: &territory,
                selectors: &selectors,
                states: scratch.path(),
                also: &[],
                clock: &SystemClock,
            };
            let finished = erase::erase(&mut foreign, request).await?;
            let receipt = finished.receipt.clone();
            finished.close()?;
            json!({
                "people": receipt.people,
                "rows": receipt.steps.iter().map(|step| step.done).sum::<u64>(),
                "complete": receipt.complete,
                "took": receipt.took,
            })
        }
    };
    if let Some(fields) = out.as_object_mut() {
        fields.insert("ready_ms".to_owned(), json!(ready));
        fields.insert("all_ms".to_owned(), json!(begun.elapsed().as_millis()));
    }
    println!("{out}");
    Ok(())
}
