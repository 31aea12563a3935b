//! Whether what an export gathers is all there is: compared with what the role sees that may see every row.

use super::{
    check_ins,
    export::{Everything, everything},
    history,
    read::{OBJECTIVE, Tree, key_result, objective},
};
use crate::{Role, Store, StoreError, copy::blind::blind, team::nobody};
use kernel::{Actor, PersonId, TenantId};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Where a workspace is recorded.
const TABLES: [&str; 4] =
    ["wordbond.objective", "wordbond.key_result", "wordbond.check_in", "wordbond.objective_revision"];

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many teams.
    pub teams: usize,
    /// How many rows of theirs.
    pub rows: usize,
    /// What differs, a sentence each, without whose it is.
    pub differences: Vec<String>,
}

/// Everything of a team as it is recorded, whatever the policies show to anybody.
///
/// # Errors
/// When something cannot be opened.
pub async fn recorded(store: &Store, tenant: TenantId) -> Result<Everything, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    seen(store, &mut backup, tenant).await
}

/// Compares what an export would gather, by anybody of the team, with what is recorded, for at most `most` teams that have objectives, drawn anew each
/// time.
///
/// # Errors
/// When the database cannot be asked, or something cannot be opened.
pub async fn walk(store: &Store, most: u32) -> Result<Walked, StoreError> {
    const TEAMS: &str = "SELECT o.tenant_id,
            (SELECT p.person_id FROM wordbond.person AS p
             WHERE p.tenant_id = o.tenant_id AND p.removed_at IS NULL ORDER BY random() LIMIT 1)
        FROM (SELECT DISTINCT tenant_id FROM wordbond.objective) AS o ORDER BY random() LIMIT $1";
    let mut out = Walked::default();
    if let Some((table, hidden)) = blind(store, &TABLES).await? {
        out.differences.push(format!("{hidden} rows of {table} are kept from the role that compares"));
        return Ok(out);
    }
    let mut backup = store.connect_as(Role::Backup).await?;
    let teams = sqlx::query(TEAMS).bind(i64::from(most)).fetch_all(&mut backup).await?;
    for row in &teams {
        let tenant = TenantId::from(row.try_get::<Uuid, _>(0)?);
        let person = row.try_get::<Option<Uuid>, _>(1)?;
        let actor = person.map_or_else(nobody, |id| Actor::Person { id: PersonId::from(id) });
        out.teams += 1;
        let (rows, missing) = compare(store, &mut backup, tenant, &actor).await?;
        out.rows += rows;
        // What somebody wrote between the two looks is there at the second.
        if missing > 0 {
            let (_, missing) = compare(store, &mut backup, tenant, &actor).await?;
            if missing > 0 {
                out.differences.push(format!("{missing} rows of a team are in no export of it"));
            }
        }
    }
    Ok(out)
}

/// How many rows are recorded, and how many of them an export would not have as they are.
async fn compare(
    store: &Store,
    backup: &mut PgConnection,
    tenant: TenantId,
    actor: &Actor,
) -> Result<(usize, usize), StoreError> {
    let recorded = lines(&seen(store, backup, tenant).await?);
    let gathered = lines(&everything(&mut store.scoped(tenant, actor).await?).await?);
    Ok((recorded.len(), recorded.difference(&gathered).count()))
}

async fn seen(store: &Store, backup: &mut PgConnection, tenant: TenantId) -> Result<Everything, StoreError> {
    let keys = store.keys();
    let all = async |conn: &mut PgConnection, sql: String| {
        sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).fetch_all(conn).await
    };
    let rows = all(backup, format!("{OBJECTIVE} WHERE o.tenant_id = $1 ORDER BY o.objective_id")).await?;
    let objectives = rows.iter().map(|row| objective(keys, tenant, row)).collect::<Result<_, _>>()?;
    const KEY_RESULTS: &str = "SELECT k.*, NULL::uuid AS check_in_id FROM wordbond.key_result AS k
        WHERE k.tenant_id = $1 ORDER BY k.key_result_id";
    let rows = all(backup, KEY_RESULTS.to_owned()).await?;
    let key_results = rows.iter().map(|row| key_result(keys, tenant, row)).collect::<Result<_, _>>()?;
    let rows =
        all(backup, "SELECT * FROM wordbond.check_in WHERE tenant_id = $1 ORDER BY check_in_id".to_owned()).await?;
    let check_ins = rows.iter().map(|row| check_ins::read(keys, tenant, row)).collect::<Result<_, _>>()?;
    const REVISIONS: &str = "SELECT * FROM wordbond.objective_revision WHERE tenant_id = $1 ORDER BY revision_id";
    let rows = all(backup, REVISIONS.to_owned()).await?;
    let revisions = rows.iter().map(|row| history::open_in(keys, tenant, row)).collect::<Result<_, _>>()?;
    Ok(Everything { tree: Tree { objectives, key_results }, check_ins, revisions })
}

/// Each row as one line that says all of it.
fn lines(everything: &Everything) -> BTreeSet<String> {
    let Everything { tree, check_ins, revisions } = everything;
    let objectives =
        tree.objectives.iter().map(|one| json!([one.id, one.fields, one.version, one.created_at, one.archived_at]));
    let key_results = tree
        .key_results
        .iter()
        .map(|one| json!([one.id, one.objective, one.fields, one.version, one.created_at, one.archived_at]));
    let check_ins = check_ins
        .iter()
        .map(|one| json!([one.id, one.key_result, one.person, one.at, one.value, one.confidence, one.comment]));
    let revisions = revisions
        .iter()
        .map(|one| json!([one.id, one.key_result, one.person, one.at, one.deed, one.changes, one.state]));
    objectives.chain(key_results).chain(check_ins).chain(revisions).map(|line| line.to_string()).collect()
}
