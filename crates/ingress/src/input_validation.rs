//! Control `input-validation`: what comes in is checked before it counts.
//!
//! The enforcement is the typed extractors ([`crate::input`], [`crate::form`]), the limits on sizes and time
//! ([`crate::http1`], `enforce`), and the rules of the store behind them. This module attacks them.

mod faults;
mod probe;
mod sample;

pub use faults::FAULTS;
pub use probe::{probe, probe_with};

use kernel::Span;
use promises::control::{ControlSpec, Mode, Standards, Vantage};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "input-validation",
    title: "Input is checked before it counts",
    about: "Bodies, forms, queries and ids have types; what is missing, unknown, doubled, of another kind or too long is refused \
            with 4xx before a handler sees it. Heads, addresses and bodies have limits of size and time. The probe makes a team \
            through the public API, reads the API's description, and calls every route with bodies that break it in each way \
            that the description rules out, with bodies at its limits, with ids that are none, and with marks that would run as \
            a script where a page repeated them. No answer may be a 5xx, accept what the description rules out, or repeat a \
            mark in a page; and a note that was not addressed must be the same afterwards, byte for byte. It cannot see routes \
            that the description does not name.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every route", "all inputs", "every input"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["8.26", "8.28"],
        soc2: &["CC6.6", "PI1.2"],
        asvs: &["1.2.1", "1.2.4", "2.2.1", "2.2.2"],
    },
};
