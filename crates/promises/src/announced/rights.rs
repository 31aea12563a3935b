//! A person's rights: access, correction, portability, erasure. The deadlines are the desk's.

use super::{BASE, BUILT, MAPPED, NO_STANDARDS, required};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger};
use kernel::Span;

const PRIVACY: ControlSpec =
    ControlSpec { wing: "privacy", modes: MAPPED, cadence: Span::hours(6), freshness: Span::hours(20), ..BASE };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "erase-backups",
        title: "Erased data leaves the backups too",
        about: "The probe looks for the erased person's key in the key store's snapshots and for its bytes in backups that \
                are older than the time allowed, by rehearsal until real backups reach that age.",
        params: &[required("within", ParamKind::Span, Stronger::Less, "How long after the erasure, at most.")],
        standards: Standards {
            gdpr: &["17(1)", "5(1)(e)"],
            iso27001: &["8.10", "8.13"],
            soc2: &["C1.2", "P4.3"],
            asvs: &["14.2.7"],
        },
        ..PRIVACY
    },
    ControlSpec {
        id: "archive",
        title: "Archiving on request",
        about: "The probe archives a planted workspace: it must be readable, unchangeable, and equal to what it was.",
        standards: NO_STANDARDS,
        modes: BUILT,
        ..PRIVACY
    },
];
