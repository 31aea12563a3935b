//! What an erasure leaves on the disk of a whole system, and that the scrub takes it out. `docs/FORENSICS.md` has a run of this:
//! `WORDBOND_WRITE_FORENSICS=1 cargo nextest run -p wordbond system_forgets`.

use crate::system::{executable, profile};
use accounts::rights::erase::trace::{Counts, Trace, WHAT};
use kernel::{Clock as _, SystemClock};
use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};
use store::{
    Config, Store,
    scrub::{Scrub, Scrubber},
};
use testkit::{ScratchSystem, superuser};

/// How often all of it is counted.
fn sum(counts: &Counts) -> [u64; 4] {
    counts.values().fold([0; 4], |mut sum, times| {
        sum.iter_mut().zip(times).for_each(|(sum, times)| *sum += times);
        sum
    })
}

#[tokio::test]
async fn a_system_forgets_whoever_is_erased() {
    let system = ScratchSystem::start(executable(), &profile("leide.toml")).await.unwrap();
    let (data_dir, site) = (system.data_dir(), system.site().unwrap());
    let store = Store::attach(Config::at(data_dir)).await.unwrap();
    let mut trace = Trace::plant(&site, &store, data_dir).await.unwrap();
    let planted = trace.count(&store, data_dir).await.unwrap();
    trace.erase(&site, &store, data_dir).await.unwrap();
    let erased = trace.count(&store, data_dir).await.unwrap();
    let done = Scrubber::default().scrub(&store).await.unwrap();
    assert!(matches!(done, Scrub::Done(_)), "{done:?}");
    // A connection that nobody uses holds the part of the log open to which it wrote last, under no name, for two minutes.
    const CLOSE: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle'";
    superuser::run(data_dir, CLOSE).await.unwrap();
    let scrubbed = trace.count(&store, data_dir).await.unwrap();
    let table = table([&planted, &erased, &scrubbed]);
    let [words, ciphertext, keys, objects] = sum(&planted);
    assert!(words == 0 && ciphertext > 0 && keys > 0 && objects > 0, "{table}");
    let [words, _, keys, objects] = sum(&erased);
    assert_eq!([words, keys, objects], [0; 3], "{table}");
    assert_eq!(sum(&scrubbed), [0; 4], "{table}");
    if env::var_os("WORDBOND_WRITE_FORENSICS").is_some() {
        write(&table);
    }
    store.close().await;
}

/// Kinds of places down, what is looked for across, one number for each step.
fn table(steps: [&Counts; 3]) -> String {
    let mut table = format!("| | {} |\n|---|---|---|---|---|\n", WHAT.join(" | "));
    let kinds = steps.iter().flat_map(|counts| counts.keys()).collect::<BTreeSet<_>>();
    for kind in kinds {
        let [planted, erased, scrubbed] = steps.map(|counts| counts.get(kind).copied().unwrap_or_default());
        let times = planted.iter().zip(erased).zip(scrubbed);
        let cells: Vec<String> = times.map(|((one, two), three)| format!("{one} → {two} → {three}")).collect();
        writeln!(table, "| {kind} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

fn write(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FORENSICS.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- trace -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of trace -->").unwrap();
    let day = SystemClock.now().to_string().chars().take(10).collect::<String>();
    let text =
        format!("{before}<!-- trace -->\n{day}, the profile `leide.toml`:\n\n{table}<!-- end of trace -->{after}");
    fs::write(&path, text).unwrap();
}
