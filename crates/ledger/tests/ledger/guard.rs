//! What the roles may not do, and what the triggers refuse even to the owner.

use crate::cluster::{Cluster, append, clock, sealer};
use sqlx::{Executor, PgConnection};

async fn refused(conn: &mut PgConnection, sql: &'static str) -> String {
    match conn.execute(sql).await {
        Ok(_) => panic!("accepted: {sql}"),
        Err(sqlx::Error::Database(error)) => error.code().unwrap_or_default().into_owned(),
        Err(error) => panic!("{sql}: {error}"),
    }
}

const DENIED: &str = "42501";
const ONLY_GROWS: &str = "23001";

#[tokio::test]
async fn each_role_can_do_its_work_and_nothing_more() {
    let cluster = Cluster::quick().await;
    let mut app = cluster.app().await;
    append(&mut app, 0..2).await;
    sealer(&clock()).seal_once(&mut cluster.sealer().await).await.unwrap();
    for sql in [
        "INSERT INTO ledger.entry (kind, body, idx) VALUES ('start', 'x', 7)",
        "INSERT INTO ledger.entry (kind, body, xact) VALUES ('start', 'x', '1')",
        "INSERT INTO ledger.entry (kind, body, appended_at) VALUES ('start', 'x', now())",
        "UPDATE ledger.entry SET idx = 7",
        "UPDATE ledger.entry SET body = 'y'",
        "DELETE FROM ledger.entry",
        "TRUNCATE ledger.entry",
        "INSERT INTO ledger.tile VALUES (0, 1, 'x')",
        "UPDATE ledger.tile SET hashes = 'x'",
        "INSERT INTO ledger.checkpoint VALUES (1, 'x', 'x', now())",
        "UPDATE ledger.checkpoint SET note = ''",
        "DELETE FROM ledger.run",
    ] {
        assert_eq!(refused(&mut app, sql).await, DENIED, "{sql}");
    }
    let mut auditor = cluster.connect("wordbond_auditor").await;
    auditor.execute("SELECT * FROM ledger.entry, ledger.tile, ledger.checkpoint, ledger.run").await.unwrap();
    for sql in ["INSERT INTO ledger.entry (kind, body) VALUES ('start', 'x')", "UPDATE ledger.run SET n = n + 1"] {
        assert_eq!(refused(&mut auditor, sql).await, DENIED, "{sql}");
    }
    let mut conn = cluster.sealer().await;
    for sql in [
        "INSERT INTO ledger.entry (kind, body) VALUES ('start', 'x')",
        "UPDATE ledger.entry SET body = 'y'",
        "DELETE FROM ledger.entry",
        "DELETE FROM ledger.tile",
        "DELETE FROM ledger.checkpoint",
        "UPDATE ledger.checkpoint SET root = sha256('x')",
        "SELECT * FROM ledger.run",
    ] {
        assert_eq!(refused(&mut conn, sql).await, DENIED, "{sql}");
    }
}

#[tokio::test]
async fn what_is_sealed_is_guarded_from_everybody_who_leaves_the_triggers_on() {
    let cluster = Cluster::quick().await;
    let mut app = cluster.app().await;
    append(&mut app, 0..2).await;
    ledger::begin_run(&mut app, "hsts").await.unwrap();
    sealer(&clock()).seal_once(&mut cluster.sealer().await).await.unwrap();
    append(&mut app, 2..3).await;
    let mut owner = cluster.owner().await;
    for sql in [
        "UPDATE ledger.entry SET body = 'y' WHERE idx = 0",
        "UPDATE ledger.entry SET body = 'y' WHERE idx IS NULL",
        "UPDATE ledger.entry SET idx = 9, body = 'y' WHERE idx IS NULL",
        "UPDATE ledger.entry SET idx = NULL WHERE idx = 0",
        "UPDATE ledger.entry SET idx = 9 WHERE idx = 0",
        "DELETE FROM ledger.entry",
        "TRUNCATE ledger.entry",
        "UPDATE ledger.tile SET hashes = sha256('x')",
        "UPDATE ledger.tile SET level = 1",
        "DELETE FROM ledger.tile",
        "TRUNCATE ledger.tile",
        "UPDATE ledger.checkpoint SET root = sha256('x')",
        "UPDATE ledger.checkpoint SET at = at - interval '1 s'",
        "DELETE FROM ledger.checkpoint",
        "TRUNCATE ledger.checkpoint",
        "UPDATE ledger.run SET n = n + 2",
        "UPDATE ledger.run SET n = n",
        "DELETE FROM ledger.run",
        "TRUNCATE ledger.run",
    ] {
        assert_eq!(refused(&mut owner, sql).await, ONLY_GROWS, "{sql}");
    }
}
