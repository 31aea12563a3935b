//! Definitions of the controls that other crates build, as far as a profile sees them.

use kernel::Span;
use promises::{
    ANNOUNCED, Catalogue, ControlSpec,
    control::{Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
};

const PLAIN: ControlSpec = ControlSpec {
    id: "",
    title: "A control",
    about: "For tests.",
    wing: "tests",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(5),
    freshness: Span::minutes(20),
    covers: &[],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &[], iso27001: &[], soc2: &[], asvs: &[] },
};

const RESPONSES: &[&str] = &["every response", "all responses"];

const MAX_AGE: ParamSpec = ParamSpec {
    name: "max_age",
    kind: ParamKind::Span,
    default: Some("730 days"),
    about: "How long a browser remembers.",
    stronger: Stronger::More,
};

/// The eleven controls that wings build first.
pub(crate) const BUILT: &[ControlSpec] = &[
    ControlSpec { id: "scope-sql", modes: &[Mode::Mapped, Mode::Built], ..PLAIN },
    ControlSpec { id: "https-only", covers: &["only"], ..PLAIN },
    ControlSpec { id: "hsts", covers: RESPONSES, params: &[MAX_AGE], ..PLAIN },
    ControlSpec { id: "csp", covers: &["every page"], ..PLAIN },
    ControlSpec { id: "frame-deny", covers: RESPONSES, ..PLAIN },
    ControlSpec { id: "nosniff", covers: RESPONSES, ..PLAIN },
    ControlSpec { id: "tls-in", ..PLAIN },
    ControlSpec { id: "tls-out", ..PLAIN },
    ControlSpec { id: "tls-database", ..PLAIN },
    ControlSpec { id: "audit-log", ..PLAIN },
    ControlSpec { id: "honest-page", ..PLAIN },
];

/// A control with a parameter of every type.
const SPECIMEN: ControlSpec = ControlSpec {
    id: "specimen",
    params: &[
        param("span", ParamKind::Span, "30 days", Stronger::Less),
        param("time", ParamKind::Time, "03:00 Europe/Berlin", Stronger::Neither),
        param("size", ParamKind::Size, "5 MiB", Stronger::More),
        param("count", ParamKind::Count, "3", Stronger::More),
        param("percent", ParamKind::Percent, "95 %", Stronger::More),
        param("text", ParamKind::Text, "free", Stronger::Neither),
        param("word", ParamKind::Word(&["left", "right"]), "left", Stronger::Neither),
        param("list", ParamKind::List, "a, b", Stronger::Wider),
        param("allow", ParamKind::List, "x, y", Stronger::Fewer),
        param("flag", ParamKind::Flag, "true", Stronger::More),
    ],
    ..PLAIN
};

const fn param(name: &'static str, kind: ParamKind, default: &'static str, stronger: Stronger) -> ParamSpec {
    ParamSpec { name, kind, default: Some(default), about: "For tests.", stronger }
}

/// What the lead's catalogue holds, and a specimen.
pub(crate) fn catalogue() -> Catalogue {
    let mut built = BUILT.to_vec();
    built.push(SPECIMEN);
    Catalogue::new(&built, ANNOUNCED)
}
