//! Ways to miss a deadline and not show it.

use promises::{
    Fault,
    fault::{Bites, Make, Meddling},
};

const fn fault(
    id: &'static str,
    about: &'static str,
    breaks: &'static [&'static str],
    spares_plants: bool,
    make: Make,
    bites: &'static str,
) -> Fault {
    Fault { id, about, breaks, spares_plants, make, bites: Bites::Sql(bites) }
}

/// A layer in front answers what is sent by a form, and passes nothing on.
const fn swallowed(
    id: &'static str,
    about: &'static str,
    breaks: &'static [&'static str],
    layer: &'static [Meddling],
    path: &'static str,
) -> Fault {
    Fault { id, about, breaks, spares_plants: false, make: Make::Middle(layer), bites: Bites::Swallowed(path) }
}

/// Jobs of one kind are taken and never come up, until it is undone: they get their tickets then.
macro_rules! ticketless {
    ($kind:literal) => {
        Make::Sql {
            make: concat!(
                "CREATE FUNCTION wordbond.drop_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     IF EXISTS (SELECT FROM wordbond.job AS j WHERE j.tenant_id = NEW.tenant_id AND j.job_id = NEW.job_id
                                AND j.kind = '",
                $kind,
                "') THEN
                         RETURN NULL;
                     END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER drop_ticket BEFORE INSERT ON wordbond.ticket
                     FOR EACH ROW EXECUTE FUNCTION wordbond.drop_ticket()"
            ),
            undo: concat!(
                "DROP TRIGGER drop_ticket ON wordbond.ticket; DROP FUNCTION wordbond.drop_ticket();
                 INSERT INTO wordbond.ticket (tenant_id, job_id, due_at)
                     SELECT j.tenant_id, j.job_id, now() FROM wordbond.job AS j WHERE j.kind = '",
                $kind,
                "' AND NOT EXISTS (SELECT FROM wordbond.ticket AS t
                                   WHERE t.tenant_id = j.tenant_id AND t.job_id = j.job_id)"
            ),
        }
    };
}

const ERASE_FORM: &str = "/account/data/erase";
const ASK_FORM: &str = "/account/data/requests";

const ERASE: &[&str] = &["erase-clock"];
const ACCESS: &[&str] = &["access-clock"];

/// Ways to break the clock of erasures.
pub const ERASE_FAULTS: &[Fault] = &[
    swallowed(
        "erase-clock-form-swallowed",
        "what people ask for on their page is answered and goes nowhere; what programs ask for is erased",
        ERASE,
        &[Meddling::Swallow(ERASE_FORM)],
        ERASE_FORM,
    ),
    fault(
        "erase-clock-forgotten-case",
        "somebody's request has been open for forty days; nothing that a probe plants is touched",
        ERASE,
        true,
        Make::Sql {
            make: "INSERT INTO wordbond.rights_case (case_id, kind, state, opened_at, due_at, receipt_id)
                   VALUES ('00000000-0000-4000-8000-000000000001', 'erasure', 'open', now() - interval '40 days',
                           now() - interval '9 days', '00000000-0000-4000-8000-000000000002')",
            undo: "DELETE FROM wordbond.rights_case WHERE case_id = '00000000-0000-4000-8000-000000000001'",
        },
        "SELECT EXISTS (SELECT FROM wordbond.rights_case WHERE closed_at IS NULL AND opened_at < now() - interval '39 days')",
    ),
    fault(
        "erase-clock-set-back",
        "the oldest request of all is made to look as if it had been made only after it was answered",
        ERASE,
        true,
        Make::Sql {
            // As it was is kept in the comment of the table: no other place would go unseen.
            make: "DO $$ DECLARE was record; BEGIN
                       SELECT case_id, opened_at INTO STRICT was FROM wordbond.rights_case
                           WHERE kind = 'erasure' AND closed_at IS NOT NULL ORDER BY case_id LIMIT 1;
                       EXECUTE format('COMMENT ON TABLE wordbond.rights_case IS %L', was.case_id || ' ' || was.opened_at);
                       UPDATE wordbond.rights_case SET opened_at = closed_at + interval '1 hour' WHERE case_id = was.case_id;
                   END $$",
            undo: "DO $$ DECLARE was text := obj_description('wordbond.rights_case'::regclass); BEGIN
                       UPDATE wordbond.rights_case SET opened_at = substr(was, 38)::timestamptz
                           WHERE case_id = left(was, 36)::uuid;
                       COMMENT ON TABLE wordbond.rights_case IS NULL;
                   END $$",
        },
        "SELECT EXISTS (SELECT FROM wordbond.rights_case WHERE opened_at > closed_at)",
    ),
    fault(
        "erase-clock-moved-out-of-sight",
        "the oldest request of all, and its answer, are dated back by more than a year, beyond what is looked at",
        ERASE,
        true,
        Make::Sql {
            make: "UPDATE wordbond.rights_case
                   SET opened_at = opened_at - interval '400 days', closed_at = closed_at - interval '400 days'
                   WHERE case_id = (SELECT case_id FROM wordbond.rights_case WHERE kind = 'erasure' ORDER BY case_id LIMIT 1)",
            undo: "UPDATE wordbond.rights_case
                   SET opened_at = opened_at + interval '400 days', closed_at = closed_at + interval '400 days'
                   WHERE kind = 'erasure' AND opened_at < now() - interval '399 days'",
        },
        "SELECT EXISTS (SELECT FROM wordbond.rights_case WHERE opened_at < now() - interval '399 days')",
    ),
    fault(
        "erase-clock-held-by-nobody",
        "the oldest account is held for centuries by a law that nobody named; nothing that a probe plants is touched",
        // The reason is sealed by nobody, either.
        &["erase-clock", "sealed-columns"],
        true,
        Make::Sql {
            make: "INSERT INTO wordbond.legal_hold (account_id, hold_id, case_id, reason, until, created_at)
                   SELECT account_id, '00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000006',
                          '\\x5701'::bytea || sha256('a') || sha256('law'), now() + interval '900 years', now()
                   FROM wordbond.account ORDER BY created_at LIMIT 1",
            undo: "DELETE FROM wordbond.legal_hold WHERE hold_id = '00000000-0000-4000-8000-000000000005'",
        },
        "SELECT EXISTS (SELECT FROM wordbond.legal_hold WHERE hold_id = '00000000-0000-4000-8000-000000000005')",
    ),
    fault(
        "erase-clock-nobody-carries-it-out",
        "a request is taken and confirmed, and what would carry it out is silently dropped",
        ERASE,
        false,
        ticketless!("rights.erase"),
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'drop_ticket')",
    ),
    fault(
        "erase-clock-recipient-not-told",
        "people are erased in time, and what would tell the others who hold their data is silently dropped",
        ERASE,
        false,
        ticketless!("rights.tell"),
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'drop_ticket')",
    ),
    fault(
        "erase-clock-recipient-marked-told",
        "each of the others who hold the data is marked as told the moment that the erasure begins, and nobody tells them",
        ERASE,
        false,
        Make::Sql {
            // Whom it is about is kept beside it, so that they can be told after all.
            make: "CREATE FUNCTION wordbond.mark_told() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN
                       NEW.said := encode(NEW.subject, 'base64');
                       NEW.state := 'acknowledged';
                       NEW.told_at := now();
                       NEW.subject := NULL;
                       RETURN NEW;
                   END $$;
                   CREATE TRIGGER mark_told BEFORE INSERT ON wordbond.rights_step
                       FOR EACH ROW EXECUTE FUNCTION wordbond.mark_told()",
            undo: "DROP TRIGGER mark_told ON wordbond.rights_step; DROP FUNCTION wordbond.mark_told();
                   WITH again AS (
                       UPDATE wordbond.rights_step
                       SET state = 'open', told_at = NULL, subject = decode(said, 'base64'), said = NULL
                       WHERE state = 'acknowledged' AND said IS NOT NULL RETURNING step_id),
                   job AS (
                       INSERT INTO wordbond.job (tenant_id, job_id, kind, ids, created_at)
                       SELECT '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'rights.tell', ARRAY[step_id], now()
                       FROM again RETURNING tenant_id, job_id)
                   INSERT INTO wordbond.ticket (tenant_id, job_id, due_at) SELECT tenant_id, job_id, now() FROM job",
        },
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'mark_told')",
    ),
    fault(
        "erase-clock-recipient-given-up",
        "each of the others who hold the data is given up the moment that the erasure begins, and nobody decided that",
        ERASE,
        false,
        Make::Sql {
            // Whom it is about is kept beside it, so that they can be told after all.
            make: "CREATE FUNCTION wordbond.mark_given_up() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN
                       NEW.said := encode(NEW.subject, 'base64');
                       NEW.state := 'given-up';
                       NEW.subject := NULL;
                       RETURN NEW;
                   END $$;
                   CREATE TRIGGER mark_given_up BEFORE INSERT ON wordbond.rights_step
                       FOR EACH ROW EXECUTE FUNCTION wordbond.mark_given_up()",
            undo: "DROP TRIGGER mark_given_up ON wordbond.rights_step; DROP FUNCTION wordbond.mark_given_up();
                   WITH again AS (
                       UPDATE wordbond.rights_step SET state = 'open', subject = decode(said, 'base64'), said = NULL
                       WHERE state = 'given-up' AND reason IS NULL AND said IS NOT NULL RETURNING step_id),
                   job AS (
                       INSERT INTO wordbond.job (tenant_id, job_id, kind, ids, created_at)
                       SELECT '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'rights.tell', ARRAY[step_id], now()
                       FROM again RETURNING tenant_id, job_id)
                   INSERT INTO wordbond.ticket (tenant_id, job_id, due_at) SELECT tenant_id, job_id, now() FROM job",
        },
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'mark_given_up')",
    ),
];

/// Ways to break the clock of copies.
pub const ACCESS_FAULTS: &[Fault] = &[
    swallowed(
        "access-clock-form-swallowed",
        "what people ask for on their page is answered and goes nowhere; what programs ask for is taken",
        ACCESS,
        &[Meddling::Swallow(ASK_FORM)],
        ASK_FORM,
    ),
    fault(
        "access-clock-letter-swallowed",
        "letters that tell people what was decided about their requests vanish as they are written, and their jobs end well",
        ACCESS,
        false,
        Make::Sql {
            make: "CREATE FUNCTION wordbond.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER swallow BEFORE INSERT ON wordbond.mail
                       FOR EACH ROW WHEN (NEW.case_id IS NOT NULL) EXECUTE FUNCTION wordbond.swallow()",
            undo: "DROP TRIGGER swallow ON wordbond.mail; DROP FUNCTION wordbond.swallow()",
        },
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'swallow')",
    ),
    fault(
        "access-clock-forgotten-case",
        "somebody's request has been open for forty days; nothing that a probe plants is touched",
        ACCESS,
        true,
        Make::Sql {
            make: "INSERT INTO wordbond.rights_case (case_id, kind, state, opened_at, due_at, receipt_id)
                   VALUES ('00000000-0000-4000-8000-000000000003', 'access', 'open', now() - interval '40 days',
                           now() - interval '9 days', '00000000-0000-4000-8000-000000000004')",
            undo: "DELETE FROM wordbond.rights_case WHERE case_id = '00000000-0000-4000-8000-000000000003'",
        },
        "SELECT EXISTS (SELECT FROM wordbond.rights_case WHERE closed_at IS NULL AND opened_at < now() - interval '39 days')",
    ),
    fault(
        "access-clock-put-off-in-silence",
        "every deadline is written down three months later than it was told",
        ACCESS,
        false,
        Make::Sql {
            make: "CREATE FUNCTION wordbond.put_off() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.due_at := NEW.due_at + interval '90 days'; RETURN NEW; END $$;
                   CREATE TRIGGER put_off BEFORE INSERT ON wordbond.rights_case
                       FOR EACH ROW WHEN (NEW.kind = 'access') EXECUTE FUNCTION wordbond.put_off()",
            undo: "DROP TRIGGER put_off ON wordbond.rights_case; DROP FUNCTION wordbond.put_off();
                   UPDATE wordbond.rights_case SET due_at = due_at - interval '90 days'
                       WHERE kind = 'access' AND due_at > opened_at + interval '100 days' AND extended_at IS NULL",
        },
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'put_off')",
    ),
];
