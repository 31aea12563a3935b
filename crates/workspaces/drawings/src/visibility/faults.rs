//! Ways to break it, made from outside as the server's superuser.

use promises::fault::{Bites, Fault, Make};

/// Whoever loosens a policy also breaks what the scope prover promises.
const BOTH: &[&str] = &["drawing-visibility", "scope-sql"];

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "drawing-rls-disabled",
        about: "Row security is switched off on the drawings.",
        breaks: BOTH,
        spares_plants: false,
        make: Make::Sql {
            make: "ALTER TABLE wordbond.drawing DISABLE ROW LEVEL SECURITY;
                   ALTER TABLE wordbond.blob DISABLE ROW LEVEL SECURITY",
            undo: "ALTER TABLE wordbond.drawing ENABLE ROW LEVEL SECURITY;
                   ALTER TABLE wordbond.blob ENABLE ROW LEVEL SECURITY",
        },
        bites: Bites::Sql("SELECT NOT relrowsecurity FROM pg_class WHERE oid = 'wordbond.drawing'::regclass"),
    },
    Fault {
        id: "drawing-grant-for-all",
        about: "The policy for shared drawings forgets to compare the person: one share opens a drawing to the whole team.",
        breaks: BOTH,
        spares_plants: false,
        make: Make::Sql {
            make: "ALTER POLICY grantee ON wordbond.drawing
                       USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid))",
            undo: "ALTER POLICY grantee ON wordbond.drawing
                       USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                              AND EXISTS (SELECT FROM wordbond.drawing_grant AS g
                                          JOIN wordbond.person AS p
                                            ON p.tenant_id = g.tenant_id AND p.person_id = g.person_id
                                          JOIN wordbond.person AS o
                                            ON o.tenant_id = g.tenant_id AND o.person_id = g.owner_id
                                          WHERE g.tenant_id = drawing.tenant_id AND g.drawing_id = drawing.drawing_id
                                            AND g.person_id =
                                                (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
                                            AND p.removed_at IS NULL AND o.restricted_at IS NULL))",
        },
        bites: Bites::Sql(
            "SELECT qual NOT LIKE '%drawing_grant%' FROM pg_policies
             WHERE schemaname = 'wordbond' AND tablename = 'drawing' AND policyname = 'grantee'",
        ),
    },
    Fault {
        id: "drawing-grant-outlives-membership",
        about: "A trigger keeps shares from being deleted: they outlive a membership, and cannot be taken back.",
        breaks: &["drawing-visibility"],
        spares_plants: false,
        // What goes with its drawing still goes: such a deletion comes from another trigger.
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.keep_grant() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                   CREATE TRIGGER keep_grant BEFORE DELETE ON wordbond.drawing_grant
                       FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION wordbond.keep_grant()",
            undo: "DROP TRIGGER keep_grant ON wordbond.drawing_grant;
                   DROP FUNCTION wordbond.keep_grant();
                   DELETE FROM wordbond.drawing_grant AS g USING wordbond.person AS p
                       WHERE p.tenant_id = g.tenant_id AND p.person_id IN (g.person_id, g.owner_id)
                         AND p.removed_at IS NOT NULL",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_trigger
                            WHERE tgname = 'keep_grant' AND tgrelid = 'wordbond.drawing_grant'::regclass AND tgenabled = 'O')",
        ),
    },
    Fault {
        id: "drawing-shared-behind-its-owner",
        about: "One drawing is shared with a colleague in the database, as by its uploader, who knows nothing of it.",
        breaks: &["drawing-visibility"],
        spares_plants: false,
        make: Make::Sql {
            make: "INSERT INTO wordbond.drawing_grant (tenant_id, drawing_id, person_id, owner_id, created_at)
                   SELECT d.tenant_id, d.drawing_id, p.person_id, d.owner_id, '2001-01-01 00:00:00.123456Z'
                   FROM wordbond.drawing AS d JOIN wordbond.person AS p
                     ON p.tenant_id = d.tenant_id AND p.person_id <> d.owner_id AND p.removed_at IS NULL
                   WHERE NOT EXISTS (SELECT FROM wordbond.drawing_grant AS g
                                     WHERE g.tenant_id = d.tenant_id AND g.drawing_id = d.drawing_id AND g.person_id = p.person_id)
                   ORDER BY d.created_at, p.created_at LIMIT 1",
            undo: "DELETE FROM wordbond.drawing_grant WHERE created_at = '2001-01-01 00:00:00.123456Z'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.drawing_grant WHERE created_at = '2001-01-01 00:00:00.123456Z')",
        ),
    },
    Fault {
        id: "drawing-earlier-ones-open",
        about: "Everybody can read what was uploaded before the fault was made; what a probe uploads then is closed.",
        breaks: BOTH,
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('CREATE POLICY earlier ON wordbond.drawing FOR SELECT TO wordbond_app
                                               USING (created_at < %L)', now()); END $$",
            undo: "DROP POLICY earlier ON wordbond.drawing",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'drawing' AND policyname = 'earlier')
                 AND EXISTS (SELECT FROM wordbond.drawing WHERE created_at < now())",
        ),
    },
];
