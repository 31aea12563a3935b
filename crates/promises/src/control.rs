//! What a control is, as data: one definition yields the parameters that a profile may write, the documentation, the
//! line on the page, and the standards it answers to. The wing that enforces the control attaches probe and faults.

use kernel::Span;
use serde::Serialize;

/// From where a probe attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vantage {
    /// At the public address, through public DNS, with no credentials: anyone can repeat it.
    Outside,
    /// With the operator's credentials, or at the database under the application's own role.
    Inside,
}

/// How much of Wordbond a service uses; it limits what can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The application stands behind the reverse proxy; its data is its own.
    Proxy,
    /// The proxy, and the application's database on the data map.
    Mapped,
    /// The application is built on the wings.
    Built,
}

impl Mode {
    /// Every mode, from the least to the most of Wordbond.
    pub const ALL: [Self; 3] = [Self::Proxy, Self::Mapped, Self::Built];

    /// How a profile writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Mapped => "mapped",
            Self::Built => "built",
        }
    }
}

/// The type of a parameter, and with it how a profile writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// A span of time: `"30 days"`.
    Span,
    /// A time of day with a zone: `"03:00 Europe/Berlin"`.
    Time,
    /// A size: `"5 MiB"`.
    Size,
    /// A whole number.
    Count,
    /// A share: `"95 %"`.
    Percent,
    /// Free text.
    Text,
    /// One of the given words.
    Word(&'static [&'static str]),
    /// A list of texts.
    List,
    /// True or false.
    Flag,
    /// A region of the profile, by its id.
    Region,
    /// Sub-processors of the profile's register, by name.
    Processors,
}

/// Which way a parameter makes a promise stronger, so that a weakening is visible in a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stronger {
    /// A smaller value promises more (a deadline; `true` before `false` does not apply).
    Less,
    /// A larger value, or `true`, promises more.
    More,
    /// A shorter list promises more (an allowlist).
    Fewer,
    /// A longer list promises more (what is covered).
    Wider,
    /// A change is neither.
    Neither,
}

/// One typed parameter of a control.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ParamSpec {
    /// The key in the profile.
    pub name: &'static str,
    /// Its type.
    pub kind: ParamKind,
    /// What applies when the profile is silent, in the profile's own notation; `None` makes the parameter required.
    pub default: Option<&'static str>,
    /// What it means, in one sentence.
    pub about: &'static str,
    /// Which way it gets stronger.
    pub stronger: Stronger,
}

/// The clauses of standards that a control helps to meet.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Standards {
    /// Articles of Regulation (EU) 2016/679, for example `32(1)(a)`.
    pub gdpr: &'static [&'static str],
    /// Annex A controls of ISO/IEC 27001:2022, for example `8.24`.
    pub iso27001: &'static [&'static str],
    /// AICPA Trust Services Criteria, for example `CC6.7`.
    pub soc2: &'static [&'static str],
    /// Requirements of OWASP ASVS 5.0, for example `12.1.1`.
    pub asvs: &'static [&'static str],
}

/// A control: the mechanism behind a family of promises.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ControlSpec {
    /// The word by which a profile names it, for example `hsts`.
    pub id: &'static str,
    /// Its line on the page, for example «Strict-Transport-Security on every response».
    pub title: &'static str,
    /// What enforces it, how it is attacked and what the attack cannot see. Markdown.
    pub about: &'static str,
    /// The crate that owns it.
    pub wing: &'static str,
    /// From where it is attacked.
    pub vantage: Vantage,
    /// Its parameters.
    pub params: &'static [ParamSpec],
    /// How often it is attacked unless the promise says otherwise.
    pub cadence: Span,
    /// How long one observation counts unless the promise says otherwise. Longer is weaker.
    pub freshness: Span,
    /// Absolute words and scopes that the attack covers, so that a promise may use them: `all responses`.
    pub covers: &'static [&'static str],
    /// The modes in which it can be promised.
    pub modes: &'static [Mode],
    /// The standards it answers to.
    pub standards: Standards,
}

/// The controls that a profile may name.
#[derive(Clone, Debug)]
pub struct Catalogue {
    specs: Vec<(ControlSpec, bool)>,
}

impl Catalogue {
    /// A catalogue of the controls that are built, and of those that are announced: a profile may already name them, and
    /// their promises stand as Unproven. A control in both counts as built.
    #[must_use]
    pub fn new(built: &[ControlSpec], announced: &[ControlSpec]) -> Self {
        let mut specs: Vec<_> = built.iter().map(|spec| (*spec, true)).collect();
        specs.extend(announced.iter().filter(|a| built.iter().all(|b| b.id != a.id)).map(|spec| (*spec, false)));
        specs.sort_by_key(|(spec, _)| spec.id);
        Self { specs }
    }

    /// The control of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&ControlSpec> {
        self.specs.iter().map(|(spec, _)| spec).find(|spec| spec.id == id)
    }

    /// Whether the control of that id has a probe in this build.
    #[must_use]
    pub fn is_built(&self, id: &str) -> bool {
        self.specs.iter().any(|(spec, built)| spec.id == id && *built)
    }

    /// Every control, by id.
    pub fn iter(&self) -> impl Iterator<Item = &ControlSpec> {
        self.specs.iter().map(|(spec, _)| spec)
    }
}
