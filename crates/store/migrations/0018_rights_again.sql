-- What a year of requests asks of the rights: whose address somebody without an account was written down under, what a person
-- answered, which mails hold a link, and which cases were those of probes.

-- Of people without an account: by which address they were found until they were removed, and whose address it was when
-- its account had proven it and then took another. Both only lead to them for a copy or an erasure.
ALTER TABLE wordbond.person
    ADD COLUMN former_index bytea CHECK (octet_length(former_index) = 32),
    ADD COLUMN of_account uuid;
CREATE INDEX person_former ON wordbond.person (tenant_id, former_index) WHERE former_index IS NOT NULL;
CREATE INDEX person_of_account ON wordbond.person (tenant_id, of_account) WHERE of_account IS NOT NULL;
-- Whoever was removed before this was kept is found by what is sealed in their row: there will be no more of them.
CREATE INDEX person_unindexed ON wordbond.person (tenant_id)
    WHERE account_id IS NULL AND removed_at IS NOT NULL AND former_index IS NULL AND of_account IS NULL;
GRANT UPDATE (former_index, of_account) ON wordbond.person TO wordbond_app;

-- What the person answered to what they were asked, sealed as what they were told is.
ALTER TABLE wordbond.rights_request ADD COLUMN answer wordbond.sealed;
GRANT UPDATE (answer) ON wordbond.rights_request TO wordbond_app, wordbond_eraser;

-- Whether a mail holds a link that opens something, or will: a new password takes those back, and no other. Of those that
-- wait by now nobody knows.
ALTER TABLE wordbond.mail ADD COLUMN opens boolean NOT NULL DEFAULT true;
ALTER TABLE wordbond.mail ALTER COLUMN opens DROP DEFAULT;

-- Cases of probes, which say so themselves once these are closed: nothing that waits can be put out of sight so.
ALTER TABLE wordbond.rights_case
    ADD COLUMN of_probe boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT of_probe_when_closed CHECK (closed_at IS NOT NULL OR NOT of_probe);
GRANT UPDATE (of_probe) ON wordbond.rights_case TO wordbond_app;
CREATE INDEX rights_case_closed ON wordbond.rights_case (of_probe, closed_at, case_id) WHERE closed_at IS NOT NULL;
DROP INDEX wordbond.rights_case_due;
CREATE INDEX rights_case_due ON wordbond.rights_case (due_at, case_id) WHERE closed_at IS NULL;
