//! `/.well-known/security.txt` (RFC 9116).

use crate::{document::Document, model::Snapshot, words};
use jiff::SignedDuration;
use std::fmt::Write as _;

/// How long the file says it is good for. RFC 9116 recommends less than a year.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24 * 180);

/// Renders the file.
#[must_use]
pub fn render(snapshot: &Snapshot) -> Document {
    let contacts = &snapshot.contacts;
    let expires = snapshot.generated_at.checked_add(GOOD_FOR).unwrap_or(snapshot.generated_at);
    let mut text = String::new();
    field(&mut text, "Contact", &contact(&contacts.security));
    // A whole day: a file that differs at every look cannot be compared.
    field(&mut text, "Expires", &expires.strftime("%Y-%m-%dT00:00:00Z").to_string());
    field(&mut text, "Canonical", &format!("{}/.well-known/security.txt", snapshot.public_url));
    if !contacts.languages.is_empty() {
        field(&mut text, "Preferred-Languages", &contacts.languages.join(", "));
    }
    if let Some(policy) = &contacts.policy {
        field(&mut text, "Policy", policy);
    }
    Document::new("text/plain; charset=utf-8", text)
}

/// One line. A line break inside a value would forge another field.
fn field(text: &mut String, name: &str, value: &str) {
    let value: String = words::plain(value).chars().filter(|c| !c.is_control()).collect();
    // Writing to a String cannot fail.
    let _ = write!(text, "{name}: {value}\r\n");
}

/// A contact as a URI: RFC 9116 wants `mailto:` before an address.
fn contact(address: &str) -> String {
    let is_uri = address.starts_with("https://") || address.starts_with("mailto:") || address.starts_with("tel:");
    if is_uri { address.to_owned() } else { format!("mailto:{address}") }
}
