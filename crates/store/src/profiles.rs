//! The profiles that were in force: the public texts that the ledger names by hash.

use crate::{Store, StoreError, time::At};
use ledger::Leaf;

/// The profile that was put in force last: its hash and its text.
///
/// # Errors
/// When the database refuses.
pub async fn newest(store: &Store) -> Result<Option<(String, String)>, StoreError> {
    const SQL: &str = "SELECT hash, body FROM wordbond.profile ORDER BY in_force_from DESC LIMIT 1";
    Ok(sqlx::query_as(SQL).fetch_optional(store.auditor().await?.conn()).await?)
}

/// Puts a profile in force and says so in the ledger, in one transaction.
///
/// # Errors
/// When the database refuses; nothing has changed then.
pub async fn change(store: &Store, hash: &str, text: &str, leaf: &Leaf) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO wordbond.profile (hash, body, in_force_from) VALUES ($1, $2, $3)
        ON CONFLICT (hash) DO UPDATE SET in_force_from = $3";
    let mut system = store.recorder().await?;
    sqlx::query(SQL).bind(hash).bind(text).bind(At(store.clock().now())).execute(system.conn()).await?;
    ledger::append(system.conn(), leaf).await?;
    system.commit().await
}
