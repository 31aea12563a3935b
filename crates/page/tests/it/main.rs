//! The pages as bytes: what they show, that they are well formed whatever is written into them, and that no row says more
//! than the judge does.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod fixture;
mod honest;
mod hostile;
mod markup;
mod shown;
