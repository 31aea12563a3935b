//! Whether recipients are told of erasures: each step that the log says was begun was acknowledged by what the log says, too, was
//! given up by one of the operator's people, or is open, in its time, and in the hands of a job.

use crate::rights::recipients::{AGAIN, GIVE_UP, RECIPIENTS, Step, TOLD, Told, UNTIL};
use kernel::{Actor, Timestamp};
use ledger::audit::Event;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A case, and the name of a recipient.
type Which = (Uuid, String);

/// What the log says of a step.
#[derive(Clone, Copy, Debug)]
struct Said {
    until: Timestamp,
    ended: Option<Told>,
}

/// What the log says of steps.
#[derive(Debug, Default)]
pub(super) struct Steps(BTreeMap<Which, Said>);

/// What was found of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// How many there are.
    pub(super) all: usize,
    /// How many recipients have acknowledged.
    pub(super) acknowledged: usize,
    /// How many were given up by one of the operator's people.
    pub(super) given_up: usize,
    /// How many were not told in time, or never will be.
    pub(super) missed: usize,
}

impl Steps {
    /// Goes on with the next event.
    pub(super) fn take(&mut self, event: &Event) {
        let Some(case) = event.targets.iter().find_map(|it| it.strip_prefix("case:")?.parse::<Uuid>().ok()) else {
            return;
        };
        let context = |key: &str| event.context.get(key).map(String::as_str).unwrap_or_default();
        // What cannot be read is over at once: it is missed rather than waited for.
        let open = || Said { until: context(UNTIL).parse().unwrap_or(event.at), ended: None };
        let one = || (case, context("recipient").to_owned());
        match event.action.as_str() {
            "rights.erase" => {
                self.0.extend(context(RECIPIENTS).split_whitespace().map(|name| ((case, name.to_owned()), open())));
            }
            AGAIN => drop(self.0.insert(one(), open())),
            TOLD => {
                if let Some(said) = self.0.get_mut(&one()) {
                    // Nobody but the operator gives up.
                    said.ended = context("state").parse().ok().filter(|state| *state != Told::GivenUp);
                }
            }
            GIVE_UP if event.actor == Actor::Operator && event.targets.iter().any(|it| it.starts_with("account:")) => {
                if let Some(said) = self.0.get_mut(&one()) {
                    said.ended = Some(Told::GivenUp);
                }
            }
            _ => {}
        }
    }

    /// Compares the log with the rows, of these cases, and with the jobs that will come up. What one of both does not know of was
    /// not told.
    pub(super) fn compare(
        &self,
        rows: &[Step],
        cases: &BTreeSet<Uuid>,
        jobs: &BTreeSet<Uuid>,
        now: Timestamp,
    ) -> Found {
        let rows: BTreeMap<Which, &Step> = rows.iter().map(|row| ((row.case, row.recipient.clone()), row)).collect();
        let every: BTreeSet<&Which> =
            self.0.keys().chain(rows.keys()).filter(|(case, _)| cases.contains(case)).collect();
        let mut found = Found { all: every.len(), ..Found::default() };
        for which in every {
            match (self.0.get(which), rows.get(which)) {
                (Some(said), Some(row))
                    if said.ended == Some(Told::Acknowledged) && row.state == Told::Acknowledged =>
                {
                    found.acknowledged += 1;
                }
                (Some(said), Some(row))
                    if said.ended == Some(Told::GivenUp) && row.state == Told::GivenUp && row.reason.is_some() =>
                {
                    found.given_up += 1;
                }
                (Some(said), Some(row))
                    if said.ended.is_none()
                        && row.state == Told::Open
                        && now < said.until
                        && jobs.contains(&row.id) => {}
                _ => found.missed += 1,
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, case: Uuid, at: i64, context: &[(&str, &str)]) -> Event {
        Event {
            actor: Actor::Operator,
            action: action.to_owned(),
            targets: vec![format!("case:{case}")],
            context: context.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            at: Timestamp::from_second(at).unwrap(),
        }
    }

    fn row(case: Uuid, recipient: &str, state: Told) -> Step {
        let at = Timestamp::from_second(0).unwrap();
        Step {
            id: Uuid::from_u128(7),
            case,
            recipient: recipient.to_owned(),
            state,
            begun_at: at,
            due_at: at,
            attempts: 0,
            said: None,
            told_at: None,
            reason: None,
        }
    }

    fn found(all: usize, acknowledged: usize, missed: usize) -> Found {
        Found { all, acknowledged, given_up: 0, missed }
    }

    #[test]
    fn a_step_is_acknowledged_by_the_log_and_by_its_row_or_is_missed() {
        let case = Uuid::from_u128(1);
        let (cases, job, none) = (BTreeSet::from([case]), BTreeSet::from([Uuid::from_u128(7)]), BTreeSet::new());
        let at = |second| Timestamp::from_second(second).unwrap();
        let until = at(100).to_string();
        let mut steps = Steps::default();
        let open = row(case, "crm", Told::Open);
        let compare = |steps: &Steps, rows: &[Step], jobs, second| steps.compare(rows, &cases, jobs, at(second));
        // Of what nobody began there is no row.
        assert_eq!(compare(&steps, std::slice::from_ref(&open), &job, 50), found(1, 0, 1));
        steps.take(&event("rights.erase", case, 1, &[("rows", "4"), (RECIPIENTS, "crm"), (UNTIL, &until)]));
        assert_eq!(compare(&steps, &[], &job, 50), found(1, 0, 1), "its row is gone");
        assert_eq!(compare(&steps, std::slice::from_ref(&open), &job, 50), found(1, 0, 0));
        assert_eq!(compare(&steps, std::slice::from_ref(&open), &none, 50), found(1, 0, 1), "no job has it");
        assert_eq!(compare(&steps, std::slice::from_ref(&open), &job, 100), found(1, 0, 1), "its time is over");
        let marked = row(case, "crm", Told::Acknowledged);
        assert_eq!(compare(&steps, std::slice::from_ref(&marked), &job, 50), found(1, 0, 1), "it was only marked");
        steps.take(&event(TOLD, case, 2, &[("recipient", "crm"), ("state", "refused")]));
        assert_eq!(compare(&steps, &[row(case, "crm", Told::Refused)], &job, 50), found(1, 0, 1), "it was refused");
        steps.take(&event(AGAIN, case, 3, &[("recipient", "crm"), (UNTIL, &at(200).to_string())]));
        assert_eq!(compare(&steps, std::slice::from_ref(&open), &job, 150), found(1, 0, 0), "it is tried again");
        steps.take(&event(TOLD, case, 4, &[("recipient", "crm"), ("state", "acknowledged")]));
        assert_eq!(compare(&steps, std::slice::from_ref(&marked), &job, 500), found(1, 1, 0));
        assert_eq!(compare(&steps, &[open], &job, 150), found(1, 0, 1), "the row says something else");
    }

    #[test]
    fn a_step_is_given_up_by_the_operator_and_by_nobody_else() {
        let case = Uuid::from_u128(1);
        let (cases, none) = (BTreeSet::from([case]), BTreeSet::new());
        let now = Timestamp::from_second(50).unwrap();
        let reason = Some("It is no more".to_owned());
        let marked = Step { reason, ..row(case, "crm", Told::GivenUp) };
        let compare = |steps: &Steps, row: &Step| steps.compare(std::slice::from_ref(row), &cases, &none, now);
        let begun = || {
            let mut steps = Steps::default();
            let until = Timestamp::from_second(100).unwrap().to_string();
            steps.take(&event("rights.erase", case, 1, &[(RECIPIENTS, "crm"), (UNTIL, &until)]));
            steps
        };
        let missed = found(1, 0, 1);
        assert_eq!(compare(&begun(), &marked), missed, "its row was only marked");
        let mut steps = begun();
        steps.take(&event(TOLD, case, 2, &[("recipient", "crm"), ("state", "given-up")]));
        assert_eq!(compare(&steps, &marked), missed, "a job gives nobody up");
        let nobody = event(GIVE_UP, case, 2, &[("recipient", "crm")]);
        steps.take(&nobody);
        assert_eq!(compare(&steps, &marked), missed, "nobody decided it");
        let decided = Event { targets: vec![format!("case:{case}"), "account:1".to_owned()], ..nobody };
        steps.take(&Event { actor: Actor::Job { name: "tell".to_owned() }, ..decided.clone() });
        assert_eq!(compare(&steps, &marked), missed, "a job decided it");
        steps.take(&decided);
        assert_eq!(compare(&steps, &marked), Found { all: 1, given_up: 1, ..Found::default() });
        assert_eq!(compare(&steps, &row(case, "crm", Told::Refused)), missed, "the row says something else");
        assert_eq!(compare(&steps, &row(case, "crm", Told::GivenUp)), missed, "nobody can read why");
    }
}
