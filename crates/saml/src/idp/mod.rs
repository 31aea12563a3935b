//! An identity provider, small enough for probes and tests: it signs honest answers, and forges every dishonest one that is
//! known ([`forgeries`]). Nothing that serves people uses it.

mod forgeries;

pub use forgeries::{Forgery, forgeries};

use crate::c14n;
use crate::instant;
use crate::names::{BEARER, DS, EMAIL_FORMAT, ENVELOPED, EXC_C14N, MD, REDIRECT, SAML, SAMLP, SUCCESS};
use crate::xml::{self, Element, escape};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::Timestamp;
use thiserror::Error;

/// Why an answer could not be made.
#[derive(Debug, Error)]
pub enum MakeError {
    /// No key or certificate could be made.
    #[error("no key or certificate could be made")]
    Key,
    /// The draft is no document, or lacks what is to be signed.
    #[error("the draft is no document that can be signed")]
    Draft,
}

/// An identity provider with a key of its own.
pub struct Idp {
    /// Who it is.
    pub entity_id: String,
    /// Where it would sign people in.
    pub sso_url: String,
    key: SigningKey,
    private: Vec<u8>,
    certificate: Vec<u8>,
}

enum SigningKey {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// What an answer says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Address that it is posted to.
    pub acs_url: String,
    /// Service that it is meant for.
    pub audience: String,
    /// Request that it answers.
    pub in_response_to: Option<String>,
    /// E-mail address of who signs in.
    pub email: String,
    /// Time at which it is made.
    pub now: Timestamp,
    /// Time at which they proved to the provider who they are.
    pub since: Timestamp,
}

/// What of an answer is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The assertion.
    Assertion,
    /// The response around it.
    Response,
    /// Both.
    Both,
    /// Nothing.
    Nothing,
}

/// How a signature is written. The default is what honest providers do.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) uri: Option<String>,
    pub(crate) digest: &'static str,
    pub(crate) method: Option<String>,
    pub(crate) form: String,
    pub(crate) transforms: String,
    pub(crate) key_info: String,
    pub(crate) hmac: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            uri: None,
            digest: "http://www.w3.org/2001/04/xmlenc#sha256",
            method: None,
            form: format!("<ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"></ds:CanonicalizationMethod>"),
            transforms: format!(
                "<ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXC_C14N}\"></ds:Transform>"
            ),
            key_info: String::new(),
            hmac: false,
        }
    }
}

impl Idp {
    /// A provider with a fresh ECDSA key on P-256.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn new(entity_id: &str, sso_url: &str) -> Result<Self, MakeError> {
        let pair = rcgen::KeyPair::generate().map_err(|_| MakeError::Key)?;
        Self::with(entity_id, sso_url, &pair, |der| {
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok().map(SigningKey::Ecdsa)
        })
    }

    /// A provider with a fresh RSA key of 2048 bits.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn rsa(entity_id: &str, sso_url: &str) -> Result<Self, MakeError> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(|_| MakeError::Key)?;
        Self::with(entity_id, sso_url, &pair, |der| RsaKeyPair::from_pkcs8(der).ok().map(SigningKey::Rsa))
    }

    fn with(
        entity_id: &str,
        sso_url: &str,
        pair: &rcgen::KeyPair,
        key: impl Fn(&[u8]) -> Option<SigningKey>,
    ) -> Result<Self, MakeError> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "identity provider");
        let certificate = params.self_signed(pair).map_err(|_| MakeError::Key)?.der().to_vec();
        let private = pair.serialize_der();
        let key = key(&private).ok_or(MakeError::Key)?;
        Ok(Self { entity_id: entity_id.to_owned(), sso_url: sso_url.to_owned(), key, private, certificate })
    }

    /// The private key as PKCS #8 in PEM, for signers that are not this one.
    #[must_use]
    pub fn private_key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.private)
    }

    /// The certificate in PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The certificate as `X509Certificate` has it.
    #[must_use]
    pub fn certificate(&self) -> String {
        STANDARD.encode(&self.certificate)
    }

    /// What the provider says of itself.
    #[must_use]
    pub fn metadata(&self) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"{MD}\" xmlns:ds=\"{DS}\" entityID=\"{entity}\">\
             <md:IDPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data>\
             <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
             <md:SingleSignOnService Binding=\"{REDIRECT}\" Location=\"{place}\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
            entity = escape(&self.entity_id),
            certificate = self.certificate(),
            place = escape(&self.sso_url),
        )
    }

    /// The document that answers, signed as told.
    ///
    /// # Errors
    ///
    /// When there is no randomness for its identifiers.
    pub fn answer(&self, answer: &Answer, signed: Signed) -> Result<String, MakeError> {
        let draft = self.draft(answer)?;
        self.seal(&draft, signed, &Style::default())
    }

    /// Signs a draft: the assertion first, since the response's signature covers it.
    pub(crate) fn seal(&self, draft: &Draft, signed: Signed, style: &Style) -> Result<String, MakeError> {
        let mut text = draft.text.clone();
        if matches!(signed, Signed::Assertion | Signed::Both) {
            text = self.sign(&text, &draft.assertion_id, style)?;
        }
        if matches!(signed, Signed::Response | Signed::Both) {
            text = self.sign(&text, &draft.response_id, style)?;
        }
        Ok(unmarked(&text))
    }

    /// Puts a signature over the element `id` where its mark stands.
    pub(crate) fn sign(&self, text: &str, id: &str, style: &Style) -> Result<String, MakeError> {
        let document = xml::parse(&unmarked(text)).map_err(|_| MakeError::Draft)?;
        let mut target = None;
        document.root.walk(&mut |element| {
            if element.attribute("ID") == Some(id) {
                target = Some(element);
            }
        });
        let bytes = c14n::canonical(&document.root, target.ok_or(MakeError::Draft)?, None, &[]);
        let signature = self.signature(bytes.as_bytes(), id, style)?;
        Ok(text.replace(&mark(id), &signature))
    }

    fn signature(&self, bytes: &[u8], id: &str, style: &Style) -> Result<String, MakeError> {
        let with = if style.digest.ends_with("sha1") { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"{DS}\">{form}<ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
             <ds:Reference{uri}><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm=\"{digest}\"></ds:DigestMethod>\
             <ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            form = style.form,
            method = style.method.as_deref().unwrap_or_else(|| self.method()),
            uri = style.uri.clone().unwrap_or_else(|| format!(" URI=\"#{id}\"")),
            transforms = style.transforms,
            digest = style.digest,
            value = STANDARD.encode(digest::digest(with, bytes)),
        );
        let root: Element = xml::parse(&info).map_err(|_| MakeError::Draft)?.root;
        let message = c14n::canonical(&root, &root, None, &[]);
        let made = if style.hmac { self.hmac(message.as_bytes()) } else { self.raw(message.as_bytes())? };
        Ok(format!(
            "<ds:Signature xmlns:ds=\"{DS}\">{}<ds:SignatureValue>{}</ds:SignatureValue>{}</ds:Signature>",
            info.replace(&format!(" xmlns:ds=\"{DS}\""), ""),
            STANDARD.encode(made),
            style.key_info
        ))
    }

    fn method(&self) -> &'static str {
        match self.key {
            SigningKey::Ecdsa(_) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            SigningKey::Rsa(_) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        }
    }

    fn raw(&self, message: &[u8]) -> Result<Vec<u8>, MakeError> {
        let random = rand::SystemRandom::new();
        match &self.key {
            SigningKey::Ecdsa(key) => {
                key.sign(&random, message).map(|made| made.as_ref().to_vec()).map_err(|_| MakeError::Key)
            }
            SigningKey::Rsa(key) => {
                let mut made = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut made).map_err(|_| MakeError::Key)?;
                Ok(made)
            }
        }
    }

    /// A tag under what everybody knows: the certificate, taken as a shared secret.
    fn hmac(&self, message: &[u8]) -> Vec<u8> {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &self.certificate);
        aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    }

    /// An unsigned answer, with marks where signatures may come.
    pub(crate) fn draft(&self, answer: &Answer) -> Result<Draft, MakeError> {
        let (response_id, assertion_id) = (fresh_id()?, fresh_id()?);
        let asked =
            answer.in_response_to.as_ref().map(|id| format!(" InResponseTo=\"{}\"", escape(id))).unwrap_or_default();
        let end = Timestamp::from_second(answer.now.as_second().saturating_add(300)).unwrap_or(answer.now);
        let assertion = format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{assertion_id}\" Version=\"2.0\" IssueInstant=\"{now}\"><saml:Issuer>{issuer}</saml:Issuer>\
             {assertion_mark}<saml:Subject><saml:NameID Format=\"{EMAIL_FORMAT}\">{email}</saml:NameID><saml:SubjectConfirmation Method=\"{BEARER}\">\
             <saml:SubjectConfirmationData{asked} NotOnOrAfter=\"{end}\" Recipient=\"{acs}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>\
             </saml:Subject><saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>\
             </saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{since}\" SessionIndex=\"{assertion_id}\"><saml:AuthnContext>\
             <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext>\
             </saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name=\"mail\"><saml:AttributeValue>{email}</saml:AttributeValue>\
             </saml:Attribute></saml:AttributeStatement></saml:Assertion>",
            now = instant::write(answer.now),
            since = instant::write(answer.since),
            end = instant::write(end),
            issuer = escape(&self.entity_id),
            email = escape(&answer.email),
            acs = escape(&answer.acs_url),
            audience = escape(&answer.audience),
            assertion_mark = mark(&assertion_id),
        );
        let head = format!(
            "<samlp:Response xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{response_id}\" Version=\"2.0\" IssueInstant=\"{now}\" \
             Destination=\"{acs}\"{asked}><saml:Issuer>{issuer}</saml:Issuer>{response_mark}<samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"></samlp:StatusCode>\
             </samlp:Status>",
            now = instant::write(answer.now),
            acs = escape(&answer.acs_url),
            issuer = escape(&self.entity_id),
            response_mark = mark(&response_id),
        );
        Ok(Draft { text: format!("{head}{assertion}</samlp:Response>"), response_id, assertion_id })
    }
}

/// A document as `SAMLResponse` carries it.
#[must_use]
pub fn encoded(document: &str) -> String {
    STANDARD.encode(document)
}

/// The identifier of the request in an address that [`crate::Sp::authn_request`] made. It reads what that writes, and no
/// other packing.
#[must_use]
pub fn request_id(url: &str) -> Option<String> {
    let (_, value) = url.split_once("SAMLRequest=")?;
    let value = value.split('&').next()?.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let packed = STANDARD.decode(value).ok()?;
    // One stored block: a byte, two lengths, and the text.
    let text = std::str::from_utf8(packed.get(5..)?).ok()?;
    xml::parse(text).ok()?.root.attribute("ID").map(str::to_owned)
}

/// An answer before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) response_id: String,
    pub(crate) assertion_id: String,
}

/// Where the signature over `id` comes. An instruction, since the drafts have no other.
fn mark(id: &str) -> String {
    format!("<?signature {id}?>")
}

/// The draft without marks.
fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split("<?signature ").enumerate() {
        out.push_str(if at == 0 { part } else { part.split_once("?>").map_or("", |(_, after)| after) });
    }
    out
}

fn fresh_id() -> Result<String, MakeError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| MakeError::Key)?;
    Ok(format!("_{:032x}", u128::from_be_bytes(bytes)))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
