//! The public leaves of a ledger, folded in their order into what pages are made from. The page's server and its verifier
//! fold alike, so that both see the same page.

use crate::{
    evidence::Evidence,
    model::{Change, Sabotage},
};
use ledger::Leaf;
use promises::{Profile, Recorded};

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
}

impl Reading {
    /// Adds the leaf at an index.
    pub fn take(&mut self, profile: &Profile, leaf: u64, content: Leaf) {
        self.size = self.size.max(leaf + 1);
        match content {
            Leaf::Observation(observation) => {
                if let Some(promise) = profile.promise(&observation.about.promise) {
                    self.evidence.tell(promise, Recorded { leaf, observation });
                }
            }
            Leaf::Profile { hash, previous, at, changes } => {
                self.changes.push(Change { leaf, hash, previous, at, lines: changes });
            }
            Leaf::Sabotage { build, caught, missed, not_undone, survivors, at } => {
                self.sabotage = Some(Sabotage { build, caught, missed, not_undone, survivors, at });
            }
            Leaf::Audit { .. } | Leaf::Start { .. } => {}
        }
    }
}
