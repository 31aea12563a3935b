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
        id: "session-api-tokens-prolonged",
        about: "The API tokens that are there now are good for ten years longer; those that are made afterwards are not.",
        breaks: BREAKS,
        spares_plants: true,
        make: Make::Sql {
            make: "UPDATE wordbond.token SET expires_at = expires_at + interval '10 years'",
            undo: "UPDATE wordbond.token SET expires_at = expires_at - interval '10 years'
                   WHERE expires_at > now() + interval '5 years'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.token WHERE expires_at > now() + interval '5 years')"),
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
    Fault {
        id: "session-given-to-somebody-else",
        about: "A session that is in use by one person is written over to another, in its row and in the index alike: the \
                browser that holds its cookie acts as somebody else from then on.",
        breaks: BREAKS,
        spares_plants: true,
        make: Make::Sql { make: GIVE, undo: GIVE_BACK },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM json_to_record(obj_description('wordbond.session'::regclass)::json)
                                        AS k(session_id uuid, account_id uuid)
                            JOIN wordbond.session AS s ON s.session_id = k.session_id AND s.account_id <> k.account_id
                            JOIN wordbond.sign_in AS i ON i.row_id = k.session_id AND i.account_id = s.account_id
                                AND i.lookup = s.token_hash)",
        ),
    },
];

/// From and to people whom nobody has heard of for longest: what other attacks stand on is left alone. Nobody with a second
/// factor, as their sessions are compared with it too.
const GIVE: &str = "DO $$
    DECLARE
        given record;
        taker record;
    BEGIN
        SELECT session_id, account_id, tenant_id, person_id INTO STRICT given FROM wordbond.session
        WHERE NOT pending AND strength = 'password' AND tenant_id IS NOT NULL AND seen_at > now() - interval '1 hour'
        ORDER BY seen_at LIMIT 1;
        SELECT account_id, tenant_id, person_id INTO STRICT taker FROM wordbond.membership AS m
        WHERE account_id <> given.account_id
          AND NOT EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = m.account_id)
        ORDER BY (SELECT max(seen_at) FROM wordbond.session AS s WHERE s.account_id = m.account_id) NULLS FIRST LIMIT 1;
        EXECUTE format('COMMENT ON TABLE wordbond.session IS %L', row_to_json(given));
        UPDATE wordbond.session
        SET account_id = taker.account_id, tenant_id = taker.tenant_id, person_id = taker.person_id
        WHERE session_id = given.session_id;
        UPDATE wordbond.sign_in
        SET account_id = taker.account_id, tenant_id = taker.tenant_id, person_id = taker.person_id
        WHERE kind = 'session' AND row_id = given.session_id;
    END $$";

const GIVE_BACK: &str = "DO $$
    DECLARE
        given record;
    BEGIN
        SELECT * INTO STRICT given FROM json_to_record(obj_description('wordbond.session'::regclass)::json)
            AS k(session_id uuid, account_id uuid, tenant_id uuid, person_id uuid);
        UPDATE wordbond.session
        SET account_id = given.account_id, tenant_id = given.tenant_id, person_id = given.person_id
        WHERE session_id = given.session_id;
        UPDATE wordbond.sign_in
        SET account_id = given.account_id, tenant_id = given.tenant_id, person_id = given.person_id
        WHERE kind = 'session' AND row_id = given.session_id;
    END $$;
    COMMENT ON TABLE wordbond.session IS NULL";
