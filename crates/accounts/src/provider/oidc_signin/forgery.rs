//! Tokens that nobody may accept.

use crate::provider::loopback::{Draft, Mint, OTHER_CLIENT, OTHER_PARTY};
use serde_json::json;

/// How a token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgery {
    /// Signed with a key that the issuer never published, under the published key's name.
    OtherKey,
    /// The same under its own name.
    UnknownKey,
    /// The same with the key in the header.
    KeyInHeader,
    /// The same with an address of keys in the header.
    KeysElsewhere,
    /// Not signed, and says so.
    None,
    /// The same in another spelling.
    NoneSpelled,
    /// Signed with the public key as a secret.
    Confused,
    /// The content changed after it was signed.
    Altered,
    /// Without a signature.
    Stripped,
    /// Names another issuer.
    OtherIssuer,
    /// Meant for another service.
    OtherAudience,
    /// Meant for nobody in particular.
    NoAudience,
    /// Out of date.
    Expired,
    /// Without an end.
    Endless,
    /// Not valid yet.
    Early,
    /// About nobody.
    NoSubject,
    /// Asks for an extension that nobody knows to be understood.
    Critical,
    /// Without what ties it to the request.
    NoNonce,
    /// Tied to another request.
    OtherNonce,
}

impl Forgery {
    /// What goes for every kind of token.
    pub(super) const COMMON: [Self; 17] = [
        Self::OtherKey,
        Self::UnknownKey,
        Self::KeyInHeader,
        Self::KeysElsewhere,
        Self::None,
        Self::NoneSpelled,
        Self::Confused,
        Self::Altered,
        Self::Stripped,
        Self::OtherIssuer,
        Self::OtherAudience,
        Self::NoAudience,
        Self::Expired,
        Self::Endless,
        Self::Early,
        Self::NoSubject,
        Self::Critical,
    ];
    /// What goes for identity tokens alone.
    pub(super) const IDENTITY: [Self; 2] = [Self::NoNonce, Self::OtherNonce];

    /// The token, from one that is as it should be. `to` is the claim that says for whom it is: `aud` or `azp`.
    pub(super) fn of(self, mint: &Mint, good: &Draft, to: &str) -> String {
        let mut draft = good.clone();
        let (now, hour) = (good.claims.get("iat").and_then(serde_json::Value::as_i64).unwrap_or_default(), 3_600);
        match self {
            Self::OtherKey => return mint.sign_foreign(&draft),
            Self::UnknownKey => draft.set_header("kid", mint.foreign_kid()),
            Self::KeyInHeader => {
                draft.set_header("kid", mint.foreign_kid());
                draft.set_header("jwk", mint.foreign_jwk());
            }
            Self::KeysElsewhere => draft.set_header("jku", "https://keys.invalid/keys"),
            Self::None => draft.set_header("alg", "none"),
            Self::NoneSpelled => draft.set_header("alg", "nOnE"),
            Self::Confused => draft.set_header("alg", "HS256"),
            Self::Altered => {
                draft.set("email_verified", false);
                return mint.swapped(&draft, good);
            }
            Self::Stripped => {}
            Self::OtherIssuer => draft.set("iss", "https://issuer.invalid"),
            Self::OtherAudience if to == "aud" => draft.set("aud", OTHER_CLIENT),
            Self::OtherAudience => draft.set(to, OTHER_PARTY),
            Self::NoAudience => drop(draft.claims.remove(to)),
            Self::Expired => {
                draft.set("iat", now - 2 * hour);
                draft.set("nbf", now - 2 * hour);
                draft.set("exp", now - hour);
            }
            Self::Endless => drop(draft.claims.remove("exp")),
            Self::Early => {
                draft.set("nbf", now + hour);
                draft.set("iat", now + hour);
                draft.set("exp", now + 2 * hour);
            }
            Self::NoSubject => drop(draft.claims.remove("sub")),
            Self::Critical => {
                draft.set_header("crit", json!(["unheard-of"]));
                draft.set_header("unheard-of", true);
            }
            Self::NoNonce => drop(draft.claims.remove("nonce")),
            Self::OtherNonce => draft.set("nonce", "bm90LXRoYXQtbm9uY2UtYnV0LWFub3RoZXI"),
        }
        match self {
            Self::UnknownKey | Self::KeyInHeader | Self::KeysElsewhere => mint.sign_foreign(&draft),
            Self::None | Self::NoneSpelled | Self::Stripped => mint.unsigned(&draft),
            Self::Confused => mint.sign_confused(&draft),
            _ => mint.sign(&draft),
        }
    }
}
