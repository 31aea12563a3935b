//! Acceptance: from what a browser posted to the one assertion in it, or a refusal. Rules stand in the order in which they
//! are asked: the document as a whole, its signatures, then what the verified bytes say.

mod claims;

use crate::names::{DS, ENTITY_FORMAT, SAML, SAMLP, SUCCESS};
use crate::xml::{self, Document, Element, XML_NAMESPACE, XmlError};
use crate::{IdpMetadata, Key, Sp, instant, signature};
use kernel::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// How far two clocks may stand apart, in seconds.
const LEEWAY: i64 = 60;
/// Longest time for which an answer may be presented, in seconds: replays are remembered for no longer.
const LONGEST: i64 = 24 * 3600;

/// What an answer is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// The provider that may answer.
    pub idp: &'a IdpMetadata,
    /// Identifier of the request that this browser made. `None` stands for a sign-in that the provider began, and then an
    /// answer to any request is refused.
    pub in_response_to: Option<&'a str>,
    /// The present instant.
    pub now: Timestamp,
}

/// Who signed in, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Identifier of the assertion.
    pub id: String,
    /// Who it is, in the provider's own words.
    pub name_id: String,
    /// What kind of name that is, if said.
    pub name_format: Option<String>,
    /// The one e-mail address that it names, if any.
    pub email: Option<String>,
    /// All attributes by name.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Identifier of the session at the provider.
    pub session_index: Option<String>,
    /// When they last proved to the provider who they are, which may be long ago.
    pub authenticated_at: Timestamp,
    /// From when on it may not be presented any more.
    pub not_on_or_after: Timestamp,
}

/// An assertion that holds in everything, except that it may have been presented before. The caller asks its memory.
#[derive(Debug)]
#[must_use = "an assertion counts once; ask the memory of those seen"]
pub struct Unspent(Assertion);

impl Unspent {
    /// What the memory is asked for: an identifier that is unique for this provider.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// For how long the identifier must be remembered.
    #[must_use]
    pub fn remember_until(&self) -> Timestamp {
        Timestamp::from_second(self.0.not_on_or_after.as_second().saturating_add(LEEWAY + 1)).unwrap_or(Timestamp::MAX)
    }

    /// The assertion, if this is the first time that it is presented.
    ///
    /// # Errors
    ///
    /// [`Refusal::Replayed`] otherwise.
    pub fn spend(self, first: bool) -> Result<Assertion, Refusal> {
        if first { Ok(self.0) } else { Err(Refusal::Replayed) }
    }
}

/// Why an answer is not accepted. Says nothing of its content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Not base64 of a text.
    #[error("the answer is not base64 of a text")]
    Encoding,
    /// Not an XML document that is read here.
    #[error("the answer is not an XML document that is read here: {0}")]
    Xml(#[from] XmlError),
    /// Comments or processing instructions: values could be read in two ways.
    #[error("the answer has comments or processing instructions")]
    Remarks,
    /// Not one response with one assertion, at their places.
    #[error("the answer is not one response with one assertion in it")]
    Shape,
    /// An encrypted part: we publish no key for it.
    #[error("the answer is encrypted, for which no key was published")]
    Encrypted,
    /// Two elements with one identifier, or one without.
    #[error("identifiers in the answer are missing or not unique")]
    Identifiers,
    /// Nothing is signed.
    #[error("neither the response nor its assertion is signed")]
    Unsigned,
    /// A signature at a place or of a form that SAML does not need.
    #[error("a signature has a form that is not accepted")]
    SignatureForm,
    /// A signature or digest algorithm that does not count.
    #[error("a signature uses an algorithm that is not accepted")]
    SignatureAlgorithm,
    /// What was signed is not what is there.
    #[error("the signed part was changed")]
    Changed,
    /// No key of the metadata made the signature.
    #[error("the signature was not made by a key of the provider's metadata")]
    UnknownKey,
    /// The provider's metadata is out of date.
    #[error("the provider's metadata is no longer valid")]
    MetadataExpired,
    /// The provider says that sign-in failed.
    #[error("the provider did not sign the person in")]
    Status,
    /// Another provider speaks.
    #[error("the answer comes from another provider")]
    Issuer,
    /// Sent to another address.
    #[error("the answer is meant for another destination")]
    Destination,
    /// Answers another request, or one where none was made.
    #[error("the answer does not belong to this browser's request")]
    Request,
    /// Meant for another service.
    #[error("the assertion is meant for another audience")]
    Audience,
    /// Not confirmed for the bearer at our address.
    #[error("the assertion is not confirmed for its bearer here")]
    Confirmation,
    /// Too early, too late, or with no end.
    #[error("the assertion is not valid at this time")]
    Time,
    /// A condition that is not understood.
    #[error("the assertion has a condition that is not understood")]
    Condition,
    /// Names nobody, or says nothing of how.
    #[error("the assertion does not say who signed in")]
    Subject,
    /// Presented before.
    #[error("the assertion was presented before")]
    Replayed,
}

impl From<signature::Fault> for Refusal {
    fn from(fault: signature::Fault) -> Self {
        match fault {
            signature::Fault::Form => Self::SignatureForm,
            signature::Fault::Algorithm => Self::SignatureAlgorithm,
            signature::Fault::Digest => Self::Changed,
            signature::Fault::Key => Self::UnknownKey,
        }
    }
}

impl Sp {
    /// Accepts what a browser posted as `SAMLResponse`, or says why not.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for everything that is not one fresh, signed assertion of this provider for us.
    pub fn accept(&self, posted: &str, expect: Expect<'_>) -> Result<Unspent, Refusal> {
        let text =
            signature::decoded(posted).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Refusal::Encoding)?;
        self.accept_document(&text, expect)
    }

    /// [`Self::accept`] for the document itself.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn accept_document(&self, text: &str, expect: Expect<'_>) -> Result<Unspent, Refusal> {
        if expect.idp.valid_until.is_some_and(|until| until <= expect.now) {
            return Err(Refusal::MetadataExpired);
        }
        let Document { root, remarks } = xml::parse(text)?;
        if remarks > 0 {
            return Err(Refusal::Remarks);
        }
        let (read, signed) = verified(&root, &expect.idp.keys)?;
        self.envelope(&root, signed, expect)?;
        claims::read(self, &read, expect).map(Unspent)
    }

    /// What the response says around its assertion. Where it is not signed, it can only speak against the answer.
    fn envelope(&self, root: &Element, signed: bool, expect: Expect<'_>) -> Result<(), Refusal> {
        let status =
            root.only(SAMLP, "Status").and_then(|status| status.only(SAMLP, "StatusCode")).ok_or(Refusal::Shape)?;
        if status.attribute("Value") != Some(SUCCESS) {
            return Err(Refusal::Status);
        }
        if root.named(SAML, "Issuer").next().is_some() {
            issued_by(root, expect.idp)?;
        }
        match root.attribute("Destination") {
            Some(place) if place == self.acs_url => {}
            None if !signed => {}
            _ => return Err(Refusal::Destination),
        }
        if root.attribute("InResponseTo") != expect.in_response_to {
            return Err(Refusal::Request);
        }
        issued(root, expect.now)
    }
}

/// Verifies every signature of the response `root`, and returns the assertion as the signed bytes have it, and whether the
/// response itself is signed.
fn verified(root: &Element, keys: &[Key]) -> Result<(Element, bool), Refusal> {
    let assertion = census(root)?;
    let over_response = root.named(DS, "Signature").next().is_some();
    let over_assertion = assertion.named(DS, "Signature").next().is_some();
    if !over_response && !over_assertion {
        return Err(Refusal::Unsigned);
    }
    let mut read = None;
    if over_response {
        let bytes = signature::verified(root, root, keys)?;
        read = xml::parse(&bytes)?.root.only(SAML, "Assertion").cloned();
    }
    if over_assertion {
        let bytes = signature::verified(root, assertion, keys)?;
        read = Some(xml::parse(&bytes)?.root);
    }
    Ok((read.ok_or(Refusal::Shape)?, over_response))
}

/// Counts what there is, wherever it stands: one response, one assertion in it, signatures only as their children, and
/// every identifier once. Whatever wraps a signed part would have to break one of these.
fn census(root: &Element) -> Result<&Element, Refusal> {
    let (mut responses, mut assertions, mut signatures, mut encrypted) = (0, 0, 0, false);
    let mut ids = BTreeSet::new();
    let mut unique = true;
    root.walk(&mut |element| {
        match element.local.as_str() {
            "Response" => responses += 1,
            "Assertion" => assertions += 1,
            "Signature" => signatures += 1,
            "EncryptedAssertion" | "EncryptedID" | "EncryptedAttribute" | "EncryptedData" => encrypted = true,
            _ => {}
        }
        for attribute in &element.attributes {
            let is_id = attribute.local.eq_ignore_ascii_case("id") || attribute.local == "AssertionID";
            if is_id && (attribute.namespace.is_empty() || attribute.namespace == XML_NAMESPACE) {
                unique &= ids.insert(attribute.value.as_str());
            }
        }
    });
    if encrypted {
        return Err(Refusal::Encrypted);
    }
    if !root.is(SAMLP, "Response") || responses != 1 || assertions != 1 || !root.has_only_elements() {
        return Err(Refusal::Shape);
    }
    let assertion = root.only(SAML, "Assertion").ok_or(Refusal::Shape)?;
    if signatures != root.named(DS, "Signature").count() + assertion.named(DS, "Signature").count() {
        return Err(Refusal::SignatureForm);
    }
    for element in [root, assertion] {
        if element.attribute("Version") != Some("2.0") {
            return Err(Refusal::Shape);
        }
        unique &= element.attribute("ID").is_some_and(xml::is_identifier);
    }
    if unique { Ok(assertion) } else { Err(Refusal::Identifiers) }
}

/// Whether the one issuer of `element` is the provider.
fn issued_by(element: &Element, idp: &IdpMetadata) -> Result<(), Refusal> {
    let issuer = element.only(SAML, "Issuer").ok_or(Refusal::Issuer)?;
    let entity = issuer.attribute("Format").is_none_or(|format| format == ENTITY_FORMAT);
    if entity && issuer.text() == Some(&idp.entity_id) { Ok(()) } else { Err(Refusal::Issuer) }
}

/// Whether `element` was issued by now.
fn issued(element: &Element, now: Timestamp) -> Result<(), Refusal> {
    let at = element.attribute("IssueInstant").and_then(instant::read).ok_or(Refusal::Time)?;
    if at.as_second() <= now.as_second().saturating_add(LEEWAY) { Ok(()) } else { Err(Refusal::Time) }
}

/// The instant that an attribute names, if it is there; one that cannot be read is refused.
fn bound(element: &Element, name: &str) -> Result<Option<Timestamp>, Refusal> {
    element.attribute(name).map(|text| instant::read(text).ok_or(Refusal::Time)).transpose()
}

/// Whether `now` is within the bounds that an element names, give or take the leeway.
fn within(element: &Element, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let end = bound(element, "NotOnOrAfter")?;
    let early =
        bound(element, "NotBefore")?.is_some_and(|start| now.as_second().saturating_add(LEEWAY) < start.as_second());
    let late = end.is_some_and(|end| now.as_second() >= end.as_second().saturating_add(LEEWAY));
    if early || late { Err(Refusal::Time) } else { Ok(end) }
}
