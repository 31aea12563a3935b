//! The observations that pages rest on, folded as they arrive: memory stays bounded however many attacks were made.

use crate::turn::{self, Turn};
use promises::{Profile, Promise, Recorded, Story};
use std::collections::{BTreeMap, VecDeque};

/// How many observations of each promise are kept whole, for its own page.
const RECENT: usize = 20;

/// How many changes of verdict of each promise are kept, for its feed.
const TURNS: usize = 64;

/// The observations of each promise.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    threads: BTreeMap<String, Thread>,
}

/// What is kept of one promise's observations.
#[derive(Clone, Debug, Default)]
struct Thread {
    story: Story,
    recent: VecDeque<Recorded>,
    turns: VecDeque<Turn>,
}

impl Evidence {
    /// The evidence that these observations give, in the order of their leaves. Those of promises that the profile does
    /// not have are passed over.
    #[must_use]
    pub fn of(profile: &Profile, observations: impl IntoIterator<Item = Recorded>) -> Self {
        let mut evidence = Self::default();
        for recorded in observations {
            if let Some(promise) = profile.promise(&recorded.observation.about.promise) {
                evidence.tell(promise, recorded);
            }
        }
        evidence
    }

    /// Adds the next observation of a promise. They arrive in the order of their leaves; one that was sealed after a later
    /// run, or is already there, does not change what the later one says.
    pub fn tell(&mut self, promise: &Promise, recorded: Recorded) {
        let thread = self.threads.entry(promise.id.clone()).or_default();
        let before = thread.story.newest();
        if before.is_some_and(|newest| recorded.observation.about.run <= newest.observation.about.run) {
            return;
        }
        thread.turns.extend(turn::next(promise, before, &recorded));
        thread.recent.push_back(recorded.clone());
        thread.story.tell(promise, recorded);
        while thread.recent.len() > RECENT {
            thread.recent.pop_front();
        }
        while thread.turns.len() > TURNS {
            thread.turns.pop_front();
        }
    }

    /// The story of a promise; `None` when nothing was observed.
    #[must_use]
    pub fn story(&self, promise: &str) -> Option<&Story> {
        self.threads.get(promise).map(|thread| &thread.story)
    }

    /// The newest observations of a promise, newest first.
    pub fn recent(&self, promise: &str) -> impl Iterator<Item = &Recorded> {
        self.threads.get(promise).into_iter().flat_map(|thread| thread.recent.iter().rev())
    }

    /// The changes of a promise's verdict that observations caused, oldest first.
    pub fn turns(&self, promise: &str) -> impl Iterator<Item = &Turn> {
        self.threads.get(promise).into_iter().flat_map(|thread| thread.turns.iter())
    }

    /// The observation at that leaf, while it is kept whole.
    #[must_use]
    pub fn at(&self, leaf: u64) -> Option<&Recorded> {
        self.threads.values().flat_map(|thread| &thread.recent).find(|recorded| recorded.leaf == leaf)
    }
}
