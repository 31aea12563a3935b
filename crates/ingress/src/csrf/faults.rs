//! Ways to break it.

use promises::{
    Fault,
    fault::{Bites, Make, Meddling, On},
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "csrf-origin-hidden",
        about: "A layer in front drops Origin and Sec-Fetch-Site from requests, so that nothing tells where they come from.",
        breaks: &["csrf"],
        spares_plants: true,
        make: Make::Middle(&[
            Meddling::DropRequestHeader(On::All, "origin"),
            Meddling::DropRequestHeader(On::All, "sec-fetch-site"),
        ]),
        bites: Bites::Answer {
            method: "POST",
            path: "/api/tenants",
            headers: &["origin: https://elsewhere.example", "content-type: application/json"],
            body: "{}",
            status: 422,
        },
    },
    Fault {
        id: "csrf-origin-alone-hidden",
        about: "A layer in front drops Origin, as some do for privacy: what older browsers send tells nothing any more.",
        breaks: &["csrf"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropRequestHeader(On::All, "origin")]),
        bites: Bites::Answer {
            method: "POST",
            path: "/api/tenants",
            headers: &["origin: https://elsewhere.example", "content-type: application/json"],
            body: "{}",
            status: 422,
        },
    },
    Fault {
        id: "csrf-old-sessions-share-a-secret",
        about: "The sessions that are there now are given one secret for their form tokens; those of later sign-ins are not.",
        breaks: &["csrf"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.session IS %L',
                       (SELECT json_object_agg(session_id, encode(csrf, 'hex')) FROM wordbond.session)); END $$;
                   UPDATE wordbond.session SET csrf = decode(repeat('5a', 32), 'hex')",
            undo: "UPDATE wordbond.session AS s SET csrf = decode(b.value, 'hex')
                   FROM json_each_text(obj_description('wordbond.session'::regclass)::json) AS b
                   WHERE b.key = s.session_id::text;
                   COMMENT ON TABLE wordbond.session IS NULL",
        },
        bites: Bites::Sql("SELECT count(*) > 1 FROM wordbond.session WHERE csrf = decode(repeat('5a', 32), 'hex')"),
    },
    Fault {
        id: "csrf-one-call-believes-everybody",
        about: "A layer in front declares every call below /api/notes to come from the service itself.",
        breaks: &["csrf"],
        spares_plants: true,
        make: Make::Middle(&[
            Meddling::DropRequestHeader(On::Path("/api/notes"), "origin"),
            Meddling::SetRequestHeader(On::Path("/api/notes"), "sec-fetch-site", "same-origin"),
        ]),
        bites: Bites::Answer {
            method: "POST",
            path: "/api/notes",
            headers: &["origin: https://elsewhere.example", "content-type: application/json"],
            body: "{}",
            status: 401,
        },
    },
    Fault {
        id: "csrf-one-token-for-all",
        about: "Every session is given the same secret for its form tokens, so that anybody's token opens anybody's forms.",
        breaks: &["csrf"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.fault_csrf() RETURNS trigger LANGUAGE plpgsql AS
                       $$ BEGIN NEW.csrf := decode(repeat('00', 32), 'hex'); RETURN NEW; END $$;
                   CREATE TRIGGER fault_csrf BEFORE INSERT OR UPDATE ON wordbond.session
                       FOR EACH ROW EXECUTE FUNCTION wordbond.fault_csrf();",
            undo: "DROP TRIGGER fault_csrf ON wordbond.session; DROP FUNCTION wordbond.fault_csrf();
                   UPDATE wordbond.session
                       SET csrf = sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
                       WHERE csrf = decode(repeat('00', 32), 'hex');",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'fault_csrf' AND tgenabled = 'O')"),
    },
];
