//! Whether recipients are told of erasures: each step that the log says was begun was acknowledged by what the log says, too, or is
//! open, in its time, and in the hands of a job.

use crate::rights::recipients::{AGAIN, RECIPIENTS, Step, TOLD, Told, UNTIL};
use kernel::Timestamp;
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
                    said.ended = context("state").parse().ok();
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
    use kernel::Actor;

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
        }
    }

    fn found(all: usize, acknowledged: usize, missed: usize) -> Found {
        Found { all, acknowledged, missed }
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
}
