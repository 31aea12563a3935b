//! Metadata both ways: what an identity provider says of itself, and what we say of ourselves.

use crate::key::Key;
use crate::names::{DS, MD, POST, REDIRECT, SAMLP};
use crate::signature::decoded;
use crate::xml::{self, Element, XmlError, escape};
use crate::{Sp, instant};
use kernel::Timestamp;
use thiserror::Error;

/// Longest identifier of an entity, as SAML says.
const LONGEST_ID: usize = 1024;

/// What an identity provider's metadata says. Its own signature, if any, is not judged: whoever administers the team hands
/// the document over, and is who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpMetadata {
    /// Who it is.
    pub entity_id: String,
    /// Where browsers are sent to sign in (HTTP-Redirect binding).
    pub sso_url: String,
    /// Keys that may sign.
    pub keys: Vec<Key>,
    /// Until when this may be believed, if it says so.
    pub valid_until: Option<Timestamp>,
}

/// Why metadata is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MetadataError {
    /// Not an XML document that is read here.
    #[error("not an XML document that is read here: {0}")]
    Xml(#[from] XmlError),
    /// Not the metadata of exactly one identity provider.
    #[error("this is not the metadata of exactly one SAML 2.0 identity provider")]
    NotOneProvider,
    /// The identifier of the entity is missing or too long.
    #[error("the entity has no identifier of at most 1024 characters")]
    EntityId,
    /// No place to sign in by redirect, or one that is not encrypted on its way.
    #[error("there is no SingleSignOnService with the HTTP-Redirect binding at an https address")]
    SingleSignOn,
    /// No certificate for signing.
    #[error("there is no certificate for signing")]
    NoKey,
    /// A certificate for signing that cannot be used.
    #[error("a certificate for signing is not RSA from 2048 bits or ECDSA on P-256 or P-384")]
    BadKey,
    /// An instant that is none, or is past.
    #[error("validUntil is past, or is not an instant")]
    Expired,
}

impl IdpMetadata {
    /// Reads the metadata of one identity provider.
    ///
    /// # Errors
    ///
    /// When anything that sign-in needs is missing, weak or past.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, MetadataError> {
        let document = xml::parse(text)?;
        let entity = entity(&document.root)?;
        let mut roles = entity.named(MD, "IDPSSODescriptor");
        let (Some(role), None) = (roles.next(), roles.next()) else { return Err(MetadataError::NotOneProvider) };
        if !role
            .attribute("protocolSupportEnumeration")
            .is_some_and(|all| all.split(xml::is_space).any(|each| each == SAMLP))
        {
            return Err(MetadataError::NotOneProvider);
        }
        let entity_id = entity.attribute("entityID").filter(|id| is_entity_id(id)).ok_or(MetadataError::EntityId)?;
        let mut valid_until = None;
        for bound in [&document.root, entity, role].into_iter().filter_map(|each| each.attribute("validUntil")) {
            let bound = instant::read(bound).filter(|bound| *bound > now).ok_or(MetadataError::Expired)?;
            valid_until = Some(valid_until.map_or(bound, |known: Timestamp| known.min(bound)));
        }
        let services = role.named(MD, "SingleSignOnService").filter(|each| each.attribute("Binding") == Some(REDIRECT));
        let sso_url = services
            .filter_map(|each| each.attribute("Location"))
            .find(|url| is_place(url))
            .ok_or(MetadataError::SingleSignOn)?;
        Ok(Self { entity_id: entity_id.to_owned(), sso_url: sso_url.to_owned(), keys: keys(role)?, valid_until })
    }
}

/// The one entity with the role of an identity provider.
fn entity(root: &Element) -> Result<&Element, MetadataError> {
    if root.is(MD, "EntityDescriptor") {
        return Ok(root);
    }
    if !root.is(MD, "EntitiesDescriptor") {
        return Err(MetadataError::NotOneProvider);
    }
    let is_provider = |each: &&Element| each.named(MD, "IDPSSODescriptor").next().is_some();
    let mut providers = root.named(MD, "EntityDescriptor").filter(is_provider);
    match (providers.next(), providers.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(MetadataError::NotOneProvider),
    }
}

fn keys(role: &Element) -> Result<Vec<Key>, MetadataError> {
    let mut keys = Vec::new();
    let signing =
        role.named(MD, "KeyDescriptor").filter(|each| each.attribute("use").is_none_or(|purpose| purpose == "signing"));
    for certificate in signing
        .flat_map(|each| each.named(DS, "KeyInfo"))
        .flat_map(|each| each.named(DS, "X509Data"))
        .flat_map(|each| each.named(DS, "X509Certificate"))
    {
        let der = certificate.text().and_then(decoded).ok_or(MetadataError::BadKey)?;
        let key = Key::of_certificate(&der).ok_or(MetadataError::BadKey)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.is_empty() { Err(MetadataError::NoKey) } else { Ok(keys) }
}

fn is_entity_id(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= LONGEST_ID && !id.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// An https address that a browser can be sent to. One of this machine may do without TLS: nobody else can listen.
fn is_place(url: &str) -> bool {
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\'));
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let local = host == "localhost" || host == "127.0.0.1";
    plain && !host.is_empty() && !authority.contains('@') && (scheme == "https" || (scheme == "http" && local))
}

impl Sp {
    /// Our metadata, to be handed to the identity provider.
    #[must_use]
    pub fn metadata(&self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <md:EntityDescriptor xmlns:md=\"{MD}\" entityID=\"{entity}\">\n  \
             <md:SPSSODescriptor AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\" protocolSupportEnumeration=\"{SAMLP}\">\n    \
             <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\n    \
             <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>\n    \
             <md:AssertionConsumerService index=\"0\" isDefault=\"true\" Binding=\"{POST}\" Location=\"{acs}\"/>\n  \
             </md:SPSSODescriptor>\n\
             </md:EntityDescriptor>\n",
            entity = escape(&self.entity_id),
            acs = escape(&self.acs_url),
        )
    }
}
