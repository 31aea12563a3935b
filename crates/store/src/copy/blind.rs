//! Whether the role by which rows are counted is itself kept from some: every comparison with what it sees would hold then.

use crate::{Address, Role, Store, StoreError, address::connect};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// How many rows of these tables the role that reads for backups does not see, with the first such table: each is counted by it
/// and by the superuser of a server of our own, at the very same instant. `None` where all are seen, and at a managed server,
/// where nobody sees more than that role.
///
/// # Errors
/// When the database refuses.
pub async fn blind(store: &Store, tables: &[&str]) -> Result<Option<(String, i64)>, StoreError> {
    const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    let Address::Socket { .. } = store.address() else { return Ok(None) };
    let (mut all, mut some) = (connect(&store.address().bootstrap()).await?, store.connect_as(Role::Backup).await?);
    all.execute(BEGIN).await?;
    let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut all).await?;
    some.execute(BEGIN).await?;
    some.execute(AssertSqlSafe(format!("SET TRANSACTION SNAPSHOT '{snapshot}'"))).await?;
    let mut found = None;
    for table in tables {
        let (there, seen) = (count(&mut all, table).await?, count(&mut some, table).await?);
        if there != seen {
            found = Some(((*table).to_owned(), there - seen));
            break;
        }
    }
    all.close().await?;
    some.close().await?;
    Ok(found)
}

async fn count(conn: &mut PgConnection, table: &str) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(conn).await?)
}
