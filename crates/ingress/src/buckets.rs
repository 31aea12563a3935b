//! Under which key the calls of whom on which route are counted.

use crate::gate::Who;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use store::{Store, limits::Keys};

/// How many keys are remembered. Beyond that all are forgotten.
const REMEMBERED: usize = 20_000;

/// Keys of buckets. The same few are asked for again and again, so that they are remembered.
pub(crate) struct Buckets {
    keys: Keys,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_route: HashMap<Box<str>, HashMap<Who, [u8; 32]>>,
    count: usize,
}

impl Buckets {
    pub(crate) fn of(store: &Store) -> Self {
        Self { keys: Keys::of(store), known: Mutex::default() }
    }

    /// The key for calls of `who` on a route.
    pub(crate) fn key(&self, route: &str, who: Who) -> [u8; 32] {
        if let Some(key) = self.known().by_route.get(route).and_then(|keys| keys.get(&who)) {
            return *key;
        }
        let key = self.made(route, who);
        let mut known = self.known();
        if known.count >= REMEMBERED {
            *known = Known::default();
        }
        known.count += 1;
        known.by_route.entry(route.into()).or_default().insert(who, key);
        key
    }

    fn made(&self, route: &str, who: Who) -> [u8; 32] {
        let (kind, id) = match who {
            Who::Network(network) => ("limit-network", *network.bytes()),
            Who::Account(account) => ("limit-account", account.uuid().into_bytes()),
            Who::Person(person) => ("limit-person", person.uuid().into_bytes()),
            Who::Operator => ("limit-operator", [0; 16]),
        };
        self.keys.key(kind, &[id.as_slice(), route.as_bytes()].concat())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
