//! What an assertion says, read from the bytes that were verified.

use super::{Assertion, Expect, LEEWAY, LONGEST, Refusal, bound, issued, issued_by, within};
use crate::Sp;
use crate::names::{BEARER, EMAIL_FORMAT, SAML};
use crate::xml::Element;
use kernel::Timestamp;
use std::collections::BTreeMap;

/// Attributes in which providers write the e-mail address.
const EMAIL_NAMES: [&str; 6] = [
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "mail",
    "email",
    "emailAddress",
];

pub(super) fn read(sp: &Sp, assertion: &Element, expect: Expect<'_>) -> Result<Assertion, Refusal> {
    issued_by(assertion, expect.idp)?;
    issued(assertion, expect.now)?;
    let subject = assertion.only(SAML, "Subject").ok_or(Refusal::Subject)?;
    let name = subject.only(SAML, "NameID").ok_or(Refusal::Subject)?;
    let name_id =
        name.text().map(str::trim).filter(|text| !text.is_empty() && text.len() <= 1024).ok_or(Refusal::Subject)?;
    let confirmed_until = confirmation(sp, subject, expect)?;
    conditions(sp, assertion, expect.now)?;
    let (session_index, authenticated_at) = authenticated(assertion, expect.now)?;
    let attributes = attributes(assertion)?;
    let name_format = name.attribute("Format").map(str::to_owned);
    let email = email(name_id, name_format.as_deref(), &attributes)?;
    Ok(Assertion {
        id: assertion.attribute("ID").ok_or(Refusal::Identifiers)?.to_owned(),
        name_id: name_id.to_owned(),
        name_format,
        email,
        attributes,
        session_index,
        authenticated_at,
        not_on_or_after: confirmed_until,
    })
}

/// The one confirmation: for whoever bears it, here, now, and in answer to what this browser asked.
fn confirmation(sp: &Sp, subject: &Element, expect: Expect<'_>) -> Result<Timestamp, Refusal> {
    let confirmation = subject.only(SAML, "SubjectConfirmation").ok_or(Refusal::Confirmation)?;
    let data = confirmation.only(SAML, "SubjectConfirmationData").ok_or(Refusal::Confirmation)?;
    let here = data.attribute("Recipient") == Some(&sp.acs_url);
    // SAML forbids a start here; whoever writes one means something that is not understood.
    if confirmation.attribute("Method") != Some(BEARER) || !here || data.attribute("NotBefore").is_some() {
        return Err(Refusal::Confirmation);
    }
    if data.attribute("InResponseTo") != expect.in_response_to {
        return Err(Refusal::Request);
    }
    let until = within(data, expect.now)?.ok_or(Refusal::Time)?;
    if until.as_second() > expect.now.as_second().saturating_add(LONGEST) { Err(Refusal::Time) } else { Ok(until) }
}

fn conditions(sp: &Sp, assertion: &Element, now: Timestamp) -> Result<(), Refusal> {
    let conditions = assertion.only(SAML, "Conditions").ok_or(Refusal::Audience)?;
    within(conditions, now)?;
    let mut audiences = 0;
    for condition in conditions.elements() {
        if condition.is(SAML, "AudienceRestriction") {
            audiences += 1;
            if !condition.named(SAML, "Audience").any(|each| each.text() == Some(&sp.entity_id)) {
                return Err(Refusal::Audience);
            }
        } else if !condition.is(SAML, "OneTimeUse") && !condition.is(SAML, "ProxyRestriction") {
            return Err(Refusal::Condition);
        }
    }
    if audiences > 0 { Ok(()) } else { Err(Refusal::Audience) }
}

/// How, since when and until when the person is signed in at the provider. Of several instants the oldest counts.
fn authenticated(assertion: &Element, now: Timestamp) -> Result<(Option<String>, Timestamp), Refusal> {
    let mut index = None;
    let mut since: Option<Timestamp> = None;
    for statement in assertion.named(SAML, "AuthnStatement") {
        let at = bound(statement, "AuthnInstant")?.ok_or(Refusal::Time)?;
        if at.as_second() > now.as_second().saturating_add(LEEWAY) {
            return Err(Refusal::Time);
        }
        since = Some(since.map_or(at, |since| since.min(at)));
        if bound(statement, "SessionNotOnOrAfter")?.is_some_and(|end| end <= now) {
            return Err(Refusal::Time);
        }
        index = index.or_else(|| statement.attribute("SessionIndex").map(str::to_owned));
    }
    Ok((index, since.ok_or(Refusal::Subject)?))
}

fn attributes(assertion: &Element) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for attribute in assertion.named(SAML, "AttributeStatement").flat_map(|each| each.named(SAML, "Attribute")) {
        let name = attribute.attribute("Name").ok_or(Refusal::Shape)?;
        let values = all.entry(name.to_owned()).or_default();
        // A value may be structured; only plain ones say something to us.
        values.extend(
            attribute.named(SAML, "AttributeValue").filter_map(|value| value.text()).map(|text| text.trim().to_owned()),
        );
    }
    Ok(all)
}

/// The address that the provider names. Where it names several, nobody can say which is meant.
fn email(
    name_id: &str,
    format: Option<&str>,
    attributes: &BTreeMap<String, Vec<String>>,
) -> Result<Option<String>, Refusal> {
    let mut named: Vec<&str> =
        EMAIL_NAMES.iter().filter_map(|name| attributes.get(*name)).flatten().map(String::as_str).collect();
    if named.is_empty() && format == Some(EMAIL_FORMAT) {
        named.push(name_id);
    }
    let Some((first, others)) = named.split_first() else { return Ok(None) };
    if !is_address(first) || others.iter().any(|other| !other.eq_ignore_ascii_case(first)) {
        return Err(Refusal::Subject);
    }
    Ok(Some((*first).to_owned()))
}

fn is_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'));
    plain
        && text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'))
}
