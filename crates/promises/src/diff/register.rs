//! Service, contacts, regions and the register.

use super::{Change, Changes, Direction, Subject};
use crate::profile::{Contacts, Processor, Profile, Region};

/// Notes what changed outside the promises.
pub(super) fn diff(old: &Profile, new: &Profile, list: &mut Vec<Change>) {
    service(old, new, &mut Changes { list, subject: Subject::Service });
    contacts(&old.contacts, &new.contacts, &mut Changes { list, subject: Subject::Contacts });
    pairs(&old.regions, &new.regions, |region: &Region| &region.id, Subject::Region, list, region);
    pairs(&old.register, &new.register, |processor: &Processor| &processor.name, Subject::Processor, list, processor);
}

fn service(old: &Profile, new: &Profile, changes: &mut Changes<'_>) {
    let (was, is) = (&old.service, &new.service);
    changes.neutral("name", &was.name, &is.name);
    changes.neutral("about", &was.about, &is.about);
    changes.neutral("operator", &was.operator, &is.operator);
    changes.neutral("public_url", or_none(was.public_url.as_ref()), or_none(is.public_url.as_ref()));
    changes.neutral("mode", was.mode.word(), is.mode.word());
}

fn contacts(was: &Contacts, is: &Contacts, changes: &mut Changes<'_>) {
    changes.neutral("security", &was.security, &is.security);
    changes.neutral("privacy", or_none(was.privacy.as_ref()), or_none(is.privacy.as_ref()));
    changes.neutral("support", or_none(was.support.as_ref()), or_none(is.support.as_ref()));
    changes.neutral("languages", was.languages.join(", "), is.languages.join(", "));
    changes.neutral("policy", or_none(was.policy.as_ref()), or_none(is.policy.as_ref()));
}

fn or_none(text: Option<&String>) -> &str {
    text.map_or("none", String::as_str)
}

/// Compares two lists by name.
fn pairs<T>(
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> &String,
    subject: impl Fn(String) -> Subject,
    list: &mut Vec<Change>,
    compare: impl Fn(&T, &T, &mut Changes<'_>),
) {
    for is in new {
        let mut changes = Changes { list, subject: subject(name(is).clone()) };
        match old.iter().find(|was| name(was) == name(is)) {
            Some(was) => compare(was, is, &mut changes),
            None => changes.note(Direction::Added, "", "", ""),
        }
    }
    for was in old.iter().filter(|was| new.iter().all(|is| name(is) != name(was))) {
        Changes { list, subject: subject(name(was).clone()) }.note(Direction::Removed, "", "", "");
    }
}

/// More codes allow more places.
fn region(was: &Region, is: &Region, changes: &mut Changes<'_>) {
    changes.neutral("name", &was.name, &is.name);
    each("code", &was.codes, &is.codes, changes);
}

/// More hosts and more classes of data let more out.
fn processor(was: &Processor, is: &Processor, changes: &mut Changes<'_>) {
    changes.neutral("purpose", &was.purpose, &is.purpose);
    changes.neutral("region", or_none(was.region.as_ref()), or_none(is.region.as_ref()));
    changes.neutral("link", or_none(was.link.as_ref()), or_none(is.link.as_ref()));
    each("host", &was.hosts, &is.hosts, changes);
    let classes = |processor: &Processor| processor.data.iter().map(ToString::to_string).collect::<Vec<_>>();
    each("data", &classes(was), &classes(is), changes);
}

/// What came and what went of a list that allows something.
fn each(aspect: &str, was: &[String], is: &[String], changes: &mut Changes<'_>) {
    for added in is.iter().filter(|item| !was.contains(item)) {
        changes.note(Direction::Weaker, aspect, "", added);
    }
    for removed in was.iter().filter(|item| !is.contains(item)) {
        changes.note(Direction::Stronger, aspect, removed, "");
    }
}
