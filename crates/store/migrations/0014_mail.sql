-- Mail that waits to be handed over. What it says is sealed; who it is for is known to the application alone, in the scope of
-- the account. The job that sends it stands in the operator's queue and names it by ids only.

-- No foreign key to account: what is written to somebody without an account stands under the nil account.
CREATE TABLE wordbond.mail (
    account_id uuid NOT NULL,
    mail_id uuid NOT NULL,
    body wordbond.sealed NOT NULL,
    created_at timestamptz NOT NULL,
    -- Not handed over by then, it is given up.
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, mail_id)
);

ALTER TABLE wordbond.mail ENABLE ROW LEVEL SECURITY;
ALTER TABLE wordbond.mail FORCE ROW LEVEL SECURITY;
GRANT SELECT ON wordbond.mail TO wordbond_backup;
CREATE POLICY backup ON wordbond.mail FOR SELECT TO wordbond_backup USING (true);
CREATE POLICY account ON wordbond.mail TO wordbond_app
    USING (account_id = (SELECT nullif(current_setting('wordbond.account', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON wordbond.mail TO wordbond_app;
