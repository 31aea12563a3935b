//! Attacks are counted before they begin. A number without an observation is an observation that somebody left out.

use ledger::Leaf;
use std::collections::{BTreeMap, BTreeSet};

/// The gaps and repetitions in the runs of each promise, a sentence each.
pub(super) fn gaps(leaves: &[(u64, Leaf)]) -> Vec<String> {
    let mut runs: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, leaf) in leaves {
        let Leaf::Observation(observation) = leaf else { continue };
        let about = &observation.about;
        if !runs.entry(&about.promise).or_default().insert(about.run) {
            found.push(format!("leaf {index} repeats run {} of {}", about.run, about.promise));
        }
    }
    for (promise, runs) in runs {
        let newest = runs.last().copied().unwrap_or_default();
        let missing: Vec<String> =
            (1..=newest).filter(|run| !runs.contains(run)).take(5).map(|run| run.to_string()).collect();
        if !missing.is_empty() || runs.contains(&0) {
            found.push(format!(
                "observations of {promise} were left out: run {} of {newest} is missing",
                missing.join(", ")
            ));
        }
    }
    found
}
