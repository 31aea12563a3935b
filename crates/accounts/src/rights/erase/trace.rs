//! Somebody who is erased through the product, and how often what was theirs is found in the raw files, step by step.

use super::{
    Garden,
    person::Person,
    remains::{After, Before},
};
use crate::{attack::Stop, provider::loopback::LoopbackIssuer};
use outbound::Site;
use std::{collections::BTreeMap, fmt, path::Path};
use store::{Store, forensics::Kind};

/// What is counted, in this order.
pub const WHAT: [&str; 4] = ["words in the clear", "ciphertext", "wrapped keys", "objects"];

/// How often each is found in the kinds of places that there are.
pub type Counts = BTreeMap<Kind, [u64; 4]>;

/// Somebody whom a probe planted wherever visitors can.
pub struct Trace {
    person: Person,
    before: Before,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace(..)")
    }
}

impl Trace {
    /// Plants them, and somebody who stays.
    ///
    /// # Errors
    /// The sentence that says why not.
    pub async fn plant(site: &Site, store: &Store, data_dir: &Path) -> Result<Self, String> {
        let issuer = LoopbackIssuer::open(data_dir).await.map_err(|error| error.to_string())?;
        let mut garden = Garden::default();
        let planted = async {
            garden.water(site, &issuer).await?;
            let person = Person::sow(site, store, &issuer, &mut garden).await?;
            let before = Before::look(store, data_dir, &person, &garden).await?;
            Ok(Self { person, before })
        };
        planted.await.map_err(words)
    }

    /// Asks for their erasure as they would, waits for the receipt, and looks for them as the probe does.
    ///
    /// # Errors
    /// The sentence that says what is left, or why it was not done.
    pub async fn erase(&mut self, site: &Site, store: &Store, data_dir: &Path) -> Result<(), String> {
        self.person.ask(site).await.map_err(words)?;
        After::look(store, data_dir, &self.before).await.map(drop).map_err(words)
    }

    /// Counts what of them stands in the raw files now, with marks as always; mails that were sent are the addressee's.
    ///
    /// # Errors
    /// The sentence that says why the search proves nothing.
    pub async fn count(&self, store: &Store, data_dir: &Path) -> Result<Counts, String> {
        self.before.count(store, data_dir).await.map_err(words)
    }
}

fn words(stop: Stop) -> String {
    match stop {
        Stop::Broke(why) | Stop::Failed(why) => why,
    }
}
