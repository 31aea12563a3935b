//! The page as OSCAL assessment results (NIST Open Security Controls Assessment Language), for tools that collect evidence.
//! OSCAL knows only `satisfied` and `not-satisfied`: everything but Kept is exported as not satisfied, with the verdict
//! beside it as a property. Identifiers depend on the ledger alone, so that two exports of the same state are equal.

use crate::{
    digest,
    document::{Document, RenderError},
    model::Snapshot,
    row::Row,
    words,
};
use promises::{Recorded, Verdict, verdict::expiry};
use serde_json::{Map, Value, json};

/// The version of OSCAL that the export is written to.
const OSCAL: &str = "1.1.3";

/// The namespace of our properties.
const NAMESPACE: &str = "urn:uuid:5c1f2a34-7f0b-5d1e-a6b1-0d6e0c9a4b52";

/// Renders `/trust/oscal.json`.
///
/// # Errors
/// When the writer fails.
pub fn render(snapshot: &Snapshot) -> Result<Document, RenderError> {
    let at = words::iso(snapshot.generated_at);
    let scope = format!("{}:{}", snapshot.public_url, snapshot.profile_hash);
    let plan = digest::uuid(&format!("plan:{scope}"));
    let document = json!({ "assessment-results": {
        "uuid": digest::uuid(&format!("results:{scope}:{at}:{}", snapshot.ledger.checkpoint_size)),
        "metadata": {
            "title": format!("{}: promises and what attacks on them saw", snapshot.name()),
            "last-modified": at,
            "version": snapshot.ledger.checkpoint_size.to_string(),
            "oscal-version": OSCAL,
            "links": [{ "href": format!("{}/trust", snapshot.public_url), "rel": "canonical" }],
        },
        "import-ap": { "href": format!("#{plan}") },
        "results": [result(snapshot, &scope, &at)],
        "back-matter": { "resources": [{
            "uuid": plan,
            "title": "The promises, with their controls and parameters",
            "rlinks": [{
                "href": format!("{}/promises.toml", snapshot.public_url),
                "hashes": [{ "algorithm": "SHA-256", "value": snapshot.profile_hash }],
            }],
        }]},
    }});
    Document::json("application/json", &document)
}

fn result(snapshot: &Snapshot, scope: &str, at: &str) -> Value {
    let evidence = || snapshot.rows.iter().filter_map(|row| row.rests_on.as_ref().map(|recorded| (row, recorded)));
    let start = evidence().map(|(_, recorded)| recorded.observation.about.observed_at).min();
    let controls: Vec<Value> = snapshot.rows.iter().map(|row| json!({ "control-id": row.promise.id })).collect();
    let mut result = json!({
        "uuid": digest::uuid(&format!("result:{scope}:{at}")),
        "title": "Verdicts computed from the newest observations",
        "description": "Each promise is judged by the newest attack on it. Only a fresh attack that failed satisfies it.",
        "start": words::iso(start.unwrap_or(snapshot.generated_at)),
        "end": at,
        "reviewed-controls": { "control-selections": [{ "include-controls": controls }] },
        "findings": snapshot.rows.iter().map(|row| finding(scope, row)).collect::<Vec<_>>(),
    });
    let observations: Vec<Value> =
        evidence().map(|(row, recorded)| observation(snapshot, scope, row, recorded)).collect();
    // OSCAL's lists may be absent but never empty.
    if let Some(map) = result.as_object_mut().filter(|_| !observations.is_empty()) {
        map.insert("observations".to_owned(), observations.into());
    }
    result
}

fn observation_uuid(scope: &str, recorded: &Recorded) -> String {
    digest::uuid(&format!("observation:{scope}:{}", recorded.leaf))
}

fn observation(snapshot: &Snapshot, scope: &str, row: &Row, recorded: &Recorded) -> Value {
    let about = &recorded.observation.about;
    let href = format!("{}/trust/observations/{}.json", snapshot.public_url, recorded.leaf);
    json!({
        "uuid": observation_uuid(scope, recorded),
        "title": format!("Attack {} on {}", about.run, row.promise.id),
        "description": said(&recorded.observation.saw),
        "props": [property("leaf", &recorded.leaf.to_string()), property("attack", &about.run.to_string())],
        "methods": ["TEST"],
        "relevant-evidence": [{ "href": href, "description": "The ledger leaf." }],
        "collected": words::iso(about.observed_at),
        "expires": words::iso(expiry(&row.promise, recorded)),
    })
}

fn finding(scope: &str, row: &Row) -> Value {
    let verdict = row.verdict();
    let state = if verdict == Verdict::Kept { "satisfied" } else { "not-satisfied" };
    let mut finding = Map::new();
    finding.insert("uuid".to_owned(), digest::uuid(&format!("finding:{scope}:{}", row.promise.id)).into());
    finding.insert("title".to_owned(), said(&row.promise.words).into());
    finding.insert("description".to_owned(), said(&row.why).into());
    finding.insert("props".to_owned(), json!([property("verdict", verdict.slug())]));
    finding.insert(
        "target".to_owned(),
        json!({
            "type": "objective-id",
            "target-id": row.promise.id,
            "status": { "state": state, "remarks": format!("{verdict}: {}", said(&row.why)) },
        }),
    );
    if let Some(recorded) = &row.rests_on {
        let uuid = observation_uuid(scope, recorded);
        finding.insert("related-observations".to_owned(), json!([{ "observation-uuid": uuid }]));
    }
    Value::Object(finding)
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": value })
}

/// A text for a field that OSCAL does not let be empty.
fn said(text: &str) -> String {
    let text = words::plain(text);
    if text.trim().is_empty() { "nothing was said".to_owned() } else { text }
}
