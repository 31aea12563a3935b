//! The scope prover.
