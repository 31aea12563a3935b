-- Whom else an erasure is told: one step for each case and each recipient that the operator has named, on a clock of its own.
--
-- Whom it is about stands in it sealed, under the operator's key, until the recipient has acknowledged it: then nobody knows.

CREATE TABLE wordbond.rights_step (
    -- Also what the message is known by, each time that it is sent: a recipient drops what it has seen.
    step_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES wordbond.rights_case (case_id) ON DELETE CASCADE,
    recipient text NOT NULL CHECK (recipient ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    state text NOT NULL CHECK (state IN ('open', 'acknowledged', 'refused', 'expired')),
    subject wordbond.sealed,
    begun_at timestamptz NOT NULL,
    -- The instant from which on it is not tried any more.
    due_at timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- Why the last attempt did not succeed.
    said text CHECK (length(said) <= 200),
    told_at timestamptz,
    UNIQUE (case_id, recipient),
    CHECK ((told_at IS NOT NULL) = (state = 'acknowledged')),
    CHECK ((subject IS NULL) = (state = 'acknowledged'))
);

ALTER TABLE wordbond.rights_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE wordbond.rights_step FORCE ROW LEVEL SECURITY;
CREATE POLICY backup ON wordbond.rights_step FOR SELECT TO wordbond_backup USING (true);
CREATE POLICY everybody ON wordbond.rights_step TO wordbond_app, wordbond_eraser USING (true);
GRANT SELECT ON wordbond.rights_step TO wordbond_backup;
GRANT SELECT, INSERT ON wordbond.rights_step TO wordbond_eraser;
GRANT SELECT, DELETE, UPDATE (state, subject, due_at, attempts, said, told_at) ON wordbond.rights_step TO wordbond_app;
