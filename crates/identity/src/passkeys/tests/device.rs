//! An authenticator in software, and the browser before it.

use super::*;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};

pub(super) enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A device that lies as a test tells it to.
pub(super) struct Device {
    pub(super) pair: Pair,
    pub(super) id: Vec<u8>,
    pub(super) counter: u32,
    pub(super) flags: u8,
    pub(super) rp_id: String,
    pub(super) handle: Option<Vec<u8>>,
    /// What the browser writes, changed by a test.
    pub(super) client: fn(&mut Value),
    /// What follows the authenticator data.
    pub(super) behind: Vec<u8>,
    pub(super) cose: Option<Vec<u8>>,
    pub(super) attestation: Attestation,
}

pub(super) enum Attestation {
    None,
    Itself,
    ItselfWrongly,
    ItselfAsAnother,
    Other(Vec<u8>),
}

pub(super) const UP: u8 = 0x01;
pub(super) const UV: u8 = 0x04;
pub(super) const BE: u8 = 0x08;
pub(super) const BS: u8 = 0x10;
const AT: u8 = 0x40;

impl Device {
    fn with(pair: Pair) -> Self {
        Self {
            pair,
            id: random::bytes::<32>().unwrap().to_vec(),
            counter: 0,
            flags: UP | UV,
            rp_id: "app.example".to_owned(),
            handle: Some(HANDLE.to_vec()),
            client: |_| (),
            behind: Vec::new(),
            cose: None,
            attestation: Attestation::None,
        }
    }

    pub(super) fn es256() -> Self {
        Self::with(Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()))
    }

    pub(super) fn eddsa() -> Self {
        Self::with(Pair::Ed(Ed25519KeyPair::generate().unwrap()))
    }

    pub(super) fn rs256() -> Self {
        Self::with(Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// `navigator.credentials.create()`, then `toJSON()`.
    pub(super) fn create(&self, options: &Value) -> String {
        let client = self.client_data("webauthn.create", options);
        let mut data = self.auth_data(self.flags | AT);
        data.extend([7; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose.clone().unwrap_or_else(|| self.public()));
        data.extend(&self.behind);
        let signed = [&data, digest(&SHA256, &client).as_ref()].concat();
        let (format, statement) = match &self.attestation {
            Attestation::None => ("none", vec![0xa0]),
            Attestation::Itself => ("packed", self.packed(&signed, self.algorithm())),
            Attestation::ItselfWrongly => ("packed", self.packed(&data, self.algorithm())),
            Attestation::ItselfAsAnother => ("packed", self.packed(&signed, vec![0x38, 0x24])),
            Attestation::Other(statement) => ("fido-u2f", statement.clone()),
        };
        let mut object = vec![0xa3];
        object.extend(
            [&text("fmt"), &text(format), &text("attStmt"), &statement, &text("authData"), &bytes(&data)]
                .map(Clone::clone)
                .concat(),
        );
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(&client), "attestationObject": base64url(&object),
                "transports": ["internal", "hybrid", "carrier-pigeon"],
            },
        })
        .to_string()
    }

    /// `navigator.credentials.get()`, then `toJSON()`.
    pub(super) fn get(&mut self, options: &Value) -> String {
        self.counter += 1;
        let client = self.client_data("webauthn.get", options);
        let mut data = self.auth_data(self.flags);
        data.extend(&self.behind);
        let signature = self.sign(&[&data, digest(&SHA256, &client).as_ref()].concat());
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(&client), "authenticatorData": base64url(&data), "signature": base64url(&signature),
                "userHandle": self.handle.as_ref().map(|handle| base64url(handle)),
            },
        })
        .to_string()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let mut client =
            json!({"type": kind, "challenge": options["challenge"], "origin": ORIGIN, "crossOrigin": false});
        (self.client)(&mut client);
        client.to_string().into_bytes()
    }

    fn auth_data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The COSE key: `{1: kty, 3: alg, -1: …}`.
    pub(super) fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                [vec![0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21], bytes(&point[1..33]), vec![0x22], bytes(&point[33..])]
                    .concat()
            }
            Pair::Ed(pair) => [vec![0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21], bytes(pair.public_key().as_ref())].concat(),
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                [vec![0xa4, 1, 3, 3, 0x39, 1, 0, 0x20], bytes(&public.n), vec![0x21], bytes(&public.e)].concat()
            }
        }
    }

    fn algorithm(&self) -> Vec<u8> {
        match self.pair {
            Pair::Ec(_) => vec![0x26],
            Pair::Ed(_) => vec![0x27],
            Pair::Rsa(_) => vec![0x39, 1, 0],
        }
    }

    fn packed(&self, signed: &[u8], alg: Vec<u8>) -> Vec<u8> {
        [vec![0xa2], text("alg"), alg, text("sig"), bytes(&self.sign(signed))].concat()
    }
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [vec![0x60 + u8::try_from(text.len()).unwrap()], text.as_bytes().to_vec()].concat()
}

pub(super) fn bytes(bytes: &[u8]) -> Vec<u8> {
    let head = match bytes.len() {
        short @ 0..=23 => vec![0x40 + u8::try_from(short).unwrap()],
        some @ 24..=255 => vec![0x58, u8::try_from(some).unwrap()],
        long => [vec![0x59], u16::try_from(long).unwrap().to_be_bytes().to_vec()].concat(),
    };
    [head, bytes.to_vec()].concat()
}
