//! Telling every instance that somebody's session, or standing in a team, has ended or changed.

use crate::{Scoped, Store, StoreError};
use std::sync::atomic::Ordering;

/// The channel. What is sent on it says nothing: whoever listens reads anew.
pub(crate) const CHANNEL: &str = "wordbond_sessions";

/// Commits, and tells every instance in the same transaction: it hears exactly when the change is there to be read.
pub(crate) async fn commit(store: &Store, mut scoped: Scoped) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(scoped.conn()).await?;
    scoped.commit().await?;
    // This instance does not wait for the word to come back.
    store.revocations().fetch_add(1, Ordering::SeqCst);
    Ok(())
}
