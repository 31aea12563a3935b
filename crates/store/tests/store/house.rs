//! The system does not serve when a rule of the house is broken, and says which.

use sqlx::{AssertSqlSafe, Executor as _};
use store::{DataMap, StoreError, house};
use testkit::ScratchDb;

/// What breaks a rule, and a word of the refusal.
const BREACHES: &[(&str, &str)] = &[
    ("ALTER TABLE wordbond.note DISABLE ROW LEVEL SECURITY", "wordbond.note has no row security"),
    ("ALTER TABLE wordbond.note NO FORCE ROW LEVEL SECURITY", "does not force row security"),
    (
        "DROP POLICY owner ON wordbond.note; CREATE POLICY owner ON wordbond.note USING (true)",
        "the policy owner on wordbond.note",
    ),
    ("CREATE POLICY more ON wordbond.person TO wordbond_app USING (true)", "the policy more on wordbond.person"),
    ("ALTER TABLE wordbond.note ADD COLUMN colour text", "wordbond.note.colour is in the database and has no class"),
    ("ALTER TABLE wordbond.note DROP COLUMN updated_at", "wordbond.note.updated_at is on the map"),
    (
        "ALTER TABLE wordbond.note ALTER COLUMN title TYPE bytea",
        "wordbond.note.title is content and has the type bytea",
    ),
    ("CREATE TABLE wordbond.extra (id uuid)", "wordbond.extra is in the database and not on the map"),
    ("CREATE TABLE public.extra (id uuid)", "public.extra is in the database and not on the map"),
    ("ALTER TABLE wordbond.note_grant DROP CONSTRAINT note_grant_tenant_id_person_id_fkey", "lacks the foreign key"),
    (
        "ALTER TABLE wordbond.job ADD FOREIGN KEY (tenant_id) REFERENCES wordbond.tenant (tenant_id)",
        "wordbond.job has the foreign key",
    ),
    ("CREATE VIEW wordbond.everything AS SELECT * FROM wordbond.note", "wordbond.everything is a view"),
    ("CREATE MATERIALIZED VIEW wordbond.copy AS SELECT * FROM wordbond.note", "wordbond.copy is a materialized view"),
    (
        "CREATE FUNCTION wordbond.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM wordbond.note'",
        "wordbond.peek() is SECURITY DEFINER",
    ),
    (
        "CREATE VIEW information_schema.all_notes AS SELECT * FROM wordbond.note",
        "information_schema.all_notes is a view",
    ),
    (
        "CREATE OR REPLACE VIEW information_schema.information_schema_catalog_name AS
             SELECT current_database()::information_schema.sql_identifier AS catalog_name FROM wordbond.note",
        "information_schema.information_schema_catalog_name is a view",
    ),
    (
        "CREATE TABLE information_schema.copy AS SELECT * FROM wordbond.note",
        "information_schema.copy is in the database",
    ),
    (
        "CREATE FUNCTION pg_catalog.note_dump() RETURNS SETOF wordbond.person LANGUAGE sql SECURITY DEFINER
             AS 'SELECT * FROM wordbond.person'",
        "note_dump() is SECURITY DEFINER",
    ),
    ("ALTER FUNCTION pg_read_file(text) SECURITY DEFINER", "pg_read_file(text) is SECURITY DEFINER"),
    (
        "ALTER POLICY known_key ON wordbond.sign_in
             USING (lookup = (SELECT decode(nullif(current_setting('wordbond.lookup', true), ''), 'hex'))
                    OR current_setting('app.debug', true) = '1')",
        "the policy known_key on wordbond.sign_in says current_setting('app.debug')",
    ),
    (
        "CREATE POLICY fades ON wordbond.note AS RESTRICTIVE FOR SELECT TO wordbond_app, wordbond_backup
             USING (octet_length(body) < 2048)",
        "the policy fades on wordbond.note restricts",
    ),
    (
        "CREATE POLICY fades ON wordbond.rights_case AS RESTRICTIVE TO wordbond_app USING (closed_at IS NULL)",
        "the policy fades on wordbond.rights_case restricts",
    ),
    (
        "ALTER POLICY backup ON wordbond.note USING (version < 3)",
        "the policy backup on wordbond.note keeps rows from it",
    ),
    ("GRANT TRUNCATE ON wordbond.note TO wordbond_app", "wordbond_app may TRUNCATE"),
    ("GRANT SELECT ON wordbond.note TO PUBLIC", "everybody may SELECT"),
    ("GRANT INSERT ON wordbond.note TO wordbond_backup", "wordbond_backup may INSERT"),
    ("GRANT USAGE ON SEQUENCE ledger.entry_id_seq TO wordbond_app", "wordbond_app may use ledger.entry_id_seq"),
    ("GRANT DELETE ON ledger.entry TO wordbond_app", "wordbond_app may DELETE ledger.entry"),
    ("GRANT UPDATE (body) ON ledger.entry TO wordbond_app", "wordbond_app may change entries"),
    ("GRANT INSERT ON ledger.entry TO wordbond_app", "wordbond_app may place entries"),
    ("CREATE UNIQUE INDEX oracle ON wordbond.person (email_index)", "wordbond.oracle does not begin with tenant_id"),
    ("CREATE UNIQUE INDEX oracle ON wordbond.session (token_hash)", "wordbond.oracle does not begin with tenant_id"),
    ("CREATE UNIQUE INDEX oracle ON wordbond.person (account_id)", "wordbond.oracle does not begin with tenant_id"),
    ("ALTER POLICY account ON wordbond.session USING (true)", "the policy account on wordbond.session"),
    (
        "ALTER POLICY own_account ON wordbond.sign_in USING (kind = 'email')",
        "the policy own_account on wordbond.sign_in",
    ),
    (
        "CREATE POLICY writes ON wordbond.sign_in FOR INSERT TO wordbond_identity WITH CHECK (true)",
        "the policy writes on wordbond.sign_in",
    ),
    ("ALTER TABLE wordbond.note OWNER TO wordbond_app", "wordbond_app owns wordbond.note"),
    ("ALTER DOMAIN wordbond.sealed DROP CONSTRAINT sealed_header", "does not check its header"),
];

#[tokio::test]
async fn every_broken_rule_is_named() {
    let db = ScratchDb::new().await;
    house::check(db.store()).await.unwrap();
    let mut root = db.superuser().await.unwrap();
    // The catalogue is looked at from the transaction that broke it, so that one database does for all.
    for (breach, word) in BREACHES {
        root.execute("BEGIN").await.unwrap();
        root.execute(AssertSqlSafe((*breach).to_owned())).await.unwrap();
        let found = house::breaches(&mut root).await.unwrap();
        assert!(found.iter().any(|b| b.to_string().contains(word)), "{breach}: {found:?}");
        root.execute("ROLLBACK").await.unwrap();
    }
    assert!(house::breaches(&mut root).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_broken_rule_keeps_the_store_from_opening() {
    let db = ScratchDb::new().await;
    let mut root = db.superuser().await.unwrap();
    root.execute("ALTER TABLE wordbond.person DISABLE ROW LEVEL SECURITY").await.unwrap();
    let Err(StoreError::House(breaches)) = db.another().await else { panic!("it opened") };
    assert_eq!(breaches.len(), 1);
    let said = StoreError::House(breaches).to_string();
    assert!(said.starts_with("refusing to serve: wordbond.person has no row security"), "{said}");
}

/// Roles belong to the whole server, which other tests share: so these breaches are made and looked at in one transaction
/// that never ends otherwise than by a rollback.
#[tokio::test]
async fn roles_that_could_reach_further_are_named() {
    let db = ScratchDb::new().await;
    let mut root = db.superuser().await.unwrap();
    for (breach, word) in [
        ("ALTER ROLE wordbond_app BYPASSRLS", "wordbond_app is exempt from row security"),
        ("ALTER ROLE wordbond_app SUPERUSER", "wordbond_app is a superuser"),
        ("GRANT wordbond_owner TO wordbond_app", "wordbond_app is a member of wordbond_owner"),
        ("CREATE ROLE hidden BYPASSRLS; GRANT hidden TO wordbond_app", "wordbond_app is a member of hidden"),
        ("CREATE ROLE hidden BYPASSRLS", "hidden is exempt from row security"),
        ("CREATE ROLE hidden SUPERUSER", "hidden is a superuser"),
        ("CREATE ROLE hidden; GRANT pg_read_all_data TO hidden", "hidden may do what pg_read_all_data may"),
        (
            "CREATE ROLE between; GRANT pg_read_server_files TO between; CREATE ROLE hidden; GRANT between TO hidden",
            "hidden may do what pg_read_server_files may",
        ),
    ] {
        root.execute("BEGIN").await.unwrap();
        root.execute(AssertSqlSafe(breach.to_owned())).await.unwrap();
        let found = house::breaches(&mut root).await.unwrap();
        assert!(found.iter().any(|b| b.to_string().contains(word)), "{breach}: {found:?}");
        root.execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn the_map_and_the_schema_agree_in_both_directions() {
    let db = ScratchDb::new().await;
    let mut auditor = db.store().auditor().await.unwrap();
    let map = DataMap::own().unwrap();
    assert_eq!(map.differences(auditor.conn()).await.unwrap(), Vec::<String>::new());
    let mut less = map.clone();
    less.tables.retain(|table| table.name != "wordbond.person");
    assert_eq!(
        less.differences(auditor.conn()).await.unwrap(),
        ["wordbond.person is in the database and not on the map"]
    );
}

/// The sealed domain takes no plain text, whoever writes it.
#[tokio::test]
async fn plain_text_does_not_fit_in_a_sealed_column() {
    let db = ScratchDb::new().await;
    let mut root = db.superuser().await.unwrap();
    for plain in
        ["'Ada'", "'a text that is certainly longer than fifty bytes, so that only its header is wrong'", "'\\x5701'"]
    {
        let sql = format!(
            "INSERT INTO wordbond.tenant (tenant_id, name, created_at) VALUES (gen_random_uuid(), {plain}, now())"
        );
        assert!(root.execute(AssertSqlSafe(sql)).await.is_err(), "{plain}");
    }
}
