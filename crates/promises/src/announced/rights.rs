//! A person's rights: access, correction, portability, erasure. The deadlines are the desk's.

use super::{BASE, BUILT, MAPPED, NO_STANDARDS, required};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger};
use kernel::Span;

const PRIVACY: ControlSpec =
    ControlSpec { wing: "privacy", modes: MAPPED, cadence: Span::hours(6), freshness: Span::hours(20), ..BASE };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "erase",
        title: "Erasure reaches every place on the data map",
        about: "The probe plants a person in every place on the data map, erases it as that person would, and searches the \
                raw tables, files, vectors and logs for its bytes, with a positive control.",
        covers: &["every place on the data map", "all personal data"],
        standards: Standards {
            gdpr: &["17(1)"],
            iso27001: &["5.34", "8.10"],
            soc2: &["C1.2", "P4.3"],
            asvs: &["14.2.7"],
        },
        ..PRIVACY
    },
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
        id: "access-package",
        title: "A copy of a person's data is complete",
        about: "The probe requests the copy for a planted person: every planted item must be in it, and nothing of anyone \
                else.",
        covers: &["everything", "nothing"],
        standards: Standards { gdpr: &["15(1)", "15(3)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] },
        ..PRIVACY
    },
    ControlSpec {
        id: "full-export",
        title: "A full export that can be read back",
        about: "The probe exports a planted person's data, imports it into a scratch copy and compares the two.",
        covers: &["everything"],
        standards: Standards { gdpr: &["20(1)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] },
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
