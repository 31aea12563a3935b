//! A made-up service with something of everything, for tests and for looking at.

use jiff::{SignedDuration, Timestamp};
use kernel::{DataClass, Span};
use page::{Change, Evidence, Inputs, LedgerFacts, Sabotage, Snapshot, digest};
use promises::{
    About, Catalogue, ControlSpec, Finding, Kind, Profile, Promise, Recorded,
    control::{Mode, Standards, Vantage},
    profile::{Attestation, Contacts, Plan, Processor, Region, Service, Value, Waiver},
};
use std::collections::BTreeMap;

/// The instant at which the fixture is looked at.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T04:08:15.25Z".parse().unwrap()
}

/// The text whose hash stands for the profile.
pub(crate) const TEXT: &str = "# a profile\n";

/// A built control.
pub(crate) const fn control(id: &'static str, title: &'static str, vantage: Vantage) -> ControlSpec {
    ControlSpec {
        id,
        title,
        about: "A layer of the listener sets it on every response.\n\nThe probe asks every route that it can find from `outside`, \
                errors and redirects included.",
        wing: "ingress",
        vantage,
        params: &[],
        cadence: Span::seconds(60),
        freshness: Span::seconds(300),
        covers: &[],
        modes: &[Mode::Proxy],
        standards: Standards { gdpr: &["32(1)(a)"], iso27001: &["8.24"], soc2: &["CC6.7"], asvs: &["3.4.1"] },
    }
}

/// The controls of the fixture.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(
        &[
            control("https-only", "Plain HTTP answers a redirect and nothing else", Vantage::Outside),
            control("hsts", "Strict-Transport-Security on every response", Vantage::Outside),
            control("csp", "Content-Security-Policy with reports", Vantage::Outside),
            control("scope-sql", "Row security by tenant and person", Vantage::Inside),
            control("audit-log", "Every act leaves a ledger event", Vantage::Inside),
            control("honest-page", "No line says more than its evidence", Vantage::Outside),
        ],
        &[control("erasure", "Erasure within a deadline", Vantage::Inside)],
    )
}

/// A promise with the usual values.
pub(crate) fn promise(id: &str, section: &str, words: &str, kind: Kind, control: Option<&str>) -> Promise {
    Promise {
        id: id.to_owned(),
        claims: vec![id.split('.').next().unwrap().to_owned()],
        section: section.to_owned(),
        words: words.to_owned(),
        kind,
        control: control.map(str::to_owned),
        params: BTreeMap::new(),
        cadence: Span::seconds(60),
        freshness: Span::minutes(5),
        attested: None,
        planned: None,
        waiver: None,
    }
}

/// The service's profile.
pub(crate) fn profile() -> Profile {
    use Kind::{Attested, Clocked, Enforced, Planned};
    let edge = "At the edge";
    let data = "Your data";
    let people = "People and answers";
    let mut promises = vec![
        promise("L13", edge, "The service answers over HTTPS only.", Enforced, Some("https-only")),
        promise(
            "L14",
            edge,
            "Every response carries Strict-Transport-Security for at least one year.",
            Enforced,
            Some("hsts"),
        ),
        promise(
            "L15",
            edge,
            "A Content-Security-Policy without unsafe sources, with violation reports.",
            Enforced,
            Some("csp"),
        ),
        promise("L12", edge, "State-changing requests need a CSRF token.", Enforced, None),
        promise("L18", edge, "Requests are limited per route.", Enforced, Some("limits")),
        promise(
            "L10",
            data,
            "A person sees their own rows and what was shared with them; the database enforces it.",
            Enforced,
            Some("scope-sql"),
        ),
        promise(
            "L24",
            data,
            "Every administrative act leaves an entry in an audit log that shows tampering.",
            Enforced,
            Some("audit-log"),
        ),
        promise(
            "L05.erase",
            data,
            "Drawings, runs and queries are erased from primary storage within 30 days of an e-mailed request.",
            Enforced,
            Some("erasure"),
        ),
        promise("L05.clock", data, "Erasure requests are answered within 30 days.", Clocked, None),
        promise("L01.training", data, "The providers’ API tiers exclude training on what we send.", Attested, None),
        promise("L19.provider", data, "The provider encrypts its disks.", Attested, None),
        promise("L22", data, "Personal data is taken out of prompts before they leave.", Enforced, None),
        promise(
            "L36",
            people,
            "No line of this page claims more than fresh evidence allows.",
            Enforced,
            Some("honest-page"),
        ),
        promise("L35", people, "Security reports are answered within 24 hours on business days.", Clocked, None),
        promise("L34.saml", people, "Single sign-on over SAML.", Planned, None),
        promise("L34.soc2", people, "A SOC 2 Type II report.", Planned, None),
        promise("L27", people, "Code is reviewed against staging every week.", Clocked, None),
    ];
    for promise in &mut promises {
        match promise.id.as_str() {
            "L14" => {
                promise.params.insert("max-age".to_owned(), Value::Span(Span::days(730)));
            }
            "L01.training" => {
                promise.attested = Some(Attestation {
                    owner: "Head of engineering".to_owned(),
                    document: "Provider terms, section 4".to_owned(),
                    expires: now() + SignedDuration::from_hours(24 * 200),
                });
            }
            "L34.saml" | "L34.soc2" => promise.planned = Some(Plan { phase: "phase 2".to_owned() }),
            "L27" => {
                promise.waiver = Some(Waiver {
                    reason: "the team is on leave".to_owned(),
                    until: now() + SignedDuration::from_hours(24 * 9),
                });
            }
            _ => {}
        }
    }
    Profile {
        service: service(),
        contacts: contacts(),
        regions: vec![region()],
        register: register(),
        promises,
        source: TEXT.to_owned(),
    }
}

fn service() -> Service {
    Service {
        name: "Leide".to_owned(),
        about: "Questions and answers over technical drawings.".to_owned(),
        operator: "Leide GmbH".to_owned(),
        public_url: None,
        mode: Mode::Built,
        workspace: None,
    }
}

fn contacts() -> Contacts {
    Contacts {
        security: "security@leide.example".to_owned(),
        privacy: Some("privacy@leide.example".to_owned()),
        support: None,
        languages: vec!["en".to_owned(), "de".to_owned()],
        policy: Some("https://leide.example/disclosure".to_owned()),
    }
}

fn region() -> Region {
    Region { id: "eu".to_owned(), name: "European Union".to_owned(), codes: vec!["eu-central-1".to_owned()] }
}

fn register() -> Vec<Processor> {
    let of = |name: &str, purpose: &str, region: Option<&str>, host: &str| Processor {
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        region: region.map(str::to_owned),
        data: vec![DataClass::Pseudonym, DataClass::Content],
        hosts: vec![host.to_owned()],
        link: Some(format!("https://{host}/security")),
    };
    vec![
        of("Anthropic", "Answers questions over drawings", None, "api.anthropic.com"),
        of("Pinecone", "Vector search", Some("eu"), "index.svc.pinecone.io"),
        of("Resend", "Sends mail", Some("eu"), "api.resend.com"),
        of("Sentry", "Collects errors", Some("eu"), "sentry.example"),
    ]
}

/// An observation `ago` before [`now`].
pub(crate) fn recorded(
    leaf: u64,
    run: u64,
    promise: &str,
    control: &str,
    ago: SignedDuration,
    finding: Finding,
) -> Recorded {
    let observed_at = now() - ago;
    let vantage = if matches!(control, "scope-sql" | "audit-log") { Vantage::Inside } else { Vantage::Outside };
    let about = About {
        promise: promise.to_owned(),
        control: control.to_owned(),
        run,
        vantage,
        target: "https://localhost:8443".to_owned(),
        observed_at,
        valid_until: observed_at + SignedDuration::from_secs(300),
        took_ms: 41 + run % 17,
        build: digest::hex(b"build"),
        profile: digest::hex(TEXT.as_bytes()),
    };
    Recorded { leaf, observation: finding.at(about) }
}

/// Ninety days of attacks, one every four hours, and a fresh one of each promise at the end.
pub(crate) fn observations() -> Vec<Recorded> {
    let held = |what: &str| {
        Finding::held(what)
            .tried("GET of 31 routes found from outside, errors and redirects included")
            .tried("a request that no route answers, a malformed one, HEAD and OPTIONS")
            .covered("routes", 31)
    };
    let lines: [(&str, &str, &str); 6] = [
        ("L13", "https-only", "plain HTTP answered 308 to HTTPS on every route and nothing else"),
        ("L14", "hsts", "31 routes, all with max-age=63072000; includeSubDomains"),
        ("L15", "csp", "every page carried the policy; a violation in a browser arrived after 180 ms"),
        (
            "L10",
            "scope-sql",
            "a stranger, another tenant’s owner and a colleague without a grant touched 0 of 412 rows",
        ),
        ("L24", "audit-log", "3 acts left 3 entries in the same transaction; every entry verifies"),
        ("L36", "honest-page", "17 lines recomputed from 2 912 observations: all agree"),
    ];
    let mut all = Vec::new();
    let mut leaf = 2;
    for back in (0..90 * 6).rev() {
        for (index, (promise, control, saw)) in lines.iter().enumerate() {
            let young = *promise == "L15" && back > 140 || *promise == "L36" && back > 60;
            if young {
                continue;
            }
            let run = all.iter().filter(|r: &&Recorded| r.observation.about.promise == *promise).count() as u64 + 1;
            let ago = SignedDuration::from_secs(back * 14_400 + 4 + 3 * index as i64);
            let finding = match (*promise, back) {
                ("L14", 100..103) => {
                    Finding::broke("GET /assets/old.css came without the header").tried("GET of 31 routes")
                }
                ("L15", 30) => Finding::failed("the browser did not start within 20 seconds"),
                ("L24", 0) => Finding::broke("the act «suspend tenant» left no entry")
                    .tried("suspend and resume a planted tenant"),
                ("L13", 200) => Finding::nothing("no route was found"),
                _ => held(saw),
            };
            all.push(recorded(leaf, run, promise, control, ago, finding));
            leaf += 1;
        }
    }
    all
}

/// Everything but the evidence, so that a test can bring its own.
pub(crate) struct World {
    pub(crate) profile: Profile,
    pub(crate) catalogue: Catalogue,
    pub(crate) evidence: Evidence,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) changes: Vec<Change>,
    pub(crate) ledger: LedgerFacts,
    pub(crate) build: String,
    pub(crate) hash: String,
}

impl World {
    /// The fixture with these observations.
    pub(crate) fn of(profile: Profile, observations: Vec<Recorded>) -> Self {
        let size = observations.iter().map(|r| r.leaf + 1).max().unwrap_or(1);
        Self {
            evidence: Evidence::of(&profile, observations),
            profile,
            catalogue: catalogue(),
            sabotage: Some(Sabotage {
                build: digest::hex(b"build"),
                caught: 21,
                missed: 1,
                not_undone: 0,
                survivors: vec!["csp-report-endpoint-slow".to_owned()],
                at: now() - SignedDuration::from_hours(5),
            }),
            changes: vec![
                change(0, None, 2_200, &[]),
                change(
                    1,
                    Some("b1"),
                    300,
                    &["weaker L14: freshness 5 minutes → 10 minutes", "added L36", "reworded L10"],
                ),
            ],
            ledger: LedgerFacts {
                origin: "localhost:8443/ledger".to_owned(),
                vkey: "localhost:8443/ledger+7d8a9c01+AVwB2Jm0Yc2V5dGhpc2lzbm90YXJlYWxrZXlidXRsb29rc2xpa2U=".to_owned(),
                checkpoint_size: size,
            },
            build: digest::hex(b"build"),
            hash: digest::hex(TEXT.as_bytes()),
        }
    }

    /// The snapshot at an instant.
    pub(crate) fn at(&self, now: Timestamp) -> Snapshot {
        Snapshot::new(&Inputs {
            profile: &self.profile,
            profile_text: TEXT,
            profile_hash: &self.hash,
            catalogue: &self.catalogue,
            evidence: &self.evidence,
            sabotage: self.sabotage.as_ref(),
            changes: &self.changes,
            ledger: &self.ledger,
            build: &self.build,
            public_url: "https://localhost:8443",
            now,
        })
    }
}

fn change(leaf: u64, previous: Option<&str>, hours: i64, lines: &[&str]) -> Change {
    Change {
        leaf,
        hash: digest::hex(format!("profile {leaf}").as_bytes()),
        previous: previous.map(|text| digest::hex(text.as_bytes())),
        at: now() - SignedDuration::from_hours(hours),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    }
}

/// The whole fixture.
pub(crate) fn world() -> World {
    World::of(profile(), observations())
}
