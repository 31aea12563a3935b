//! Who comes in and what they may do.

use super::{BASE, BUILT, EVERY, optional, required};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger, Vantage};
use kernel::Span;

const INGRESS: ControlSpec = ControlSpec { wing: "ingress", modes: EVERY, ..BASE };

/// Attacked at the public address, with what a stranger has.
const OUTSIDE: ControlSpec =
    ControlSpec { vantage: Vantage::Outside, cadence: Span::minutes(15), freshness: Span::hours(1), ..INGRESS };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "admin-allowlist",
        title: "An admin area that fails closed",
        about: "With the allowlist unset, empty, malformed, or without the caller, admin routes must answer 403 or 404; with \
                the caller on it, each look at customer data must be in the audit ledger.",
        params: &[optional(
            "variable",
            ParamKind::Text,
            "ADMIN_EMAILS",
            Stronger::Neither,
            "The setting that holds the allowlist.",
        )],
        covers: &["every admin route", "all admin routes", "everyone", "nobody", "only", "each look"],
        standards: Standards {
            gdpr: &["32(1)(b)", "32(4)"],
            iso27001: &["5.15", "8.2"],
            soc2: &["CC6.1", "CC6.3"],
            asvs: &["8.2.1", "8.4.2"],
        },
        ..INGRESS
    },
    ControlSpec {
        id: "oidc-signin",
        title: "Sign-in through an identity provider",
        about: "Tokens that are forged, expired, meant for another audience, from another issuer or signed with `none` must be \
                refused; state, nonce and PKCE are attacked.",
        params: &[required(
            "provider",
            ParamKind::Text,
            Stronger::Neither,
            "The identity provider, as customers know it.",
        )],
        covers: &["every token", "only"],
        standards: Standards {
            gdpr: &["32(1)(b)"],
            iso27001: &["5.16", "8.5"],
            soc2: &["CC6.1"],
            asvs: &["9.1.1", "9.1.2", "10.5.1", "10.5.3", "10.5.4"],
        },
        ..OUTSIDE
    },
    ControlSpec {
        id: "mfa",
        title: "A second factor that cannot be skipped",
        about: "For a planted person with a second factor the probe tries to reach signed-in routes with the first alone, \
                through every way of signing in and through recovery.",
        covers: &["every way in", "no way around"],
        standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.5"], soc2: &["CC6.1"], asvs: &["6.3.3", "6.4.3"] },
        ..OUTSIDE
    },
    ControlSpec {
        id: "password-hash",
        title: "Passwords as Argon2id hashes",
        about: "The probe plants a person and reads the stored hash's algorithm and parameters; it measures whether a wrong \
                name and a wrong password can be told apart by time, and whether lockout works.",
        params: &[
            optional("memory", ParamKind::Size, "19 MiB", Stronger::More, "The memory that one hash costs."),
            optional("passes", ParamKind::Count, "2", Stronger::More, "The passes over that memory."),
        ],
        covers: &["every password", "all passwords", "never"],
        standards: Standards {
            gdpr: &["32(1)(a)"],
            iso27001: &["5.17", "8.5"],
            soc2: &["CC6.1"],
            asvs: &["6.3.1", "11.4.2"],
        },
        modes: BUILT,
        ..INGRESS
    },
    ControlSpec {
        id: "csrf",
        title: "Requests that change something prove where they come from",
        about: "Each state-changing route is called from another site, without a token, and with another session's token; \
                each time the answer must be 403 and nothing may have changed.",
        covers: &[
            "every request that changes something",
            "all state-changing requests",
            "every state-changing request",
        ],
        standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.26"], soc2: &["CC6.6"], asvs: &["3.5.1", "3.5.3"] },
        ..OUTSIDE
    },
    ControlSpec {
        id: "rate-limits",
        title: "A rate limit on each route",
        about: "The probe bursts each route past its limit on two instances at once: 429 with Retry-After must come, and in \
                time.",
        covers: &["every route", "all routes", "each route"],
        standards: Standards {
            gdpr: &["32(1)(b)"],
            iso27001: &["8.6", "8.26"],
            soc2: &["A1.1", "CC6.6"],
            asvs: &["2.4.1"],
        },
        ..OUTSIDE
    },
    ControlSpec {
        id: "roles",
        title: "Roles with a declared matrix",
        about: "Each role calls each route, in its own tenant and in another; the answers must be those of the declared \
                permission matrix.",
        covers: &["every role", "every route", "all users", "every user"],
        standards: Standards {
            gdpr: &["32(1)(b)"],
            iso27001: &["5.15", "5.18", "8.3"],
            soc2: &["CC6.1", "CC6.3"],
            asvs: &["8.2.1", "8.2.2", "8.3.1", "8.4.1"],
        },
        ..INGRESS
    },
    ControlSpec {
        id: "session-expiry",
        title: "Sessions end by themselves",
        about: "With a shifted clock, labelled as rehearsal, a planted session must end after idleness and at its absolute \
                age; it must change at sign-in and end on every instance when it is revoked.",
        params: &[
            optional("idle", ParamKind::Span, "12 hours", Stronger::Less, "The longest time without a request."),
            optional("absolute", ParamKind::Span, "30 days", Stronger::Less, "The longest life."),
        ],
        covers: &["every session", "all sessions"],
        standards: Standards {
            gdpr: &["32(1)(b)"],
            iso27001: &["8.5"],
            soc2: &["CC6.1"],
            asvs: &["7.2.4", "7.3.1", "7.3.2", "7.4.1"],
        },
        ..INGRESS
    },
    ControlSpec {
        id: "input-validation",
        title: "Input is checked before it counts",
        about: "A fuzzer driven by the published API description calls each route: no answer may be a 5xx, reflect a script, or \
                change another row than the addressed one.",
        covers: &["every route", "all inputs", "every input"],
        standards: Standards {
            gdpr: &["32(1)(b)"],
            iso27001: &["8.26", "8.28"],
            soc2: &["CC6.6", "PI1.2"],
            asvs: &["1.2.1", "1.2.4", "2.2.1", "2.2.2"],
        },
        ..OUTSIDE
    },
];
