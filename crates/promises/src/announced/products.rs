//! The products' own controls.

use super::{BASE, NO_STANDARDS};
use crate::control::{ControlSpec, Standards};

const PRODUCT: ControlSpec = ControlSpec { wing: "workspaces", ..BASE };

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "csv-export",
        title: "Saved runs as CSV",
        about: "The probe exports runs, imports them again and compares; a cell that begins like a formula must arrive as \
                text.",
        covers: &["every saved run", "all saved runs"],
        standards: Standards { gdpr: &["20(1)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &["1.2.10"] },
        ..PRODUCT
    },
    ControlSpec {
        id: "okr-history",
        title: "Objectives keep their history",
        about: "The probe edits planted objectives and reads past states back; a report about a past day must show what was \
                true on that day.",
        covers: &["every edit", "all edits"],
        standards: NO_STANDARDS,
        ..PRODUCT
    },
];
