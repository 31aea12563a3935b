//! One figure, said in several places. Found by what the words are about, and by what controls measure.

use super::{
    Context, Lint, Severity,
    figures::{Quantity, figures},
    sentences::{self, Word},
};
use crate::{
    control::Stronger,
    profile::{Profile, Promise, Value},
};
use kernel::Span;
use std::collections::BTreeMap;

/// What a span of time in the words can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    BackupAge,
    BackupsKept,
    Recovery,
    LogsKept,
    Erasure,
    AccessCopy,
    Reports,
}

impl Topic {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::BackupAge => "the age of the newest backup",
            Self::BackupsKept => "how long backups are kept",
            Self::Recovery => "the time to recover",
            Self::LogsKept => "how long logs are kept",
            Self::Erasure => "the deadline of an erasure",
            Self::AccessCopy => "the deadline of a copy",
            Self::Reports => "the deadline of a vulnerability report",
        }
    }
}

/// A span of time that a promise says about a topic.
#[derive(Clone, Debug)]
pub(super) struct Said<'a> {
    pub(super) promise: &'a Promise,
    pub(super) topic: Topic,
    pub(super) seconds: u64,
    pub(super) shown: String,
    word: String,
}

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Lint>) {
    let mut first: BTreeMap<Topic, Said<'_>> = BTreeMap::new();
    for said in spoken(context.profile) {
        let Some(before) = first.get(&said.topic) else {
            first.insert(said.topic, said);
            continue;
        };
        if before.seconds != said.seconds {
            let place = context.about(said.promise, Some(&said.word), "words", "WB001", Severity::Error);
            let message = format!(
                "{} is {} here and {} in `{}`",
                said.topic.title(),
                said.shown,
                before.shown,
                before.promise.id
            );
            found.push(place.says(message, "one of the two is wrong: say the figure once, as a parameter"));
        }
    }
    measured(context, found);
}

/// The spans of time in the words of enforced, clocked and attested promises, by topic.
pub(super) fn spoken(profile: &Profile) -> Vec<Said<'_>> {
    let mut all = Vec::new();
    for promise in profile.promises.iter().filter(|promise| promise.kind != crate::profile::Kind::Planned) {
        let words = sentences::words(&promise.words);
        for figure in figures(&promise.words) {
            let (Quantity::Span(seconds) | Quantity::Calendar(seconds)) = figure.quantity else { continue };
            if let Some(topic) = topic_near(&words, figure.clause) {
                all.push(Said { promise, topic, seconds, shown: figure.shown, word: figure.text.to_owned() });
            }
        }
    }
    all
}

/// The topic of a clause, or of the last clause before it that has one.
fn topic_near(words: &[Word<'_>], clause: usize) -> Option<Topic> {
    (0..=clause).rev().find_map(|clause| {
        let own: Vec<Word<'_>> = words.iter().copied().filter(|word| word.clause == clause).collect();
        topic(&own)
    })
}

fn topic(clause: &[Word<'_>]) -> Option<Topic> {
    let has =
        |stems: &[&str]| clause.iter().any(|word| stems.iter().any(|stem| word.text.to_lowercase().starts_with(stem)));
    if has(&["newest", "latest"])
        || (has(&["backup", "backed"]) && has(&["daily", "nightly", "hourly", "every", "taken"]))
    {
        return Some(Topic::BackupAge);
    }
    if has(&["backup", "snapshot"]) && has(&KEEPING) {
        return Some(Topic::BackupsKept);
    }
    if has(&["recover", "restor"]) {
        return Some(Topic::Recovery);
    }
    if has(&["backup", "snapshot"]) {
        return Some(Topic::BackupsKept);
    }
    if clause.iter().any(|word| word.is_one_of(&["log", "logs"])) && has(&KEEPING) {
        return Some(Topic::LogsKept);
    }
    if has(&["eras", "delet", "forgot", "forget", "remov"]) {
        return Some(Topic::Erasure);
    }
    if clause.iter().any(|word| word.is_one_of(&["copy"])) {
        return Some(Topic::AccessCopy);
    }
    (has(&["acknowledg"]) || (has(&["vulnerabilit"]) && has(&["respon", "answer", "repl"]))).then_some(Topic::Reports)
}

/// What is done with things that stay for a time.
const KEEPING: [&str; 17] = [
    "keep",
    "kept",
    "retain",
    "retention",
    "age",
    "expire",
    "expiry",
    "delet",
    "leave",
    "gone",
    "lose",
    "purge",
    "vanish",
    "remain",
    "store",
    "further",
    "drop",
];

/// Promises of one control that differ in nothing but a figure.
fn measured(context: &Context<'_>, found: &mut Vec<Lint>) {
    let promises = &context.profile.promises;
    for (index, promise) in promises.iter().enumerate() {
        let Some(spec) = promise.control.as_deref().and_then(|id| context.catalogue.get(id)) else { continue };
        let earlier = promises.iter().take(index).find(|before| before.control == promise.control);
        let Some(before) = earlier else { continue };
        let figure = |stronger| matches!(stronger, Stronger::Less | Stronger::More);
        let differs = |name: &str| promise.params.get(name) != before.params.get(name);
        if spec.params.iter().any(|param| !figure(param.stronger) && differs(param.name)) {
            continue;
        }
        for param in spec.params.iter().filter(|param| figure(param.stronger) && differs(param.name)) {
            let place = context.about(promise, Some(param.name), "params", "WB001", Severity::Error);
            let show = |promise: &Promise| promise.params.get(param.name).map_or_else(String::new, ToString::to_string);
            let message = format!(
                "`{}` of `{}` is {} here and {} in `{}`",
                param.name,
                spec.id,
                show(promise),
                show(before),
                before.id
            );
            found.push(place.says(message, "one control keeps one figure: make them the same"));
        }
    }
}

/// The longest span of that parameter over the promises of a control.
pub(super) fn longest<'a>(profile: &'a Profile, control: &str, name: &str) -> Option<(&'a Promise, Span)> {
    let promises = profile.promises.iter().filter(|promise| promise.control.as_deref() == Some(control));
    let spans = promises.filter_map(|promise| match promise.params.get(name)? {
        Value::Span(span) => Some((promise, *span)),
        _ => None,
    });
    spans.max_by_key(|(_, span)| *span)
}
