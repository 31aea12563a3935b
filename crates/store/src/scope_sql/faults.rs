//! Ways to break the scoping, made from outside as the server's superuser.

use promises::{
    Fault,
    fault::{Bites, Make},
};

const BREAKS: &[&str] = &["scope-sql"];

const fn fault(
    id: &'static str,
    about: &'static str,
    spares_plants: bool,
    make: &'static str,
    undo: &'static str,
    bites: &'static str,
) -> Fault {
    Fault { id, about, breaks: BREAKS, spares_plants, make: Make::Sql { make, undo }, bites: Bites::Sql(bites) }
}

/// The faults of this control. Each statement is for the superuser: an owner can neither exempt a role nor make a view
/// that reads with a superuser's rights.
pub const FAULTS: &[Fault] = &[
    fault(
        "scope-rls-disabled",
        "row security is switched off on one table",
        false,
        "ALTER TABLE wordbond.note DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE wordbond.note ENABLE ROW LEVEL SECURITY",
        "SELECT NOT relrowsecurity FROM pg_class WHERE oid = 'wordbond.note'::regclass",
    ),
    fault(
        "scope-rls-not-forced",
        "the owner is no longer held to row security",
        false,
        "ALTER TABLE wordbond.person NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE wordbond.person FORCE ROW LEVEL SECURITY",
        "SELECT NOT relforcerowsecurity FROM pg_class WHERE oid = 'wordbond.person'::regclass",
    ),
    fault(
        "scope-oldest-tenant-open",
        "everybody can read the notes of the oldest tenant; whatever a probe plants is newer",
        true,
        "DO $$ BEGIN EXECUTE format('CREATE POLICY oldest ON wordbond.note FOR SELECT TO wordbond_app USING (tenant_id = %L)',
             (SELECT tenant_id FROM wordbond.note ORDER BY tenant_id LIMIT 1)); END $$",
        "DROP POLICY oldest ON wordbond.note",
        "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'note' AND policyname = 'oldest')
             AND (SELECT count(DISTINCT tenant_id) > 1 FROM wordbond.note)",
    ),
    fault(
        "scope-bypass-by-membership",
        "the application's role can become one that is exempt from row security",
        false,
        "CREATE ROLE wordbond_lift NOLOGIN BYPASSRLS;
         GRANT USAGE ON SCHEMA wordbond TO wordbond_lift;
         GRANT SELECT ON ALL TABLES IN SCHEMA wordbond TO wordbond_lift;
         GRANT wordbond_lift TO wordbond_app",
        "REVOKE wordbond_lift FROM wordbond_app; DROP OWNED BY wordbond_lift; DROP ROLE wordbond_lift",
        "SELECT pg_has_role('wordbond_app', 'wordbond_lift', 'MEMBER')
             AND (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'wordbond_lift')",
    ),
    fault(
        "scope-view-of-superuser",
        "a view that belongs to a superuser shows everybody's notes",
        false,
        "CREATE VIEW wordbond.note_overview AS SELECT tenant_id, note_id, owner_id FROM wordbond.note;
         GRANT SELECT ON wordbond.note_overview TO wordbond_app",
        "DROP VIEW wordbond.note_overview",
        "SELECT count(*) > 0 AND has_table_privilege('wordbond_app', 'wordbond.note_overview', 'SELECT')
         FROM wordbond.note_overview",
    ),
    fault(
        "scope-definer-function",
        "a function runs with a superuser's rights",
        false,
        "CREATE FUNCTION wordbond.note_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM wordbond.note'",
        "DROP FUNCTION wordbond.note_count()",
        "SELECT wordbond.note_count() > 0 AND has_function_privilege('wordbond_app', 'wordbond.note_count()', 'EXECUTE')",
    ),
    fault(
        "scope-colleagues-see-all",
        "the policy for notes compares the tenant and forgets the person",
        false,
        "ALTER POLICY owner ON wordbond.note
             USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid))",
        "ALTER POLICY owner ON wordbond.note
             USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                    AND owner_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid))",
        "SELECT qual NOT LIKE '%wordbond.actor%' FROM pg_policies WHERE tablename = 'note' AND policyname = 'owner'",
    ),
    fault(
        "scope-blind-update",
        "a policy lets everybody change people whom they cannot see",
        false,
        "CREATE POLICY slip ON wordbond.person FOR UPDATE TO wordbond_app USING (true)",
        "DROP POLICY slip ON wordbond.person",
        "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'person' AND policyname = 'slip' AND cmd = 'UPDATE')",
    ),
    fault(
        "scope-sessions-open",
        "the policy for sessions compares nothing: whoever is signed in sees and ends everybody's",
        false,
        "ALTER POLICY account ON wordbond.session USING (true)",
        "ALTER POLICY account ON wordbond.session
             USING (account_id = (SELECT nullif(current_setting('wordbond.account', true), '')::uuid))",
        "SELECT qual = 'true' FROM pg_policies WHERE tablename = 'session' AND policyname = 'account'",
    ),
    fault(
        "scope-index-of-addresses-open",
        "the application's role reads the whole index by which accounts are found, not only its own account's rows",
        false,
        "CREATE POLICY all_of_it ON wordbond.sign_in FOR SELECT TO wordbond_app USING (kind = 'email')",
        "DROP POLICY all_of_it ON wordbond.sign_in",
        "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'sign_in' AND policyname = 'all_of_it')",
    ),
    fault(
        "scope-account-of-a-colleague",
        "an account shows itself to whoever is in a team with it",
        false,
        "CREATE POLICY colleague ON wordbond.account FOR SELECT TO wordbond_app
             USING (account_id IN (SELECT p.account_id FROM wordbond.person AS p
                    WHERE p.tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)))",
        "DROP POLICY colleague ON wordbond.account",
        "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'account' AND policyname = 'colleague')",
    ),
    fault(
        "scope-restriction-forgotten",
        "the policy by which notes are shared looks at the grant, and not at whether their writer asked to be left alone",
        false,
        "ALTER POLICY grantee ON wordbond.note
             USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                    AND EXISTS (SELECT FROM wordbond.note_grant AS g
                                WHERE g.tenant_id = note.tenant_id AND g.note_id = note.note_id
                                  AND g.person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)))",
        "ALTER POLICY grantee ON wordbond.note
             USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                    AND EXISTS (SELECT FROM wordbond.note_grant AS g
                                JOIN wordbond.person AS o ON o.tenant_id = g.tenant_id AND o.person_id = g.owner_id
                                WHERE g.tenant_id = note.tenant_id AND g.note_id = note.note_id
                                  AND g.person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
                                  AND o.restricted_at IS NULL))",
        "SELECT qual NOT LIKE '%restricted_at%' FROM pg_policies WHERE tablename = 'note' AND policyname = 'grantee'",
    ),
    fault(
        "scope-restriction-left-behind",
        "the oldest account with a team asked to be left alone, and its team does not know, as if it had been joined afterwards",
        true,
        "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.membership IS %L',
             (SELECT a.account_id FROM wordbond.account AS a JOIN wordbond.person AS p USING (account_id)
              WHERE p.removed_at IS NULL AND a.restricted_at IS NULL AND p.restricted_at IS NULL
              ORDER BY a.created_at, a.account_id LIMIT 1)); END $$;
         UPDATE wordbond.account SET restricted_at = now()
             WHERE account_id::text = obj_description('wordbond.membership'::regclass)",
        "UPDATE wordbond.account SET restricted_at = NULL
             WHERE account_id::text = obj_description('wordbond.membership'::regclass);
         COMMENT ON TABLE wordbond.membership IS NULL",
        "SELECT EXISTS (SELECT FROM wordbond.account AS a JOIN wordbond.person AS p USING (account_id)
                        WHERE p.removed_at IS NULL AND a.restricted_at IS NOT NULL AND p.restricted_at IS NULL)",
    ),
    fault(
        "scope-view-among-the-servers-own",
        "a view that belongs to a superuser shows everybody's notes, in a schema where only the server's own views are",
        false,
        "CREATE VIEW information_schema.all_notes AS SELECT * FROM wordbond.note;
         GRANT SELECT ON information_schema.all_notes TO wordbond_app",
        "DROP VIEW information_schema.all_notes",
        "SELECT count(*) > 0 AND has_table_privilege('wordbond_app', 'information_schema.all_notes', 'SELECT')
         FROM information_schema.all_notes",
    ),
    fault(
        "scope-policy-with-a-back-door",
        "the policy for notes also lets in whoever sets a variable that nobody knows of",
        false,
        "ALTER POLICY owner ON wordbond.note
             USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                    AND (owner_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
                         OR current_setting('app.debug', true) = '1'))",
        "ALTER POLICY owner ON wordbond.note
             USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
                    AND owner_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid))",
        "SELECT qual LIKE '%app.debug%' FROM pg_policies WHERE tablename = 'note' AND policyname = 'owner'",
    ),
];
