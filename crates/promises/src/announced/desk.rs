//! People and clocks.

use super::{BASE, EVERY, NO_STANDARDS, optional, required, within};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger, Vantage};

/// A clock is proven by a test case through the real channel, and by the worst open and the worst closed case.
const CLOCK: ControlSpec = ControlSpec { wing: "desk", modes: EVERY, ..BASE };

const INCIDENTS: Standards =
    Standards { gdpr: &["33(1)"], iso27001: &["5.24", "5.26"], soc2: &["CC7.3", "CC7.4"], asvs: &[] };

const REQUESTS: Standards = Standards { gdpr: &["12(3)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] };

const REPORTS: Standards = Standards { gdpr: &[], iso27001: &["5.24", "8.8"], soc2: &["CC2.3", "CC7.1"], asvs: &[] };

const CHANGES: Standards = Standards { gdpr: &[], iso27001: &["8.25", "8.32"], soc2: &["CC8.1"], asvs: &[] };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "rectify-clock",
        title: "Correction requests on a clock",
        about: "The worst open and the worst closed case of corrections asked for by mail, and a test request.",
        params: &[optional("within", ParamKind::Span, "30 days", Stronger::Less, "From the mail to the correction.")],
        covers: &["every request"],
        standards: Standards { gdpr: &["12(3)", "16"], ..REQUESTS },
        ..CLOCK
    },
    ControlSpec {
        id: "mail-intake",
        title: "A mail becomes a case",
        about: "The probe mails the published address; a case with a running clock must appear.",
        params: &[
            required("address", ParamKind::Text, Stronger::Neither, "The address that is mailed."),
            optional("opened_within", ParamKind::Span, "15 minutes", Stronger::Less, "From the mail to the case."),
        ],
        covers: &["every mail", "each mail"],
        standards: REQUESTS,
        ..CLOCK
    },
    ControlSpec {
        id: "critical-clock",
        title: "Critical issues on a clock",
        about: "The probe raises a test alert and sees the clock start, and the escalation when nobody answers in time.",
        params: &[within("From the alert to a person's response.")],
        covers: &["every critical issue"],
        standards: INCIDENTS,
        ..CLOCK
    },
    ControlSpec {
        id: "pager",
        title: "Somebody is woken",
        about: "The probe raises a test alert; it must reach the person on call through the real channel.",
        covers: &["every critical alert"],
        standards: INCIDENTS,
        ..CLOCK
    },
    ControlSpec {
        id: "critical-webhook",
        title: "Critical alerts reach a chat room",
        about: "The probe raises a test alert; a receiver behind the webhook must see it in time and once.",
        params: &[optional("within", ParamKind::Span, "1 minute", Stronger::Less, "From the alert to its arrival.")],
        covers: &["every critical alert"],
        standards: INCIDENTS,
        ..CLOCK
    },
    ControlSpec {
        id: "status-page",
        title: "A public status page",
        about: "The probe raises a test alert and reads the status page without signing in.",
        vantage: Vantage::Outside,
        standards: Standards { gdpr: &[], iso27001: &["5.26"], soc2: &["CC2.3"], asvs: &[] },
        ..CLOCK
    },
    ControlSpec {
        id: "incident-review",
        title: "Incidents have a timeline and a review",
        about: "The probe reads the closed incidents: each must have a timeline, and a review in time.",
        params: &[optional(
            "within",
            ParamKind::Span,
            "14 days",
            Stronger::Less,
            "From the end of an incident to its review.",
        )],
        covers: &["every incident", "each incident"],
        standards: Standards { gdpr: &["33(5)"], iso27001: &["5.26", "5.27"], soc2: &["CC7.4", "CC7.5"], asvs: &[] },
        ..CLOCK
    },
    ControlSpec {
        id: "weekly-review",
        title: "Code is reviewed on a schedule",
        about: "The probe reads the review records from the forge: no period may be without one.",
        params: &[required("period", ParamKind::Span, Stronger::Less, "How often.")],
        covers: &["every week"],
        standards: CHANGES,
        ..CLOCK
    },
    ControlSpec {
        id: "review-gate",
        title: "Nothing is merged unreviewed",
        about: "The probe tries to push to and to merge into the protected branch without a review; the history may hold no \
                such merge.",
        covers: &["every change", "all changes", "nothing", "no change", "every pull request"],
        standards: CHANGES,
        ..CLOCK
    },
    ControlSpec {
        id: "dependency-scan",
        title: "Dependencies are scanned",
        about: "The probe hands the scanner a lock file with a known vulnerability, which must be reported, and reads the age \
                of the last real scan.",
        params: &[optional(
            "at_most",
            ParamKind::Span,
            "24 hours",
            Stronger::Less,
            "The greatest age of the last scan.",
        )],
        covers: &["every dependency", "all dependencies"],
        standards: Standards { gdpr: &[], iso27001: &["8.8"], soc2: &["CC7.1"], asvs: &["15.2.1"] },
        ..CLOCK
    },
    ControlSpec {
        id: "register-notice",
        title: "Subscribers are told of a new sub-processor",
        about: "The probe changes the register in a scratch instance and counts the mails: one per subscriber.",
        covers: &["every subscriber", "every customer", "any change", "every change"],
        standards: Standards { gdpr: &["28(2)"], iso27001: &["5.22"], soc2: &["CC9.2"], asvs: &[] },
        ..CLOCK
    },
    ControlSpec {
        id: "security-clock",
        title: "Security mail on a clock",
        about: "The probe mails the security contact and reads the worst open and the worst closed case. A mail outside the \
                hours counts from their next beginning; from then on the clock does not pause.",
        params: &[
            within("From the mail to the answer."),
            optional(
                "hours",
                ParamKind::Word(&["business", "any"]),
                "any",
                Stronger::Neither,
                "When the clock may start.",
            ),
            optional("zone", ParamKind::Text, "UTC", Stronger::Neither, "The time zone of business hours."),
        ],
        covers: &["every mail"],
        standards: REPORTS,
        ..CLOCK
    },
    ControlSpec {
        id: "report-intake",
        title: "Vulnerability reports find their way in",
        about: "The probe reads security.txt (RFC 9116) and files a test report with description, steps, impact and contact; a \
                case and an acknowledgement must follow.",
        vantage: Vantage::Outside,
        standards: REPORTS,
        ..CLOCK
    },
    ControlSpec {
        id: "report-clock",
        title: "Vulnerability reports on a clock",
        about: "The worst open and the worst closed report, and the order: critical ones come first.",
        params: &[within("From the report to its acknowledgement.")],
        covers: &["every report"],
        standards: REPORTS,
        ..CLOCK
    },
    ControlSpec {
        id: "dpa",
        title: "A data processing agreement on request",
        about: "The probe asks for an agreement for a planted tenant: it must be generated, signable, stored and \
                countersigned.",
        standards: Standards { gdpr: &["28(3)"], iso27001: &["5.20", "5.31"], soc2: &["CC9.2"], asvs: &[] },
        ..CLOCK
    },
    ControlSpec {
        id: "contacts",
        title: "Contacts that answer",
        about: "The probe checks the addresses on the page against the profile and mails each; a mailbox must take the mail.",
        covers: &["each address", "every address"],
        standards: NO_STANDARDS,
        ..CLOCK
    },
];
