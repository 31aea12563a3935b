//! Drawings through the route table, over a real database.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests may fail loudly")]

mod api;
mod arriving;
mod browser;
mod pages;
mod ranges;
mod sealed;
mod system;
mod visibility;

use drawings::Drawings;
use system::System;

/// The service with this workspace.
async fn open() -> System {
    System::open(|state, chrome| drawings::routes(&Drawings::new(state, chrome))).await
}

/// The mark of a PNG, and enough bytes for several parts.
fn png() -> Vec<u8> {
    b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..400_000_u32).map(|n| n.to_le_bytes()[0])).collect()
}
