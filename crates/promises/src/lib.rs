//! The promise language: a profile's text in, promises out; observations and a clock in, verdicts out. Pure.

pub mod announced;
pub mod control;
pub mod diagnostics;
pub mod diff;
pub mod fault;
pub mod lint;
pub mod observation;
pub mod parse;
pub mod profile;
pub mod quantity;
mod report;
pub mod story;
pub mod verdict;

pub use announced::ANNOUNCED;
pub use control::{Catalogue, ControlSpec};
pub use diagnostics::{Diagnostic, Diagnostics};
pub use diff::{Change, Direction, diff};
pub use fault::Fault;
pub use lint::{Lint, Severity, lint};
pub use observation::{About, Finding, Observation, Outcome, Recorded};
pub use profile::{Kind, Profile, Promise};
pub use story::Story;
pub use verdict::{Judgement, Verdict, judge};
