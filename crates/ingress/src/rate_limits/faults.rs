//! Ways to break it.

use promises::{
    Fault,
    fault::{Bites, Make, Meddling, On},
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "limits-refill-at-once",
        about: "Every bucket of the limiter is full again as soon as something was drawn from it.",
        breaks: &["rate-limits"],
        spares_plants: true,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.fault_refill() RETURNS trigger LANGUAGE plpgsql AS
                       $$ BEGIN NEW.full_at := 0; RETURN NEW; END $$;
                   CREATE TRIGGER fault_refill BEFORE INSERT OR UPDATE ON wordbond.limit_bucket
                       FOR EACH ROW EXECUTE FUNCTION wordbond.fault_refill();",
            undo: "DROP TRIGGER fault_refill ON wordbond.limit_bucket; DROP FUNCTION wordbond.fault_refill();",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'fault_refill' AND tgenabled = 'O')"),
    },
    Fault {
        id: "limits-large-ones-refill",
        about: "Buckets from which many are drawn at once are full again at once; those of small limits are not.",
        breaks: &["rate-limits"],
        spares_plants: true,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.fault_large() RETURNS trigger LANGUAGE plpgsql AS
                       $$ BEGIN NEW.full_at := 0; RETURN NEW; END $$;
                   CREATE TRIGGER fault_large BEFORE INSERT OR UPDATE ON wordbond.limit_bucket
                       FOR EACH ROW WHEN (NEW.granted > 10) EXECUTE FUNCTION wordbond.fault_large();",
            undo: "DROP TRIGGER fault_large ON wordbond.limit_bucket; DROP FUNCTION wordbond.fault_large();",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'fault_large' AND tgenabled = 'O')"),
    },
    Fault {
        id: "limits-blind-to-addresses",
        about: "A layer in front hands every call on from another address, so that nobody's calls are counted together.",
        breaks: &["rate-limits"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::Scatter]),
        bites: Bites::Altered,
    },
    Fault {
        id: "limits-untold-on-calls",
        about: "A layer in front drops RateLimit-Policy from the answers of the API.",
        breaks: &["rate-limits"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropHeader(On::Path("/api/"), "ratelimit-policy")]),
        bites: Bites::HeaderNot("/api/me", "ratelimit-policy", "\"address\";q=1500;w=30"),
    },
];
