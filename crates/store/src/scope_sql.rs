//! The scope prover (control `scope-sql`): attacks every table that holds somebody's rows, in every role, with every
//! statement, against every tenant's rows.
//!
//! Enforced by the policies of the migrations and by [`crate::house`]. The prover first lives through the attacks and then
//! reads the catalogue: a hole that no row happens to fall through is found there. Every attempt is rolled back.

mod attack;
mod census;
mod faults;
mod restricted;

pub use faults::FAULTS;

use crate::{DataMap, Role, Store, StoreError, house, server::Version};
use attack::{Attacker, Report};
use census::Census;
use kernel::Span;
use promises::{
    ControlSpec, Finding, Promise,
    control::{Mode, Standards, Vantage},
};
use restricted::Restricted;
use sqlx::PgConnection;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "scope-sql",
    title: "Every row is scoped to its tenant and its owner by the database itself",
    about: "Forced row security compares every row with the tenant and the person of the transaction. The prover tries, as \
            every role of the system and in every kind of scope (none, empty, malformed, a stranger's, another tenant's, a \
            colleague's without a grant, and on a connection that was used by somebody else), to select, update, delete, \
            copy, overwrite by ON CONFLICT and insert rows of others, over the rows of every tenant. It shares rows with a \
            colleague, restricts their owner, and looks as the colleague; and compares the restriction of every account with that of \
            each of its memberships. It then searches the \
            catalogue for ways around: views, definer functions, partitions, memberships, grants, unclassified columns, \
            extensions, policies that look at anything but the scope, and, on a server of its own, any other role that is \
            above row security; at a managed server the provider's own roles are not judged. It cannot see what a superuser does: that is another promise.",
    wing: "store",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::minutes(5),
    freshness: Span::minutes(20),
    covers: &[
        "SQL layer",
        "database layer",
        "every table",
        "every row",
        "all rows",
        "every tenant",
        "per user",
        "only their own",
    ],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["5(1)(f)", "25(1)", "32(1)(b)"],
        iso27001: &["5.15", "8.3"],
        soc2: &["CC6.1", "CC6.3"],
        asvs: &["8.2.2", "8.3.1", "8.4.1"],
    },
};

/// Attacks the running database. Needs rows: of two tenants at least, and of two people of one tenant, made through the
/// public routes before. Never changes any.
pub async fn probe(store: &Store, _promise: &Promise) -> Finding {
    match run(store).await {
        Ok(finding) => finding,
        Err(error) => Finding::failed(format!("the database could not be attacked: {error}")),
    }
}

async fn run(store: &Store) -> Result<Finding, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    if let Some(finding) = old_minor(&mut backup).await? {
        return Ok(finding);
    }
    let map = DataMap::own()?;
    let mut report = Report::default();
    // A table that is gone or altered shows in the catalogue; the census needs it to be there.
    let breaches = house::scope(store.auditor().await?.conn()).await?;
    match Census::take(&mut backup, &map).await {
        Ok(census) => {
            for role in Role::ALL.into_iter().filter(|role| *role != Role::Backup) {
                let attacker = Attacker::connect(store, role, &census).await?;
                report.absorb(attacker.attack().await?);
            }
            let restricted = restricted::attack(store, &mut backup).await?;
            Ok(conclude(&census, report, &restricted, &breaches))
        }
        Err(_) if !breaches.is_empty() => Ok(conclude(&Census::default(), report, &Restricted::default(), &breaches)),
        Err(error) => Err(error),
    }
}

/// A server that is known to leak is broken whatever the attacks show: the way through is not always open.
async fn old_minor(conn: &mut PgConnection) -> Result<Option<Finding>, StoreError> {
    let number: String = sqlx::query_scalar("SHOW server_version_num").fetch_one(conn).await?;
    let version = Version::from_number(number.parse().unwrap_or_default());
    Ok(version.needs().map(|needs| {
        Finding::broke(format!(
            "PostgreSQL {version} lets a role read past row security (CVE-2026-120154); install {needs} \
             (apt-get update && apt-get install -y postgresql-{})",
            needs.major
        ))
        .tried("asked the server for its version")
    }))
}

fn conclude(census: &Census, report: Report, restricted: &Restricted, breaches: &[house::Breach]) -> Finding {
    let leaks = report.leaks.iter().chain(&restricted.leaks).cloned();
    let leaks: Vec<String> = leaks.chain(breaches.iter().map(ToString::to_string)).collect();
    let finding = if let Some(first) = leaks.first() {
        let more = leaks.len() - 1;
        let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
        Finding::broke(format!("{first}{rest}"))
    } else if let Some(first) = report.failures.first() {
        Finding::failed(format!("an attack did not come through: {first}"))
    } else if report.own_rows == 0 && census.rows() > 0 {
        Finding::failed("the attackers do not even see rows of their own, so that seeing none of others proves nothing")
    } else {
        Finding::held(format!(
            "{} attempts in {} roles on {} rows of {} tenants touched none of others",
            report.attempts,
            Role::ALL.len() - 1,
            census.rows(),
            census.tenants.len()
        ))
    };
    leaks
        .iter()
        .take(20)
        .fold(finding, |finding, leak| finding.tried(format!("came through: {leak}")))
        .tried("scopes: none, empty, malformed, a stranger's, a tenant's, a colleague's, what the connection had before")
        .tried("statements: SELECT, COPY, UPDATE, DELETE, TRUNCATE, INSERT, INSERT ON CONFLICT DO UPDATE, SET ROLE")
        .tried("restricted whoever shares something, rolled back, and looked from the seat of whom it was shared with")
        .tried("compared the restriction of every account with that of each membership")
        .tried("catalogue: policies, owners, roles, memberships, grants, views, definer functions, extensions, partitions, sequences, data map")
        .covered("attempts", report.attempts)
        .covered("tables with rows", census.tables.iter().filter(|table| table.rows > 0).count())
        .covered("tenants attacked", census.tenants.len().saturating_sub(1))
        .covered("rows attacked", usize::try_from(census.rows()).unwrap_or(usize::MAX))
        .covered("rows of colleagues attacked", usize::try_from(report.colleague_rows).unwrap_or(usize::MAX))
        .covered("rows shared and restricted", restricted.rows)
        .covered("members compared with their accounts", restricted.people)
}
