//! Content-Security-Policy as a browser reads it (CSP Level 3, sections 2.2 and 6.7): several policies apply together, each
//! more restriction; within one, the first of two equal directives counts.

use std::collections::BTreeMap;

/// One policy: directive names in lower case, with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(BTreeMap<String, Vec<String>>);

impl Policy {
    /// Every policy in the values of the header, in order: a comma separates policies as a second header does. Empty ones
    /// are dropped.
    #[must_use]
    pub fn parse_all<'v>(values: impl IntoIterator<Item = &'v str>) -> Vec<Self> {
        let policies = values.into_iter().flat_map(|value| value.split(','));
        policies.map(Self::parse).filter(|policy| !policy.0.is_empty()).collect()
    }

    fn parse(text: &str) -> Self {
        let mut policy = Self::default();
        for directive in text.split(';') {
            let mut tokens = directive.split_ascii_whitespace();
            let Some(name) = tokens.next() else { continue };
            policy.0.entry(name.to_ascii_lowercase()).or_insert_with(|| tokens.map(str::to_owned).collect());
        }
        policy
    }

    /// The values of a directive.
    #[must_use]
    pub fn directive(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The sources that apply to a kind of content: its directive, or what it falls back to, down to `default-src`. `None`
    /// means that anything goes.
    #[must_use]
    pub fn sources(&self, name: &str) -> Option<&[String]> {
        let mut chain = vec![name];
        match name {
            "script-src-elem" | "script-src-attr" => chain.push("script-src"),
            "style-src-elem" | "style-src-attr" => chain.push("style-src"),
            "worker-src" => chain.extend(["child-src", "script-src"]),
            "frame-src" => chain.push("child-src"),
            _ => {}
        }
        chain.push("default-src");
        chain.into_iter().find_map(|name| self.directive(name))
    }
}

/// What is wrong with the policies of one answer, or nothing. `endpoints` are the values of its Reporting-Endpoints header.
#[must_use]
pub fn flaws(policies: &[Policy], endpoints: &[&str]) -> Vec<String> {
    if policies.is_empty() {
        return vec!["no policy".to_owned()];
    }
    let mut flaws = Vec::new();
    // Policies apply together, so it is enough that one of them forbids; what is missing is missing only when all lack it.
    let mut demand = |check: &dyn Fn(&Policy) -> Option<String>| {
        let found: Vec<String> = policies.iter().map_while(check).collect();
        if found.len() == policies.len() {
            flaws.extend(found.into_iter().next());
        }
    };
    demand(&|policy| lacks(policy, "default-src", &["'none'", "'self'"]));
    for kind in ["script-src-elem", "script-src-attr", "worker-src"] {
        demand(&|policy| loose(policy, kind, true));
    }
    for kind in ["style-src-elem", "style-src-attr", "img-src", "font-src", "connect-src", "frame-src", "object-src"] {
        demand(&|policy| loose(policy, kind, false));
    }
    demand(&|policy| lacks(policy, "frame-ancestors", &["'none'"]));
    demand(&|policy| lacks(policy, "base-uri", &["'none'", "'self'"]));
    demand(&|policy| lacks(policy, "form-action", &["'none'", "'self'"]));
    demand(&|policy| {
        policy.directive("report-uri").is_none_or(<[String]>::is_empty).then(|| "no report-uri".to_owned())
    });
    demand(&|policy| no_endpoint(policy, endpoints));
    flaws
}

/// The directive must be there, with one of the words alone.
fn lacks(policy: &Policy, name: &str, words: &[&str]) -> Option<String> {
    match policy.directive(name) {
        None => Some(format!("no {name}")),
        // A directive without values matches nothing, as 'none' does.
        Some([]) => None,
        Some([only]) if words.iter().any(|word| only.eq_ignore_ascii_case(word)) => None,
        Some(values) => Some(format!("{name} is `{}`, not {}", values.join(" "), words.join(" or "))),
    }
}

/// Sources that let in what somebody else wrote. Scripts may come from the service itself, or by nonce or hash.
fn loose(policy: &Policy, kind: &str, script: bool) -> Option<String> {
    let Some(sources) = policy.sources(kind) else { return Some(format!("nothing restricts {kind}")) };
    let bad = sources.iter().find(|source| is_loose(&source.to_ascii_lowercase(), script))?;
    Some(format!("{kind} allows `{bad}`"))
}

fn is_loose(source: &str, script: bool) -> bool {
    match source {
        "'unsafe-inline'" | "'unsafe-eval'" | "'unsafe-hashes'" | "'wasm-unsafe-eval'" => true,
        "'self'" | "'none'" | "'strict-dynamic'" | "'report-sample'" => false,
        // Pictures and fonts may stand in the page itself; a script or an object from `data:` is somebody's code.
        "data:" | "blob:" => script,
        keyword if keyword.starts_with("'nonce-") || keyword.starts_with("'sha") => false,
        keyword if keyword.starts_with('\'') => true,
        wild if wild.contains('*') || wild.ends_with(':') => true,
        plain if plain.starts_with("http:") => true,
        _host => script,
    }
}

fn no_endpoint(policy: &Policy, endpoints: &[&str]) -> Option<String> {
    let Some([group]) = policy.directive("report-to") else { return Some("no report-to".to_owned()) };
    let named = named_endpoints(endpoints);
    match named.get(group.as_str()) {
        None => Some(format!("Reporting-Endpoints does not name `{group}`")),
        Some(url) if url.starts_with('/') || url.starts_with("https://") => None,
        Some(url) => Some(format!("the endpoint `{url}` is not reached over HTTPS")),
    }
}

/// The dictionary of a Reporting-Endpoints header (RFC 8941 section 3.2, values are strings); the last of two equal keys
/// counts.
#[must_use]
pub fn named_endpoints(values: &[&str]) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    let all = values.join(",");
    let mut rest = all.as_str();
    while let Some((key, after)) = rest.split_once('=') {
        let Some((url, after)) = after.strip_prefix('"').and_then(|after| after.split_once('"')) else {
            // Not a string: browsers drop the whole header.
            return BTreeMap::new();
        };
        named.insert(key.trim().to_owned(), url.to_owned());
        // Parameters of the value say nothing here.
        rest = after.split_once(',').map_or("", |(_, after)| after);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENDPOINTS: &[&str] = &[crate::csp::ENDPOINTS_VALUE];

    fn found(values: &[&str]) -> Vec<String> {
        flaws(&Policy::parse_all(values.iter().copied()), ENDPOINTS)
    }

    fn with(directive: &str) -> Vec<String> {
        found(&[&format!("{directive}; {}", crate::csp::HEADER_VALUE)])
    }

    #[test]
    fn our_own_policy_has_no_flaw() {
        assert_eq!(found(&[crate::csp::HEADER_VALUE]), Vec::<String>::new());
    }

    #[test]
    fn each_loosening_is_found() {
        for loose in [
            "script-src 'self' 'unsafe-inline'",
            "SCRIPT-SRC 'Self' 'UNSAFE-EVAL'",
            "script-src *",
            "script-src https:",
            "script-src data:",
            "script-src blob:",
            "script-src https://cdn.test",
            "script-src-elem *.test",
            "script-src-attr 'unsafe-hashes'",
            "worker-src blob:",
            "style-src 'unsafe-inline'",
            "img-src *",
            "img-src http://a.test",
            "object-src *",
            "frame-ancestors *",
            "frame-ancestors 'self'",
            "base-uri *",
            "form-action https:",
            "default-src https:",
            "report-to other",
            "report-uri",
        ] {
            assert_ne!(with(loose), Vec::<String>::new(), "{loose}");
        }
    }

    #[test]
    fn what_is_strict_enough_passes() {
        for strict in [
            "script-src 'self'",
            "script-src 'nonce-abc' 'strict-dynamic'",
            "img-src data:",
            "img-src https://a.test",
            "default-src 'self'",
        ] {
            assert_eq!(with(strict), Vec::<String>::new(), "{strict}");
        }
    }

    #[test]
    fn the_first_of_equal_directives_counts() {
        let good = crate::csp::HEADER_VALUE;
        assert_eq!(found(&[&format!("{good}; default-src *")]), Vec::<String>::new());
        assert_ne!(found(&[&format!("default-src *; {good}")]), Vec::<String>::new());
    }

    #[test]
    fn a_second_policy_only_restricts() {
        let good = crate::csp::HEADER_VALUE;
        assert_eq!(found(&["default-src *", good]), Vec::<String>::new());
        assert_eq!(found(&[&format!("img-src *, {good}")]), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_is_found() {
        assert_eq!(found(&[]), ["no policy"]);
        assert_eq!(found(&[" ; , "]), ["no policy"]);
        for name in ["default-src", "frame-ancestors", "base-uri", "form-action", "report-uri", "report-to"] {
            let kept: Vec<&str> = crate::csp::HEADER_VALUE.split(';').filter(|d| !d.trim().starts_with(name)).collect();
            assert!(found(&[&kept.join(";")]).iter().any(|flaw| flaw.contains(name)), "{name}");
        }
    }

    #[test]
    fn the_endpoint_must_be_named() {
        let policies = Policy::parse_all([crate::csp::HEADER_VALUE]);
        for (endpoints, good) in [
            (&["csp=\"/r\""][..], true),
            (&["a=\"/a\", csp=\"https://b.test/r\";x=1"], true),
            (&["a=\"/a\"", "csp=\"/r\""], true),
            (&[], false),
            (&["csp=/r"], false),
            (&["csp=\"http://b.test/r\""], false),
            (&["csp2=\"/r\""], false),
        ] {
            assert_eq!(flaws(&policies, endpoints).is_empty(), good, "{endpoints:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "\\PC{0,200}", endpoints in "[a-z=\",;/ ]{0,40}") {
            let _ = flaws(&Policy::parse_all([text.as_str()]), &[&endpoints]);
        }

        #[test]
        fn what_is_said_is_read(names in proptest::collection::btree_set("[a-z-]{1,12}", 1..6), space in " {1,3}") {
            let text = names.iter().map(|name| format!("{}{space}'self'", name.to_uppercase())).collect::<Vec<_>>().join(";");
            let policies = Policy::parse_all([text.as_str()]);
            prop_assert_eq!(policies.len(), 1);
            for name in &names {
                prop_assert_eq!(policies.iter().find_map(|p| p.directive(name)), Some(&["'self'".to_owned()][..]));
            }
        }

        #[test]
        fn adding_a_policy_never_adds_a_flaw(extra in "[a-z' *;:-]{1,60}") {
            let good = crate::csp::HEADER_VALUE;
            prop_assert!(found(&[good, &extra]).is_empty());
            prop_assert!(found(&[&extra, good]).is_empty());
        }
    }
}
