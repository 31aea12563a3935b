-- Objectives, key results, check-ins, and the history of all of them. They are the team's: every member sees them, and
-- what a member may write follows from their role, which the application compares.
--
-- Nothing of it is ever deleted, and history is only added to: the application has no right to do otherwise.

CREATE TABLE wordbond.objective (
    tenant_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    -- Nobody's once its owner has been erased.
    owner_id uuid,
    parent_id uuid,
    level text NOT NULL CHECK (level IN ('company', 'team', 'personal')),
    status text NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'on-hold', 'cancelled')),
    starts_on date NOT NULL,
    ends_on date NOT NULL CHECK (ends_on >= starts_on),
    weight smallint NOT NULL CHECK (weight BETWEEN 0 AND 100),
    check_in_every text NOT NULL CHECK (check_in_every IN ('week', 'two-weeks', 'month')),
    -- Title and description.
    body wordbond.sealed NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, objective_id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE SET NULL (owner_id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES wordbond.objective (tenant_id, objective_id)
);

CREATE TABLE wordbond.key_result (
    tenant_id uuid NOT NULL,
    key_result_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    owner_id uuid,
    unit text NOT NULL CHECK (unit IN ('number', 'percentage', 'currency', 'boolean')),
    direction text NOT NULL CHECK (direction IN ('increase', 'decrease', 'maintain')),
    weight smallint NOT NULL CHECK (weight BETWEEN 0 AND 100),
    -- Title, initial value and what is aimed for.
    body wordbond.sealed NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, key_result_id),
    -- So that a check-in can name the objective and the database holds it to that.
    UNIQUE (tenant_id, key_result_id, objective_id),
    FOREIGN KEY (tenant_id, objective_id) REFERENCES wordbond.objective (tenant_id, objective_id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE SET NULL (owner_id)
);
CREATE INDEX key_result_objective ON wordbond.key_result (tenant_id, objective_id);

-- The only way in which a value changes.
CREATE TABLE wordbond.check_in (
    tenant_id uuid NOT NULL,
    check_in_id uuid NOT NULL,
    key_result_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    person_id uuid NOT NULL,
    -- Value, confidence and comment.
    body wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, check_in_id),
    FOREIGN KEY (tenant_id, key_result_id, objective_id)
        REFERENCES wordbond.key_result (tenant_id, key_result_id, objective_id)
);
CREATE INDEX check_in_key_result ON wordbond.check_in (tenant_id, key_result_id, check_in_id);

-- Who changed what when. `version` is the one that the change led to.
CREATE TABLE wordbond.objective_revision (
    tenant_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    key_result_id uuid,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    -- What was done, each field with its value before and after, and the whole as it is since.
    body wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, revision_id),
    FOREIGN KEY (tenant_id, objective_id) REFERENCES wordbond.objective (tenant_id, objective_id),
    FOREIGN KEY (tenant_id, key_result_id, objective_id)
        REFERENCES wordbond.key_result (tenant_id, key_result_id, objective_id)
);
CREATE INDEX objective_revision_objective ON wordbond.objective_revision (tenant_id, objective_id, revision_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['objective', 'key_result', 'check_in', 'objective_revision']
    LOOP
        EXECUTE format('ALTER TABLE wordbond.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE wordbond.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_backup', name);
        EXECUTE format('CREATE POLICY backup ON wordbond.%I FOR SELECT TO wordbond_backup USING (true)', name);
        EXECUTE format(
            'CREATE POLICY tenant ON wordbond.%I TO wordbond_app
                 USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT ON wordbond.%I TO wordbond_app', name);
    END LOOP;
END
$$;

GRANT UPDATE (owner_id, parent_id, status, starts_on, ends_on, weight, check_in_every, body, version, updated_at, archived_at)
    ON wordbond.objective TO wordbond_app;
GRANT UPDATE (owner_id, unit, direction, weight, body, version, updated_at, archived_at)
    ON wordbond.key_result TO wordbond_app;
