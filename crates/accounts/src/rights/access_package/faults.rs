//! Ways to break it, made from outside.

use promises::fault::{Bites, Fault, Make, Meddling, On};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "access-copy-without-old-links",
        about: "Rows of links and codes from before the fault are hidden from whoever gathers a copy, of accounts to which nobody \
                has signed in since.",
        breaks: &["access-package", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format(
                       'CREATE POLICY fades ON wordbond.one_time AS RESTRICTIVE FOR SELECT TO wordbond_app
                            USING (account_id = (SELECT nullif(current_setting(''wordbond.account'', true), '''')::uuid)
                                   AND (created_at >= %1$L OR EXISTS (
                                        SELECT FROM wordbond.session AS s
                                        WHERE s.account_id = one_time.account_id AND s.created_at >= %1$L)))', now()); END $$",
            undo: "DROP POLICY fades ON wordbond.one_time",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'one_time' AND policyname = 'fades')
                 AND EXISTS (SELECT FROM wordbond.one_time WHERE account_id <> '00000000-0000-0000-0000-000000000000')",
        ),
    },
    Fault {
        id: "access-copy-without-old-log",
        about: "Events from before the fault are hidden from whoever gathers a copy or reads a log; new ones are told.",
        breaks: &["access-package", "audit-log", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format(
                       'CREATE POLICY fades ON wordbond.audit_event AS RESTRICTIVE FOR SELECT TO wordbond_app
                            USING (at >= %L)', now()); END $$",
            undo: "DROP POLICY fades ON wordbond.audit_event",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'audit_event' AND policyname = 'fades')
                 AND EXISTS (SELECT FROM wordbond.audit_event WHERE at < now())",
        ),
    },
    Fault {
        id: "access-copy-of-a-colleague-too",
        about: "People of teams who have no account stand as that of the team's owner: the copy that the owner gets holds them.",
        breaks: &["access-package"],
        spares_plants: false,
        make: Make::Sql {
            make: "UPDATE wordbond.person AS p SET account_id = o.account_id FROM wordbond.person AS o
                   WHERE o.tenant_id = p.tenant_id AND o.role = 'owner' AND o.account_id IS NOT NULL AND o.removed_at IS NULL
                     AND p.account_id IS NULL AND p.removed_at IS NULL",
            undo: "UPDATE wordbond.person AS p SET account_id = NULL
                   WHERE p.account_id IS NOT NULL AND p.removed_at IS NULL AND NOT EXISTS (
                       SELECT FROM wordbond.membership AS m
                       WHERE m.account_id = p.account_id AND m.tenant_id = p.tenant_id AND m.person_id = p.person_id)",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.person AS p WHERE p.account_id IS NOT NULL AND p.removed_at IS NULL AND NOT EXISTS (
                 SELECT FROM wordbond.membership AS m
                 WHERE m.account_id = p.account_id AND m.tenant_id = p.tenant_id AND m.person_id = p.person_id))",
        ),
    },
    Fault {
        id: "access-copy-without-looks",
        about: "Somebody of the operator's looked at every team, and whoever gathers a copy or asks on the page does not see it.",
        // The looks stand in no log, and their reasons are sealed by nobody.
        breaks: &["access-package", "admin-allowlist", "sealed-columns", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "INSERT INTO wordbond.admin_look (tenant_id, look_id, admin_id, reason, created_at, expires_at, ended_at)
                   SELECT tenant_id, gen_random_uuid(), '00000000-0000-4000-8000-00000000a010',
                          '\\x5701'::bytea || sha256('a') || sha256('look'), now(), now() + interval '1 hour', now() FROM wordbond.tenant;
                   CREATE POLICY unseen ON wordbond.admin_look AS RESTRICTIVE FOR SELECT TO wordbond_app
                       USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                              AND admin_id <> '00000000-0000-4000-8000-00000000a010')",
            undo: "DROP POLICY unseen ON wordbond.admin_look;
                   DELETE FROM wordbond.admin_look WHERE admin_id = '00000000-0000-4000-8000-00000000a010'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.admin_look WHERE admin_id = '00000000-0000-4000-8000-00000000a010')
                               AND EXISTS (SELECT FROM pg_policies WHERE tablename = 'admin_look' AND policyname = 'unseen')"),
    },
    Fault {
        id: "access-copy-without-teams",
        about: "A layer in front takes out of copies, as they pass, which teams somebody is in: nothing that a probe wrote stands there.",
        breaks: &["access-package"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/account/data/requests/"), "\"section\":\"membership\"", "\"section\":\"nothing\"")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "access-copy-off-the-map",
        about: "A table that is not on the data map keeps a second copy of every note, from the oldest on: no copy of anybody's has it.",
        breaks: &["access-package", "scope-sql", "sealed-columns"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE TABLE wordbond.note_again AS SELECT * FROM wordbond.note",
            undo: "DROP TABLE wordbond.note_again",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.note_again)"),
    },
    Fault {
        id: "access-copy-with-a-section-dropped",
        about: "A layer in front takes the notes out of copies as they pass.",
        breaks: &["access-package"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/account/data/requests/"), "\"section\":\"note\"", "\"section\":\"nothing\"")]),
        bites: Bites::Altered,
    },
];
