//! What attackers have done to SAML service providers: wrapped signatures, edited values, weak algorithms, answers meant
//! for others. Every one is made from an honest answer, or signed by a key that must not count, and each must be refused.

use super::{Answer, Draft, Idp, MakeError, Signed, Style};
use crate::instant;
use crate::names::{DS, ENVELOPED, EXC_C14N};
use kernel::Timestamp;

/// A document that must be refused.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// What was done, in a word or two.
    pub name: &'static str,
    /// The document.
    pub document: String,
}

/// Everything that must be refused although `idp` is trusted for `answer`: it names `victim` instead, or is not meant for
/// here and now. `stranger` is a provider that nobody trusts.
///
/// # Errors
///
/// When a key or identifier cannot be made.
pub fn forgeries(idp: &Idp, stranger: &Idp, answer: &Answer, victim: &str) -> Result<Vec<Forgery>, MakeError> {
    let mut all = wrapped(idp, answer, victim)?;
    all.extend(edited(idp, answer, victim)?);
    all.extend(unkeyed(idp, stranger, answer)?);
    all.extend(weakened(idp, answer)?);
    all.extend(misdirected(idp, answer)?);
    all.extend(incomplete(idp, answer)?);
    Ok(all)
}

/// An honest answer in its parts.
struct Parts {
    document: String,
    assertion: String,
    signature: String,
}

impl Parts {
    fn of(document: String) -> Result<Self, MakeError> {
        let assertion = cut(&document, "<saml:Assertion ", "</saml:Assertion>")?;
        let signature = cut(&document, "<ds:Signature ", "</ds:Signature>")?;
        Ok(Self { document, assertion, signature })
    }

    /// The assertion without its signature.
    fn bare(&self) -> String {
        self.assertion.replace(&self.signature, "")
    }

    /// An assertion of the attacker's own: other identifier, other person, no signature.
    fn evil(&self, answer: &Answer, victim: &str) -> Result<String, MakeError> {
        let id = between(&self.assertion, " ID=\"", "\"")?;
        Ok(self.bare().replace(&id, "_evil").replace(&answer.email, victim))
    }

    fn with_assertion(&self, replacement: &str) -> String {
        self.document.replace(&self.assertion, replacement)
    }
}

/// Signature wrapping, in the eight shapes in which it was found (XSW1 to XSW8), and some kin.
fn wrapped(idp: &Idp, answer: &Answer, victim: &str) -> Result<Vec<Forgery>, MakeError> {
    let whole = Parts::of(idp.answer(answer, Signed::Response)?)?;
    let part = Parts::of(idp.answer(answer, Signed::Assertion)?)?;
    let evil = part.evil(answer, victim)?;
    let original_response = whole.document.replace(&whole.signature, "");
    let response_id = between(&whole.document, " ID=\"", "\"")?;
    // The attacker's response with the honest one carried along, unsigned, where the reference still finds it.
    let evil_response = original_response.replace(&response_id, "_evil_response").replace(&answer.email, victim);
    let after_issuer =
        |inserted: &str| evil_response.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inserted}"), 1);
    let in_signature = whole.signature.replace("</ds:Signature>", &format!("{original_response}</ds:Signature>"));
    let with_signature = evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", part.signature), 1);
    let carrying = |inside: &str| part.signature.replace("</ds:Signature>", &format!("{inside}</ds:Signature>"));
    let object = |inside: &str| format!("<ds:Object>{inside}</ds:Object>");
    let into = |outer: &str, inside: &str| outer.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inside}"), 1);
    let nested = evil.replace("</saml:Assertion>", &format!("{}</saml:Assertion>", part.assertion));
    let extended = part.document.replacen(
        "<samlp:Status>",
        &format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>"),
        1,
    );
    let bare_with_object =
        part.bare().replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", carrying(&object(&evil))), 1);
    Ok(list([
        ("XSW1: the honest response inside its signature, in another response", after_issuer(&in_signature)),
        (
            "XSW2: the honest response beside its signature, in another response",
            after_issuer(&format!("{original_response}{}", whole.signature)),
        ),
        ("XSW3: another assertion before the signed one", part.with_assertion(&format!("{evil}{}", part.assertion))),
        ("XSW4: the signed assertion inside another", part.with_assertion(&nested)),
        (
            "XSW5: the signature moved to another assertion",
            part.with_assertion(&format!("{with_signature}{}", part.bare())),
        ),
        (
            "XSW6: the signed assertion inside its moved signature",
            part.with_assertion(&into(&evil, &carrying(&part.bare()))),
        ),
        ("XSW7: another assertion among the extensions", extended),
        (
            "XSW8: the signed assertion as an object of its moved signature",
            part.with_assertion(&into(&evil, &carrying(&object(&part.bare())))),
        ),
        ("another assertion as an object of the signature", part.with_assertion(&bare_with_object)),
        ("another assertion after the signed one", part.with_assertion(&format!("{}{evil}", part.assertion))),
        ("two elements with one identifier", part.with_assertion(&format!("{}{}", part.assertion, part.bare()))),
        (
            "the signed identifier also on another element",
            part.document.replacen(
                "<samlp:Status>",
                &format!("<samlp:Status ID=\"{}\">", between(&part.assertion, " ID=\"", "\"")?),
                1,
            ),
        ),
        ("the response inside another element", format!("<envelope>{}</envelope>", part.document)),
    ]))
}

/// Values changed after they were signed, or written so that two readers differ.
fn edited(idp: &Idp, answer: &Answer, victim: &str) -> Result<Vec<Forgery>, MakeError> {
    let part = Parts::of(idp.answer(answer, Signed::Assertion)?)?;
    let whole = Parts::of(idp.answer(answer, Signed::Response)?)?;
    let both = Parts::of(idp.answer(answer, Signed::Both)?)?;
    let half = answer.email.len() / 2;
    let (head, tail) = answer.email.split_at_checked(half).ok_or(MakeError::Draft)?;
    let commented = part.document.replace(&answer.email, &format!("{head}<!-- -->{tail}"));
    let instructed = part.document.replace(&answer.email, &format!("{head}<?x?>{tail}"));
    let typed = |subset: &str| format!("<!DOCTYPE samlp:Response{subset}>{}", part.document);
    let mut all = list([
        ("another person in the signed assertion", part.document.replace(&answer.email, victim)),
        ("another person in the signed response", whole.document.replace(&answer.email, victim)),
        ("another person where both are signed", both.document.replace(&answer.email, victim)),
        ("a comment inside the name", commented),
        ("an instruction inside the name", instructed),
        ("a comment before the response", format!("<!-- -->{}", part.document)),
        ("a document type", typed("")),
        ("an entity of its own", typed(" [<!ENTITY who \"x\">]").replace(&answer.email, "&who;")),
        (
            "an outside entity",
            typed(" [<!ENTITY who SYSTEM \"file:///etc/hostname\">]").replace(&answer.email, "&who;"),
        ),
        ("an entity without a type", part.document.replace(&answer.email, "&who;")),
        ("the signature taken off", part.document.replace(&part.signature, "")),
        ("an empty signature value", part.document.replace(&between(&part.signature, "<ds:SignatureValue>", "<")?, "")),
        (
            "an empty signature",
            part.document.replace(&part.signature, &format!("<ds:Signature xmlns:ds=\"{DS}\"></ds:Signature>")),
        ),
        ("two references", part.document.replace("</ds:Reference>", "</ds:Reference><ds:Reference></ds:Reference>")),
        ("text after the response", format!("{}x", part.document)),
        ("a second document", format!("{}{}", part.document, part.document)),
    ]);
    all.push(Forgery { name: "an unsigned answer", document: idp.answer(answer, Signed::Nothing)? });
    Ok(all)
}

/// Signed by keys that no metadata names.
fn unkeyed(idp: &Idp, stranger: &Idp, answer: &Answer) -> Result<Vec<Forgery>, MakeError> {
    // The stranger speaks in the provider's name.
    let draft = idp.draft(answer)?;
    let info = |data: &str| format!("<ds:KeyInfo>{data}</ds:KeyInfo>");
    let own = info(&format!(
        "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>",
        stranger.certificate()
    ));
    let theirs =
        info(&format!("<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>", idp.certificate()));
    let mut all = Vec::new();
    for (name, signed, key_info) in [
        ("a stranger's signature", Signed::Assertion, String::new()),
        ("a stranger's signature over the response", Signed::Response, String::new()),
        ("a stranger's key in the signature", Signed::Assertion, own),
        ("the provider's key beside a stranger's signature", Signed::Both, theirs),
    ] {
        let style = Style { key_info, ..Style::default() };
        all.push(Forgery { name, document: stranger.seal(&draft, signed, &style)? });
    }
    let half = stranger.sign(
        &idp.sign(&draft.text, &draft.assertion_id, &Style::default())?,
        &draft.response_id,
        &Style::default(),
    )?;
    all.push(Forgery { name: "a stranger's signature around an honest one", document: super::unmarked(&half) });
    all.push(Forgery { name: "another provider", document: stranger.answer(answer, Signed::Both)? });
    Ok(all)
}

/// Signed by the right key in ways that must not count.
fn weakened(idp: &Idp, answer: &Answer) -> Result<Vec<Forgery>, MakeError> {
    let transform = |uri: &str| format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>");
    let base = Style::default();
    let with_transforms = |transforms: String| Style { transforms, ..Style::default() };
    let with_uri = |uri: &str| Style { uri: Some(uri.to_owned()), ..Style::default() };
    let with_method = |method: &str, hmac| Style { method: Some(method.to_owned()), hmac, ..Style::default() };
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let xpath = format!(
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath xmlns:ds=\"{DS}\">true()</ds:XPath></ds:Transform>"
    );
    let styles = [
        ("a SHA-1 digest", Style { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..Style::default() }),
        ("RSA with SHA-1", with_method("http://www.w3.org/2000/09/xmldsig#rsa-sha1", false)),
        ("ECDSA with SHA-1", with_method("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", false)),
        ("the certificate as a shared secret", with_method("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", true)),
        ("a shared secret with SHA-1", with_method("http://www.w3.org/2000/09/xmldsig#hmac-sha1", true)),
        ("an unknown method", with_method("urn:none", false)),
        ("an empty reference", with_uri(" URI=\"\"")),
        ("a reference without address", with_uri("")),
        ("a bare hash as reference", with_uri(" URI=\"#\"")),
        ("a pointer as reference", with_uri(" URI=\"#xpointer(/)\"")),
        ("a reference elsewhere", with_uri(" URI=\"https://example.com/document\"")),
        ("no canonical form", with_transforms(transform(ENVELOPED))),
        ("no enveloped signature", with_transforms(transform(EXC_C14N))),
        ("inclusive canonical form", with_transforms(format!("{}{}", transform(ENVELOPED), transform(inclusive)))),
        ("a path as transform", with_transforms(format!("{xpath}{}", base.transforms))),
        (
            "a style sheet as transform",
            with_transforms(format!("{}{}", transform("http://www.w3.org/TR/1999/REC-xslt-19991116"), base.transforms)),
        ),
        (
            "base64 as transform",
            with_transforms(format!("{}{}", transform("http://www.w3.org/2000/09/xmldsig#base64"), base.transforms)),
        ),
        ("no transforms", with_transforms(String::new())),
        (
            "another form of the signed part",
            Style {
                form: format!("<ds:CanonicalizationMethod Algorithm=\"{inclusive}\"></ds:CanonicalizationMethod>"),
                ..Style::default()
            },
        ),
        ("a thousand inclusive prefixes", with_transforms(crowded())),
        (
            "an object beside the key",
            Style { key_info: "<ds:KeyInfo></ds:KeyInfo><ds:Object></ds:Object>".to_owned(), ..Style::default() },
        ),
    ];
    let mut all = Vec::new();
    for (name, style) in styles {
        all.push(Forgery { name, document: idp.seal(&idp.draft(answer)?, Signed::Assertion, &style)? });
    }
    Ok(all)
}

/// Transforms with far more inclusive prefixes than anybody has.
fn crowded() -> String {
    format!(
        "<ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXC_C14N}\">\
         <ec:InclusiveNamespaces xmlns:ec=\"{EXC_C14N}\" PrefixList=\"{}\"></ec:InclusiveNamespaces></ds:Transform>",
        "a ".repeat(1_000)
    )
}

/// Honest answers of the provider that are not meant for here, now, or this request.
fn misdirected(idp: &Idp, answer: &Answer) -> Result<Vec<Forgery>, MakeError> {
    let moved =
        |seconds: i64| Timestamp::from_second(answer.now.as_second().saturating_add(seconds)).unwrap_or(answer.now);
    let elsewhere = "https://elsewhere.example/acs";
    let mut all = Vec::new();
    for (name, changed) in [
        ("expired", Answer { now: moved(-3600), ..answer.clone() }),
        ("not valid yet", Answer { now: moved(3600), ..answer.clone() }),
        ("another audience", Answer { audience: "https://elsewhere.example".to_owned(), ..answer.clone() }),
        ("another recipient and destination", Answer { acs_url: elsewhere.to_owned(), ..answer.clone() }),
        ("another request", Answer { in_response_to: Some("_another".to_owned()), ..answer.clone() }),
    ] {
        all.push(Forgery { name, document: idp.answer(&changed, Signed::Both)? });
    }
    let draft = idp.draft(answer)?;
    let destination = format!("Destination=\"{}\"", answer.acs_url);
    let recipient = format!("Recipient=\"{}\"", answer.acs_url);
    let other = |name: &str| format!("{name}=\"{elsewhere}\"");
    for (name, text) in [
        ("another destination", draft.text.replace(&destination, &other("Destination"))),
        ("no destination in a signed response", draft.text.replace(&destination, "")),
        ("another recipient", draft.text.replace(&recipient, &other("Recipient"))),
        ("no recipient", draft.text.replace(&recipient, "")),
        (
            "another issuer of the assertion",
            draft.text.replacen(
                &format!("<saml:Issuer>{}</saml:Issuer><?signature {}", idp.entity_id, draft.assertion_id),
                &format!("<saml:Issuer>https://elsewhere.example</saml:Issuer><?signature {}", draft.assertion_id),
                1,
            ),
        ),
        ("a sign-in that failed", draft.text.replace("status:Success", "status:AuthnFailed")),
    ] {
        all.push(Forgery {
            name,
            document: idp.seal(&Draft { text, ..draft.clone() }, Signed::Both, &Style::default())?,
        });
    }
    Ok(all)
}

/// Honest signatures over answers that leave out or bend what must be said.
fn incomplete(idp: &Idp, answer: &Answer) -> Result<Vec<Forgery>, MakeError> {
    let draft = idp.draft(answer)?;
    let text = &draft.text;
    let audience = cut(text, "<saml:AudienceRestriction>", "</saml:AudienceRestriction>")?;
    let conditions = cut(text, "<saml:Conditions ", "</saml:Conditions>")?;
    let confirmation = cut(text, "<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>")?;
    let statement = cut(text, "<saml:AuthnStatement ", "</saml:AuthnStatement>")?;
    let asked = answer.in_response_to.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
    let end = Timestamp::from_second(answer.now.as_second().saturating_add(300)).unwrap_or(answer.now);
    let far = Timestamp::from_second(answer.now.as_second().saturating_add(40 * 86_400)).unwrap_or(answer.now);
    let bound = format!(" NotOnOrAfter=\"{}\"", instant::write(end));
    let mut changes = vec![
        ("no audience", text.replace(&audience, "")),
        ("no conditions", text.replace(&conditions, "")),
        (
            "a condition nobody understands",
            text.replace(&audience, &format!("{audience}<saml:Condition></saml:Condition>")),
        ),
        ("no confirmation", text.replace(&confirmation, "")),
        ("two confirmations", text.replace(&confirmation, &format!("{confirmation}{confirmation}"))),
        ("another method of confirmation", text.replace("cm:bearer", "cm:sender-vouches")),
        ("no end", text.replace(&bound, "")),
        ("an end in forty days", text.replace(&bound, &format!(" NotOnOrAfter=\"{}\"", instant::write(far)))),
        ("no statement of sign-in", text.replace(&statement, "")),
        ("no name", text.replace(&cut(text, "<saml:NameID ", "</saml:NameID>")?, "")),
        (
            "two addresses",
            text.replace(
                "</saml:AttributeValue>",
                "</saml:AttributeValue><saml:AttributeValue>other@elsewhere.example</saml:AttributeValue>",
            ),
        ),
        ("another version", text.replace("Version=\"2.0\"", "Version=\"1.1\"")),
        (
            "an encrypted assertion",
            text.replace("<samlp:Status>", "<saml:EncryptedAssertion></saml:EncryptedAssertion><samlp:Status>"),
        ),
        ("a response without identifier", text.replacen(&format!(" ID=\"{}\"", draft.response_id), "", 1)),
    ];
    if answer.in_response_to.is_some() {
        changes.push(("no request named", text.replace(&asked, "")));
    }
    let mut all = Vec::new();
    for (name, text) in changes {
        let signed = if name == "a response without identifier" { Signed::Assertion } else { Signed::Both };
        all.push(Forgery { name, document: idp.seal(&Draft { text, ..draft.clone() }, signed, &Style::default())? });
    }
    Ok(all)
}

fn list<const N: usize>(pairs: [(&'static str, String); N]) -> Vec<Forgery> {
    pairs.into_iter().map(|(name, document)| Forgery { name, document }).collect()
}

/// From `start` to the end of `end`, both included.
fn cut(text: &str, start: &str, end: &str) -> Result<String, MakeError> {
    let from = text.find(start).and_then(|at| text.get(at..)).ok_or(MakeError::Draft)?;
    let to = from.find(end).and_then(|at| from.get(..at.checked_add(end.len())?)).ok_or(MakeError::Draft)?;
    Ok(to.to_owned())
}

/// What stands between `start` and `end`.
fn between(text: &str, start: &str, end: &str) -> Result<String, MakeError> {
    let (_, after) = text.split_once(start).ok_or(MakeError::Draft)?;
    let (inside, _) = after.split_once(end).ok_or(MakeError::Draft)?;
    Ok(inside.to_owned())
}
