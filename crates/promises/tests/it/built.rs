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

/// The controls that wings build.
pub(crate) const BUILT: &[ControlSpec] = &[
    ControlSpec { id: "scope-sql", modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "https-only", covers: &["only"], ..PLAIN },
    ControlSpec { id: "hsts", covers: RESPONSES, params: &[MAX_AGE], ..PLAIN },
    ControlSpec { id: "csp", covers: &["every page"], ..PLAIN },
    ControlSpec { id: "frame-deny", covers: RESPONSES, ..PLAIN },
    ControlSpec { id: "nosniff", covers: RESPONSES, ..PLAIN },
    ControlSpec { id: "tls-in", ..PLAIN },
    ControlSpec { id: "tls-out", ..PLAIN },
    ControlSpec { id: "tls-database", modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "audit-log", ..PLAIN },
    ControlSpec { id: "honest-page", ..PLAIN },
    ControlSpec { id: "csrf", covers: CHANGES, ..PLAIN },
    ControlSpec { id: "rate-limits", covers: ROUTES, ..PLAIN },
    ControlSpec { id: "input-validation", covers: &["every route", "all inputs", "every input"], ..PLAIN },
    ControlSpec { id: "mfa", covers: &["every way in", "no way around"], ..PLAIN },
    ControlSpec { id: "session-expiry", covers: &["every session", "all sessions"], params: LIFE, ..PLAIN },
    ControlSpec { id: "password-hash", covers: &["every password", "all passwords", "never"], params: COST, ..PLAIN },
    ControlSpec { id: "rectify", covers: &["every copy"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "roles", covers: PEOPLE, modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "admin-allowlist", covers: ADMINS, params: &[VARIABLE], ..PLAIN },
    ControlSpec { id: "oidc-signin", covers: &["every token", "only"], params: &[PROVIDER], ..PLAIN },
    ControlSpec { id: "saml", covers: &["every forged answer"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "drawing-visibility", covers: &["nobody else", "only"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec {
        id: "erase-clock",
        covers: &["every request", "every requested erasure"],
        params: &[WITHIN, BY],
        modes: &[Mode::Built],
        ..PLAIN
    },
    ControlSpec {
        id: "access-clock",
        covers: &["every request"],
        params: &[WITHIN, BY],
        modes: &[Mode::Built],
        ..PLAIN
    },
    ControlSpec {
        id: "erase",
        covers: &["every place on the data map", "all personal data"],
        modes: &[Mode::Built],
        ..PLAIN
    },
    ControlSpec { id: "sealed-columns", covers: COLUMNS, modes: &[Mode::Built], params: &[CIPHER], ..PLAIN },
    ControlSpec { id: "sealed-files", covers: &["every file", "all files"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec {
        id: "log-retention",
        covers: &["every log", "no personal data"],
        modes: &[Mode::Built],
        params: LOGS,
        ..PLAIN
    },
    ControlSpec { id: "access-package", covers: &["everything", "nothing"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "full-export", covers: &["everything"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "okr-export", covers: &["all of it", "at any time"], modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "retention-active", covers: JOBS, modes: &[Mode::Built], ..PLAIN },
    ControlSpec { id: "upstream-gate", covers: &["only through the gate", "every request"], ..PLAIN },
];

const COLUMNS: &[&str] = &["every sensitive column", "all sensitive columns"];
const JOBS: &[&str] = &["every retention job", "all retention jobs"];
const CIPHER: ParamSpec = param("cipher", ParamKind::Word(&["AES-256-GCM"]), "AES-256-GCM", Stronger::Neither);
const LOGS: &[ParamSpec] = &[
    ParamSpec { name: "keep", kind: ParamKind::Span, default: None, about: "For tests.", stronger: Stronger::Neither },
    param("personal", ParamKind::Flag, "false", Stronger::Neither),
];
const CHANGES: &[&str] =
    &["every request that changes something", "all state-changing requests", "every state-changing request"];
const ROUTES: &[&str] = &["every route", "all routes", "each route"];
const PEOPLE: &[&str] = &["every role", "every route", "all users", "every user"];
const ADMINS: &[&str] = &["every admin route", "all admin routes", "everyone", "nobody", "only", "each look"];
const LIFE: &[ParamSpec] = &[
    param("idle", ParamKind::Span, "12 hours", Stronger::Less),
    param("absolute", ParamKind::Span, "30 days", Stronger::Less),
];
const COST: &[ParamSpec] = &[
    param("memory", ParamKind::Size, "19 MiB", Stronger::More),
    param("passes", ParamKind::Count, "2", Stronger::More),
];
const WITHIN: ParamSpec =
    ParamSpec { name: "within", kind: ParamKind::Span, default: None, about: "For tests.", stronger: Stronger::Less };
const BY: ParamSpec = param("by", ParamKind::Word(&["product", "mail"]), "product", Stronger::Neither);
const VARIABLE: ParamSpec = param("variable", ParamKind::Text, "ADMIN_EMAILS", Stronger::Neither);
const PROVIDER: ParamSpec = ParamSpec {
    name: "provider",
    kind: ParamKind::Text,
    default: None,
    about: "The identity provider, as customers know it.",
    stronger: Stronger::Neither,
};

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
