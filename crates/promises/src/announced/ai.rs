//! What leaves for models, and what leaves at all.

use super::{BASE, EVERY, optional, required};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger};

const EGRESS: ControlSpec = ControlSpec { wing: "egress", modes: EVERY, ..BASE };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "ai-no-training",
        title: "Model calls that forbid training",
        about: "The AI gate adds each provider's no-store and no-training setting. The probe sends a prompt to a recording \
                provider and looks for the setting in the request; any other endpoint must be out of reach. What the \
                provider then does cannot be seen from here: that is an attested line of its own.",
        params: &[required(
            "providers",
            ParamKind::Processors,
            Stronger::Wider,
            "The model providers that are called with the setting.",
        )],
        covers: &["every model call", "all model calls"],
        standards: Standards {
            gdpr: &["5(1)(b)", "28(3)(a)"],
            iso27001: &["5.14", "5.34", "8.12"],
            soc2: &["CC6.7", "P6.1"],
            asvs: &["14.2.3"],
        },
        ..EGRESS
    },
    ControlSpec {
        id: "inference-region",
        title: "Where models run",
        about: "The probe asks each provider for the region that served a call. A provider that does not say leaves the \
                promise Unproven.",
        params: &[required("providers", ParamKind::Processors, Stronger::Wider, "The model providers that are asked.")],
        covers: &["each model call"],
        standards: Standards { gdpr: &["44"], iso27001: &["5.23", "5.34"], soc2: &["P6.1"], asvs: &[] },
        ..EGRESS
    },
    ControlSpec {
        id: "prompt-pii",
        title: "Personal data kept out of prompts",
        about: "The gate replaces what its recognisers find by pseudonyms and puts the originals back into the answer. The \
                probe sends labelled prompts to a recording provider and measures the share that was found, per kind; an \
                image or file part must be refused. Recognition is never complete, so the line states its floor.",
        params: &[
            optional(
                "types",
                ParamKind::List,
                "names, e-mail addresses, phone numbers",
                Stronger::Wider,
                "The kinds of personal data that are looked for.",
            ),
            optional(
                "recall",
                ParamKind::Percent,
                "95 %",
                Stronger::More,
                "The smallest share that must be found, per kind.",
            ),
        ],
        covers: &["every prompt", "all prompts"],
        standards: Standards {
            gdpr: &["5(1)(c)", "25(1)"],
            iso27001: &["8.11", "8.12"],
            soc2: &["P6.1"],
            asvs: &["14.2.3"],
        },
        ..EGRESS
    },
    ControlSpec {
        id: "ai-on-platform",
        title: "No model outside the platform",
        about: "The probe dials every known model provider through the gate; each call must be refused and recorded.",
        covers: &["no external model", "no prompt", "never", "nothing"],
        standards: Standards {
            gdpr: &["5(1)(c)", "44"],
            iso27001: &["5.14", "8.12"],
            soc2: &["CC6.7"],
            asvs: &["13.2.4", "14.2.3"],
        },
        ..EGRESS
    },
    ControlSpec {
        id: "ai-suggest",
        title: "Suggestions without an external model",
        about: "The probe asks for a suggestion while model providers are out of reach; it must arrive.",
        standards: super::NO_STANDARDS,
        ..EGRESS
    },
    ControlSpec {
        id: "egress-register",
        title: "The register is the way out",
        about: "Outgoing calls are dialled by one gate that knows the register's hosts. The probe dials a host outside it \
                through the running system; the call must be refused and recorded.",
        covers: &["every outgoing call", "no other host", "only"],
        standards: Standards {
            gdpr: &["28(2)"],
            iso27001: &["5.19", "8.20", "8.23"],
            soc2: &["CC6.6", "CC9.2"],
            asvs: &["13.2.4"],
        },
        ..EGRESS
    },
    ControlSpec {
        id: "egress-purpose",
        title: "What is sent, to whom, and what for",
        about: "The gate counts bytes per destination. The probe compares destinations and volumes with the register's \
                purposes; a destination without a purpose, or bytes that no purpose explains, break it.",
        covers: &["no third party outside the register", "no destination", "every destination"],
        standards: Standards {
            gdpr: &["5(1)(b)", "30(1)(d)"],
            iso27001: &["5.14", "5.22"],
            soc2: &["P6.1"],
            asvs: &["14.2.3"],
        },
        ..EGRESS
    },
    ControlSpec {
        id: "error-scrub",
        title: "Error reports without personal data",
        about: "The probe causes an error with planted personal data in message, headers, body and source lines; what \
                reaches a receiver of the error tracker's protocol must hold none of it.",
        covers: &["every error report"],
        standards: Standards { gdpr: &["5(1)(c)"], iso27001: &["8.11", "8.15"], soc2: &["P6.1"], asvs: &["16.2.5"] },
        ..EGRESS
    },
    ControlSpec {
        id: "error-gate",
        title: "Error reports from production alone",
        about: "The probe causes an error in a scratch copy outside the named environment; nothing may be sent.",
        params: &[optional(
            "environment",
            ParamKind::Text,
            "production",
            Stronger::Neither,
            "The environment that reports.",
        )],
        covers: &["only", "nothing"],
        standards: Standards { gdpr: &[], iso27001: &["8.31"], soc2: &["CC8.1"], asvs: &[] },
        ..EGRESS
    },
    ControlSpec {
        id: "unsubscribe",
        title: "Unsubscribing with one click",
        about: "The probe takes the List-Unsubscribe header of a real mail and posts to it as RFC 8058 says, without signing \
                in; the next mail must not come.",
        covers: &["every mail"],
        standards: Standards { gdpr: &["21(2)", "21(3)"], iso27001: &["5.34"], soc2: &["P2.1"], asvs: &[] },
        ..EGRESS
    },
];
