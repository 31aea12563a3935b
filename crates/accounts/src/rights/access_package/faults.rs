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
        id: "access-copy-with-a-section-dropped",
        about: "A layer in front takes the notes out of copies as they pass.",
        breaks: &["access-package"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/account/data/requests/"), "\"section\":\"note\"", "\"section\":\"nothing\"")]),
        bites: Bites::Altered,
    },
];
