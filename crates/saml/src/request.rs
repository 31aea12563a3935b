//! The request that sends a browser to its identity provider (HTTP-Redirect binding).

use crate::names::{POST, SAML, SAMLP};
use crate::xml::escape;
use crate::{IdpMetadata, Sp, instant};
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kernel::Timestamp;
use std::fmt::Write as _;

/// What ties an answer to the browser that asked. The browser keeps the secret in a cookie; the request carries only its
/// hash as identifier, so that whoever sees an answer does not learn what the cookie must hold. Nothing is stored here.
pub struct RequestSecret(String);

impl RequestSecret {
    /// A fresh secret.
    ///
    /// # Errors
    ///
    /// When the operating system gives no randomness.
    pub fn fresh() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The secret that a cookie holds, if it can be one.
    #[must_use]
    pub fn from_cookie(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32).map(|_| Self(text.to_owned()))
    }

    /// What the cookie holds.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.0
    }

    /// Identifier of the request that this secret asks for, at this service.
    #[must_use]
    pub fn request_id(&self, sp: &Sp) -> String {
        let hash = digest::digest(&digest::SHA256, format!("{}\n{}", sp.acs_url, self.0).as_bytes());
        hash.as_ref().iter().fold(String::from("_"), |mut id, byte| {
            // Writing to a string does not fail.
            let _ = write!(id, "{byte:02x}");
            id
        })
    }
}

impl Sp {
    /// Where the browser is sent to sign in.
    #[must_use]
    pub fn authn_request(&self, idp: &IdpMetadata, secret: &RequestSecret, now: Timestamp) -> String {
        let request = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{issued}\" \
             Destination=\"{place}\" ProtocolBinding=\"{POST}\" AssertionConsumerServiceURL=\"{acs}\">\
             <saml:Issuer>{entity}</saml:Issuer><samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
            id = secret.request_id(self),
            issued = instant::write(now),
            place = escape(&idp.sso_url),
            acs = escape(&self.acs_url),
            entity = escape(&self.entity_id),
        );
        let joint = if idp.sso_url.contains('?') { '&' } else { '?' };
        format!("{}{joint}SAMLRequest={}", idp.sso_url, percent(&STANDARD.encode(deflate(request.as_bytes()))))
    }
}

/// DEFLATE (RFC 1951) in stored blocks. A request is short, so it is framed rather than pressed, and no library is needed.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 8);
    let mut chunks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(chunk) = chunks.next() {
        out.push(u8::from(chunks.peek().is_none()));
        let length = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(chunk);
    }
    out
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
