//! Ways to break it, made from outside.

use promises::fault::{Bites, Fault, Make};

/// The faults of this control.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "retention-takes-notes-along",
        about: "Whenever an old report of a browser goes, a note of the oldest team that has one goes with it; what a probe plants is newer.",
        breaks: &["retention-active", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.tidy() RETURNS trigger LANGUAGE plpgsql AS $$
                   DECLARE
                       it wordbond.note;
                   BEGIN
                       IF obj_description('wordbond.note'::regclass) IS NULL THEN
                           SELECT * INTO it FROM wordbond.note ORDER BY tenant_id, note_id LIMIT 1;
                           EXECUTE format('COMMENT ON TABLE wordbond.note IS %L', row_to_json(it)::text);
                           DELETE FROM wordbond.note WHERE note_id = it.note_id;
                       END IF;
                       RETURN NULL;
                   END $$;
                   ALTER FUNCTION wordbond.tidy() OWNER TO wordbond_super;
                   ALTER FUNCTION wordbond.tidy() SECURITY DEFINER;
                   CREATE TRIGGER tidy AFTER DELETE ON wordbond.csp_report FOR EACH ROW
                       WHEN (OLD.last_seen < now() - interval '1 year') EXECUTE FUNCTION wordbond.tidy()",
            undo: "DROP TRIGGER tidy ON wordbond.csp_report; DROP FUNCTION wordbond.tidy();
                   INSERT INTO wordbond.note SELECT * FROM json_populate_record(NULL::wordbond.note,
                       obj_description('wordbond.note'::regclass)::json)
                   WHERE obj_description('wordbond.note'::regclass) IS NOT NULL;
                   COMMENT ON TABLE wordbond.note IS NULL",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'tidy')"),
    },
    Fault {
        id: "retention-team-misdated",
        about: "Invitations of the oldest team that has one are dated years back, so that they run out at once; what a probe plants is not touched.",
        breaks: &["retention-active"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$
                DECLARE
                    kept json;
                BEGIN
                    SELECT json_build_object('id', invitation_id, 'expires_at', expires_at) INTO kept
                    FROM wordbond.invitation ORDER BY tenant_id, invitation_id LIMIT 1;
                    EXECUTE format('COMMENT ON TABLE wordbond.invitation IS %L', kept);
                    UPDATE wordbond.invitation SET expires_at = expires_at - interval '5 years'
                    WHERE invitation_id = (kept ->> 'id')::uuid;
                END $$",
            undo: "UPDATE wordbond.invitation
                   SET expires_at = (obj_description('wordbond.invitation'::regclass)::json ->> 'expires_at')::timestamptz
                   WHERE invitation_id = (obj_description('wordbond.invitation'::regclass)::json ->> 'id')::uuid;
                   COMMENT ON TABLE wordbond.invitation IS NULL",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.invitation WHERE expires_at < created_at)"),
    },
    Fault {
        id: "retention-sweeps-nothing",
        about: "What has run out is reported deleted, and stays.",
        breaks: &["retention-active"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER stays BEFORE DELETE ON wordbond.csp_report FOR EACH ROW
                       WHEN (OLD.last_seen < now() - interval '1 year') EXECUTE FUNCTION wordbond.stays()",
            undo: "DROP TRIGGER stays ON wordbond.csp_report; DROP FUNCTION wordbond.stays();
                   DELETE FROM wordbond.csp_report WHERE last_seen < now() - interval '1 year'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'stays')"),
    },
    Fault {
        id: "retention-sweep-of-reports-stopped",
        about: "Nobody sweeps reports of browsers any more; one of them ran out six hours ago. What the probe leaves itself, years old, goes.",
        breaks: &["retention-active"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.csp_report (directive, blocked, path, times, first_seen, last_seen)
                   VALUES ('img-src', 'a-while-ago', '/', 1, now() - interval '200 days', now() - interval '90 days 6 hours');
                   CREATE FUNCTION wordbond.stopped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER stopped BEFORE DELETE ON wordbond.csp_report FOR EACH ROW
                       WHEN (OLD.last_seen > now() - interval '1 year') EXECUTE FUNCTION wordbond.stopped()",
            undo: "DROP TRIGGER stopped ON wordbond.csp_report; DROP FUNCTION wordbond.stopped();
                   DELETE FROM wordbond.csp_report WHERE blocked = 'a-while-ago'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.csp_report WHERE last_seen < now() - interval '90 days 1 hour')"),
    },
    Fault {
        id: "retention-sweep-of-tokens-stopped",
        about: "Nobody clears away what was good for one use; something of a visitor's ran out a day ago.",
        // What is inserted by SQL is sealed for another place.
        breaks: &["retention-active", "sealed-columns"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.one_time (account_id, one_time_id, purpose, token_hash, payload, created_at, expires_at)
                   SELECT '00000000-0000-0000-0000-000000000000', '01900000-0000-7000-8000-000000000001', 'a-while-ago',
                       sha256('a-while-ago'), name, now() - interval '3 days', now() - interval '2 days'
                   FROM wordbond.tenant ORDER BY tenant_id LIMIT 1;
                   CREATE FUNCTION wordbond.stopped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER stopped BEFORE DELETE ON wordbond.one_time FOR EACH ROW
                       WHEN (OLD.expires_at < now() - interval '1 day') EXECUTE FUNCTION wordbond.stopped()",
            undo: "DROP TRIGGER stopped ON wordbond.one_time; DROP FUNCTION wordbond.stopped();
                   DELETE FROM wordbond.one_time WHERE purpose = 'a-while-ago'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.one_time WHERE expires_at < now() - interval '1 day 1 hour')"),
    },
    Fault {
        id: "retention-deleted-by-night",
        about: "A note of the oldest team that has one was deleted between two attacks, by no job of the system; what a probe plants is newer.",
        breaks: &["retention-active"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$
                DECLARE
                    it wordbond.note;
                BEGIN
                    SELECT * INTO it FROM wordbond.note ORDER BY tenant_id, note_id LIMIT 1;
                    EXECUTE format('COMMENT ON TABLE wordbond.note IS %L', row_to_json(it)::text);
                    DELETE FROM wordbond.note WHERE note_id = it.note_id;
                END $$",
            undo: "INSERT INTO wordbond.note SELECT * FROM json_populate_record(NULL::wordbond.note,
                       obj_description('wordbond.note'::regclass)::json);
                   COMMENT ON TABLE wordbond.note IS NULL",
        },
        bites: Bites::Sql(
            "SELECT NOT EXISTS (SELECT FROM wordbond.note
                 WHERE note_id = (obj_description('wordbond.note'::regclass)::json ->> 'note_id')::uuid)",
        ),
    },
    Fault {
        id: "retention-check-ins-deleted-by-night",
        about: "The check-ins of a key result of the oldest team that has some were deleted between two attacks; what a probe plants is newer.",
        breaks: &["retention-active"],
        spares_plants: true,
        make: Make::SqlWhere {
            there: "SELECT EXISTS (SELECT FROM wordbond.check_in)",
            make: "DO $$
                DECLARE
                    it uuid;
                BEGIN
                    SELECT c.key_result_id INTO it FROM wordbond.check_in AS c
                    JOIN wordbond.person AS p ON p.tenant_id = c.tenant_id AND p.person_id = c.person_id
                    ORDER BY c.tenant_id, c.check_in_id LIMIT 1;
                    EXECUTE format('COMMENT ON TABLE wordbond.check_in IS %L',
                        (SELECT json_agg(c) FROM wordbond.check_in AS c WHERE c.key_result_id = it)::text);
                    DELETE FROM wordbond.check_in WHERE key_result_id = it;
                END $$",
            undo: "INSERT INTO wordbond.check_in SELECT * FROM json_populate_recordset(NULL::wordbond.check_in,
                       obj_description('wordbond.check_in'::regclass)::json);
                   COMMENT ON TABLE wordbond.check_in IS NULL",
        },
        bites: Bites::Sql("SELECT obj_description('wordbond.check_in'::regclass) IS NOT NULL"),
    },
    Fault {
        id: "retention-objects-gone",
        about: "The object of a file of somebody's is gone from the store while its row stands.",
        // Every copy and export names a file that nobody can give any more.
        breaks: &["retention-active", "full-export", "access-package"],
        spares_plants: true,
        make: Make::Moving {
            // Of somebody who has written and uploaded something, and has no token: nobody calls as them.
            which: "SELECT concat_ws('/', 'blobs', b.tenant_id, b.owner_id, b.blob_id) FROM wordbond.blob AS b
                    JOIN wordbond.person AS p ON p.tenant_id = b.tenant_id AND p.person_id = b.owner_id
                    WHERE p.account_id IS NOT NULL AND EXISTS (SELECT FROM wordbond.note AS n WHERE n.owner_id = p.person_id)
                      AND NOT EXISTS (SELECT FROM wordbond.token AS k WHERE k.person_id = p.person_id)
                    ORDER BY b.created_at LIMIT 1",
            aside: "attic",
        },
        bites: Bites::File("attic/0"),
    },
];
