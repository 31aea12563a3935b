//! Who administers the service: a list of addresses from outside the program, which fails closed.

use std::collections::BTreeSet;

/// The most addresses on a list.
const MOST: usize = 100;

/// The addresses of the administrators. Unset, empty or malformed in any entry, nobody is one.
#[derive(Clone, Default)]
pub struct Allowlist {
    addresses: BTreeSet<String>,
    closed: Option<&'static str>,
}

impl Allowlist {
    /// Reads the value of the setting: addresses with commas between them.
    #[must_use]
    pub fn parse(value: Option<&str>) -> Self {
        match addresses(value) {
            Ok(addresses) => Self { addresses, closed: None },
            Err(why) => Self { addresses: BTreeSet::new(), closed: Some(why) },
        }
    }

    /// Why nobody is an administrator, to be said once at the start. The entries themselves are not repeated.
    #[must_use]
    pub const fn why_closed(&self) -> Option<&'static str> {
        self.closed
    }

    /// Whether the address, which must be verified, is on the list.
    #[must_use]
    pub fn holds(&self, email: &str) -> bool {
        self.closed.is_none() && plain(email).is_some_and(|email| self.addresses.contains(&email))
    }
}

/// The entries are personal: they do not get into a log by accident.
impl std::fmt::Debug for Allowlist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Allowlist").field("closed", &self.closed).finish_non_exhaustive()
    }
}

fn addresses(value: Option<&str>) -> Result<BTreeSet<String>, &'static str> {
    let value = value.ok_or("it is not set")?;
    if value.trim().is_empty() {
        return Err("it is empty");
    }
    let entries: Vec<&str> = value.split(',').collect();
    if entries.len() > MOST {
        return Err("it has too many entries");
    }
    // One entry that cannot be read puts the whole list in doubt.
    entries.into_iter().map(|entry| plain(entry.trim()).ok_or("an entry is no address")).collect()
}

/// The address in lower case, if it is a plain one: ASCII, one `@`, a dot in the domain, no wildcard.
fn plain(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    let local_is_good =
        local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'+-/=?^_`{|}~.".contains(&byte));
    let label = |label: &str| {
        let edges = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !edges && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let domain_is_good = domain.contains('.') && domain.split('.').all(label);
    let good = !local.is_empty() && local.len() <= 64 && address.len() <= 254 && local_is_good && domain_is_good;
    good.then(|| address.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_on_the_list_is_an_administrator() {
        let list = Allowlist::parse(Some("ada@example.com, Bob.Smith+ops@Sub.Example.org"));
        assert_eq!(list.why_closed(), None);
        assert!(list.holds("ADA@example.com") && list.holds("bob.smith+ops@sub.example.org"));
        for other in ["ada@example.com.evil.example", "a@example.com", "", "@", "ada@example.com,", " ada@example.com"]
        {
            assert!(!list.holds(other), "{other}");
        }
        assert!(!format!("{list:?}").contains("ada"));
    }

    #[test]
    fn in_every_malformed_case_nobody_is() {
        for value in [
            None,
            Some(""),
            Some("  "),
            Some(","),
            Some("ada@example.com,"),
            Some("ada@example.com,,bob@example.com"),
            Some("ada@example.com;bob@example.com"),
            Some("ada@example.com bob@example.com"),
            Some("ada@example.com,*@example.com"),
            Some("ada@example.com,example.com"),
            Some("ada@example.com,@example.com"),
            Some("ada@example.com,\"ada\"@example.com"),
            Some("ada@example.com,Ada <ada@example.com>"),
            Some("ada@example.com,ada@exämple.com"),
            Some("ada@example.com,ada@localhost"),
            Some("ada@example.com,ada@example..com"),
            Some("ada@example.com\n"),
        ] {
            let list = Allowlist::parse(value);
            let closed = list.why_closed().is_some() && !list.holds("ada@example.com");
            // White space around an entry is no mistake of meaning.
            assert!(closed || value == Some("ada@example.com\n"), "{value:?}");
        }
        assert!(Allowlist::parse(Some(&"a@b.example,".repeat(101))).why_closed().is_some());
        assert!(!Allowlist::default().holds("ada@example.com"));
    }
}
