//! The parameters of one promise: typed by its control, defaults filled in.

use super::section::{LONGEST_TEXT, MOST_ITEMS, Section};
use crate::{
    control::{ControlSpec, ParamKind, ParamSpec},
    diagnostics::nearest,
    profile::{Processor, Region, Value},
    quantity::{self, shorten},
};
use std::collections::{BTreeMap, BTreeSet};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What a parameter may refer to.
pub(super) struct Names<'a> {
    pub(super) regions: &'a [Region],
    pub(super) register: &'a [Processor],
}

/// A parameter's value, and the words in which it was written.
#[derive(Clone)]
pub(super) struct Param {
    pub(super) value: Value,
    pub(super) written: String,
}

/// Reads the parameters of a promise as its control declares them.
pub(super) fn read(promise: &Section<'_>, spec: &ControlSpec, names: &Names<'_>) -> BTreeMap<&'static str, Param> {
    let table = given(promise);
    if let Some(table) = table {
        unknown(promise, spec, table);
    }
    let mut params = BTreeMap::new();
    for param in spec.params {
        let value = table.and_then(|table| table.get(param.name));
        if let Some(param_value) = one(promise, spec, param, value, names) {
            params.insert(param.name, param_value);
        }
    }
    params
}

/// The table of parameters, if there is one.
pub(super) fn given<'a>(promise: &Section<'a>) -> Option<&'a DeTable<'a>> {
    let value = promise.get("params")?;
    let table = value.get_ref().as_table();
    if table.is_none() {
        let help = Some("for example `params = { within = \"30 days\" }`".to_owned());
        promise.sink.error(value.span(), "`params` expects a table", help);
    }
    table
}

fn unknown(promise: &Section<'_>, spec: &ControlSpec, table: &DeTable<'_>) {
    for (key, _) in table {
        let known: Vec<&str> = spec.params.iter().map(|param| param.name).collect();
        if !known.contains(&key.get_ref().as_ref()) {
            let help = nearest(key.get_ref(), known.iter().copied()).unwrap_or_else(|| match known.as_slice() {
                [] => "it has none".to_owned(),
                known => format!("it has {}", known.join(", ")),
            });
            let message = format!("the control `{}` has no parameter `{}`", spec.id, shorten(key.get_ref()));
            promise.sink.error(key.span(), message, Some(help));
        }
    }
}

fn one(
    promise: &Section<'_>,
    spec: &ControlSpec,
    param: &ParamSpec,
    value: Option<&Spanned<DeValue<'_>>>,
    names: &Names<'_>,
) -> Option<Param> {
    let at = value.map_or_else(|| promise.at(), Spanned::span);
    let read = match (value, param.default) {
        (Some(value), _) => from_value(param.kind, value.get_ref(), names),
        (None, Some(default)) => from_text(param.kind, default, names),
        (None, None) => {
            let message = format!("the control `{}` needs the parameter `{}`", spec.id, param.name);
            promise.sink.missing(at, message, Some(param.about.to_owned()));
            return None;
        }
    };
    read.map_err(|(message, help)| promise.sink.error(at, format!("`{}`: {message}", param.name), help)).ok()
}

/// What was wrong, and a hint.
type Wrong = (String, Option<String>);

fn from_value(kind: ParamKind, value: &DeValue<'_>, names: &Names<'_>) -> Result<Param, Wrong> {
    let found = value.type_str();
    let expected = || (format!("expected {}, found {found}", expected(kind)), None);
    match (kind, value) {
        (ParamKind::Flag, DeValue::Boolean(flag)) => Ok(param(Value::Flag(*flag), flag.to_string())),
        (ParamKind::Count, DeValue::Integer(number)) => {
            let count = u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| expected())?;
            Ok(param(Value::Count(count), count.to_string()))
        }
        (ParamKind::Percent, DeValue::Integer(_) | DeValue::Float(_)) => Err((
            format!("expected {}, found a bare number", self::expected(kind)),
            Some("write the sign: `\"95 %\"`".to_owned()),
        )),
        (ParamKind::Flag | ParamKind::Count, _) => Err(expected()),
        (ParamKind::List | ParamKind::Processors, DeValue::Array(array)) => {
            let texts: Option<Vec<String>> =
                array.iter().map(|item| item.get_ref().as_str().map(|t| t.trim().to_owned())).collect();
            list(kind, texts.ok_or_else(expected)?, names)
        }
        (ParamKind::List | ParamKind::Processors, _) => Err(expected()),
        (_, DeValue::String(text)) => from_text(kind, text, names),
        _ => Err(expected()),
    }
}

/// Reads a value from text, which is also how a control writes its defaults: lists with commas between.
fn from_text(kind: ParamKind, text: &str, names: &Names<'_>) -> Result<Param, Wrong> {
    let text = text.trim();
    if text.len() > LONGEST_TEXT {
        return Err((format!("the text is longer than {LONGEST_TEXT} bytes"), None));
    }
    let plain = |error: String| (error, None);
    let value = match kind {
        ParamKind::Span => match text.parse() {
            Ok(span) => Value::Span(span),
            Err(error) => return Err((format!("{error}"), None)),
        },
        ParamKind::Time => Value::Time(quantity::time_of_day(text).map_err(plain)?),
        ParamKind::Size => Value::Size(quantity::size(text).map_err(plain)?),
        ParamKind::Percent => Value::Percent(quantity::percent(text).map_err(plain)?),
        ParamKind::Count => Value::Count(text.parse().map_err(|_| (format!("expected {}", expected(kind)), None))?),
        ParamKind::Flag => Value::Flag(text.parse().map_err(|_| (format!("expected {}", expected(kind)), None))?),
        ParamKind::Text if text.is_empty() => return Err(("expected a text, found an empty one".to_owned(), None)),
        ParamKind::Text => Value::Text(text.to_owned()),
        ParamKind::Word(words) => Value::Text(known("word", text, words.iter().copied())?),
        ParamKind::Region => {
            Value::Text(known("region of this profile", text, names.regions.iter().map(|r| r.id.as_str()))?)
        }
        ParamKind::List | ParamKind::Processors => {
            let items = text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
            return list(kind, items, names);
        }
    };
    let written = match (kind, names.regions.iter().find(|region| region.id == text)) {
        (ParamKind::Region, Some(region)) => region.name.clone(),
        _ => text.to_owned(),
    };
    Ok(param(value, written))
}

fn list(kind: ParamKind, items: Vec<String>, names: &Names<'_>) -> Result<Param, Wrong> {
    if items.len() > MOST_ITEMS {
        return Err((format!("the list has {} items; the limit is {MOST_ITEMS}", items.len()), None));
    }
    let mut seen = BTreeSet::new();
    for item in &items {
        if item.is_empty() {
            return Err(("the list has an empty text".to_owned(), None));
        }
        if !seen.insert(item) {
            return Err((format!("`{}` stands twice in the list", shorten(item)), None));
        }
        if kind == ParamKind::Processors {
            known("sub-processor of the register", item, names.register.iter().map(|p| p.name.as_str()))?;
        }
    }
    let written = match items.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [firsts @ .., last] => format!("{} and {last}", firsts.join(", ")),
    };
    Ok(param(Value::List(items), written))
}

/// How many of the names that would do are listed.
const SHOWN: usize = 12;

/// Checks that a text is one of the names that are known.
fn known<'a>(what: &str, text: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<String, Wrong> {
    if names.clone().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let list = names.clone().take(SHOWN).collect::<Vec<_>>().join(", ");
    let help = nearest(text, names);
    let expected = if list.is_empty() { "; there is none".to_owned() } else { format!("; expected one of {list}") };
    Err((format!("`{}` is no {what}{expected}", shorten(text)), help))
}

const fn param(value: Value, written: String) -> Param {
    Param { value, written }
}

const fn expected(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Span => "a span of time in quotes, as in `\"30 days\"`",
        ParamKind::Time => "a time of day in quotes, as in `\"03:00 Europe/Berlin\"`",
        ParamKind::Size => "a size in quotes, as in `\"5 MiB\"`",
        ParamKind::Count => "a whole number",
        ParamKind::Percent => "a share in quotes, as in `\"95 %\"`",
        ParamKind::Text => "a text in quotes",
        ParamKind::Word(_) => "a word in quotes",
        ParamKind::List => "a list of texts",
        ParamKind::Flag => "`true` or `false`",
        ParamKind::Region => "the id of a region in quotes",
        ParamKind::Processors => "a list of sub-processors by name",
    }
}
