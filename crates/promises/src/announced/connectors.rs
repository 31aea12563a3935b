//! Services that a customer connects.

use super::{BASE, required};
use crate::control::{ControlSpec, ParamKind, ParamSpec, Standards, Stronger};

const CONNECTORS: ControlSpec = ControlSpec { wing: "egress", ..BASE };

const SERVICES: ParamSpec =
    required("services", ParamKind::Processors, Stronger::Wider, "The connected services that are attacked.");

pub(super) const CONTROLS: &[ControlSpec] = &[
    ControlSpec {
        id: "connector",
        title: "Connecting through the service's own consent",
        about: "The probe goes through the whole OAuth exchange against a provider made from the service's own API \
                description: state, PKCE and redirect address are attacked, and no password is asked for.",
        params: &[required("service", ParamKind::Text, Stronger::Neither, "What is connected, as customers know it.")],
        standards: Standards { gdpr: &[], iso27001: &["5.17", "8.5"], soc2: &["CC6.1"], asvs: &["10.1.2", "10.2.1"] },
        ..CONNECTORS
    },
    ControlSpec {
        id: "connector-scopes",
        title: "No more rights than declared",
        about: "The probe reads the scopes from the authorization request that the running system makes and compares them \
                with the declared ones.",
        params: &[SERVICES],
        covers: &["only"],
        standards: Standards { gdpr: &["5(1)(c)", "25(2)"], iso27001: &["5.15"], soc2: &["CC6.3"], asvs: &["10.2.3"] },
        ..CONNECTORS
    },
    ControlSpec {
        id: "calendar-scope",
        title: "Calendar events of our own",
        about: "The probe puts foreign events into a calendar and runs the synchronisation; none of them may be read into \
                the service or changed.",
        covers: &["only"],
        standards: Standards { gdpr: &["5(1)(c)"], iso27001: &["8.3"], soc2: &["CC6.3"], asvs: &["10.2.3"] },
        ..CONNECTORS
    },
    ControlSpec {
        id: "connector-data",
        title: "What connected services are sent",
        about: "Each call to a connected service is recorded field by field; the probe compares the fields with the \
                declared ones.",
        params: &[SERVICES],
        covers: &["only"],
        standards: Standards { gdpr: &["5(1)(c)"], iso27001: &["5.14"], soc2: &["P6.1"], asvs: &["14.2.6"] },
        ..CONNECTORS
    },
    ControlSpec {
        id: "connector-disconnect",
        title: "Disconnecting ends it",
        about: "The probe disconnects in the settings; the provider must see the revocation and the tokens must be gone \
                from the raw store.",
        params: &[SERVICES],
        covers: &["at any time"],
        standards: Standards { gdpr: &["7(3)"], iso27001: &["5.18"], soc2: &["CC6.2"], asvs: &[] },
        ..CONNECTORS
    },
];
