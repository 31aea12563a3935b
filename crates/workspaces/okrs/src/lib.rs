//! The workspace for objectives and key results: people write them, check in, and read how they came about.
//!
//! They are the team's: everybody in it sees them, and who may write which follows from level and role
//! ([`store::objectives::Writer`]). Every change is kept, and everything can be taken along as tables ([`csv`]).

mod api;
pub mod export;
mod forms;
mod frame;
pub mod okr_export;
mod pages;
mod parts;
mod people;
pub mod progress;
pub mod texts;

pub use frame::{Chrome, Okrs};
pub use kernel::csv;

use ingress::{Failure, RouteTable};
use kernel::Problem;
use store::objectives::Refusal;
use ui::Item;

/// Every route of this workspace.
#[must_use]
pub fn routes(okrs: &Okrs) -> RouteTable {
    pages::routes(okrs).merge(api::routes(okrs))
}

/// What this workspace offers in the navigation.
#[must_use]
pub fn nav() -> Vec<Item> {
    vec![Item::new(pages::HOME, texts::EN.objectives)]
}

/// How a refusal leaves the house.
fn refusal(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Stale => Problem::new(409, "stale", "Somebody changed this in the meantime")
            .detail("ask for the newest version")
            .into(),
        Refusal::NotTheirs(why) => Problem::forbidden().detail(why).into(),
        Refusal::Store(error) => error.into(),
    }
}
