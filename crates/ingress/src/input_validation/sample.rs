//! Bodies made from a description: one that fits, some at its limits, and one for each way of breaking it.

use crate::visitor::word;
use serde_json::{Map, Value, json};

/// How deep schemas are followed.
const DEPTH: u32 = 6;

/// A body, and whether the description allows it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) what: String,
    pub(super) body: Value,
    pub(super) allowed: bool,
}

/// The schema of an operation's JSON body, with references followed.
pub(super) fn body_schema(document: &Value, operation: &Value) -> Option<Value> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    Some(resolve(document, schema, DEPTH))
}

fn resolve(document: &Value, schema: &Value, depth: u32) -> Value {
    if depth == 0 {
        return json!({});
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#')) {
        return document.pointer(target).map_or_else(|| json!({}), |found| resolve(document, found, depth - 1));
    }
    let mut schema = schema.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for value in properties.values_mut() {
            *value = resolve(document, &value.clone(), depth - 1);
        }
    }
    schema
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn number(schema: &Value, key: &str) -> Option<usize> {
    schema.get(key)?.as_u64().and_then(|number| usize::try_from(number).ok())
}

/// A value that fits.
pub(super) fn fitting(schema: &Value) -> Value {
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|all| all.first()) {
        return first.clone();
    }
    match types(schema).as_slice() {
        ["object", ..] => {
            let empty = Map::new();
            let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
            properties.iter().map(|(name, schema)| (name.clone(), fitting(schema))).collect::<Map<_, _>>().into()
        }
        ["array", ..] => json!([]),
        ["integer" | "number", ..] => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        ["boolean", ..] => json!(false),
        // An address looks like one.
        _ if schema.get("example").and_then(Value::as_str).is_some_and(|text| text.contains('@')) => {
            json!(format!("{}@{}.example", word().to_lowercase(), word().to_lowercase()))
        }
        _ => schema.get("example").cloned().unwrap_or_else(|| json!(word())),
    }
}

/// The fitting body broken once in each place, in each way; and stretched to its limits where it may be.
pub(super) fn samples(schema: &Value) -> Vec<Sample> {
    let whole = fitting(schema);
    let mut samples: Vec<Sample> = [json!([]), json!("text"), json!(7), Value::Null]
        .into_iter()
        .map(|body| Sample { what: format!("{body} for the whole"), body, allowed: false })
        .collect();
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let with = |name: &str, value: Value| {
        let mut body = whole.clone();
        if let Some(object) = body.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
        body
    };
    samples.push(Sample { what: "an unknown field".to_owned(), body: with("zz-unknown", json!(1)), allowed: false });
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in fields {
        if required.contains(&name.as_str()) {
            let mut body = whole.clone();
            body.as_object_mut().map(|object| object.remove(name));
            samples.push(Sample { what: format!("no {name}"), body, allowed: false });
        }
        samples.extend(values(field).into_iter().map(|(what, value, allowed)| Sample {
            what: format!("{what} as {name}"),
            body: with(name, value),
            allowed,
        }));
    }
    samples
}

fn values(schema: &Value) -> Vec<(&'static str, Value, bool)> {
    let kinds = types(schema);
    let mut values = Vec::new();
    let mut wrong = |kind: &str, what, value| {
        if !kinds.is_empty() && !kinds.contains(&kind) {
            values.push((what, value, false));
        }
    };
    wrong("string", "a text", json!("text"));
    if !kinds.contains(&"number") {
        wrong("integer", "a number", json!(1_u64 << 53));
    }
    wrong("boolean", "yes or no", json!(true));
    wrong("array", "a list", json!([[]]));
    wrong("object", "an object", json!({ "a": { "b": {} } }));
    wrong("null", "nothing", Value::Null);
    if kinds == ["string"] && schema.get("format").is_none() && schema.get("enum").is_none() {
        let free = !schema.get("example").is_some_and(Value::is_string);
        if let Some(most) = number(schema, "maxLength") {
            values.push(("a text that is too long", json!("x".repeat(most + 1)), false));
            if free {
                values.push(("the longest text", json!("x".repeat(most)), true));
                values.push(("a text of odd characters", json!("\u{0}\u{202e}\u{1f600}'\";--%s${7*7}"), true));
            }
        }
        if number(schema, "minLength").is_some_and(|least| least > 0) {
            values.push(("an empty text", json!(""), false));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_broken_in_each_way() {
        let document = json!({ "components": { "schemas": { "P": { "type": "object", "required": ["name"],
            "properties": { "name": { "type": "string", "minLength": 1, "maxLength": 3 } } } } } });
        let operation = json!({ "requestBody": { "content": { "application/json": { "schema": {
            "type": "object", "required": ["a", "p"], "properties": {
                "a": { "type": ["string", "null"] }, "p": { "$ref": "#/components/schemas/P" } } } } } } });
        let schema = body_schema(&document, &operation).unwrap();
        assert!(fitting(&schema).pointer("/p/name").is_some_and(Value::is_string));
        let samples = samples(&schema);
        let what: Vec<&str> = samples.iter().map(|sample| sample.what.as_str()).collect();
        for expected in ["no a", "a number as a", "a text as p", "an unknown field", "null for the whole"] {
            assert!(what.contains(&expected), "{expected}: {what:?}");
        }
        assert!(!what.contains(&"nothing as a"), "null is allowed there");
        assert!(samples.iter().all(|sample| !sample.allowed));
        let limits = values(&json!({ "type": "string", "minLength": 1, "maxLength": 3 }));
        let allowed: Vec<_> = limits.iter().filter(|(.., allowed)| *allowed).collect();
        assert_eq!((allowed.len(), limits.iter().any(|(_, value, _)| *value == json!("xxxx"))), (2, true));
    }
}
