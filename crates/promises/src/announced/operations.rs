//! How the service runs.

use super::{BASE, optional};
use crate::control::{ControlSpec, ParamKind, Standards, Stronger};

pub(super) const CONTROLS: &[ControlSpec] = &[ControlSpec {
    id: "stateless",
    title: "Instances without a memory of their own",
    about: "The probe starts two instances in a scratch copy: sessions and limits must hold across both, and a SIGTERM must \
            drain one without a lost request.",
    wing: "wordbond",
    params: &[optional("instances", ParamKind::Count, "2", Stronger::More, "How many instances are started.")],
    covers: &["any instance", "all sessions"],
    standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.6", "8.14"], soc2: &["A1.1"], asvs: &[] },
    ..BASE
}];
