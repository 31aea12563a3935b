//! JSON in which a name stands once. Two readers who disagree about which of two values counts are how tokens are forged.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// How deep values may be nested.
const DEEPEST: u8 = 16;

/// A JSON value without repeated names, not nested deeper than sixteen levels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strict(pub(crate) Value);

/// Reads the object that the bytes are, whole and alone.
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(Value::Object(object))) => Some(object),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Level(DEEPEST).deserialize(deserializer).map(Self)
    }
}

/// How many levels may follow.
#[derive(Clone, Copy)]
struct Level(u8);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Level {
    fn down<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.down()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(level)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let level = self.down()?;
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(level)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_stands_once_at_every_depth() {
        assert!(object(br#"{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}"#).is_some());
        for twice in [r#"{"a":1,"a":1}"#, r#"{"b":{"a":1,"a":2}}"#, r#"{"b":[{"a":1,"a":2}]}"#, r#"{"a":1,"\u0061":2}"#]
        {
            assert!(object(twice.as_bytes()).is_none(), "{twice}");
        }
    }

    #[test]
    fn only_one_object_and_nothing_around_it() {
        for other in
            ["", "[]", "1", "{}{}", "{} x", "\u{feff}{}", "{\"a\":1,}", "{'a':1}", "{\"a\":NaN}", "{\"a\":1e999}"]
        {
            assert!(object(other.as_bytes()).is_none(), "{other}");
        }
        assert!(object(b"\xff{}").is_none());
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            let levels = |n: usize| format!("{{\"a\":{}1{}}}", open.repeat(n), close.repeat(n));
            assert!(object(levels(15).as_bytes()).is_some(), "sixteen levels");
            assert!(object(levels(16).as_bytes()).is_none(), "seventeen");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(object(deep.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_what_serde_json_reads(text in r#"\{("[a-c]":([0-9.e-]{1,4}|true|null|"[^"\\]{0,3}"|\{\}|\[1,2\]),?){0,4}\}"#) {
            if let Some(found) = object(text.as_bytes()) {
                prop_assert_eq!(Value::Object(found), serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
