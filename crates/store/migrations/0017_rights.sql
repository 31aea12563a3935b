-- What people ask for under data protection law: cases on a clock, legal holds, restriction, tombstones of what was
-- erased; and the role that erases.
--
-- A case names nobody. Whose it is stands in rights_request, which goes with the account; what remains tells what was
-- asked for, when, until when it was due, when it was closed, and how many rows of what went.

CREATE TABLE wordbond.rights_case (
    case_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('access', 'portability', 'erasure', 'restriction', 'objection')),
    state text NOT NULL CHECK (state IN ('open', 'paused', 'working', 'done', 'refused', 'withdrawn')),
    opened_at timestamptz NOT NULL,
    -- The instant before which it must be answered.
    due_at timestamptz NOT NULL,
    extended_at timestamptz,
    -- Since when the person must answer, and how long that took in all.
    paused_at timestamptz,
    paused_seconds bigint NOT NULL DEFAULT 0 CHECK (paused_seconds >= 0),
    -- Until when the law forbids what was asked for.
    held_until timestamptz,
    closed_at timestamptz,
    -- Under which address the receipt is shown to whoever knows it.
    receipt_id uuid NOT NULL UNIQUE,
    -- Counts per place, as JSON. No personal data.
    receipt text,
    -- The ledger's entry of the event that closed it.
    entry_id bigint,
    CHECK ((closed_at IS NOT NULL) = (state IN ('done', 'refused', 'withdrawn'))),
    CHECK ((paused_at IS NOT NULL) = (state = 'paused'))
);
CREATE INDEX rights_case_due ON wordbond.rights_case (due_at) WHERE closed_at IS NULL;

CREATE TABLE wordbond.rights_request (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    case_id uuid NOT NULL REFERENCES wordbond.rights_case (case_id) ON DELETE CASCADE,
    -- What the person was told about it: why it takes longer, why it was refused, what they must answer. No other place has
    -- these reasons: the log says that there is one.
    notice wordbond.sealed,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, case_id)
);

CREATE TABLE wordbond.legal_hold (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    hold_id uuid NOT NULL,
    case_id uuid NOT NULL,
    -- Sealed under the operator's key: it may name others.
    reason wordbond.sealed NOT NULL,
    until timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    released_at timestamptz,
    -- Why it was ended; sealed as the reason is.
    released_why wordbond.sealed,
    PRIMARY KEY (account_id, hold_id)
);

-- What was erased, as a keyed hash of its id: a restored backup is compared with these before it serves.
CREATE TABLE wordbond.tombstone (
    subject_hash bytea PRIMARY KEY CHECK (octet_length(subject_hash) = 32),
    which text NOT NULL CHECK (which IN ('account', 'person', 'tenant')),
    case_id uuid NOT NULL,
    erased_at timestamptz NOT NULL
);

-- Whoever asked to be left alone: nobody but them sees their notes and drawings, and of what they left nothing runs out.
ALTER TABLE wordbond.account ADD COLUMN restricted_at timestamptz;
ALTER TABLE wordbond.person ADD COLUMN restricted_at timestamptz;

-- The role that erases. It reads and deletes within the scope of one person, account or team at a time, and of the history
-- of a team, which the application has no right to delete, it deletes what a team that goes as a whole leaves.
GRANT USAGE ON SCHEMA wordbond, ledger TO wordbond_eraser;
GRANT SELECT ON ledger.entry TO wordbond_eraser;
GRANT INSERT (kind, promise, body) ON ledger.entry TO wordbond_eraser;

DO $$
DECLARE
    it record;
    tenant constant text := '(tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid)';
    actor constant text := '(SELECT nullif(current_setting(''wordbond.actor'', true), '''')::uuid))';
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['rights_case', 'rights_request', 'legal_hold', 'tombstone']
    LOOP
        EXECUTE format('ALTER TABLE wordbond.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE wordbond.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_backup', name);
        EXECUTE format('CREATE POLICY backup ON wordbond.%I FOR SELECT TO wordbond_backup USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['rights_request', 'legal_hold']
    LOOP
        EXECUTE format(
            'CREATE POLICY account ON wordbond.%I TO wordbond_app
                 USING (account_id = (SELECT nullif(current_setting(''wordbond.account'', true), '''')::uuid))', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['rights_case', 'tombstone']
    LOOP
        EXECUTE format('CREATE POLICY everybody ON wordbond.%I TO wordbond_app, wordbond_eraser USING (true)', name);
        EXECUTE format('CREATE POLICY auditor ON wordbond.%I FOR SELECT TO wordbond_auditor USING (true)', name);
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_auditor', name);
    END LOOP;

    -- What the application may see of a scope, the eraser may delete of it. Where rows are a person's, also those of others
    -- that name the person, such as a grant to them.
    FOR it IN SELECT DISTINCT tablename AS name, policyname AS kind FROM pg_policies
              WHERE schemaname = 'wordbond' AND roles = ARRAY['wordbond_app']::name[] AND policyname IN ('tenant', 'account')
    LOOP
        EXECUTE format('GRANT SELECT, DELETE ON wordbond.%I TO wordbond_eraser', it.name);
        EXECUTE format('CREATE POLICY eraser ON wordbond.%I TO wordbond_eraser USING (%s)', it.name,
            CASE it.kind WHEN 'tenant' THEN tenant || ')'
                ELSE '(account_id = (SELECT nullif(current_setting(''wordbond.account'', true), '''')::uuid))' END);
    END LOOP;
    FOR it IN SELECT p.tablename AS name, a.attname AS person FROM pg_policies AS p
              JOIN pg_attribute AS a ON a.attrelid = format('wordbond.%I', p.tablename)::regclass
                  AND a.attname IN ('owner_id', 'person_id') AND NOT a.attisdropped
              WHERE p.schemaname = 'wordbond' AND p.roles = ARRAY['wordbond_app']::name[] AND p.policyname = 'owner'
    LOOP
        EXECUTE format('GRANT SELECT, DELETE ON wordbond.%I TO wordbond_eraser', it.name);
        EXECUTE format('CREATE POLICY %I ON wordbond.%I TO wordbond_eraser USING (%s AND %I = %s)', 'eraser_' || it.person,
            it.name, tenant, it.person, actor);
    END LOOP;
END
$$;

-- Who else is in the team decides whether it goes with its last member.
CREATE POLICY eraser_colleague ON wordbond.person FOR SELECT TO wordbond_eraser
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid) IS NOT NULL);
CREATE POLICY eraser_account ON wordbond.sign_in TO wordbond_eraser
    USING (account_id = (SELECT nullif(current_setting('wordbond.account', true), '')::uuid));
CREATE POLICY eraser_person ON wordbond.sign_in TO wordbond_eraser
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
           AND account_id IS NULL);
GRANT SELECT, DELETE ON wordbond.sign_in TO wordbond_eraser;

GRANT INSERT ON wordbond.audit_event, wordbond.job, wordbond.ticket, wordbond.tombstone TO wordbond_eraser;
GRANT SELECT ON wordbond.tombstone, wordbond.rights_case TO wordbond_eraser, wordbond_app;
GRANT UPDATE (state, closed_at, paused_at, held_until, receipt, entry_id) ON wordbond.rights_case TO wordbond_eraser;
GRANT UPDATE (notice, version) ON wordbond.rights_request TO wordbond_eraser;
-- To hold the row of a team or an account while it is decided over takes a right to change something of it.
GRANT UPDATE (version) ON wordbond.tenant, wordbond.account TO wordbond_eraser;
GRANT UPDATE (owner_id) ON wordbond.objective, wordbond.key_result TO wordbond_eraser;

GRANT INSERT, DELETE,
    UPDATE (state, due_at, extended_at, paused_at, paused_seconds, held_until, closed_at, receipt, entry_id)
    ON wordbond.rights_case TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (notice, version) ON wordbond.rights_request TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (released_at, released_why, until) ON wordbond.legal_hold TO wordbond_app;
GRANT UPDATE (restricted_at) ON wordbond.account, wordbond.person TO wordbond_app;

-- Which account's a case is, so that the operator's answer reaches it: ids only.
CREATE POLICY dispatcher ON wordbond.rights_request FOR SELECT TO wordbond_dispatcher USING (true);
GRANT SELECT (account_id, case_id) ON wordbond.rights_request TO wordbond_dispatcher;

-- What was shared by somebody who restricted its use is shown to nobody else.
ALTER POLICY grantee ON wordbond.note
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND EXISTS (SELECT FROM wordbond.note_grant AS g
                       JOIN wordbond.person AS o ON o.tenant_id = g.tenant_id AND o.person_id = g.owner_id
                       WHERE g.tenant_id = note.tenant_id AND g.note_id = note.note_id
                         AND g.person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
                         AND o.restricted_at IS NULL));
ALTER POLICY grantee ON wordbond.drawing
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND EXISTS (SELECT FROM wordbond.drawing_grant AS g
                       JOIN wordbond.person AS p ON p.tenant_id = g.tenant_id AND p.person_id = g.person_id
                       JOIN wordbond.person AS o ON o.tenant_id = g.tenant_id AND o.person_id = g.owner_id
                       WHERE g.tenant_id = drawing.tenant_id AND g.drawing_id = drawing.drawing_id
                         AND g.person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
                         AND p.removed_at IS NULL AND o.restricted_at IS NULL));

-- The eraser appends commitments to audit events, as the application does, and nothing else.
CREATE OR REPLACE FUNCTION ledger.only_commitments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user IN ('wordbond_app', 'wordbond_eraser') AND (NEW.kind <> 'audit' OR NEW.promise IS NOT NULL
        OR convert_from(NEW.body, 'UTF8') NOT LIKE '{"kind":"audit",%') THEN
        RAISE EXCEPTION 'the application may only append commitments to audit events' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
