//! Controls that a profile may already name although no probe of theirs is built: their promises stand as Unproven until
//! one is. When a wing builds one, its own definition takes over and the entry here goes.

mod ai;
mod at_rest;
mod connectors;
mod desk;
mod operations;
mod products;
mod rights;

use crate::control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage};
use kernel::Span;

/// The announced controls.
pub const ANNOUNCED: &[ControlSpec] = &ALL;

const ALL: [ControlSpec; COUNT] = join(WINGS);

const WINGS: &[&[ControlSpec]] = &[
    ai::CONTROLS,
    at_rest::CONTROLS,
    connectors::CONTROLS,
    desk::CONTROLS,
    operations::CONTROLS,
    products::CONTROLS,
    rights::CONTROLS,
];

const COUNT: usize = count(WINGS);

/// What most announced controls share; each wing changes what differs.
const BASE: ControlSpec = ControlSpec {
    id: "",
    title: "",
    about: "",
    wing: "",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &[],
    modes: BUILT,
    standards: NO_STANDARDS,
};

const NO_STANDARDS: Standards = Standards { gdpr: &[], iso27001: &[], soc2: &[], asvs: &[] };

/// In every mode: what stands in front of the application or beside it.
const EVERY: &[Mode] = &[Mode::Proxy, Mode::Mapped, Mode::Built];
/// Where the data map reaches.
const MAPPED: &[Mode] = &[Mode::Mapped, Mode::Built];
/// Only where the application is built on the wings.
const BUILT: &[Mode] = &[Mode::Built];

/// A parameter that the profile must give.
const fn required(name: &'static str, kind: ParamKind, stronger: Stronger, about: &'static str) -> ParamSpec {
    ParamSpec { name, kind, default: None, about, stronger }
}

/// A parameter with a default.
const fn optional(
    name: &'static str,
    kind: ParamKind,
    default: &'static str,
    stronger: Stronger,
    about: &'static str,
) -> ParamSpec {
    ParamSpec { name, kind, default: Some(default), about, stronger }
}

/// The deadline of a clock.
const fn within(about: &'static str) -> ParamSpec {
    required("within", ParamKind::Span, Stronger::Less, about)
}

const fn count(mut wings: &[&[ControlSpec]]) -> usize {
    let mut count = 0;
    while let Some((wing, rest)) = wings.split_first() {
        count += wing.len();
        wings = rest;
    }
    count
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index out of bounds")]
const fn join<const N: usize>(mut wings: &[&[ControlSpec]]) -> [ControlSpec; N] {
    let mut all = [BASE; N];
    let mut at = 0;
    while let Some((wing, others)) = wings.split_first() {
        let mut specs = *wing;
        while let Some((spec, rest)) = specs.split_first() {
            all[at] = *spec;
            at += 1;
            specs = rest;
        }
        wings = others;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::section::is_slug;
    use std::collections::BTreeSet;

    #[test]
    fn every_announced_control_is_complete() {
        let mut ids = BTreeSet::new();
        for spec in ANNOUNCED {
            assert!(is_slug(spec.id) && ids.insert(spec.id), "{}", spec.id);
            assert!(!spec.title.is_empty() && !spec.about.is_empty() && !spec.wing.is_empty(), "{}", spec.id);
            assert!(spec.cadence < spec.freshness, "{}", spec.id);
            assert!(!spec.modes.is_empty(), "{}", spec.id);
            let params: BTreeSet<_> = spec.params.iter().map(|param| param.name).collect();
            assert_eq!(params.len(), spec.params.len(), "{}", spec.id);
            assert!(spec.params.iter().all(|param| param.about.ends_with('.')), "{}", spec.id);
        }
    }
}
