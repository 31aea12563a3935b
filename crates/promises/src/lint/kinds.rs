//! What each kind of promise needs.

use super::{Context, Lint, Severity, absolutes::starts_with, sentences};
use crate::{
    profile::{Kind, Promise},
    verdict::day,
};
use jiff::SignedDuration;

/// How long before its end an attestation is worth renewing.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What says that something is not yet true.
const FUTURE: [&str; 12] = [
    "will",
    "planned",
    "plan to",
    "not yet",
    "roadmap",
    "coming",
    "to come",
    "later",
    "upcoming",
    "intend to",
    "going to",
    "in future",
];

pub(super) fn check(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    match promise.kind {
        Kind::Enforced | Kind::Clocked if promise.control.is_none() => {
            let place = context.about(promise, None, "kind", "WB002", Severity::Error);
            let message = "nothing enforces this promise: it has no control";
            found.push(place.says(message, "name the control, or make it `attested` or `planned`"));
        }
        Kind::Attested => attested(context, promise, found),
        Kind::Planned => planned(context, promise, found),
        Kind::Enforced | Kind::Clocked => {}
    }
    mode(context, promise, found);
    waiver(context, promise, found);
}

fn attested(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    const NEEDED: [&str; 3] = ["owner", "document", "expires"];
    let Some(statement) = &promise.attested else {
        let filled = context.places.filled(&promise.id, "attested", &NEEDED);
        let word = |key| if key == "expires" { "expiry" } else { key };
        let missing: Vec<&str> = NEEDED.into_iter().filter(|key| !filled.contains(key)).map(word).collect();
        let place = context.about(promise, None, "attested", "WB003", Severity::Error);
        let message = format!("the statement has no {}", missing.join(", no "));
        let advice = "write `attested = { owner = \"a role\", document = \"what says it\", expires = 2027-03-31 }`";
        found.push(place.says(message, advice));
        return;
    };
    let left = statement.expires.duration_since(context.now);
    if left <= SignedDuration::ZERO {
        let place = context.about(promise, None, "attested", "WB004", Severity::Error);
        let message = format!("the statement expired on {}", day(statement.expires));
        found.push(place.says(message, format!("let the {} renew it, or take the line down", statement.owner)));
    } else if left < SOON {
        let place = context.about(promise, None, "attested", "WB004", Severity::Warning);
        let message = format!("the statement expires on {}", day(statement.expires));
        found.push(place.says(message, format!("let the {} renew it in time", statement.owner)));
    }
}

fn planned(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    let words = sentences::words(&promise.words);
    let says = |phrase: &&str| (0..words.len()).any(|at| starts_with(words.get(at..).unwrap_or_default(), phrase));
    if !FUTURE.iter().any(says) {
        let place = context.about(promise, None, "words", "WB005", Severity::Error);
        found.push(place.says("this line is planned and reads as if it were true", "say «will» or «not yet»"));
    }
}

fn mode(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    let Some(spec) = promise.control.as_deref().and_then(|id| context.catalogue.get(id)) else { return };
    let mode = context.profile.service.mode;
    if promise.kind != Kind::Planned && !spec.modes.contains(&mode) {
        let place = context.about(promise, None, "control", "WB010", Severity::Error);
        let modes: Vec<&str> = spec.modes.iter().map(|mode| mode.word()).collect();
        let message = format!("`{}` cannot be promised in mode `{}`", spec.id, mode.word());
        found.push(place.says(message, format!("it needs mode {}", modes.join(" or "))));
    }
}

fn waiver(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    if let Some(waiver) = promise.waiver.as_ref().filter(|waiver| waiver.until <= context.now) {
        let place = context.about(promise, None, "waived", "WB013", Severity::Warning);
        let message = format!("the waiver ended on {} and no longer counts", day(waiver.until));
        found.push(place.says(message, "take it out"));
    }
}
