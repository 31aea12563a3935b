//! Data at rest: where it is, how it is sealed, how long it stays, how it comes back.

use super::{BASE, MAPPED, optional, required};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger};
use kernel::Span;

const VAULT: ControlSpec = ControlSpec { wing: "vault", modes: MAPPED, ..BASE };

/// What runs for long or changes slowly is attacked once a day.
const DAILY: ControlSpec =
    ControlSpec { wing: "store", modes: MAPPED, cadence: Span::hours(24), freshness: Span::hours(50), ..BASE };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "data-region",
        title: "Data stays in its region",
        about: "The probe asks every named store for its region and compares the code with the region's. A wrong region is \
                Broken; a store that does not answer leaves the promise Unproven.",
        params: &[
            required("region", ParamKind::Region, Stronger::Neither, "The region."),
            required("stores", ParamKind::Processors, Stronger::Wider, "The sub-processors that store data."),
        ],
        covers: &["every store", "all stores"],
        standards: Standards { gdpr: &["44"], iso27001: &["5.23", "5.34"], soc2: &["C1.1"], asvs: &["14.2.4"] },
        ..VAULT
    },
    ControlSpec {
        id: "sealed-backups",
        title: "Backups are ciphertext",
        about: "The probe searches the newest backup for planted data in the clear and reads the algorithm from its header.",
        params: &[optional(
            "cipher",
            ParamKind::Word(&["AES-256-GCM"]),
            "AES-256-GCM",
            Stronger::Neither,
            "The cipher.",
        )],
        covers: &["every backup", "all backups"],
        standards: Standards {
            gdpr: &["32(1)(a)"],
            iso27001: &["8.13", "8.24"],
            soc2: &["CC6.1", "A1.2"],
            asvs: &["14.2.4"],
        },
        ..DAILY
    },
    ControlSpec {
        id: "backup-age",
        title: "The newest backup is fresh",
        about: "The probe asks the backup tool for its newest restorable backup and compares the age.",
        params: &[optional(
            "at_most",
            ParamKind::Span,
            "24 hours",
            Stronger::Less,
            "The greatest age of the newest restorable backup.",
        )],
        standards: Standards { gdpr: &["32(1)(b)", "32(1)(c)"], iso27001: &["8.13"], soc2: &["A1.2"], asvs: &[] },
        ..VAULT
    },
    ControlSpec {
        id: "restore-drill",
        title: "Restoring works, and how long it takes",
        about: "The probe restores the newest backup into a scratch server, compares row counts and checksums with the \
                original, times it, and looks for a person who was erased after the backup was made.",
        params: &[
            optional(
                "within",
                ParamKind::Span,
                "24 hours",
                Stronger::Less,
                "The longest time until the service is back.",
            ),
            optional(
                "replay",
                ParamKind::Flag,
                "true",
                Stronger::More,
                "Whether a restore repeats erasures before it serves.",
            ),
        ],
        standards: Standards {
            gdpr: &["32(1)(c)", "32(1)(d)"],
            iso27001: &["5.30", "8.13"],
            soc2: &["A1.2", "A1.3"],
            asvs: &[],
        },
        ..DAILY
    },
    ControlSpec {
        id: "point-in-time",
        title: "Back to any instant",
        about: "The probe writes, notes the instant, destroys, and restores to that instant in a scratch server: exactly the \
                rows before it must be there.",
        params: &[optional("reach", ParamKind::Span, "7 days", Stronger::More, "How far back.")],
        covers: &["any instant"],
        standards: Standards { gdpr: &["32(1)(c)"], iso27001: &["8.13"], soc2: &["A1.2", "A1.3"], asvs: &[] },
        ..DAILY
    },
    ControlSpec {
        id: "backup-retention",
        title: "Backups end",
        about: "The probe lists backups: nothing may be older than the time kept and one run, and nothing younger may be \
                missing. Until real backups reach that age it rehearses with a shifted clock and says so.",
        params: &[required("keep", ParamKind::Span, Stronger::Less, "How long a backup is kept.")],
        covers: &["every backup"],
        standards: Standards {
            gdpr: &["5(1)(e)"],
            iso27001: &["8.10", "8.13"],
            soc2: &["C1.2", "P4.2"],
            asvs: &["14.2.7"],
        },
        ..DAILY
    },
];
