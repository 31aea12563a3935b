//! XML signatures, restricted to what SAML needs: one enveloped signature over the element that contains it. Nothing is
//! looked up by identifier, and keys come from metadata only; `KeyInfo` is never read.

use crate::c14n;
use crate::key::{Algorithm, Key, digest_named};
use crate::names::{DS, ENVELOPED, EXC_C14N};
use crate::xml::{Element, is_space};
use aws_lc_rs::digest::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most inclusive prefixes: each is looked for at every element.
const MOST_PREFIXES: usize = 16;

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has parts, transforms or a reference that SAML does not need.
    Form,
    /// An algorithm that does not count.
    Algorithm,
    /// What is signed was changed.
    Digest,
    /// No key of the metadata made it.
    Key,
}

/// Verifies the signature that is a child of `signed`, and returns exactly the bytes that it covers. `root` is the
/// outermost element of the document. The caller has seen to it that identifiers are unique and that there are no
/// comments or instructions.
pub(crate) fn verified(root: &Element, signed: &Element, keys: &[Key]) -> Result<String, Fault> {
    let signature = signed.only(DS, "Signature").ok_or(Fault::Form)?;
    let parts = parts(signature, &["SignedInfo", "SignatureValue", "KeyInfo"])?;
    let ([info, value] | [info, value, _]) = *parts.as_slice() else { return Err(Fault::Form) };
    let (algorithm, inclusive, reference) = signed_info(info)?;
    let id = signed.attribute("ID").filter(|id| !id.is_empty()).ok_or(Fault::Form)?;
    if reference.uri.strip_prefix('#') != Some(id) {
        return Err(Fault::Form);
    }
    // The signature comes first: who has no key makes nothing large be written.
    let message = c14n::canonical(root, info, None, &inclusive);
    let made = decoded(value.text().ok_or(Fault::Form)?).ok_or(Fault::Form)?;
    if !keys.iter().any(|key| key.verifies(algorithm, message.as_bytes(), &made)) {
        return Err(Fault::Key);
    }
    let bytes = c14n::canonical(root, signed, Some(signature), &reference.inclusive);
    let same = digest(reference.digest, bytes.as_bytes()).as_ref() == reference.value.as_slice();
    if same { Ok(bytes) } else { Err(Fault::Digest) }
}

struct Reference<'a> {
    uri: &'a str,
    inclusive: Vec<String>,
    digest: &'static aws_lc_rs::digest::Algorithm,
    value: Vec<u8>,
}

fn signed_info(info: &Element) -> Result<(Algorithm, Vec<String>, Reference<'_>), Fault> {
    let parts = parts(info, &["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    let [form, method, reference] = *parts.as_slice() else { return Err(Fault::Form) };
    if named(form)? != EXC_C14N {
        return Err(Fault::Algorithm);
    }
    // An output length would be a child of the method.
    let algorithm = Algorithm::named(named(method)?).ok_or(Fault::Algorithm)?;
    if method.elements().next().is_some() {
        return Err(Fault::Form);
    }
    Ok((algorithm, prefixes(form)?, read_reference(reference)?))
}

fn read_reference(reference: &Element) -> Result<Reference<'_>, Fault> {
    let all = parts(reference, &["Transforms", "DigestMethod", "DigestValue"])?;
    let [transforms, method, value] = *all.as_slice() else { return Err(Fault::Form) };
    let uri = reference.attribute("URI").filter(|uri| !uri.is_empty()).ok_or(Fault::Form)?;
    if !transforms.has_only_elements() {
        return Err(Fault::Form);
    }
    let steps: Vec<&Element> = transforms.elements().collect();
    let [enveloped, canonical] = *steps.as_slice() else { return Err(Fault::Form) };
    let both = enveloped.is(DS, "Transform") && canonical.is(DS, "Transform");
    if !both || named(enveloped)? != ENVELOPED || !enveloped.children.is_empty() || named(canonical)? != EXC_C14N {
        return Err(Fault::Form);
    }
    let digest = digest_named(named(method)?).ok_or(Fault::Algorithm)?;
    let value = decoded(value.text().ok_or(Fault::Form)?).ok_or(Fault::Form)?;
    Ok(Reference { uri, inclusive: prefixes(canonical)?, digest, value })
}

/// The child elements, which must be these in this order; the last may be missing if the caller's pattern says so.
fn parts<'a>(of: &'a Element, names: &[&str]) -> Result<Vec<&'a Element>, Fault> {
    let found: Vec<&Element> = of.elements().collect();
    let fits = of.has_only_elements()
        && found.len() <= names.len()
        && found.iter().zip(names).all(|(each, name)| each.is(DS, name));
    if fits { Ok(found) } else { Err(Fault::Form) }
}

fn named(method: &Element) -> Result<&str, Fault> {
    method.attribute("Algorithm").ok_or(Fault::Form)
}

/// The inclusive prefixes that a canonical form is given, if any.
fn prefixes(method: &Element) -> Result<Vec<String>, Fault> {
    if !method.has_only_elements() {
        return Err(Fault::Form);
    }
    let inside: Vec<&Element> = method.elements().collect();
    match *inside.as_slice() {
        [] => Ok(Vec::new()),
        [list] if list.is(EXC_C14N, "InclusiveNamespaces") && list.children.is_empty() => {
            let list = list.attribute("PrefixList").ok_or(Fault::Form)?;
            let prefix = |each: &str| if each == "#default" { String::new() } else { each.to_owned() };
            let listed: Vec<String> = list.split(is_space).filter(|each| !each.is_empty()).map(prefix).collect();
            if listed.len() <= MOST_PREFIXES { Ok(listed) } else { Err(Fault::Form) }
        }
        _ => Err(Fault::Form),
    }
}

/// Base64 with the line breaks that people put into it.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !is_space(*c)).collect();
    STANDARD.decode(compact).ok().filter(|bytes| !bytes.is_empty())
}
