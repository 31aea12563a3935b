//! The shop, and what is needed to work with it.

use kernel::SystemClock;
use privacy::foreign::{
    ForeignError, Map, Territory,
    erase::{self, erase},
    find::Selector,
    receipt::Receipt,
};
use std::{collections::BTreeSet, path::Path};
use store::{
    Address,
    foreign::{Catalogue, Foreign, Purpose},
};
use testkit::ScratchDb;

/// The map that fits it.
pub(crate) const MAP: &str = include_str!("shop.toml");

/// A scratch database with the shop in it.
pub(crate) struct Shop {
    pub(crate) db: ScratchDb,
    pub(crate) states: tempfile::TempDir,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let db = ScratchDb::new().await;
        db.as_superuser(include_str!("shop.sql")).await;
        Self { db, states: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        let Address::Socket { dir, port, database } = self.db.store().address() else { unreachable!("a socket") };
        format!("postgres:///{database}?host={}&port={port}&user={}", dir.display(), store::server::SUPERUSER)
    }

    pub(crate) async fn connect(&self, purpose: Purpose) -> Foreign {
        Foreign::connect(&self.url(), purpose).await.unwrap()
    }

    pub(crate) async fn catalogue(&self) -> Catalogue {
        let mut foreign = self.connect(Purpose::Read).await;
        foreign.catalogue().await.unwrap().within(&BTreeSet::from(["shop".to_owned()]))
    }

    /// Erases with the map that fits.
    pub(crate) async fn erase(&self, selectors: &[Selector]) -> Result<Receipt, ForeignError> {
        self.erase_with(MAP, selectors).await
    }

    pub(crate) async fn erase_with(&self, text: &str, selectors: &[Selector]) -> Result<Receipt, ForeignError> {
        self.erase_asking(text, selectors, &[]).await
    }

    /// The same, with what else identifies the people.
    pub(crate) async fn erase_asking(
        &self,
        text: &str,
        selectors: &[Selector],
        also: &[String],
    ) -> Result<Receipt, ForeignError> {
        let (map, catalogue) = (Map::parse(text)?, self.catalogue().await);
        let territory = Territory::of(&map, &catalogue).map_err(ForeignError::Unfit)?;
        let mut foreign = self.connect(Purpose::Change).await;
        let request = erase::Request {
            text,
            map: &map,
            catalogue: &catalogue,
            territory: &territory,
            selectors,
            states: self.states.path(),
            also,
            clock: &SystemClock,
        };
        let finished = erase(&mut foreign, request).await?;
        let receipt = finished.receipt.clone();
        finished.close()?;
        Ok(receipt)
    }

    /// How many cases are open.
    pub(crate) fn open_cases(&self) -> usize {
        std::fs::read_dir(self.states.path()).unwrap().count()
    }
}

/// What a file holds.
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The person whose key is 7.
pub(crate) fn ada() -> Vec<Selector> {
    vec![Selector::Email("ADA@example.ORG".to_owned())]
}
