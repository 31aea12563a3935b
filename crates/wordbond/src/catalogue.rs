//! The controls that are built: one line each, that joins a control's definition, its faults and its probe.

mod at_rest;

use crate::{garden::Garden, round::Round, system::System};
use accounts::{
    Plant,
    admin::allowlist,
    mfa, password_hash,
    provider::oidc_signin,
    rectify,
    rights::{access_package, clock, erase, full_export},
    saml::control as saml,
    session_expiry,
    team::roles,
};
use drawings::visibility;
use ingress::{
    audit_log, csp, csrf, frame_deny, hsts, https_only, input_validation, nosniff, rate_limits, tls_in,
    visitor::{Somebody, VisitError, Visitor},
};
use okrs::okr_export;
use outbound::{Register, Site, tls_out};
use page::honest_page;
use promises::{ANNOUNCED, Catalogue, ControlSpec, Fault, Finding, Promise};
use proxy::upstream_gate;
use std::pin::Pin;
use store::{log_retention, retention_active, scope_sql, sealed_columns, sealed_files, tls_database};

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
pub(crate) const CONTROLS: [Control; 34] = [
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
    Control { spec: csrf::SPEC, faults: csrf::FAULTS, probe: |r, p| Box::pin(forgeries(r, p)) },
    Control { spec: rate_limits::SPEC, faults: rate_limits::FAULTS, probe: |r, p| Box::pin(limits(r, p)) },
    Control { spec: input_validation::SPEC, faults: input_validation::FAULTS, probe: |r, p| Box::pin(inputs(r, p)) },
    Control { spec: mfa::SPEC, faults: mfa::FAULTS, probe: |r, _| Box::pin(second_factor(r)) },
    Control { spec: session_expiry::SPEC, faults: session_expiry::FAULTS, probe: |r, p| Box::pin(expiry(r, p)) },
    Control { spec: password_hash::SPEC, faults: password_hash::FAULTS, probe: |r, p| Box::pin(passwords(r, p)) },
    Control { spec: rectify::SPEC, faults: rectify::FAULTS, probe: |r, _| Box::pin(corrections(r)) },
    Control { spec: roles::SPEC, faults: roles::FAULTS, probe: |r, p| Box::pin(permissions(r, p)) },
    Control { spec: allowlist::SPEC, faults: allowlist::FAULTS, probe: |r, p| Box::pin(administrators(r, p)) },
    Control { spec: oidc_signin::SPEC, faults: oidc_signin::FAULTS, probe: |r, p| Box::pin(providers(r, p)) },
    Control { spec: saml::SPEC, faults: saml::FAULTS, probe: |r, _| Box::pin(assertions(r)) },
    Control { spec: visibility::SPEC, faults: visibility::FAULTS, probe: |r, _| Box::pin(drawings(r)) },
    Control { spec: clock::ERASE, faults: clock::ERASE_FAULTS, probe: |r, p| Box::pin(erasures_in_time(r, p)) },
    Control { spec: clock::ACCESS, faults: clock::ACCESS_FAULTS, probe: |r, p| Box::pin(copies_in_time(r, p)) },
    Control { spec: access_package::SPEC, faults: access_package::FAULTS, probe: |r, _| Box::pin(copies(r)) },
    Control { spec: full_export::SPEC, faults: full_export::FAULTS, probe: |r, _| Box::pin(exports(r)) },
    Control { spec: okr_export::SPEC, faults: okr_export::FAULTS, probe: |r, _| Box::pin(objectives(r)) },
    Control { spec: erase::SPEC, faults: erase::FAULTS, probe: |r, _| Box::pin(at_rest::erasure(r)) },
    Control {
        spec: sealed_columns::SPEC,
        faults: sealed_columns::FAULTS,
        probe: |r, p| Box::pin(at_rest::columns(r, p)),
    },
    Control { spec: sealed_files::SPEC, faults: sealed_files::FAULTS, probe: |r, _| Box::pin(at_rest::files(r)) },
    Control { spec: log_retention::SPEC, faults: log_retention::FAULTS, probe: |r, p| Box::pin(at_rest::logs(r, p)) },
    Control {
        spec: retention_active::SPEC,
        faults: retention_active::FAULTS,
        probe: |r, _| Box::pin(at_rest::retention(r)),
    },
    Control { spec: upstream_gate::SPEC, faults: upstream_gate::FAULTS, probe: |r, p| Box::pin(gate(r, p)) },
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

/// Two people of the probe's own, who sign in anew each time.
async fn forgeries(round: &Round, promise: &Promise) -> Finding {
    let Ok(system) = round.system() else { return csrf::probe(&round.site, promise).await };
    let garden = match Garden::of(&system.data_dir, csrf::SPEC.id, two(&round.site)).await {
        Ok(garden) => garden,
        Err(finding) => return finding,
    };
    let mut users = Vec::new();
    for (email, password) in &garden.plant {
        let mut user = Visitor::stranger(&round.site).await;
        match user.sign_in(email, password).await {
            Ok(_) if user.is_signed_in() => users.push(user),
            Ok(answer) => return garden.after(Finding::failed(format!("signing in answered {}", answer.status))),
            Err(error) => return garden.after(Finding::failed(error.to_string())),
        }
    }
    let [one, other] = users.as_slice() else { return garden.after(Finding::failed("two people are needed")) };
    let finding = csrf::probe_with(one, other, promise).await;
    garden.after(csrf::inside(&system.store, finding).await)
}

/// Two people sign up; what it takes to come in again.
async fn two(site: &Site) -> Result<Vec<(String, String)>, VisitError> {
    let mut people = Vec::new();
    for _ in 0..2 {
        let Somebody { email, password, .. } = Visitor::stranger(site).await.sign_up().await?;
        people.push((email, password));
    }
    Ok(people)
}

async fn limits(round: &Round, promise: &Promise) -> Finding {
    let Ok(system) = round.system() else { return rate_limits::probe(&round.site, promise).await };
    let sow = audit_log::Plant::sow(&round.site);
    match Garden::of(&system.data_dir, rate_limits::SPEC.id, sow).await {
        Ok(garden) => {
            let finding = rate_limits::probe_with(&round.site, &garden.plant, promise).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn inputs(round: &Round, promise: &Promise) -> Finding {
    let Ok(system) = round.system() else { return input_validation::probe(&round.site, promise).await };
    let sow = audit_log::Plant::sow(&round.site);
    match Garden::of(&system.data_dir, input_validation::SPEC.id, sow).await {
        Ok(garden) => {
            let finding = input_validation::probe_with(&round.site, &garden.plant, promise).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn second_factor(round: &Round) -> Finding {
    let sow = Plant::sow_with_app(&round.site);
    let Ok(system) = round.system() else {
        return match sow.await {
            Ok(plant) => mfa::probe(&round.site, None, &plant).await,
            Err(error) => Finding::failed(error.to_string()),
        };
    };
    match Garden::of(&system.data_dir, mfa::SPEC.id, sow).await {
        Ok(garden) => {
            let finding = mfa::probe(&round.site, Some(&system.store), &garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

/// The operator's side, and somebody of the probe's own.
async fn planted<'a>(round: &'a Round, control: &str) -> Result<(&'a System, Garden<Plant>), Finding> {
    let system = round.system()?;
    Ok((system, Garden::of(&system.data_dir, control, Plant::sow(&round.site)).await?))
}

async fn expiry(round: &Round, promise: &Promise) -> Finding {
    match planted(round, session_expiry::SPEC.id).await {
        Ok((system, garden)) => {
            let finding = session_expiry::probe(&round.site, &system.store, &garden.plant, promise).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn passwords(round: &Round, promise: &Promise) -> Finding {
    match planted(round, password_hash::SPEC.id).await {
        Ok((system, garden)) => {
            let finding = password_hash::probe(&round.site, &system.store, &garden.plant, promise).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn corrections(round: &Round) -> Finding {
    match planted(round, rectify::SPEC.id).await {
        Ok((system, garden)) => {
            let finding = rectify::probe(&round.site, &system.store, &garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn permissions(round: &Round, promise: &Promise) -> Finding {
    match round.system() {
        Ok(system) => roles::probe(&round.site, &system.store, &system.data_dir, promise).await,
        Err(finding) => finding,
    }
}

async fn administrators(round: &Round, promise: &Promise) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Finding::failed(format!("the program cannot find itself: {error}")),
    };
    // Several promises may stand on the same list, and rehearsing is slow.
    let variable = promise.params.get("variable").map(ToString::to_string).unwrap_or_default();
    let attack = async {
        let rehearse = allowlist::Rehearse { program, pg_bin: None };
        allowlist::probe(&round.site, &system.store, &system.data_dir, &rehearse, promise).await
    };
    round.once(&variable, attack).await
}

async fn providers(round: &Round, promise: &Promise) -> Finding {
    match round.system() {
        Ok(system) => oidc_signin::probe(&round.site, &system.store, &system.data_dir, promise).await,
        Err(finding) => finding,
    }
}

async fn assertions(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, saml::SPEC.id, saml::Plant::sow(&round.site)).await {
        Ok(garden) => {
            let finding = saml::probe(&round.site, &system.store, &garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn drawings(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, visibility::SPEC.id, visibility::Plant::sow(&round.site)).await {
        Ok(mut garden) => {
            let finding = visibility::probe(&round.site, &system.store, &mut garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn erasures_in_time(round: &Round, promise: &Promise) -> Finding {
    match round.system() {
        Ok(system) => clock::probe_erase(&round.site, &system.store, promise).await,
        Err(finding) => finding,
    }
}

async fn copies_in_time(round: &Round, promise: &Promise) -> Finding {
    match round.system() {
        Ok(system) => clock::probe_access(&round.site, &system.store, promise).await,
        Err(finding) => finding,
    }
}

async fn copies(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, access_package::SPEC.id, access_package::Copied::sow(&round.site)).await {
        Ok(garden) => {
            let finding = access_package::probe(&round.site, &system.store, &garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn exports(round: &Round) -> Finding {
    match planted(round, full_export::SPEC.id).await {
        Ok((system, garden)) => {
            let finding = full_export::probe(&round.site, &system.store, &garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn objectives(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, okr_export::SPEC.id, okr_export::Plant::sow(&round.site)).await {
        Ok(mut garden) => {
            let finding = okr_export::probe(&round.site, &system.store, &mut garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

async fn gate(round: &Round, promise: &Promise) -> Finding {
    let behind = match round.system() {
        Ok(system) => system.behind.as_ref(),
        Err(finding) => return finding,
    };
    let (place, settings) = behind.map(|behind| (&behind.place, &behind.settings)).unzip();
    upstream_gate::probe(&round.site, place, settings, promise).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use promises::ControlSpec;

    /// The controls that a table of docs/PROMISES.md lists, with the least mode of each.
    fn listed(table: &str) -> Vec<(String, String)> {
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        let ends = |row: &str| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[cells.len() - 1].to_owned())
        };
        rows.map(ends).collect()
    }

    fn known(specs: &[ControlSpec]) -> Vec<(String, String)> {
        let mode = |spec: &ControlSpec| spec.modes.first().map(|mode| mode.word().to_owned()).unwrap_or_default();
        let mut known: Vec<_> = specs.iter().map(|spec| (spec.id.to_owned(), mode(spec))).collect();
        known.sort();
        known
    }

    #[test]
    fn the_documentation_lists_what_is_built_and_what_is_announced() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/PROMISES.md");
        let text = std::fs::read_to_string(file).unwrap();
        let controls = text.split("\n## Controls\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let (built, announced) = controls.split_once("\nAnnounced: ").unwrap();
        for (table, specs) in [(built, CONTROLS.map(|control| control.spec).to_vec()), (announced, ANNOUNCED.to_vec())]
        {
            let mut listed = listed(table);
            listed.sort();
            assert_eq!(listed, known(&specs));
        }
    }
}
