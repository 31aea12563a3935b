//! Taking turns: only one round of attacks at a time, on whatever instance or command line it runs. So the observations
//! of a promise stand in the ledger in the order of their runs, and no probe meets another one's plants.

use crate::{Role, Store, StoreError};
use sqlx::PgConnection;

/// The advisory lock of a round: «attacks!» in ASCII.
const LOCK: i64 = 0x6174_7461_636b_7321;

/// Somebody's turn. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Turn {
    // Held, not read: the lock lives as long as the session.
    _session: PgConnection,
}

/// Waits for the turn.
///
/// # Errors
/// When the database cannot be reached.
pub async fn take(store: &Store) -> Result<Turn, StoreError> {
    let mut session = store.connect_as(Role::Auditor).await?;
    loop {
        // Asked again and again: a statement that waits would run into the server's time limit.
        let mine: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut session).await?;
        if mine {
            return Ok(Turn { _session: session });
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
