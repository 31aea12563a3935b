//! The workspace for drawings: people upload them, look at the originals, share them with colleagues, and delete them.
//!
//! A drawing is its uploader's and of those whom they share it with ([`store::drawings`]); the control [`visibility`] attacks
//! that. What a file is shows in its content alone ([`sniff`]); it is served as that and as nothing else.

mod api;
pub mod file_name;
mod frame;
mod original;
mod pages;
mod people;
pub mod sniff;
pub mod texts;
pub mod visibility;

pub use frame::{Chrome, Drawings};

use ingress::RouteTable;
use ui::Item;

/// Every route of this workspace.
#[must_use]
pub fn routes(drawings: &Drawings) -> RouteTable {
    pages::routes(drawings).merge(api::routes(drawings))
}

/// What this workspace offers in the navigation.
#[must_use]
pub fn nav() -> Vec<Item> {
    vec![Item::new(pages::HOME, texts::EN.drawings)]
}
