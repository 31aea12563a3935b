//! Restriction: what somebody shared who then asked to be left alone is read by nobody else, and whoever is restricted is so in
//! every team.
//!
//! Real rows of everybody are shared and restricted under the application's role, within a transaction that is rolled back, and
//! read from the seat of whom they were shared with: before, which must show them, and after.

use super::attack::BEGIN;
use crate::{Role, Store, StoreError};
use kernel::{PersonId, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

/// How many rows of each kind are tried, drawn anew each time.
const MOST: u32 = 20;

/// What can be shared: the table, its grants, and the column that names a row.
const SHARED: [[&str; 3]; 2] =
    [["wordbond.note", "wordbond.note_grant", "note_id"], ["wordbond.drawing", "wordbond.drawing_grant", "drawing_id"]];

/// What the attempts came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Restricted {
    /// How many rows were shared, restricted and looked for.
    pub(super) rows: usize,
    /// How many people were compared with their accounts.
    pub(super) people: usize,
    pub(super) leaks: Vec<String>,
}

/// Somebody's row, and a colleague of theirs.
struct Share {
    tenant: TenantId,
    row: Uuid,
    owner: PersonId,
    reader: PersonId,
}

/// Makes every attempt.
pub(super) async fn attack(store: &Store, backup: &mut PgConnection) -> Result<Restricted, StoreError> {
    let mut found = Restricted::default();
    left_behind(backup, &mut found).await?;
    let mut conn = store.connect_as(Role::App).await?;
    for [table, grants, id] in SHARED {
        for share in shares(backup, table, id).await? {
            let tried = read(&mut conn, &share, [table, grants, id]).await;
            conn.execute("ROLLBACK").await?;
            // Whoever deletes the row or leaves at this instant takes it from under the attempt.
            let Ok((before, after)) = tried else { continue };
            if before != 1 {
                continue;
            }
            found.rows += 1;
            if after > 0 {
                found.leaks.push(format!(
                    "{} reads a row of {table} that somebody shared with it who has restricted their data",
                    Role::App
                ));
            }
        }
    }
    conn.close().await?;
    Ok(found)
}

/// Rows of people who are not restricted, each with somebody else of the team.
async fn shares(backup: &mut PgConnection, table: &str, id: &str) -> Result<Vec<Share>, StoreError> {
    let sql = format!(
        "SELECT t.tenant_id, t.{id}, t.owner_id, p.person_id FROM {table} AS t
         JOIN wordbond.person AS o ON o.tenant_id = t.tenant_id AND o.person_id = t.owner_id AND o.removed_at IS NULL
         JOIN LATERAL (SELECT c.person_id FROM wordbond.person AS c WHERE c.tenant_id = t.tenant_id
                       AND c.person_id <> t.owner_id AND c.removed_at IS NULL LIMIT 1) AS p ON true
         WHERE o.restricted_at IS NULL ORDER BY random() LIMIT {MOST}"
    );
    let rows = backup.fetch_all(AssertSqlSafe(sql)).await?;
    rows.iter()
        .map(|row| {
            let id = |at: usize| row.try_get::<Uuid, _>(at);
            Ok(Share { tenant: id(0)?.into(), row: id(1)?, owner: id(2)?.into(), reader: id(3)?.into() })
        })
        .collect()
}

/// How many rows the reader sees of what is shared with them, before its owner is restricted and after.
async fn read(
    conn: &mut PgConnection,
    share: &Share,
    [table, grants, id]: [&str; 3],
) -> Result<(i64, i64), StoreError> {
    let Share { tenant, row, owner, reader } = share;
    let actor = |who: &PersonId| format!("SET LOCAL wordbond.actor = '{who}'");
    let seen = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{tenant}' AND {id} = '{row}'");
    let setup = format!(
        "{BEGIN}; SET LOCAL wordbond.tenant = '{tenant}'; {}; INSERT INTO {grants} (tenant_id, {id}, person_id, owner_id, created_at)
         VALUES ('{tenant}', '{row}', '{reader}', '{owner}', now()) ON CONFLICT DO NOTHING; {}",
        actor(owner),
        actor(reader)
    );
    conn.execute(AssertSqlSafe(setup)).await?;
    let before = conn.fetch_one(AssertSqlSafe(seen.clone())).await?.try_get(0)?;
    let restrict = format!(
        "{}; UPDATE wordbond.person SET restricted_at = now() WHERE tenant_id = '{tenant}' AND person_id = '{owner}'; {}",
        actor(owner),
        actor(reader)
    );
    conn.execute(AssertSqlSafe(restrict)).await?;
    let after = conn.fetch_one(AssertSqlSafe(seen)).await?.try_get(0)?;
    Ok((before, after))
}

/// Whoever is restricted is so in each team that they are in, whenever they joined it, and nobody else is.
async fn left_behind(backup: &mut PgConnection, found: &mut Restricted) -> Result<(), StoreError> {
    const SQL: &str = "SELECT count(*), count(*) FILTER (WHERE (p.restricted_at IS NULL) <> (a.restricted_at IS NULL))
        FROM wordbond.person AS p JOIN wordbond.account AS a USING (account_id) WHERE p.removed_at IS NULL";
    let row = backup.fetch_one(SQL).await?;
    let (all, differ): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    found.people = usize::try_from(all).unwrap_or(usize::MAX);
    if differ > 0 {
        found.leaks.push(format!(
            "{differ} people are restricted in their account and not in a team of theirs, or the reverse"
        ));
    }
    Ok(())
}
