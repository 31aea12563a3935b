-- The bytes of drawings move out of the database: they are objects in a folder or a bucket, and here is whose they are.
--
-- A row stands for an object that lies under `tenant_id/owner_id/blob_id`, sealed in chunks under its owner's key. The
-- object is there before the row is; an object without a row is cleared away.

-- Nothing is thrown away silently: no build that kept bytes in the database was ever released, but somebody may have run one.
DO $$
BEGIN
    IF EXISTS (SELECT FROM wordbond.drawing) THEN
        RAISE EXCEPTION 'this database holds drawings of an earlier build inside its tables: download and delete them with that build, then start this one';
    END IF;
END
$$;
DROP TABLE wordbond.drawing_part;

CREATE TABLE wordbond.blob (
    tenant_id uuid NOT NULL,
    blob_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, blob_id),
    -- So that what consists of the blob can name the owner and the database holds it to that.
    UNIQUE (tenant_id, blob_id, owner_id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES wordbond.person (tenant_id, person_id) ON DELETE CASCADE
);
CREATE INDEX blob_owner ON wordbond.blob (tenant_id, owner_id);

ALTER TABLE wordbond.drawing
    ADD COLUMN blob_id uuid NOT NULL,
    ADD UNIQUE (tenant_id, blob_id),
    ADD FOREIGN KEY (tenant_id, blob_id, owner_id)
        REFERENCES wordbond.blob (tenant_id, blob_id, owner_id) ON DELETE CASCADE;

-- Whom a drawing is shared with sees its row, which names the blob; the blob's own row is its owner's alone.
ALTER TABLE wordbond.blob ENABLE ROW LEVEL SECURITY;
ALTER TABLE wordbond.blob FORCE ROW LEVEL SECURITY;
GRANT SELECT ON wordbond.blob TO wordbond_backup;
CREATE POLICY backup ON wordbond.blob FOR SELECT TO wordbond_backup USING (true);
GRANT SELECT, INSERT, DELETE ON wordbond.blob TO wordbond_app;
CREATE POLICY owner ON wordbond.blob TO wordbond_app
    USING (tenant_id = (SELECT nullif(current_setting('wordbond.tenant', true), '')::uuid)
           AND owner_id = (SELECT nullif(current_setting('wordbond.actor', true), '')::uuid));
