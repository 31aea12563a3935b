//! Instants as SAML writes them: XML's dateTime, always in UTC.

use kernel::Timestamp;

/// Reads `2026-11-22T08:00:00.123Z`, and no other spelling of an instant.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let shape = |at: usize, c: u8| match at {
        4 | 7 => c == b'-',
        10 => c == b'T',
        13 | 16 => c == b':',
        19 => c == b'.',
        _ => c.is_ascii_digit(),
    };
    let body = text.strip_suffix('Z')?;
    let fine =
        (body.len() == 19 || (21..=29).contains(&body.len())) && body.bytes().enumerate().all(|(at, c)| shape(at, c));
    if fine { text.parse().ok() } else { None }
}

/// Writes an instant to the second.
pub(crate) fn write(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
