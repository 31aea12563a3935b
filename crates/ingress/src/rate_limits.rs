//! Control `rate-limits`: every route has a limit for each address and each actor, over all instances.
//!
//! The limits stand in the table of routes ([`crate::policy::Limit`]); they are counted in `store::limits` and enforced in
//! `admit`. This module attacks them.

mod faults;
mod probe;

pub use faults::FAULTS;
pub use probe::{probe, probe_with};

use kernel::Span;
use promises::control::{ControlSpec, Mode, Standards, Vantage};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "rate-limits",
    title: "A rate limit on each route",
    about: "Every route names how often one address (IPv6: one /64) may call it, and one actor, and which way it goes when the \
            limits cannot be counted. Answers carry RateLimit and RateLimit-Policy; what is too much is answered 429 with \
            Retry-After. The probe asks for the pages and calls that the service describes and expects both headers, sees what \
            is left go down as it calls, moves to another address and sees that the actor's count goes on. It bursts the \
            routes with small limits past them, with nonsense and from an address of its own: 429 must come before more than \
            the limit got through, Retry-After must be there, and other addresses must still be served. Limits of more than a \
            few hundred calls are not burst, so that the attack itself is no burden.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every route", "all routes", "each route"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["8.6", "8.26"],
        soc2: &["A1.1", "CC6.6"],
        asvs: &["2.4.1"],
    },
};
