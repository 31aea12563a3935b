-- Accounts: how somebody signs in. An account is one address with one password, its factors and its sessions; a person is
-- its membership in one tenant.
--
-- What belongs to an account is keyed by the account first, and its policies compare with wordbond.account as those of a
-- tenant compare with wordbond.tenant. The nil account is nobody's: what is kept for a visitor who has not signed in.

ALTER TABLE wordbond.person
    ADD COLUMN account_id uuid,
    ADD COLUMN role text NOT NULL DEFAULT 'member' CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    ADD COLUMN removed_at timestamptz;

ALTER TABLE wordbond.token ADD COLUMN label wordbond.sealed;

ALTER TABLE wordbond.tenant ADD COLUMN require_second_factor boolean NOT NULL DEFAULT false;

-- Whoever made a team before there were roles owns it. Row security is forced on the owner too, so it is lifted for this one
-- statement, in the transaction of the migration.
ALTER TABLE wordbond.person NO FORCE ROW LEVEL SECURITY;
UPDATE wordbond.person AS p SET role = 'owner'
WHERE NOT EXISTS (SELECT FROM wordbond.person AS o
                  WHERE o.tenant_id = p.tenant_id AND (o.created_at, o.person_id) < (p.created_at, p.person_id));
ALTER TABLE wordbond.person FORCE ROW LEVEL SECURITY;

CREATE TABLE wordbond.account (
    account_id uuid PRIMARY KEY,
    email wordbond.sealed NOT NULL,
    name wordbond.sealed NOT NULL,
    email_verified_at timestamptz,
    -- The PHC text of the password. Its parameters stand before the salt and are no secret.
    password_hash bytea,
    password_changed_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    failed_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL
);

CREATE TABLE wordbond.membership (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    person_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, tenant_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);
CREATE INDEX membership_person ON wordbond.membership (tenant_id, person_id);

CREATE TABLE wordbond.session (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    session_id uuid NOT NULL,
    tenant_id uuid,
    person_id uuid,
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    csrf bytea NOT NULL CHECK (octet_length(csrf) = 32),
    strength text NOT NULL CHECK (strength IN ('password', 'second', 'passkey', 'provider')),
    -- A second factor is still owed.
    pending boolean NOT NULL,
    device wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, session_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE,
    CHECK ((tenant_id IS NULL) = (person_id IS NULL))
);
CREATE INDEX session_person ON wordbond.session (tenant_id, person_id);

CREATE TABLE wordbond.factor (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    factor_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('totp', 'passkey')),
    secret wordbond.sealed NOT NULL,
    label wordbond.sealed NOT NULL,
    -- The last time step of a one-time password, or the signature counter of a passkey.
    counter bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (account_id, factor_id)
);

CREATE TABLE wordbond.recovery_code (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    code_id uuid NOT NULL,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (account_id, code_id)
);

-- No foreign key to account: the nil account has no row.
CREATE TABLE wordbond.one_time (
    account_id uuid NOT NULL,
    one_time_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose ~ '^[a-z][a-z0-9.-]{0,62}$'),
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    payload wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (account_id, one_time_id)
);
CREATE INDEX one_time_expires ON wordbond.one_time (account_id, expires_at);

CREATE TABLE wordbond.provider_link (
    account_id uuid NOT NULL REFERENCES wordbond.account (account_id) ON DELETE CASCADE,
    link_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9.-]{0,62}$'),
    subject_hash bytea NOT NULL CHECK (octet_length(subject_hash) = 32),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, link_id),
    UNIQUE (account_id, provider)
);

CREATE TABLE wordbond.invitation (
    tenant_id uuid NOT NULL REFERENCES wordbond.tenant (tenant_id),
    invitation_id uuid NOT NULL,
    email wordbond.sealed NOT NULL,
    email_index bytea NOT NULL CHECK (octet_length(email_index) = 32),
    role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, invitation_id),
    FOREIGN KEY (tenant_id, invited_by) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);
CREATE INDEX invitation_email ON wordbond.invitation (tenant_id, email_index);

CREATE TABLE wordbond.saml_idp (
    tenant_id uuid PRIMARY KEY REFERENCES wordbond.tenant (tenant_id),
    metadata wordbond.sealed NOT NULL,
    enabled boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL
);

CREATE TABLE wordbond.admin_look (
    tenant_id uuid NOT NULL REFERENCES wordbond.tenant (tenant_id),
    look_id uuid NOT NULL,
    admin_id uuid NOT NULL,
    reason wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, look_id)
);

-- The index of everything by which somebody is found before it is known who they are. Still shown to the identity role by a
-- known key only. The application writes rows of its own account, or of its own tenant and person, in the transaction that
-- writes what they lead to.
ALTER TABLE wordbond.sign_in RENAME COLUMN token_id TO row_id;
ALTER TABLE wordbond.sign_in
    ADD COLUMN kind text NOT NULL DEFAULT 'token'
        CHECK (kind IN ('token', 'email', 'session', 'one-time', 'link', 'passkey', 'invitation', 'look')),
    ADD COLUMN account_id uuid,
    ALTER COLUMN tenant_id DROP NOT NULL,
    ALTER COLUMN person_id DROP NOT NULL,
    ADD CHECK (account_id IS NOT NULL OR (tenant_id IS NOT NULL AND person_id IS NOT NULL));
ALTER TABLE wordbond.sign_in ALTER COLUMN kind DROP DEFAULT;
CREATE INDEX sign_in_account ON wordbond.sign_in (account_id, row_id);

DROP POLICY own_rows ON wordbond.sign_in;
DROP POLICY known_key ON wordbond.sign_in;
REVOKE ALL ON wordbond.sign_in FROM wordbond_identity;
GRANT SELECT ON wordbond.sign_in TO wordbond_identity;
CREATE POLICY known_key ON wordbond.sign_in FOR SELECT TO wordbond_identity
    USING (lookup = (SELECT decode(nullif(current_setting('wordbond.lookup', true), ''), 'hex')));
CREATE POLICY own_account ON wordbond.sign_in TO wordbond_app
    USING (account_id = (SELECT nullif(current_setting('wordbond.account', true), '')::uuid));
CREATE POLICY own_person ON wordbond.sign_in TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid)
           AND account_id IS NULL);
GRANT SELECT, INSERT, DELETE ON wordbond.sign_in TO wordbond_app;

-- Counts requests. Lost in a crash, and then every bucket is full again.
CREATE UNLOGGED TABLE wordbond.limit_bucket (
    key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    -- When the bucket will be full again, in microseconds since 1970.
    full_at bigint NOT NULL,
    granted integer NOT NULL
) WITH (fillfactor = 70);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['account', 'membership', 'session', 'factor', 'recovery_code', 'one_time', 'provider_link',
                                'invitation', 'saml_idp', 'admin_look', 'limit_bucket']
    LOOP
        EXECUTE format('ALTER TABLE wordbond.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE wordbond.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_backup', name);
        EXECUTE format('CREATE POLICY backup ON wordbond.%I FOR SELECT TO wordbond_backup USING (true)', name);
    END LOOP;
    -- What an account owns.
    FOREACH name IN ARRAY ARRAY['account', 'membership', 'session', 'factor', 'recovery_code', 'one_time', 'provider_link']
    LOOP
        EXECUTE format(
            'CREATE POLICY account ON wordbond.%I TO wordbond_app
                 USING (account_id = (SELECT nullif(current_setting(''wordbond.account'', true), '''')::uuid))', name);
    END LOOP;
    -- What a tenant owns together.
    FOREACH name IN ARRAY ARRAY['invitation', 'saml_idp', 'admin_look']
    LOOP
        EXECUTE format(
            'CREATE POLICY tenant ON wordbond.%I TO wordbond_app
                 USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid))', name);
    END LOOP;
END
$$;

CREATE POLICY everybody ON wordbond.limit_bucket TO wordbond_app USING (true);

-- Whoever acts in a team sees who else is in it.
CREATE POLICY colleague ON wordbond.person FOR SELECT TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid) IS NOT NULL);

-- The dispatcher sees ids and times: of tenants too, so that there is one place that knows which there are.
CREATE POLICY dispatcher ON wordbond.tenant FOR SELECT TO wordbond_dispatcher USING (true);
GRANT SELECT (tenant_id, suspended_at, created_at) ON wordbond.tenant TO wordbond_dispatcher;

GRANT UPDATE (account_id, role, removed_at) ON wordbond.person TO wordbond_app;
GRANT UPDATE (require_second_factor) ON wordbond.tenant TO wordbond_app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (email, name, email_verified_at, password_hash, password_changed_at, failures, failed_at, version)
    ON wordbond.account TO wordbond_app;
GRANT SELECT, INSERT, DELETE ON wordbond.membership TO wordbond_app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (tenant_id, person_id, token_hash, csrf, strength, pending, created_at, seen_at, confirmed_at, expires_at)
    ON wordbond.session TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (secret, label, counter, version, used_at) ON wordbond.factor TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON wordbond.recovery_code TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON wordbond.one_time TO wordbond_app;
GRANT SELECT, INSERT, DELETE ON wordbond.provider_link TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (accepted_at, revoked_at) ON wordbond.invitation TO wordbond_app;
GRANT SELECT, INSERT, DELETE, UPDATE (metadata, enabled, version, updated_at) ON wordbond.saml_idp TO wordbond_app;
GRANT SELECT, INSERT, UPDATE (ended_at) ON wordbond.admin_look TO wordbond_app;
GRANT SELECT, INSERT, UPDATE (full_at, granted), DELETE ON wordbond.limit_bucket TO wordbond_app;
