//! A profile: the complete `promises.toml` of one service, read and checked.

use crate::quantity;
use jiff::Timestamp;
use kernel::{DataClass, Span};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Everything that one service promises, and what it takes to read it.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// The service.
    pub service: Service,
    /// Where people turn to.
    pub contacts: Contacts,
    /// The regions that promises may name.
    pub regions: Vec<Region>,
    /// The sub-processors. It is also the egress allowlist: nothing leaves to a host that is not here.
    pub register: Vec<Processor>,
    /// The promises, in the order of the page.
    pub promises: Vec<Promise>,
    /// The text it was read from, so that a finding can point at a line; empty for a profile made otherwise.
    #[serde(skip)]
    pub source: String,
}

impl Profile {
    /// The promise of that id.
    #[must_use]
    pub fn promise(&self, id: &str) -> Option<&Promise> {
        self.promises.iter().find(|promise| promise.id == id)
    }
}

/// The service that promises.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// Who answers for it: the company.
    pub operator: String,
    /// The address that the world uses and that outside probes attack. `None` on a workplace: `up` fills in its own.
    pub public_url: Option<String>,
    /// How much of Wordbond it uses.
    pub mode: crate::control::Mode,
    /// Which of the products that live in the house it serves beside the page.
    pub workspace: Option<Workspace>,
}

/// A product that lives in the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Workspace {
    /// Technical drawings.
    Drawings,
    /// Objectives and key results.
    Okrs,
}

impl Workspace {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Drawings, Self::Okrs];

    /// The word in the profile.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drawings => "drawings",
            Self::Okrs => "okrs",
        }
    }
}

/// Where people turn to.
#[derive(Clone, Debug, Serialize)]
pub struct Contacts {
    /// Security reports.
    pub security: String,
    /// Requests about personal data.
    pub privacy: Option<String>,
    /// Anything else.
    pub support: Option<String>,
    /// Languages in which reports are read, as RFC 5646 tags.
    pub languages: Vec<String>,
    /// How reports are handled, as a URL.
    pub policy: Option<String>,
}

/// A region that promises may name.
#[derive(Clone, Debug, Serialize)]
pub struct Region {
    /// The short name used in promises, for example `eu`.
    pub id: String,
    /// What it is called on the page.
    pub name: String,
    /// The providers' codes that lie in it.
    pub codes: Vec<String>,
}

/// A sub-processor.
#[derive(Clone, Debug, Serialize)]
pub struct Processor {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// The region it processes in; `None` where nobody has said.
    pub region: Option<String>,
    /// The classes of data it receives.
    pub data: Vec<DataClass>,
    /// The hosts that may be dialled for it, exact names.
    pub hosts: Vec<String>,
    /// Its own page.
    pub link: Option<String>,
}

/// How a promise becomes true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A control makes it true, and a probe attacks it.
    Enforced,
    /// A person must act before a deadline; the desk keeps the clock.
    Clocked,
    /// Only a person or a provider can say it.
    Attested,
    /// Not yet true.
    Planned,
}

impl Kind {
    /// Every kind, from the strongest to the weakest.
    pub const ALL: [Self; 4] = [Self::Enforced, Self::Clocked, Self::Attested, Self::Planned];

    /// How a profile writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Clocked => "clocked",
            Self::Attested => "attested",
            Self::Planned => "planned",
        }
    }
}

/// One line of the page.
#[derive(Clone, Debug, Serialize)]
pub struct Promise {
    /// Its id: `tls-in`.
    pub id: String,
    /// The rows of the published page that it stands for.
    pub claims: Vec<String>,
    /// The heading it stands under.
    pub section: String,
    /// What is promised, in the page's words.
    pub words: String,
    /// How it becomes true.
    pub kind: Kind,
    /// The control behind it.
    pub control: Option<String>,
    /// The control's parameters, defaults filled in.
    pub params: BTreeMap<String, Value>,
    /// How often it is attacked.
    pub cadence: Span,
    /// How long one observation counts.
    pub freshness: Span,
    /// Who said so, for an attested promise.
    pub attested: Option<Attestation>,
    /// When, for a planned one.
    pub planned: Option<Plan>,
    /// Set aside for a time.
    pub waiver: Option<Waiver>,
}

/// A signed statement.
#[derive(Clone, Debug, Serialize)]
pub struct Attestation {
    /// Who answers for it, by role.
    pub owner: String,
    /// The document that says it.
    pub document: String,
    /// Until when it is valid.
    pub expires: Timestamp,
}

/// A place on the roadmap.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The phase in the page's own words.
    pub phase: String,
}

/// A promise set aside, in public.
#[derive(Clone, Debug, Serialize)]
pub struct Waiver {
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A span of time.
    Span(Span),
    /// A time of day and its IANA zone.
    Time(String),
    /// A size in bytes.
    Size(u64),
    /// A whole number.
    Count(u64),
    /// A share between 0 and 100.
    Percent(f64),
    /// A text or word.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// True or false.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(span) => span.fmt(f),
            Self::Time(text) | Self::Text(text) => f.write_str(text),
            Self::Size(bytes) => f.write_str(&quantity::show_size(*bytes)),
            Self::Count(count) => count.fmt(f),
            Self::Percent(share) => write!(f, "{share} %"),
            Self::List(items) if items.is_empty() => f.write_str("none"),
            Self::List(items) => f.write_str(&items.join(", ")),
            Self::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
        }
    }
}

impl Promise {
    /// The span of that name, where the control declares one.
    #[must_use]
    pub fn span(&self, name: &str) -> Option<Span> {
        match self.params.get(name)? {
            Value::Span(span) => Some(*span),
            _ => None,
        }
    }

    /// The number of that name, where the control declares one.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.params.get(name)? {
            Value::Count(count) => Some(*count),
            _ => None,
        }
    }
}
