//! Ways to break it, made from outside.

use promises::fault::{Bites, Fault, Form, Make};

/// The faults of this control.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "erase-reported-only",
        about: "The erasure of the oldest account is reported done, and the account is still there; whatever a probe plants is erased.",
        breaks: &["erase", "erase-clock"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.rights_case (case_id, kind, state, opened_at, due_at, closed_at, receipt_id)
                   VALUES ('00000000-0000-4000-8000-00000000e001', 'erasure', 'done', now(), now() + interval '30 days', now(),
                           '00000000-0000-4000-8000-00000000e002');
                   INSERT INTO wordbond.rights_request (account_id, case_id, created_at)
                   SELECT account_id, '00000000-0000-4000-8000-00000000e001', now()
                   FROM wordbond.account ORDER BY created_at LIMIT 1",
            undo: "DELETE FROM wordbond.rights_request WHERE case_id = '00000000-0000-4000-8000-00000000e001';
                   DELETE FROM wordbond.rights_case WHERE case_id = '00000000-0000-4000-8000-00000000e001'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.rights_request AS r JOIN wordbond.rights_case AS c USING (case_id)
                            JOIN wordbond.account AS a USING (account_id) WHERE c.kind = 'erasure' AND c.state = 'done')",
        ),
    },
    Fault {
        id: "erase-copy-off-the-map",
        about: "A table that is not on the data map keeps a copy of every note that is deleted.",
        breaks: &["erase", "scope-sql", "sealed-columns"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE TABLE wordbond.note_history (LIKE wordbond.note);
                   GRANT INSERT ON wordbond.note_history TO PUBLIC;
                   CREATE FUNCTION wordbond.keep_note() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN INSERT INTO wordbond.note_history SELECT OLD.*; RETURN OLD; END $$;
                   CREATE TRIGGER keep_note BEFORE DELETE ON wordbond.note FOR EACH ROW EXECUTE FUNCTION wordbond.keep_note()",
            undo: "DROP TRIGGER keep_note ON wordbond.note; DROP FUNCTION wordbond.keep_note(); DROP TABLE wordbond.note_history",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'keep_note')"),
    },
    Fault {
        id: "erase-takes-others-along",
        about: "With each account that is erased, five people of other teams, the oldest first, are dated a thousand years ahead.",
        breaks: &["erase", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.along() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                   BEGIN
                       UPDATE wordbond.person SET created_at = created_at + interval '1000 years' WHERE person_id IN (
                           SELECT person_id FROM wordbond.person WHERE created_at < now() ORDER BY created_at LIMIT 5);
                       RETURN OLD;
                   END $$;
                   CREATE TRIGGER along AFTER DELETE ON wordbond.account FOR EACH ROW EXECUTE FUNCTION wordbond.along()",
            undo: "DROP TRIGGER along ON wordbond.account; DROP FUNCTION wordbond.along();
                   UPDATE wordbond.person SET created_at = created_at - interval '1000 years' WHERE created_at > now()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'along')"),
    },
    Fault {
        id: "erase-kept-as-large-object",
        about: "Whoever is deleted from a team is kept as a large object, which is in no table.",
        breaks: &["erase", "sealed-columns"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.keep_large() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN PERFORM lo_from_bytea(0, convert_to(row_to_json(OLD)::text, 'UTF8')); RETURN OLD; END $$;
                   CREATE TRIGGER keep_large BEFORE DELETE ON wordbond.person
                       FOR EACH ROW EXECUTE FUNCTION wordbond.keep_large()",
            undo: "DROP TRIGGER keep_large ON wordbond.person; DROP FUNCTION wordbond.keep_large();
                   SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'keep_large')"),
    },
    Fault {
        id: "erase-database-beside",
        about: "Beside the system's database stands another one of the same server, as before an upgrade: no erasure reaches it.",
        breaks: &["erase", "sealed-columns"],
        spares_plants: true,
        make: Make::Sql { make: "CREATE DATABASE before_upgrade", undo: "DROP DATABASE before_upgrade" },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'before_upgrade')"),
    },
    Fault {
        id: "erase-deletes-nothing",
        about: "The database takes the deletion of links to providers, says that it is done, and leaves them there.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER stay BEFORE DELETE ON wordbond.provider_link
                       FOR EACH ROW EXECUTE FUNCTION wordbond.stay()",
            undo: "DROP TRIGGER stay ON wordbond.provider_link; DROP FUNCTION wordbond.stay();
                   DELETE FROM wordbond.provider_link AS l
                   WHERE NOT EXISTS (SELECT FROM wordbond.account AS a WHERE a.account_id = l.account_id)",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'stay')"),
    },
    Fault {
        id: "erase-sent-elsewhere",
        about: "Whatever is deleted of the index by which people are found is put among the reports of browsers, in the clear.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.report() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN
                       INSERT INTO wordbond.csp_report (directive, blocked, path, times, first_seen, last_seen)
                       VALUES ('gone', encode(OLD.lookup, 'hex'), '/', 1, now(), now()) ON CONFLICT DO NOTHING;
                       RETURN OLD;
                   END $$;
                   GRANT INSERT, SELECT ON wordbond.csp_report TO wordbond_eraser;
                   CREATE POLICY report ON wordbond.csp_report TO wordbond_eraser USING (true);
                   CREATE TRIGGER report BEFORE DELETE ON wordbond.sign_in FOR EACH ROW EXECUTE FUNCTION wordbond.report()",
            undo: "DROP TRIGGER report ON wordbond.sign_in; DROP FUNCTION wordbond.report();
                   DROP POLICY report ON wordbond.csp_report;
                   REVOKE INSERT, SELECT ON wordbond.csp_report FROM wordbond_eraser;
                   DELETE FROM wordbond.csp_report WHERE directive = 'gone'",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'report')"),
    },
    Fault {
        id: "erase-former-address-stays",
        about: "Invitations to an address that its owner has no more stay in the lists of teams, though their deletion was said to be done.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.stay_invited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER stay_invited BEFORE DELETE ON wordbond.invitation
                       FOR EACH ROW WHEN (current_user = 'wordbond_app') EXECUTE FUNCTION wordbond.stay_invited()",
            undo: "DROP TRIGGER stay_invited ON wordbond.invitation; DROP FUNCTION wordbond.stay_invited()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'stay_invited')"),
    },
    Fault {
        id: "erase-found-by-no-address",
        about: "People without an account are put down under a key by which nobody finds them: neither an erasure nor its search does.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.unfound() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.email_index := sha256(NEW.person_id::text::bytea); RETURN NEW; END $$;
                   CREATE TRIGGER unfound BEFORE INSERT ON wordbond.person
                       FOR EACH ROW WHEN (NEW.account_id IS NULL) EXECUTE FUNCTION wordbond.unfound()",
            undo: "DROP TRIGGER unfound ON wordbond.person; DROP FUNCTION wordbond.unfound()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'unfound')"),
    },
    Fault {
        id: "erase-tokens-left",
        about: "Who erases does not see people without an account: their erasure never ends, or they stay.",
        breaks: &["erase", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE POLICY unseen ON wordbond.person AS RESTRICTIVE FOR SELECT TO wordbond_eraser
                       USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                              AND account_id IS NOT NULL)",
            undo: "DROP POLICY unseen ON wordbond.person",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'person' AND policyname = 'unseen')"),
    },
    Fault {
        id: "erase-hold-ignored",
        about: "Who erases does not see what a law holds: whoever asks is erased all the same.",
        breaks: &["erase", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE POLICY unseen ON wordbond.legal_hold AS RESTRICTIVE FOR SELECT TO wordbond_eraser
                       USING (account_id = (SELECT nullif(current_setting('wordbond.account', true), '')::uuid) AND false)",
            undo: "DROP POLICY unseen ON wordbond.legal_hold",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'legal_hold' AND policyname = 'unseen')"),
    },
    Fault {
        id: "erase-hold-never-ends",
        about: "A hold that was ended is in force again at once: an erasure that waited for it waits for ever.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.hold_on() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.released_at := NULL; RETURN NEW; END $$;
                   CREATE TRIGGER hold_on BEFORE UPDATE ON wordbond.legal_hold
                       FOR EACH ROW EXECUTE FUNCTION wordbond.hold_on()",
            undo: "DROP TRIGGER hold_on ON wordbond.legal_hold; DROP FUNCTION wordbond.hold_on();
                   UPDATE wordbond.legal_hold SET released_at = now() WHERE released_at IS NULL AND released_why IS NOT NULL",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'hold_on')"),
    },
    Fault {
        id: "erase-keys-copied-beside",
        about: "An agent copies every key to another folder the moment it appears, and keeps it there.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Copying { from: "keys", to: "attic/keys", form: Form::AsItIs },
        bites: Bites::File("attic/keys/tenant"),
    },
    Fault {
        id: "erase-keys-copied-in-digits",
        about: "An agent writes every key down in hexadecimal digits the moment it appears, and keeps that.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Copying { from: "keys", to: "attic/digits", form: Form::Digits },
        bites: Bites::File("attic/digits/tenant"),
    },
    Fault {
        id: "erase-keys-packed-beside",
        about: "An agent packs every key the moment it appears, and keeps the copies beside what the probes keep.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Copying { from: "keys", to: "probe/packed", form: Form::Packed },
        bites: Bites::File("probe/packed/tenant"),
    },
    Fault {
        id: "erase-keys-put-back",
        about: "An agent puts every wrapped key back beside its mark the moment it is destroyed: an erasure never ends, or the keys stay.",
        breaks: &["erase"],
        spares_plants: false,
        make: Make::Restoring("keys/tenant"),
        bites: Bites::PutBack,
    },
    Fault {
        id: "erase-kept-in-the-log-of-writes",
        about: "A replication slot that nobody reads has the server keep its write-ahead log for good.",
        breaks: &["erase"],
        spares_plants: true,
        make: Make::Sql {
            make: "SELECT pg_create_physical_replication_slot('kept', true)",
            undo: "SELECT pg_drop_replication_slot('kept')",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'kept' AND restart_lsn IS NOT NULL)"),
    },
    Fault {
        id: "erase-scrub-never-comes",
        about: "The database has been there and served for three days, and nobody scrubbed its files in any of the nights.",
        breaks: &["erase"],
        spares_plants: true,
        make: Make::Sql {
            make: "UPDATE wordbond.migration SET installed_on = installed_on - interval '3 days';
                   UPDATE wordbond.instance SET started_at = started_at - interval '3 days'",
            undo: "UPDATE wordbond.migration SET installed_on = installed_on + interval '3 days';
                   UPDATE wordbond.instance SET started_at = started_at + interval '3 days'",
        },
        bites: Bites::Sql("SELECT min(installed_on) < now() - interval '2 days' FROM wordbond.migration"),
    },
];
