//! Ways to break it, made from outside.

use promises::fault::{Bites, Fault, Make, Meddling, On};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "okr-export-without-what-is-old",
        about: "Whoever exports no longer sees check-ins from before the fault, in teams in which nobody writes anything new.",
        breaks: &["okr-export", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format(
                       'CREATE POLICY fades ON wordbond.check_in AS RESTRICTIVE FOR SELECT TO wordbond_app
                            USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid)
                                   AND (created_at >= %1$L OR EXISTS (
                                        SELECT FROM wordbond.objective AS o
                                        WHERE o.tenant_id = check_in.tenant_id AND o.created_at >= %1$L)))', now()); END $$",
            undo: "DROP POLICY fades ON wordbond.check_in",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'check_in' AND policyname = 'fades')
                 AND EXISTS (SELECT FROM wordbond.check_in WHERE created_at < now())",
        ),
    },
    Fault {
        id: "okr-export-forgets-the-archive",
        about: "Whoever exports sees no archived objectives.",
        breaks: &["okr-export", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE POLICY current ON wordbond.objective AS RESTRICTIVE FOR SELECT TO wordbond_app
                       USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                              AND archived_at IS NULL)",
            undo: "DROP POLICY current ON wordbond.objective",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'objective' AND policyname = 'current')",
        ),
    },
    Fault {
        id: "okr-export-for-founders-only",
        about: "Only whoever has been in a team for longest sees check-ins when they export.",
        breaks: &["okr-export", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE POLICY elders ON wordbond.check_in AS RESTRICTIVE FOR SELECT TO wordbond_app
                       USING ((SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
                              = (SELECT p.person_id FROM wordbond.person AS p
                                 WHERE p.tenant_id = check_in.tenant_id ORDER BY p.created_at LIMIT 1))",
            undo: "DROP POLICY elders ON wordbond.check_in",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'check_in' AND policyname = 'elders')"),
    },
    Fault {
        id: "okr-import-that-forgets",
        about: "A trigger drops the check-ins of an import, which says that it read them.",
        breaks: &["okr-export"],
        spares_plants: false,
        make: Make::Sql {
            // What is read back stands in the transaction that also writes its key result.
            make: "CREATE FUNCTION wordbond.forget() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN
                       IF (SELECT k.xmin = pg_current_xact_id()::xid FROM wordbond.key_result AS k
                           WHERE k.tenant_id = NEW.tenant_id AND k.key_result_id = NEW.key_result_id) THEN
                           RETURN NULL;
                       END IF;
                       RETURN NEW;
                   END $$;
                   CREATE TRIGGER forget BEFORE INSERT ON wordbond.check_in
                       FOR EACH ROW EXECUTE FUNCTION wordbond.forget()",
            undo: "DROP TRIGGER forget ON wordbond.check_in; DROP FUNCTION wordbond.forget()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'forget' AND tgenabled = 'O')"),
    },
    Fault {
        id: "okr-export-changed-on-the-way",
        about: "A layer in front empties the comments of what is exported.",
        breaks: &["okr-export"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/objectives/export"), "\"comment\":\"-", "\"comment\":\"")]),
        bites: Bites::Altered,
    },
];
