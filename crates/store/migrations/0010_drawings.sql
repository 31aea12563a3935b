-- Drawings: files that people upload, sealed under their uploader's key in parts, and with whom they are shared.
--
-- A drawing is its uploader's. Whom it was shared with may read it, and nobody who has left the team may, whatever
-- grant is still there. Nothing of a drawing is ever changed: there is no right to update.

CREATE TABLE wordbond.drawing (
    tenant_id uuid NOT NULL,
    drawing_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('png', 'jpeg', 'pdf', 'svg', 'dxf', 'dwg')),
    size bigint NOT NULL CHECK (size > 0 AND size <= 16777216),
    -- The name, and a checksum of the whole: parts that are left out or exchanged do not go unnoticed.
    label wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, drawing_id),
    -- So that a grant and a part can name the owner and the database holds them to that.
    UNIQUE (tenant_id, drawing_id, owner_id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);

CREATE TABLE wordbond.drawing_part (
    tenant_id uuid NOT NULL,
    part_id uuid NOT NULL,
    drawing_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    content wordbond.sealed NOT NULL,
    PRIMARY KEY (tenant_id, part_id),
    UNIQUE (tenant_id, drawing_id, number),
    FOREIGN KEY (tenant_id, drawing_id, owner_id)
        REFERENCES wordbond.drawing (tenant_id, drawing_id, owner_id) ON DELETE CASCADE
);

CREATE TABLE wordbond.drawing_grant (
    tenant_id uuid NOT NULL,
    drawing_id uuid NOT NULL,
    person_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, drawing_id, person_id),
    FOREIGN KEY (tenant_id, drawing_id, owner_id)
        REFERENCES wordbond.drawing (tenant_id, drawing_id, owner_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, person_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);
CREATE INDEX drawing_grant_person ON wordbond.drawing_grant (tenant_id, person_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['drawing', 'drawing_part', 'drawing_grant']
    LOOP
        EXECUTE format('ALTER TABLE wordbond.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE wordbond.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT ON wordbond.%I TO wordbond_backup', name);
        EXECUTE format('CREATE POLICY backup ON wordbond.%I FOR SELECT TO wordbond_backup USING (true)', name);
        EXECUTE format(
            'CREATE POLICY owner ON wordbond.%I TO wordbond_app
                 USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid)
                        AND owner_id = (SELECT nullif(current_setting(''wordbond.actor'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON wordbond.%I TO wordbond_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['drawing', 'drawing_part']
    LOOP
        EXECUTE format(
            'CREATE POLICY grantee ON wordbond.%1$I FOR SELECT TO wordbond_app
                 USING (tenant_id = (SELECT nullif(current_setting(''wordbond.tenant'', true), '''')::uuid)
                        AND EXISTS (SELECT FROM wordbond.drawing_grant AS g
                                    JOIN wordbond.person AS p ON p.tenant_id = g.tenant_id AND p.person_id = g.person_id
                                    WHERE g.tenant_id = %1$I.tenant_id AND g.drawing_id = %1$I.drawing_id
                                      AND g.person_id = (SELECT nullif(current_setting(''wordbond.actor'', true), '''')::uuid)
                                      AND p.removed_at IS NULL))',
            name);
    END LOOP;
END
$$;

CREATE POLICY grantee ON wordbond.drawing_grant FOR SELECT TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND person_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid));
