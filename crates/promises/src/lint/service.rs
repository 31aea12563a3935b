//! Service, contacts and register.

use super::{Context, Lint, Severity};
use crate::profile::Processor;

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Lint>) {
    if context.profile.contacts.security.is_empty() {
        let place = context.general(context.places.single("contacts", "security"), "WB011", Severity::Error);
        found.push(place.says("nobody is named for security reports", "add `security` to `[contacts]`"));
    }
    if context.profile.service.public_url.as_deref().is_some_and(|url| !url.starts_with("https://")) {
        let place = context.general(context.places.single("service", "public_url"), "WB012", Severity::Error);
        found.push(place.says("the public address is plain HTTP", "write the `https://` address that customers use"));
    }
    for processor in &context.profile.register {
        register(context, processor, found);
    }
}

/// The record of processing asks for purpose, recipients and place: GDPR article 30(1).
fn register(context: &Context<'_>, processor: &Processor, found: &mut Vec<Lint>) {
    let gaps = [
        ("purpose", processor.purpose.is_empty()),
        ("region", processor.region.is_none()),
        ("data", processor.data.is_empty()),
        ("hosts", processor.hosts.is_empty()),
    ];
    let missing: Vec<&str> = gaps.into_iter().filter(|(_, missing)| *missing).map(|(key, _)| key).collect();
    if missing.is_empty() {
        return;
    }
    let severity = if processor.purpose.is_empty() { Severity::Warning } else { Severity::Note };
    let place = context.general(context.places.processor(&processor.name), "WB014", severity);
    let message = format!("the register does not say the {} of {}", missing.join(", "), processor.name);
    found.push(place.says(message, "ask the provider, and write it down"));
}
