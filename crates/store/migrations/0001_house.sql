-- People, tenants and what they own; jobs; instances; reports.
--
-- Every table with rows of a tenant is keyed by the tenant first: a unique constraint or foreign key that were not would
-- answer whether somebody else's row exists. Every policy compares with a setting that lives as long as the
-- transaction. The subselect makes it one evaluation per statement instead of one per row; nullif, because a setting that
-- was set once reads '' afterwards. A policy that names no command holds for all of them, and its USING is its WITH CHECK.

-- What nobody reads without its owner's key. The check sees the header, so that plain text cannot slip in.
CREATE DOMAIN wordbond.sealed AS bytea
    CONSTRAINT sealed_header CHECK (octet_length(VALUE) >= 50 AND substring(VALUE FROM 1 FOR 2) = '\x5701'::bytea);

CREATE TABLE wordbond.tenant (
    tenant_id uuid PRIMARY KEY,
    name wordbond.sealed NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    suspended_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE TABLE wordbond.person (
    tenant_id uuid NOT NULL REFERENCES wordbond.tenant (tenant_id),
    person_id uuid NOT NULL,
    name wordbond.sealed NOT NULL,
    email wordbond.sealed NOT NULL,
    email_index bytea NOT NULL CHECK (octet_length(email_index) = 32),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, person_id),
    UNIQUE (tenant_id, email_index)
);

CREATE TABLE wordbond.token (
    tenant_id uuid NOT NULL,
    token_id uuid NOT NULL,
    person_id uuid NOT NULL,
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, token_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);

CREATE TABLE wordbond.note (
    tenant_id uuid NOT NULL,
    note_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    title wordbond.sealed NOT NULL,
    body wordbond.sealed NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, note_id),
    -- So that a grant can name the owner and the database holds it to that.
    UNIQUE (tenant_id, note_id, owner_id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);

CREATE TABLE wordbond.note_grant (
    tenant_id uuid NOT NULL,
    note_id uuid NOT NULL,
    person_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, note_id, person_id),
    FOREIGN KEY (tenant_id, note_id, owner_id) REFERENCES wordbond.note (tenant_id, note_id, owner_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, person_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);

-- No foreign key to tenant: the operator's own acts stand under the nil tenant, and events outlive what they tell of.
CREATE TABLE wordbond.audit_event (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    entry_id bigint NOT NULL,
    body wordbond.sealed NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);

CREATE TABLE wordbond.job (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9.-]{0,62}$'),
    ids uuid[] NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
);

-- What the dispatcher sees of a job: that it is there and when it is due.
CREATE TABLE wordbond.ticket (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES wordbond.job (tenant_id, job_id) ON DELETE CASCADE
);
CREATE INDEX ticket_due ON wordbond.ticket (due_at);

-- Where sign-in finds out whose token it holds. The only table that is not the tenant's, and the only one that the
-- identity role reaches; a row shows itself to whoever already knows its key, or its tenant and person.
CREATE TABLE wordbond.sign_in (
    lookup bytea PRIMARY KEY CHECK (octet_length(lookup) = 32),
    tenant_id uuid NOT NULL,
    person_id uuid NOT NULL,
    token_id uuid NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX sign_in_person ON wordbond.sign_in (tenant_id, person_id);

CREATE TABLE wordbond.instance (
    instance_id uuid PRIMARY KEY,
    build text NOT NULL,
    profile text NOT NULL,
    address text NOT NULL,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL
);

CREATE TABLE wordbond.csp_report (
    directive text NOT NULL,
    blocked text NOT NULL,
    path text NOT NULL,
    times bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (directive, blocked, path)
);

-- The profiles that were in force: what the ledger names by hash, so that a change can be told as a diff.
CREATE TABLE wordbond.profile (
    hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    body text NOT NULL,
    in_force_from timestamptz NOT NULL
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant', 'person', 'token', 'note', 'note_grant', 'audit_event', 'job', 'ticket', 'sign_in',
                                'instance', 'csp_report', 'profile']
    LOOP
        EXECUTE format('ALTER TABLE wordbond.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE wordbond.%I FORCE ROW LEVEL SECURITY', name);
        -- The backup reads everything. Nothing else may become it, and it may change nothing.
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_backup', name);
        EXECUTE format('CREATE POLICY backup ON wordbond.%I FOR SELECT TO wordbond_backup USING (true)', name);
    END LOOP;
    -- What a tenant owns together.
    FOREACH name IN ARRAY ARRAY['tenant', 'audit_event', 'job', 'ticket']
    LOOP
        EXECUTE format(
            'CREATE POLICY tenant ON wordbond.%I TO wordbond_app
                 USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid))', name);
    END LOOP;
    -- What a person owns.
    FOREACH name IN ARRAY ARRAY['person', 'token']
    LOOP
        EXECUTE format(
            'CREATE POLICY owner ON wordbond.%I TO wordbond_app
                 USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid)
                        AND person_id = (SELECT nullif(current_setting(''wordbond.actor'', true), '''')::uuid))', name);
    END LOOP;
    -- What is nobody's.
    FOREACH name IN ARRAY ARRAY['instance', 'csp_report']
    LOOP
        EXECUTE format('CREATE POLICY everybody ON wordbond.%I TO wordbond_app USING (true)', name);
        EXECUTE format('CREATE POLICY auditor ON wordbond.%I FOR SELECT TO wordbond_auditor USING (true)', name);
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_auditor', name);
    END LOOP;
END
$$;

-- What was promised when is told by whoever records, and by nobody who meets strangers.
CREATE POLICY recorder ON wordbond.profile TO wordbond_recorder USING (true);
CREATE POLICY auditor ON wordbond.profile FOR SELECT TO wordbond_auditor USING (true);
GRANT SELECT ON wordbond.profile TO wordbond_auditor;

CREATE POLICY owner ON wordbond.note TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND owner_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid));
CREATE POLICY grantee ON wordbond.note FOR SELECT TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND EXISTS (SELECT FROM wordbond.note_grant AS g
                       WHERE g.tenant_id = note.tenant_id AND g.note_id = note.note_id
                         AND g.person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)));

CREATE POLICY owner ON wordbond.note_grant TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND owner_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid));
CREATE POLICY grantee ON wordbond.note_grant FOR SELECT TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid));

CREATE POLICY dispatcher_reads ON wordbond.ticket FOR SELECT TO wordbond_dispatcher USING (true);
CREATE POLICY dispatcher_leases ON wordbond.ticket FOR UPDATE TO wordbond_dispatcher USING (true);

CREATE POLICY known_key ON wordbond.sign_in TO wordbond_identity
    USING (lookup = (SELECT decode(nullif(current_setting('wordbond.lookup', true), ''), 'hex')));
CREATE POLICY own_rows ON wordbond.sign_in FOR ALL TO wordbond_identity
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid));

GRANT USAGE ON SCHEMA wordbond
    TO wordbond_app, wordbond_recorder, wordbond_auditor, wordbond_dispatcher, wordbond_identity, wordbond_backup;

GRANT SELECT, INSERT, UPDATE (name, version, suspended_at) ON wordbond.tenant TO wordbond_app;
GRANT SELECT, INSERT, UPDATE (name, email, email_index, version), DELETE ON wordbond.person TO wordbond_app;
GRANT SELECT, INSERT, DELETE ON wordbond.token TO wordbond_app;
GRANT SELECT, INSERT, UPDATE (title, body, version, updated_at), DELETE ON wordbond.note TO wordbond_app;
GRANT SELECT, INSERT, DELETE ON wordbond.note_grant TO wordbond_app;
GRANT SELECT, INSERT ON wordbond.audit_event TO wordbond_app;
GRANT SELECT, INSERT, DELETE ON wordbond.job TO wordbond_app;
GRANT SELECT, INSERT, DELETE ON wordbond.ticket TO wordbond_app;
GRANT SELECT, UPDATE (due_at, leased_until, fence, attempts) ON wordbond.ticket TO wordbond_dispatcher;
GRANT SELECT, INSERT, DELETE ON wordbond.sign_in TO wordbond_identity;
GRANT SELECT, INSERT, UPDATE (build, profile, address, heartbeat_at), DELETE ON wordbond.instance TO wordbond_app;
GRANT SELECT, INSERT, UPDATE (times, last_seen), DELETE ON wordbond.csp_report TO wordbond_app;
GRANT SELECT, INSERT, UPDATE (in_force_from) ON wordbond.profile TO wordbond_recorder;
