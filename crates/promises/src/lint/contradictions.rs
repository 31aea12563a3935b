//! Promises that cannot all be true.

use super::{
    Context, Lint, Severity, sentences,
    topics::{Topic, longest, spoken},
};
use crate::profile::{Promise, Value};
use kernel::Span;

/// Hosts at which model providers answer.
const MODEL_HOSTS: [&str; 8] = [
    "anthropic.com",
    "openai.com",
    "mistral.ai",
    "cohere.com",
    "cohere.ai",
    "generativelanguage.googleapis.com",
    "groq.com",
    "together.ai",
];

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Lint>) {
    backups_outlive_erasure(context, found);
    backups_outlive_themselves(context, found);
    logs_outlive_erasure(context, found);
    models_in_the_register(context, found);
    stores_elsewhere(context, found);
    shared_with_nobody(context, found);
}

/// The longest time that promises give a topic: by parameter, else in words.
fn longest_of<'a>(context: &Context<'a>, params: &[(&str, &str)], topic: Topic) -> Option<(&'a Promise, Span)> {
    let measured = params.iter().filter_map(|(control, name)| longest(context.profile, control, name));
    let said = spoken(context.profile).into_iter().filter(|said| said.topic == topic);
    measured.chain(said.map(|said| (said.promise, Span::seconds(said.seconds)))).max_by_key(|(_, span)| *span)
}

fn erasure<'a>(context: &Context<'a>) -> Option<(&'a Promise, Span)> {
    longest_of(context, &[("erase-clock", "within")], Topic::Erasure)
}

/// A restore from a backup that is older than the erasure brings the person back, unless it replays erasures.
fn backups_outlive_erasure(context: &Context<'_>, found: &mut Vec<Lint>) {
    let kept = longest_of(context, &[("backup-retention", "keep"), ("erase-backups", "within")], Topic::BackupsKept);
    let (Some((erasing, deadline)), Some((keeping, kept))) = (erasure(context), kept) else { return };
    if kept > deadline && !replays(context) {
        let place = context.about(keeping, None, "words", "WB009", Severity::Error);
        let message = format!(
            "backups outlive an erasure: they last {kept}, `{}` allows {deadline}, and no restore replays erasures",
            erasing.id
        );
        found.push(place.says(message, "promise a `restore-drill` with `replay = true`, or keep backups no longer"));
    }
}

fn replays(context: &Context<'_>) -> bool {
    let flags = || context.profile.promises.iter().filter_map(|promise| promise.params.get("replay"));
    let said = |promise: &Promise| {
        sentences::words(&promise.words).iter().any(|word| word.text.to_lowercase().starts_with("replay"))
    };
    if flags().any(|flag| *flag == Value::Flag(false)) {
        return false;
    }
    flags().any(|flag| *flag == Value::Flag(true)) || context.profile.promises.iter().any(said)
}

fn backups_outlive_themselves(context: &Context<'_>, found: &mut Vec<Lint>) {
    let kept = longest(context.profile, "backup-retention", "keep");
    let aged = longest(context.profile, "erase-backups", "within");
    let (Some((keeping, kept)), Some((aging, aged))) = (kept, aged) else { return };
    if kept > aged {
        let place = context.about(keeping, None, "params", "WB009", Severity::Error);
        let message =
            format!("backups are kept for {kept}, but `{}` says that they lose erased data within {aged}", aging.id);
        found.push(place.says(message, "keep backups no longer than that"));
    }
}

fn logs_outlive_erasure(context: &Context<'_>, found: &mut Vec<Lint>) {
    let kept = longest_of(context, &[("log-retention", "keep")], Topic::LogsKept);
    let (Some((erasing, deadline)), Some((keeping, kept))) = (erasure(context), kept) else { return };
    let personal = keeping.params.get("personal") != Some(&Value::Flag(false));
    if kept > deadline && personal {
        let place = context.about(keeping, None, "words", "WB009", Severity::Warning);
        let message =
            format!("logs are kept for {kept}, longer than `{}` allows for personal data ({deadline})", erasing.id);
        found.push(
            place.says(message, "keep personal data out of logs, and say so: `log-retention` with `personal = false`"),
        );
    }
}

fn models_in_the_register(context: &Context<'_>, found: &mut Vec<Lint>) {
    let denies = |promise: &&Promise| {
        let text = promise.words.to_lowercase();
        let external =
            ["external model", "external ai", "external large language", "third-party ai", "third-party model"];
        promise.control.as_deref() == Some("ai-on-platform")
            || (external.iter().any(|phrase| text.contains(phrase))
                && ["never", "no ", "not "].iter().any(|w| text.contains(w)))
    };
    let Some(promise) = context.profile.promises.iter().find(denies) else { return };
    for processor in &context.profile.register {
        let host = processor.hosts.iter().find(|host| MODEL_HOSTS.iter().any(|model| host.ends_with(model)));
        if let Some(host) = host {
            let place = context.about(promise, None, "words", "WB009", Severity::Error);
            let message = format!(
                "no external model may be called, but the register lets calls out to {host} ({})",
                processor.name
            );
            found.push(place.says(message, "take the provider out of the register, or reword the promise"));
        }
    }
}

fn stores_elsewhere(context: &Context<'_>, found: &mut Vec<Lint>) {
    for promise in &context.profile.promises {
        let (Some(Value::Text(region)), Some(Value::List(stores))) =
            (promise.params.get("region"), promise.params.get("stores"))
        else {
            continue;
        };
        for store in context.profile.register.iter().filter(|processor| stores.contains(&processor.name)) {
            if store.region.as_ref() == Some(region) {
                continue;
            }
            let place = context.about(promise, Some(&store.name), "params", "WB009", Severity::Error);
            let register =
                store.region.as_deref().map_or_else(|| "says no region".to_owned(), |other| format!("says `{other}`"));
            let message = format!("{} is to store in `{region}`, and the register {register} for it", store.name);
            found.push(place.says(message, "make register and promise agree"));
        }
    }
}

/// «No data is shared with third parties», above a list of third parties that receive it.
fn shared_with_nobody(context: &Context<'_>, found: &mut Vec<Lint>) {
    let Some(receiver) = context.profile.register.iter().find(|processor| !processor.data.is_empty()) else { return };
    for promise in &context.profile.promises {
        let text = promise.words.to_lowercase();
        let denies = ["no ", "not ", "never "].iter().any(|word| text.contains(word));
        let shares = ["shared", "share "].iter().any(|word| text.contains(word)) && text.contains("third part");
        if denies && shares && !text.contains("register") {
            let place = context.about(promise, Some("third part"), "words", "WB009", Severity::Warning);
            let message =
                format!("nothing is shared with third parties, yet the register has {} receive data", receiver.name);
            found.push(place.says(message, "say «outside the register»"));
        }
    }
}
