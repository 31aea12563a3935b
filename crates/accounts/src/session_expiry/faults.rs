//! Ways to make sessions live on.

use promises::{
    Fault,
    fault::{Bites, Make},
};

const BREAKS: &[&str] = &["session-expiry"];

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "session-never-idle",
        about: "Each use of a session is noted ten years ahead, so that no session is ever idle.",
        breaks: BREAKS,
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.keep_awake() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.seen_at := NEW.seen_at + interval '10 years'; RETURN NEW; END $$;
                   CREATE TRIGGER keep_awake BEFORE INSERT ON wordbond.session
                       FOR EACH ROW EXECUTE FUNCTION wordbond.keep_awake()",
            undo: "DROP TRIGGER keep_awake ON wordbond.session; DROP FUNCTION wordbond.keep_awake();
                   UPDATE wordbond.session SET seen_at = seen_at - interval '10 years' WHERE seen_at > now() + interval '5 years'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'keep_awake')"),
    },
    Fault {
        id: "session-old-ones-prolonged",
        about: "The sessions that are there now live ten years longer; those that a probe begins afterwards do not.",
        breaks: BREAKS,
        spares_plants: true,
        make: Make::Sql {
            make: "UPDATE wordbond.session SET expires_at = expires_at + interval '10 years'",
            undo: "UPDATE wordbond.session SET expires_at = expires_at - interval '10 years'
                   WHERE expires_at > now() + interval '5 years'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.session WHERE expires_at > now() + interval '5 years')"),
    },
    Fault {
        id: "session-all-awake-together",
        about: "A job notes every session as used just now, so that none that is there is ever idle.",
        breaks: BREAKS,
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.session IS %L',
                       (SELECT json_object_agg(session_id, seen_at) FROM wordbond.session)); END $$;
                   UPDATE wordbond.session SET seen_at = now()",
            undo: "UPDATE wordbond.session AS s SET seen_at = b.value::timestamptz
                   FROM json_each_text(obj_description('wordbond.session'::regclass)::json) AS b
                   WHERE b.key = s.session_id::text;
                   COMMENT ON TABLE wordbond.session IS NULL",
        },
        bites: Bites::Sql(
            "SELECT obj_description('wordbond.session'::regclass) IS NOT NULL
                 AND EXISTS (SELECT FROM wordbond.session GROUP BY seen_at HAVING count(DISTINCT account_id) > 2)",
        ),
    },
    Fault {
        id: "session-survives-its-end",
        about: "Ending a session is acknowledged, and the session stays.",
        breaks: BREAKS,
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.cling() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER cling BEFORE DELETE ON wordbond.session
                       FOR EACH ROW EXECUTE FUNCTION wordbond.cling();
                   CREATE TRIGGER cling BEFORE DELETE ON wordbond.sign_in
                       FOR EACH ROW WHEN (OLD.kind = 'session') EXECUTE FUNCTION wordbond.cling()",
            undo: "DROP TRIGGER cling ON wordbond.sign_in; DROP TRIGGER cling ON wordbond.session;
                   DROP FUNCTION wordbond.cling(); DELETE FROM wordbond.session;
                   DELETE FROM wordbond.sign_in WHERE kind = 'session'",
        },
        bites: Bites::Sql("SELECT count(*) = 2 FROM pg_trigger WHERE tgname = 'cling'"),
    },
];
