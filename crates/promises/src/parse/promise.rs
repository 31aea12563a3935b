//! One `[[promise]]`.

use super::{
    params::{self, Names, Param},
    section::Section,
    words::{self, Fillers},
};
use crate::{
    control::{Catalogue, ControlSpec},
    diagnostics::nearest,
    profile::{Attestation, Kind, Plan, Promise, Waiver},
    quantity::shorten,
};
use kernel::Span;
use std::collections::BTreeMap;

const KEYS: [&str; 12] = [
    "id",
    "claims",
    "section",
    "words",
    "kind",
    "control",
    "params",
    "cadence",
    "freshness",
    "attested",
    "planned",
    "waived",
];

/// What stands for cadence and freshness where nothing is attacked.
const UNUSED: (Span, Span) = (Span::days(1), Span::days(2));

/// Reads every promise.
pub(super) fn all(root: &Section<'_>, catalogue: &Catalogue, names: &Names<'_>) -> Vec<Promise> {
    let mut seen = BTreeMap::new();
    let mut promises = Vec::new();
    for section in root.tables("promise", "`[[promise]]`", &KEYS) {
        let (id, at) = section.slug("id", "\"erasure\"");
        if !id.is_empty() && seen.insert(id.clone(), ()).is_some() {
            let help = Some("every promise has an id of its own".to_owned());
            section.sink.error(at, format!("the promise `{}` is written twice", shorten(&id)), help);
        }
        promises.push(one(&section, id, catalogue, names));
    }
    promises
}

fn one(section: &Section<'_>, id: String, catalogue: &Catalogue, names: &Names<'_>) -> Promise {
    if section.get("kind").is_none() {
        section.missing("kind", "\"enforced\"");
    }
    let kind = section.word("kind", &Kind::ALL.map(|kind| (kind.word(), kind))).map(|(kind, _)| kind);
    let spec = control(section, catalogue);
    let params = match spec {
        Some(spec) => params::read(section, spec, names),
        None => without_control(section),
    };
    let (cadence, freshness) = rhythm(section, spec);
    let (template, at) = section.required("words", "\"What is promised.\"");
    let fillers = Fillers { written: written(&params, cadence, freshness), declared: declared(section, spec) };
    let words = words::fill(section, &template, &at, &fillers);
    Promise {
        id,
        claims: section.list("claims").into_iter().map(|(claim, _)| claim).collect(),
        section: section.required("section", "\"Network\"").0,
        words,
        kind: kind.unwrap_or(Kind::Planned),
        control: section.text("control").map(|(control, _)| control),
        params: params.into_iter().map(|(name, param)| (name.to_owned(), param.value)).collect(),
        cadence,
        freshness,
        attested: belongs(section, "attested", kind, Kind::Attested).then(|| attestation(section)).flatten(),
        planned: plan(section, kind),
        waiver: waiver(section),
    }
}

/// The control of a promise, if it names one that exists.
fn control<'c>(section: &Section<'_>, catalogue: &'c Catalogue) -> Option<&'c ControlSpec> {
    let (id, at) = section.text("control")?;
    let spec = catalogue.get(&id);
    if spec.is_none() {
        let help = nearest(&id, catalogue.iter().map(|spec| spec.id));
        let help = help.unwrap_or_else(|| "docs/PROMISES.md lists the controls".to_owned());
        section.sink.error(at, format!("there is no control `{}`", shorten(&id)), Some(help));
    }
    spec
}

/// What only makes sense with a control is an error without one. Where a control is named and unknown, that is the error.
fn without_control(section: &Section<'_>) -> BTreeMap<&'static str, Param> {
    if section.get("control").is_none() {
        for key in ["params", "cadence", "freshness"] {
            if let Some(value) = section.get(key) {
                section.sink.missing(
                    value.span(),
                    format!("`{key}` needs a control"),
                    Some("add `control = …`".to_owned()),
                );
            }
        }
    }
    BTreeMap::new()
}

/// Cadence and freshness: the promise's own, else its control's. An observation must still count when the next is made.
fn rhythm(section: &Section<'_>, spec: Option<&ControlSpec>) -> (Span, Span) {
    let default = spec.map_or(UNUSED, |spec| (spec.cadence, spec.freshness));
    let own = (section.span("cadence"), section.span("freshness"));
    let at = own.0.as_ref().or(own.1.as_ref()).map(|(_, at)| at.clone());
    let cadence = own.0.map_or(default.0, |(span, _)| span);
    let freshness = own.1.map_or(default.1, |(span, _)| span);
    if let (Some(at), true, Some(_)) = (at, cadence >= freshness, spec) {
        let message = format!("the cadence of {cadence} must be shorter than the freshness of {freshness}");
        let help = "otherwise every observation runs out before the next one is made".to_owned();
        section.sink.error(at, message, Some(help));
    }
    (cadence, freshness)
}

/// The parameters that the control declares; none without a control, unknown where the control is.
fn declared(section: &Section<'_>, spec: Option<&ControlSpec>) -> Option<Vec<&'static str>> {
    match spec {
        Some(spec) => Some(spec.params.iter().map(|param| param.name).collect()),
        None if section.get("control").is_none() => Some(Vec::new()),
        None => None,
    }
}

/// The words for each placeholder.
fn written(params: &BTreeMap<&'static str, Param>, cadence: Span, freshness: Span) -> BTreeMap<String, String> {
    let mut written: BTreeMap<_, _> =
        params.iter().map(|(name, param)| ((*name).to_owned(), param.written.clone())).collect();
    written.entry("cadence".to_owned()).or_insert_with(|| cadence.to_string());
    written.entry("freshness".to_owned()).or_insert_with(|| freshness.to_string());
    written
}

/// Whether a table of one kind stands there, and rightly.
fn belongs(section: &Section<'_>, key: &str, kind: Option<Kind>, own: Kind) -> bool {
    let Some(value) = section.get(key) else { return false };
    if kind.is_some_and(|kind| kind != own) {
        let message = format!("`{key}` belongs to promises of kind `{key}`");
        section.sink.error(value.span(), message, Some(format!("write `kind = \"{key}\"`, or leave it out")));
    }
    true
}

/// A statement counts when it is complete. What is missing is for lint to say, so that the rest can be looked at too.
fn attestation(section: &Section<'_>) -> Option<Attestation> {
    let table = section.table("attested", "`attested`", &["owner", "document", "expires"])?;
    let (owner, document, expires) = (table.text("owner"), table.text("document"), table.date("expires"));
    Some(Attestation { owner: owner?.0, document: document?.0, expires: expires? })
}

fn plan(section: &Section<'_>, kind: Option<Kind>) -> Option<Plan> {
    if kind == Some(Kind::Planned) && section.get("planned").is_none() {
        section.missing("planned", "{ phase = \"Phase 2\" }");
    }
    if !belongs(section, "planned", kind, Kind::Planned) {
        return None;
    }
    let table = section.table("planned", "`planned`", &["phase"])?;
    Some(Plan { phase: table.required("phase", "\"Phase 2\"").0 })
}

fn waiver(section: &Section<'_>) -> Option<Waiver> {
    let table = section.table("waived", "`waived`", &["reason", "until"])?;
    if table.get("until").is_none() {
        table.missing("until", "2027-03-31");
    }
    let (reason, _) = table.required("reason", "\"Being rebuilt\"");
    Some(Waiver { reason, until: table.date("until")? })
}
