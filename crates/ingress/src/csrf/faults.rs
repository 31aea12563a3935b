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
            undo: "DROP TRIGGER fault_csrf ON wordbond.session; DROP FUNCTION wordbond.fault_csrf();",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'fault_csrf' AND tgenabled = 'O')"),
    },
];
