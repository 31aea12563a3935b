//! The register of sub-processors as an egress allowlist.

use promises::Profile;
use std::collections::BTreeSet;

/// The hosts that may be dialled. Exact names: no wildcards, no suffixes, no addresses unless listed as such.
#[derive(Clone, Debug, Default)]
pub struct Register(BTreeSet<String>);

impl Register {
    /// The register of a profile, and the hosts that are the service itself.
    #[must_use]
    pub fn of(profile: &Profile, own: &[&str]) -> Self {
        let processors = profile.register.iter().flat_map(|processor| processor.hosts.iter().map(String::as_str));
        Self(processors.chain(own.iter().copied()).map(normal).collect())
    }

    /// A register of one host: what a probe may attack.
    #[must_use]
    pub fn only(host: &str) -> Self {
        Self(BTreeSet::from([normal(host)]))
    }

    /// Whether the host may be dialled.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        self.0.contains(&normal(host))
    }

    /// The hosts, sorted.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Names compare without case and without the root's trailing dot (RFC 4343, RFC 1034 section 3.1).
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_pass() {
        let register = Register::only("api.example.com");
        assert!(register.allows("API.example.com."));
        for host in ["example.com", "api.example.com.evil.test", "xapi.example.com", "", "api.example.com@evil.test"] {
            assert!(!register.allows(host), "{host}");
        }
    }
}
