//! The public leaves of a ledger, folded in their order into what pages are made from. The page's server and its verifier
//! fold alike, so that both see the same page.

use crate::{
    evidence::Evidence,
    model::{Change, Sabotage},
};
use ledger::Leaf;
use promises::{Catalogue, Observation, Profile, Promise, Recorded};
use std::collections::BTreeSet;

/// By what a leaf is judged to be evidence.
#[derive(Clone, Copy, Debug)]
pub struct Court<'a> {
    /// What is promised.
    pub profile: &'a Profile,
    /// The controls.
    pub catalogue: &'a Catalogue,
    /// The address that the promises are about.
    pub public_url: &'a str,
}

/// What the leaves below [`Reading::size`] amount to.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// How many leaves were read, commitments included.
    pub size: u64,
    /// The observations.
    pub evidence: Evidence,
    /// The newest sabotage run.
    pub sabotage: Option<Sabotage>,
    /// The profiles, oldest first.
    pub changes: Vec<Change>,
    /// The build that began to serve last: SHA-256 of its executable.
    pub build: Option<String>,
    builds: BTreeSet<String>,
}

impl Reading {
    /// Adds the leaf at an index.
    pub fn take(&mut self, court: Court<'_>, leaf: u64, content: Leaf) {
        self.size = self.size.max(leaf + 1);
        match content {
            Leaf::Observation(observation) => {
                let promise = court.profile.promise(&observation.about.promise);
                if let Some(promise) = promise.filter(|promise| self.is_evidence(court, promise, &observation)) {
                    self.evidence.tell(promise, Recorded { leaf, observation });
                }
            }
            Leaf::Profile { hash, previous, at, changes } => {
                self.changes.push(Change { leaf, hash, previous, at, lines: changes });
            }
            Leaf::Sabotage { build, caught, missed, not_undone, survivors, at } => {
                self.sabotage = Some(Sabotage { build, caught, missed, not_undone, survivors, at });
            }
            Leaf::Start { build, .. } => {
                self.builds.insert(build.clone());
                self.build = Some(build);
            }
            Leaf::Audit { .. } => {}
        }
    }

    /// An observation is evidence for a promise if the promise's own control made it, from where that control attacks, at
    /// the address that the promise is about, with a build that has served here, and if this build knows such a control at
    /// all. Anything else proves nothing, whoever wrote it.
    fn is_evidence(&self, court: Court<'_>, promise: &Promise, observation: &Observation) -> bool {
        let about = &observation.about;
        let spec = court.catalogue.get(&about.control).filter(|spec| court.catalogue.is_built(spec.id));
        promise.control.as_ref() == Some(&about.control)
            && spec.is_some_and(|spec| spec.vantage == about.vantage)
            && about.target == court.public_url
            && self.builds.contains(&about.build)
    }
}
