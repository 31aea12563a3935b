//! Two versions of one promise.

use super::{Changes, Direction};
use crate::{
    control::{Catalogue, Stronger},
    profile::{Attestation, Kind, Promise, Value, Waiver},
    verdict::day,
};
use std::{cmp::Ordering, collections::BTreeSet};

/// Notes what changed between two versions of a promise, words aside.
pub(super) fn promise(was: &Promise, is: &Promise, catalogue: &Catalogue, changes: &mut Changes<'_>) {
    if was.kind != is.kind {
        changes.note(by_order(rank(is.kind).cmp(&rank(was.kind))), "kind", was.kind.word(), is.kind.word());
    }
    control(was, is, changes);
    if was.control == is.control {
        params(was, is, catalogue, changes);
    }
    // A longer freshness lets an old observation count, and a longer cadence leaves a break unseen.
    if was.control.is_some() && is.control.is_some() {
        for (aspect, before, after) in
            [("cadence", was.cadence, is.cadence), ("freshness", was.freshness, is.freshness)]
        {
            if before != after {
                changes.note(by_order(before.cmp(&after)), aspect, before, after);
            }
        }
    }
    waiver(was.waiver.as_ref(), is.waiver.as_ref(), changes);
    attestation(was.attested.as_ref(), is.attested.as_ref(), changes);
    let phase = |promise: &Promise| promise.planned.as_ref().map(|plan| plan.phase.clone()).unwrap_or_default();
    changes.neutral("phase", phase(was), phase(is));
    changes.neutral("section", &was.section, &is.section);
    changes.neutral("claims", was.claims.join(", "), is.claims.join(", "));
}

/// Greater promises more.
const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Enforced => 3,
        Kind::Clocked => 2,
        Kind::Attested => 1,
        Kind::Planned => 0,
    }
}

/// Greater is stronger, less is weaker.
const fn by_order(order: Ordering) -> Direction {
    match order {
        Ordering::Greater => Direction::Stronger,
        Ordering::Less => Direction::Weaker,
        Ordering::Equal => Direction::Changed,
    }
}

fn control(was: &Promise, is: &Promise, changes: &mut Changes<'_>) {
    if was.control == is.control {
        return;
    }
    let direction = match (&was.control, &is.control) {
        (None, Some(_)) => Direction::Stronger,
        (Some(_), None) => Direction::Weaker,
        _ => Direction::Changed,
    };
    let name = |promise: &Promise| promise.control.clone().unwrap_or_else(|| "none".to_owned());
    changes.note(direction, "control", name(was), name(is));
}

fn params(was: &Promise, is: &Promise, catalogue: &Catalogue, changes: &mut Changes<'_>) {
    let spec = is.control.as_deref().and_then(|id| catalogue.get(id));
    let names: BTreeSet<&String> = was.params.keys().chain(is.params.keys()).collect();
    for name in names {
        let stronger =
            spec.and_then(|spec| spec.params.iter().find(|param| param.name == *name)).map(|param| param.stronger);
        match (was.params.get(name), is.params.get(name)) {
            (Some(before), Some(after)) if before != after => {
                let direction = stronger.map_or(Direction::Changed, |way| direction(way, before, after));
                changes.note(direction, name, before, after);
            }
            (None, Some(after)) => changes.note(Direction::Changed, name, "", after),
            (Some(before), None) => changes.note(Direction::Changed, name, before, ""),
            _ => {}
        }
    }
}

/// Which way a value went. What cannot be compared has changed.
fn direction(stronger: Stronger, before: &Value, after: &Value) -> Direction {
    let more = match (before, after) {
        (Value::Span(before), Value::Span(after)) => Some(after.cmp(before)),
        (Value::Size(before), Value::Size(after)) | (Value::Count(before), Value::Count(after)) => {
            Some(after.cmp(before))
        }
        (Value::Percent(before), Value::Percent(after)) => after.partial_cmp(before),
        (Value::Flag(before), Value::Flag(after)) => Some(after.cmp(before)),
        (Value::List(before), Value::List(after)) => inclusion(before, after),
        _ => None,
    };
    match (stronger, more) {
        (Stronger::More | Stronger::Wider, Some(order)) => by_order(order),
        (Stronger::Less | Stronger::Fewer, Some(order)) => by_order(order.reverse()),
        (Stronger::Neither, _) | (_, None) => Direction::Changed,
    }
}

/// Greater if `after` holds all of `before` and more; nothing if each has what the other lacks.
fn inclusion(before: &[String], after: &[String]) -> Option<Ordering> {
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
    match (before.is_subset(&after), after.is_subset(&before)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Greater),
        (false, true) => Some(Ordering::Less),
        (false, false) => None,
    }
}

/// A promise set aside promises less, for longer even less. The reason alone is neither.
fn waiver(was: Option<&Waiver>, is: Option<&Waiver>, changes: &mut Changes<'_>) {
    let until = |waiver: Option<&Waiver>| waiver.map(|waiver| waiver.until);
    match until(was).cmp(&until(is)) {
        Ordering::Equal => {
            let reason = |waiver: Option<&Waiver>| waiver.map(|waiver| waiver.reason.clone()).unwrap_or_default();
            changes.neutral("reason of the waiver", reason(was), reason(is));
        }
        order => {
            let show = |waiver: Option<&Waiver>| {
                waiver.map_or_else(|| "not waived".to_owned(), |w| format!("until {} ({})", day(w.until), w.reason))
            };
            changes.note(by_order(order), "waived", show(was), show(is));
        }
    }
}

fn attestation(was: Option<&Attestation>, is: Option<&Attestation>, changes: &mut Changes<'_>) {
    let show = |statement: Option<&Attestation>| {
        statement.map(|a| format!("{} in «{}» until {}", a.owner, a.document, day(a.expires))).unwrap_or_default()
    };
    changes.neutral("attested", show(was), show(is));
}
