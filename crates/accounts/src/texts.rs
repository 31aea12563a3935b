//! The words of the pages and mails. A translation is one more constant of each kind.

mod account;
mod entry;
pub(crate) mod mail;

pub(crate) use account::EN as ACCOUNT;
pub(crate) use entry::EN as ENTRY;
pub(crate) use mail::EN as MAIL;

/// A text with its places filled in: `{name}` becomes the value of that name.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            continue;
        };
        // Values are put in once and not looked at again, so that what somebody typed cannot name a place.
        filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        assert_eq!(fill("{a} and {b}.", &[("a", "{b}"), ("b", "2")]), "{b} and 2.");
        assert_eq!(fill("{none}|{", &[]), "|");
    }
}
