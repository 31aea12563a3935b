//! The walls of the house, held by tests: which crate may import which, what may be depended on, and that the documents
//! say what is.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod asvs;
mod dependencies;
mod documents;
mod imports;
mod workspace;
