//! A passkey's public key (RFC 9052, RFC 9053, RFC 8230) and what it signs.

use super::{Refusal, cbor::Value};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

/// The algorithms that are offered, best known first: ES256, EdDSA, RS256.
pub(crate) const OFFERED: [i64; 3] = [-7, -8, -257];

/// A public key.
pub(crate) struct Key {
    pub(crate) algorithm: i64,
    public: ParsedPublicKey,
}

impl Key {
    /// Reads the key at the front; hands back what follows.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (map, rest) = Value::read(bytes)?;
        Some((Self::of(&map)?, rest))
    }

    /// Reads the key that the bytes are.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match Self::read(bytes) {
            Some((key, [])) => Ok(key),
            _ => Err(Refusal::Key),
        }
    }

    /// No entry may be missing, and none may be there that the algorithm does not need.
    fn of(map: &Value<'_>) -> Option<Self> {
        let number = |label| map.at(label)?.int();
        let bytes = |label| map.at(label)?.bytes();
        let algorithm = number(3)?;
        let public = match (algorithm, number(1)?, map.entries()?) {
            (-7, 2, 5) if number(-1)? == 1 => {
                let (x, y) = (bytes(-2)?, bytes(-3)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, [&[4], x, y].concat()).ok()?
            }
            (-8, 1, 4) if number(-1)? == 6 => {
                ParsedPublicKey::new(&ED25519, bytes(-2).filter(|x| x.len() == 32)?).ok()?
            }
            (-257, 3, 4) => {
                let (n, e) = (bytes(-1)?, bytes(-2)?);
                if !(256..=1024).contains(&n.len()) || e.len() > 4 {
                    return None;
                }
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?
            }
            _ => return None,
        };
        Some(Self { algorithm, public })
    }

    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(signed, signature).is_ok()
    }
}
