//! The controls that are built: one line each, that joins a control's definition, its faults and its probe.

use crate::round::Round;
use ingress::{audit_log, csp, frame_deny, hsts, https_only, nosniff, tls_in};
use outbound::{Register, tls_out};
use page::honest_page;
use promises::{ANNOUNCED, Catalogue, ControlSpec, Fault, Finding, Promise};
use std::pin::Pin;
use store::{scope_sql, tls_database};

type Found<'a> = Pin<Box<dyn Future<Output = Finding> + Send + 'a>>;

/// A control with everything it takes to keep a promise honest.
pub(crate) struct Control {
    /// Its definition.
    pub(crate) spec: ControlSpec,
    /// The ways in which it is sabotaged.
    pub(crate) faults: &'static [Fault],
    probe: for<'a> fn(&'a Round, &'a Promise) -> Found<'a>,
}

/// Every control that is built.
pub(crate) const CONTROLS: [Control; 11] = [
    Control { spec: scope_sql::SPEC, faults: scope_sql::FAULTS, probe: |r, p| Box::pin(scope(r, p)) },
    Control { spec: https_only::SPEC, faults: https_only::FAULTS, probe: |r, p| Box::pin(https(r, p)) },
    Control {
        spec: hsts::SPEC,
        faults: hsts::FAULTS,
        probe: |r, p| Box::pin(async { hsts::probe_with(r.survey().await, p) }),
    },
    Control { spec: csp::SPEC, faults: csp::FAULTS, probe: |r, p| Box::pin(policy(r, p)) },
    Control { spec: frame_deny::SPEC, faults: frame_deny::FAULTS, probe: |r, p| Box::pin(frames(r, p)) },
    Control {
        spec: nosniff::SPEC,
        faults: nosniff::FAULTS,
        probe: |r, p| Box::pin(async { nosniff::probe_with(r.survey().await, p) }),
    },
    Control { spec: tls_in::SPEC, faults: tls_in::FAULTS, probe: |r, p| Box::pin(tls_in::probe(&r.site, p)) },
    Control { spec: tls_out::SPEC, faults: tls_out::FAULTS, probe: |r, p| Box::pin(outgoing(r, p)) },
    Control { spec: tls_database::SPEC, faults: tls_database::FAULTS, probe: |r, p| Box::pin(database(r, p)) },
    Control { spec: audit_log::SPEC, faults: audit_log::FAULTS, probe: |r, _| Box::pin(audit(r)) },
    Control { spec: honest_page::SPEC, faults: honest_page::FAULTS, probe: |r, p| Box::pin(honest(r, p)) },
];

/// The built controls and the announced ones.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(&CONTROLS.map(|control| control.spec), ANNOUNCED)
}

/// Whether this build has a probe for the promise.
pub(crate) fn is_built(promise: &Promise) -> bool {
    control_of(promise).is_some()
}

/// Whether the promise judges what the other attacks of a round recorded.
pub(crate) fn comes_last(promise: &Promise) -> bool {
    promise.control.as_deref() == Some(honest_page::SPEC.id)
}

/// Attacks the promise.
pub(crate) async fn probe(round: &Round, promise: &Promise) -> Finding {
    match control_of(promise) {
        Some(control) => (control.probe)(round, promise).await,
        None => Finding::nothing("no control of this build stands behind it"),
    }
}

fn control_of(promise: &Promise) -> Option<Control> {
    let id = promise.control.as_deref()?;
    CONTROLS.into_iter().find(|control| control.spec.id == id)
}

async fn https(round: &Round, promise: &Promise) -> Finding {
    https_only::probe_with(&round.site, round.survey().await, promise).await
}

async fn policy(round: &Round, promise: &Promise) -> Finding {
    let (survey, browser) = tokio::join!(round.survey(), round.browser());
    let operator = round.system().ok().map(|system| &system.operator);
    csp::probe_with(&round.site, survey, browser, operator, promise).await
}

async fn frames(round: &Round, promise: &Promise) -> Finding {
    let (survey, browser) = tokio::join!(round.survey(), round.browser());
    frame_deny::probe_with(&round.site, survey, browser, promise).await
}

async fn scope(round: &Round, promise: &Promise) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    // The rows that are attacked must be there, newly written through the public routes.
    let plants = match round.plants().await {
        Ok(plants) => plants,
        Err(finding) => return finding,
    };
    scope_sql::probe(&system.store, promise).await.covered("planted tenants", plants.beds().len())
}

async fn outgoing(round: &Round, promise: &Promise) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    let hosts: Vec<String> = Register::of(&system.in_force.profile, &[]).hosts().map(str::to_owned).collect();
    tls_out::probe(&round.site, &system.operator, &hosts, &system.data_dir, promise).await
}

async fn honest(round: &Round, promise: &Promise) -> Finding {
    let seen = format!("probe/seen-{}-{}.json", round.site.host(), round.site.port());
    let memory = round.system().ok().map(|system| system.data_dir.join(seen));
    honest_page::probe(&round.site, &round.catalogue, memory.as_deref(), promise).await
}

async fn audit(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match round.plants().await {
        Ok(plants) => audit_log::probe(&round.site, &system.store, &system.operator, &plants.acted_on).await,
        Err(finding) => finding,
    }
}

async fn database(round: &Round, promise: &Promise) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    // Run again as other users of the operating system, to knock at the socket.
    match std::env::current_exe() {
        Ok(program) => tls_database::probe(&system.store, &program, promise).await,
        Err(error) => Finding::failed(format!("the program cannot find itself: {error}")),
    }
}
