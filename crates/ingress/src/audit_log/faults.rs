//! Ways to break the audit log, as somebody with the database would.
//!
//! What is taken away is kept in the comment of its table, so that it can be put back and no table is added that the data
//! map does not know.

use promises::fault::{Bites, Fault, Make};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "audit-entry-edited",
        about: "One bit of the oldest sealed audit entry is flipped in the database.",
        breaks: &["audit-log", "honest-page"],
        spares_plants: true,
        make: Make::Sql { make: FLIP, undo: FLIP },
        // The hash of the entry, computed by the database, against the one in the tile.
        bites: Bites::Sql(
            "SELECT substring(t.hashes FROM (1 + 32 * (e.idx % 256))::int FOR 32) <> sha256('\\x00'::bytea || e.body)
             FROM ledger.entry AS e JOIN ledger.tile AS t ON t.level = 0 AND t.n = e.idx / 256
             WHERE e.idx = (SELECT min(idx) FROM ledger.entry WHERE kind = 'audit')",
        ),
    },
    Fault {
        id: "audit-entry-deleted",
        about: "The oldest sealed audit entry is deleted from the database.",
        breaks: &["audit-log", "honest-page"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$
                DECLARE
                    kept ledger.entry;
                BEGIN
                    SELECT * INTO kept FROM ledger.entry WHERE kind = 'audit' AND idx IS NOT NULL ORDER BY idx LIMIT 1;
                    EXECUTE format('COMMENT ON TABLE ledger.entry IS %L', row_to_json(kept)::text);
                    ALTER TABLE ledger.entry DISABLE TRIGGER entry_delete;
                    DELETE FROM ledger.entry WHERE id = kept.id;
                    ALTER TABLE ledger.entry ENABLE TRIGGER entry_delete;
                END $$",
            undo: "INSERT INTO ledger.entry OVERRIDING SYSTEM VALUE
                   SELECT * FROM json_populate_record(NULL::ledger.entry, obj_description('ledger.entry'::regclass)::json);
                   COMMENT ON TABLE ledger.entry IS NULL",
        },
        bites: Bites::Sql(
            "SELECT NOT EXISTS (SELECT FROM ledger.entry
                                WHERE idx = (obj_description('ledger.entry'::regclass)::json ->> 'idx')::bigint)",
        ),
    },
    Fault {
        id: "audit-events-unhooked",
        about: "The events of the oldest team are unhooked from the ledger: its past acts cannot be shown any more.",
        breaks: &["audit-log"],
        spares_plants: true,
        make: Make::Sql { make: UNHOOK, undo: HOOK },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.audit_event WHERE entry_id < 0)"),
    },
    Fault {
        id: "audit-event-bent",
        about: "One bit of the oldest kept event is flipped: what it told can never be read again.",
        breaks: &["audit-log"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.audit_event IS %L',
                       (SELECT sha256(body::bytea)::text FROM wordbond.audit_event ORDER BY entry_id LIMIT 1)); END $$;
                   UPDATE wordbond.audit_event SET body = set_byte(body::bytea, 60, get_byte(body::bytea, 60) # 1)
                   WHERE entry_id = (SELECT min(entry_id) FROM wordbond.audit_event)",
            undo: "UPDATE wordbond.audit_event SET body = set_byte(body::bytea, 60, get_byte(body::bytea, 60) # 1)
                   WHERE entry_id = (SELECT min(entry_id) FROM wordbond.audit_event);
                   COMMENT ON TABLE wordbond.audit_event IS NULL",
        },
        bites: Bites::Sql(
            "SELECT sha256(body::bytea)::text <> obj_description('wordbond.audit_event'::regclass)
             FROM wordbond.audit_event ORDER BY entry_id LIMIT 1",
        ),
    },
    Fault {
        id: "audit-events-deleted",
        about: "The two oldest events are deleted: the ledger commits to something, and nobody can say to what.",
        breaks: &["audit-log"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$
                DECLARE
                    kept json;
                BEGIN
                    SELECT json_agg(e) INTO kept
                    FROM (SELECT * FROM wordbond.audit_event ORDER BY entry_id LIMIT 2) AS e;
                    EXECUTE format('COMMENT ON TABLE wordbond.audit_event IS %L', kept);
                    DELETE FROM wordbond.audit_event WHERE entry_id IN
                        (SELECT (e ->> 'entry_id')::bigint FROM json_array_elements(kept) AS e);
                END $$",
            undo: "INSERT INTO wordbond.audit_event
                   SELECT * FROM json_populate_recordset(NULL::wordbond.audit_event,
                                                         obj_description('wordbond.audit_event'::regclass)::json);
                   COMMENT ON TABLE wordbond.audit_event IS NULL",
        },
        bites: Bites::Sql(
            "SELECT count(*) = 2 FROM json_array_elements(obj_description('wordbond.audit_event'::regclass)::json) AS kept
             WHERE NOT EXISTS (SELECT FROM wordbond.audit_event
                               WHERE event_id = (kept ->> 'event_id')::uuid)",
        ),
    },
];

/// Flips the last bit of a digit of the commitment; done twice, nothing has changed.
const FLIP: &str = "ALTER TABLE ledger.entry DISABLE TRIGGER entry_update;
    UPDATE ledger.entry SET body = set_byte(body, 40, get_byte(body, 40) # 1)
    WHERE idx = (SELECT min(idx) FROM ledger.entry WHERE kind = 'audit');
    ALTER TABLE ledger.entry ENABLE TRIGGER entry_update";

const UNHOOK: &str = "UPDATE wordbond.audit_event SET entry_id = -entry_id
    WHERE tenant_id = (SELECT tenant_id FROM wordbond.tenant ORDER BY created_at LIMIT 1)";

const HOOK: &str = "UPDATE wordbond.audit_event SET entry_id = -entry_id WHERE entry_id < 0";
