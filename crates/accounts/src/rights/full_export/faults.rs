//! Ways to break it, made from outside.

use promises::fault::{Bites, Fault, Make, Meddling, On};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "full-export-without-old-notes",
        about: "Notes from before the fault are hidden from whoever gathers an export, in teams in which nothing has happened since.",
        // Notes are in the copy of everything too.
        breaks: &["full-export", "access-package", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format(
                       'CREATE POLICY fades ON wordbond.note AS RESTRICTIVE FOR SELECT TO wordbond_app
                            USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid)
                                   AND (created_at >= %1$L OR EXISTS (
                                        SELECT FROM wordbond.audit_event AS e
                                        WHERE e.tenant_id = note.tenant_id AND e.at >= %1$L)))', now()); END $$",
            undo: "DROP POLICY fades ON wordbond.note",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'note' AND policyname = 'fades')
                 AND EXISTS (SELECT FROM wordbond.note AS n JOIN wordbond.person AS p
                                 ON p.tenant_id = n.tenant_id AND p.person_id = n.owner_id AND p.account_id IS NOT NULL)",
        ),
    },
    Fault {
        id: "full-export-without-old-notes-for-the-counter-too",
        about: "The oldest note is hidden from whoever gathers an export, and from whoever counts notes too.",
        // Whatever walks over notes is kept from the same rows.
        breaks: &["full-export", "access-package", "sealed-columns", "retention-active", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format(
                       'CREATE POLICY fades ON wordbond.note AS RESTRICTIVE FOR SELECT TO wordbond_app, wordbond_backup
                            USING (created_at > %L)', (SELECT min(created_at) FROM wordbond.note)); END $$",
            undo: "DROP POLICY fades ON wordbond.note",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'note' AND 'wordbond_backup' = ANY (roles)
                               AND policyname = 'fades')"),
    },
    Fault {
        id: "full-export-without-instants",
        about: "A layer in front takes from what programs fetch when anything was made.",
        breaks: &["full-export"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/api/account/requests/"), "\"created_at\":", "\"_\":")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "full-export-that-is-not-what-it-says",
        about: "A layer in front changes the texts of notes in what programs fetch.",
        breaks: &["full-export"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/api/account/requests/"), "\"body\":\"=", "\"body\":\"")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "full-export-archive-without-notes",
        about: "A layer in front gives the table of notes another name in archives, under which nobody looks for it.",
        breaks: &["full-export"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(On::Path("/account/data/requests/"), "tables/note.csv", "tables/nope.csv")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "full-export-read-back-twice",
        about: "Whoever reads an export back no longer sees what they have: a second reading makes everything again.",
        breaks: &["full-export", "access-package", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE POLICY unseen ON wordbond.note AS RESTRICTIVE FOR SELECT TO wordbond_app
                       USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid) AND false)",
            undo: "DROP POLICY unseen ON wordbond.note",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'note' AND policyname = 'unseen')
                 AND EXISTS (SELECT FROM wordbond.note AS n JOIN wordbond.person AS p
                                 ON p.tenant_id = n.tenant_id AND p.person_id = n.owner_id AND p.account_id IS NOT NULL)",
        ),
    },
];
