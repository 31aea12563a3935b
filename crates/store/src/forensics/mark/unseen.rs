//! Marks in a table that nobody else ever sees: its transaction is never committed, and its files are written all the same.

use super::{Kind, word};
use crate::{Store, StoreError, address::connect};
use aws_lc_rs::rand;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::fs;
use uuid::Uuid;
use vault::VaultError;

/// How much noise lies on either side of the mark in a long value: too much for a row, and nothing that can be compressed.
const NOISE: usize = 2_000;

/// The open transaction.
#[derive(Debug)]
pub(super) struct Unseen(PgConnection);

impl Unseen {
    /// Leaves a mark in long values, statistics, indexes and a temporary file, where a sort is spilled that has hardly any room.
    pub(super) async fn leave(store: &Store, left: &mut Vec<(String, Vec<Kind>)>) -> Result<Self, StoreError> {
        let mut conn = connect(&store.address().bootstrap()).await?;
        held_files_can_be_read(&mut conn).await?;
        keep_the_log(&mut conn).await?;
        let (short, long) = (word(), word());
        let table = format!("wordbond.mark_{}", Uuid::new_v4().simple());
        let run = async |conn: &mut PgConnection, sql: String| conn.execute(AssertSqlSafe(sql)).await.map(drop);
        run(
            &mut conn,
            "BEGIN; SET LOCAL work_mem = '64kB'; SET LOCAL idle_in_transaction_session_timeout = 0".to_owned(),
        )
        .await?;
        run(&mut conn, format!("CREATE TABLE {table} (word text, words text[], long bytea)")).await?;
        // The planner remembers what occurs more than once.
        let rows = format!("INSERT INTO {table} SELECT $1, ARRAY[$1], $2 FROM generate_series(1, 3)");
        sqlx::query(AssertSqlSafe(rows)).bind(&short).bind(&around(&long)?).execute(&mut conn).await?;
        for index in ["btree (word)", "gin (words)", "brin (word)"] {
            run(&mut conn, format!("CREATE INDEX ON {table} USING {index}")).await?;
        }
        run(&mut conn, format!("ANALYZE {table}")).await?;
        let spilled = format!(
            "DECLARE spilled NO SCROLL CURSOR FOR
             SELECT word FROM {table}, generate_series(1, 20000) AS n ORDER BY md5(n::text)"
        );
        run(&mut conn, spilled).await?;
        run(&mut conn, "FETCH 1 FROM spilled".to_owned()).await?;
        left.push((
            short,
            vec![Kind::Table, Kind::BTree, Kind::Gin, Kind::OtherIndex, Kind::Statistics, Kind::Temporary],
        ));
        left.push((long, vec![Kind::LongValues]));
        Ok(Self(conn))
    }

    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// As if it had never been.
    pub(super) async fn forget(mut self) -> Result<(), StoreError> {
        self.0.execute("ROLLBACK").await?;
        Ok(self.0.close().await?)
    }
}

/// As long as the connection is there, nothing that is written to the write-ahead log from now on is taken away, whoever asks for
/// a checkpoint meanwhile.
async fn keep_the_log(conn: &mut PgConnection) -> Result<(), StoreError> {
    const SQL: &str = "SELECT pg_create_physical_replication_slot($1, true, true)";
    let name = format!("mark_{}", Uuid::new_v4().simple());
    sqlx::query(SQL).bind(name).execute(conn).await?;
    Ok(())
}

/// What the database's processes hold open without a name is seen through `/proc`, or not at all.
async fn held_files_can_be_read(conn: &mut PgConnection) -> Result<(), StoreError> {
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(conn).await?;
    match fs::read_dir(format!("/proc/{process}/fd")) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Unexpected(format!(
            "the files that the database holds open cannot be looked at: {}",
            error.kind()
        ))),
    }
}

fn around(word: &str) -> Result<Vec<u8>, StoreError> {
    let mut noise = [0; 2 * NOISE];
    rand::fill(&mut noise).map_err(|_| StoreError::Vault(VaultError::NoRandomness))?;
    let (before, after) = noise.split_at(NOISE);
    Ok([before, word.as_bytes(), after].concat())
}
