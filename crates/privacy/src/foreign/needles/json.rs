//! JSON, sign by sign: strings and numbers change, and everything else stays as it is written.

use super::Needles;
use serde::de::IgnoredAny;

/// Whether a text is an object or a list in JSON.
pub(super) fn is(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The JSON with `instead` in the place of identifiers; `None` when it names nobody.
pub(super) fn redact(needles: &Needles, text: &str, instead: &str) -> Option<String> {
    let (mut out, mut rest, mut changed) = (String::with_capacity(text.len()), text, false);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at_checked(length(rest))?;
        match replaced(needles, piece, instead) {
            Some(new) => {
                out.push_str(&new);
                changed = true;
            }
            None => out.push_str(piece),
        }
        rest = after;
    }
    changed.then_some(out)
}

/// How long the string, the number or what lies between is that the text begins with.
fn length(text: &str) -> usize {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let begins = |c: char| c == '"' || c == '-' || c.is_ascii_digit();
    match text.chars().next() {
        Some('"') => {
            let mut is_escaped = false;
            let end = text.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !is_escaped;
                is_escaped = *c == '\\' && !is_escaped;
                ends
            });
            end.map_or(text.len(), |(at, _)| at + 1)
        }
        Some(c) if begins(c) => text.find(|c| !is_number(c)).unwrap_or(text.len()),
        _ => text.find(begins).unwrap_or(text.len()),
    }
}

fn replaced(needles: &Needles, piece: &str, instead: &str) -> Option<String> {
    if piece.starts_with('"') {
        let inner: String = serde_json::from_str(piece).ok()?;
        return serde_json::to_string(&needles.redact(&inner, instead)?).ok();
    }
    let is_number = piece.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if is_number && needles.are_in(piece) { serde_json::to_string(instead).ok() } else { None }
}
