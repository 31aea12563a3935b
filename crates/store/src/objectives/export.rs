//! All there is, for an export: at one instant, and nothing left out.

use super::{
    check_ins::{self, CheckIn},
    history::{self, Revision},
    read::{Filter, Tree, tree},
};
use crate::{Scoped, StoreError};

/// Everything of a team, the oldest first.
#[derive(Clone, Default)]
pub struct Everything {
    /// Objectives and key results, archived ones too.
    pub tree: Tree,
    /// Every check-in.
    pub check_ins: Vec<CheckIn>,
    /// Every revision.
    pub revisions: Vec<Revision>,
}

/// Everything of the scope's team. The scope must be fresh: what is read is what was there at one instant.
///
/// # Errors
/// When something cannot be opened, rather than leave it out; and in a scope that has read something before.
pub async fn everything(scoped: &mut Scoped) -> Result<Everything, StoreError> {
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(scoped.conn()).await?;
    let tree = tree(scoped, Filter::All).await?;
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const CHECK_INS: &str = "SELECT check_in_id, key_result_id, person_id, body, created_at FROM wordbond.check_in
        WHERE tenant_id = $1 ORDER BY check_in_id";
    let rows = sqlx::query(CHECK_INS).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    let check_ins = rows.iter().map(|row| check_ins::read(&keys, tenant, row)).collect::<Result<_, _>>()?;
    const REVISIONS: &str = "SELECT revision_id, objective_id, key_result_id, person_id, version, body, created_at
        FROM wordbond.objective_revision WHERE tenant_id = $1 ORDER BY revision_id";
    let rows = sqlx::query(REVISIONS).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    let revisions = rows.iter().map(|row| history::open(&keys, scoped, row)).collect::<Result<_, _>>()?;
    Ok(Everything { tree, check_ins, revisions })
}
