//! Ways to break it.

use promises::{
    Fault,
    fault::{Bites, Make},
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "input-long-text-breaks",
        about: "The database fails on notes of more than sixty thousand bytes, which the API's description allows.",
        breaks: &["input-validation"],
        spares_plants: true,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.fault_long() RETURNS trigger LANGUAGE plpgsql AS
                       $$ BEGIN IF octet_length(NEW.body) > 60000 THEN RAISE EXCEPTION 'too long'; END IF; RETURN NEW; END $$;
                   CREATE TRIGGER fault_long BEFORE INSERT OR UPDATE ON wordbond.note
                       FOR EACH ROW EXECUTE FUNCTION wordbond.fault_long();",
            undo: "DROP TRIGGER fault_long ON wordbond.note; DROP FUNCTION wordbond.fault_long();",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'fault_long' AND tgenabled = 'O')"),
    },
    Fault {
        id: "input-edit-touches-other-rows",
        about: "Whoever rewrites a note changes their other notes as well.",
        breaks: &["input-validation", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.fault_others() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
                       $$ BEGIN
                           IF pg_trigger_depth() = 1 THEN
                               UPDATE wordbond.note SET updated_at = now()
                                   WHERE tenant_id = NEW.tenant_id AND owner_id = NEW.owner_id AND note_id <> NEW.note_id;
                           END IF;
                           RETURN NULL;
                       END $$;
                   CREATE TRIGGER fault_others AFTER UPDATE ON wordbond.note
                       FOR EACH ROW EXECUTE FUNCTION wordbond.fault_others();",
            undo: "DROP TRIGGER fault_others ON wordbond.note; DROP FUNCTION wordbond.fault_others();",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'fault_others' AND tgenabled = 'O')"),
    },
];
