-- A recipient that is gone for good is given up, with a reason that the receipt tells: nobody knows any more then whom the step
-- was about.
ALTER TABLE wordbond.rights_step
    -- Sealed under the operator's key.
    ADD COLUMN reason wordbond.sealed,
    DROP CONSTRAINT rights_step_state_check,
    DROP CONSTRAINT rights_step_check1,
    ADD CONSTRAINT rights_step_state_check CHECK (state IN ('open', 'acknowledged', 'refused', 'expired', 'given-up')),
    ADD CONSTRAINT rights_step_subject_check CHECK ((subject IS NULL) = (state IN ('acknowledged', 'given-up'))),
    ADD CONSTRAINT rights_step_reason_check CHECK (reason IS NULL OR state = 'given-up');

GRANT UPDATE (reason) ON wordbond.rights_step TO wordbond_app;
