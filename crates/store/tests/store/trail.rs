//! The trail of events: whole, and each way in which it is not.

use super::{colleague, team};
use kernel::Actor;
use sqlx::{AssertSqlSafe, Executor as _};
use store::{
    Role, Store,
    tenancy::{self, NewPerson},
    trail::{self, Trail},
};
use testkit::ScratchDb;

async fn walk(store: &Store) -> Trail {
    trail::walk(store).await.unwrap()
}

#[tokio::test]
async fn every_event_opens_to_its_entry_and_every_entry_has_its_event() {
    let db = ScratchDb::new().await;
    for name in ["One", "Two"] {
        let ada = team(db.store(), name).await;
        colleague(db.store(), ada.tenant, "grace@example.org").await;
    }
    let whole = walk(db.store()).await;
    assert_eq!(whole, Trail { tenants: 2, events: whole.events, ..Trail::default() });
    assert!(whole.events >= 4, "{whole:?}");
    let oldest = "(SELECT event_id FROM wordbond.audit_event ORDER BY entry_id LIMIT 1)";
    let mut root = db.superuser().await.unwrap();
    for (harm, found) in [
        (
            "UPDATE wordbond.audit_event SET body = set_byte(body::bytea, 60, get_byte(body::bytea, 60) # 1)",
            Trail { unopened: 1, ..whole },
        ),
        ("UPDATE wordbond.audit_event SET event_id = gen_random_uuid()", Trail { unopened: 1, ..whole }),
        ("DELETE FROM wordbond.audit_event", Trail { events: whole.events - 1, unexplained: 1, untold: 1, ..whole }),
        (
            "UPDATE wordbond.audit_event SET entry_id = -entry_id",
            Trail { unexplained: 1, unanchored: 1, untold: 1, ..whole },
        ),
    ] {
        let kept = "CREATE TABLE wordbond.kept AS SELECT * FROM wordbond.audit_event";
        root.execute(kept).await.unwrap();
        root.execute(AssertSqlSafe(format!("{harm} WHERE event_id = {oldest}"))).await.unwrap();
        let seen = walk(db.store()).await;
        // The oldest event made its tenant; a later one may have changed the row since.
        assert_eq!(Trail { unexplained: found.unexplained, ..seen }, found, "{harm}");
        let back = "DELETE FROM wordbond.audit_event; INSERT INTO wordbond.audit_event SELECT * FROM wordbond.kept; DROP TABLE wordbond.kept";
        root.execute(back).await.unwrap();
        assert_eq!(walk(db.store()).await, whole, "{harm} undone");
    }
}

/// As the application's role can, without any key: an entry that commits to nothing, and an event that nobody can open.
#[tokio::test]
async fn an_event_that_nobody_sealed_is_not_taken_for_one() {
    const FORGED: &str = "
        SET LOCAL wordbond.tenant = '00000000-0000-0000-0000-000000000000';
        WITH entry AS (
            INSERT INTO ledger.entry (kind, body) VALUES ('audit', convert_to(
                '{\"kind\":\"audit\",\"commitment\":\"' || repeat('0', 64) || '\",\"at\":\"2026-11-22T05:00:00Z\"}', 'UTF8'))
            RETURNING id)
        INSERT INTO wordbond.audit_event (tenant_id, event_id, entry_id, body, at)
        SELECT '00000000-0000-0000-0000-000000000000', gen_random_uuid(), id,
               decode('5701' || repeat('00', 100), 'hex'), now() FROM entry";
    let db = ScratchDb::new().await;
    team(db.store(), "One").await;
    let whole = walk(db.store()).await;
    let mut app = db.store().connect_as(Role::App).await.unwrap();
    app.execute(AssertSqlSafe(format!("BEGIN; {FORGED}; COMMIT"))).await.unwrap();
    assert_eq!(walk(db.store()).await, Trail { events: whole.events + 1, unopened: 1, ..whole });
}

/// What the database is given it must keep, or the act that it tells of does not happen.
#[tokio::test]
async fn an_act_whose_event_is_swallowed_or_replaced_fails() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "One").await;
    let whole = walk(db.store()).await;
    let mut root = db.superuser().await.unwrap();
    for instead in
        ["RETURN NULL", "NEW.body := set_byte(NEW.body::bytea, 60, get_byte(NEW.body::bytea, 60) # 1); RETURN NEW"]
    {
        let meddle = format!(
            "CREATE OR REPLACE FUNCTION wordbond.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {instead}; END $$;
             DROP TRIGGER IF EXISTS meddle ON wordbond.audit_event;
             CREATE TRIGGER meddle BEFORE INSERT ON wordbond.audit_event FOR EACH ROW EXECUTE FUNCTION wordbond.meddle()"
        );
        root.execute(AssertSqlSafe(meddle)).await.unwrap();
        let person = NewPerson { name: "Grace", email: "grace@example.org" };
        let refused = tenancy::add_person(db.store(), ada.tenant, &Actor::Operator, person).await;
        assert!(refused.is_err(), "{instead}");
        assert_eq!(walk(db.store()).await, whole, "{instead}");
    }
}
