//! What people type into more than one form.

use crate::{Accounts, texts::ENTRY};
use identity::passwords::About;
use tokio::task::spawn_blocking;

/// The longest name, in characters. As the database has it.
const LONGEST_NAME: usize = 200;
/// The longest address.
const LONGEST_EMAIL: usize = 254;

/// A name without the spaces around it, or what is wrong with it.
pub(crate) fn name<'a>(typed: &'a str, missing: &'static str) -> Result<&'a str, &'static str> {
    let name = typed.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(missing);
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(ENTRY.too_long);
    }
    Ok(name)
}

/// An address without the spaces around it, or what is wrong with it. Whether it is anybody's, only a mail can tell.
pub(crate) fn email(typed: &str) -> Result<&str, &'static str> {
    let email = typed.trim();
    let form = email.rsplit_once('@').is_some_and(|(local, domain)| {
        let labels = domain.split('.').all(|label| !label.is_empty());
        !local.is_empty() && labels && !email.chars().any(|sign| sign.is_control() || sign.is_whitespace())
    });
    // Written into a mail's head as it stands: what the writer of mails would refuse is refused here.
    let written = email.parse::<lettre::Address>().is_ok();
    if form && written && email.len() <= LONGEST_EMAIL { Ok(email) } else { Err(ENTRY.email_wrong) }
}

/// What is wrong with a new password, in words.
pub(crate) async fn password(accounts: &Accounts, typed: &str, second_factor: bool, about: &[&str]) -> Option<String> {
    let (rules, typed) = (accounts.settings().rules.clone(), zeroize::Zeroizing::new(typed.to_owned()));
    let words: Vec<String> =
        about.iter().copied().chain([accounts.settings().service.as_str()]).map(str::to_owned).collect();
    // Reads the breach file, where there is one.
    let found = spawn_blocking(move || {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        rules.weaknesses(&typed, &About { second_factor, words: &words })
    });
    let weaknesses = found.await.unwrap_or_default();
    let words: Vec<String> = weaknesses.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_looked_at() {
        assert_eq!(name("  Ada \n", "none"), Ok("Ada"));
        assert_eq!(name(" ", "none"), Err("none"));
        assert_eq!(name("a\u{0}b", "none"), Err("none"));
        assert_eq!(name(&"a".repeat(201), "none"), Err(ENTRY.too_long));
        assert_eq!(email(" ada@example.com "), Ok("ada@example.com"));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@.com",
            "a b@example.com",
            "ada@example.com\r\nBcc: x@y.z",
            "a@b..c",
        ] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }
}
