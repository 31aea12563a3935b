//! What browsers and authenticators send: read or refused, and nobody signs in with bytes that no device signed.

#![no_main]

use identity::{
    encode::base64url,
    passkeys::{Challenge, Passkey, Person, Purpose, RelyingParty, credential_id},
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

static SERVICE: LazyLock<RelyingParty> = LazyLock::new(|| RelyingParty::new("a.example", "https://a.example", "A"));

static MAKING: LazyLock<(Value, Challenge)> = LazyLock::new(|| {
    SERVICE.begin_registration(&Person { handle: b"handle", name: "n", display: "d" }, &[], NOW).unwrap()
});

static USING: LazyLock<(Value, Challenge)> =
    LazyLock::new(|| SERVICE.begin_authentication(Purpose::SignIn, &[], NOW).unwrap());

/// A browser's answer around the device's bytes.
fn answer(kind: &str, options: &Value, id: &[u8], device: &[u8]) -> String {
    let client = json!({"type": kind, "challenge": options["challenge"], "origin": "https://a.example"}).to_string();
    json!({
        "id": base64url(id), "rawId": base64url(id), "type": "public-key",
        "response": {
            "clientDataJSON": base64url(client.as_bytes()), "attestationObject": base64url(device),
            "authenticatorData": base64url(device), "signature": base64url(device), "userHandle": base64url(b"handle"),
        },
    })
    .to_string()
}

fuzz_target!(|bytes: &[u8]| {
    let _ = credential_id(&String::from_utf8_lossy(bytes));
    let Some((size, rest)) = bytes.split_first() else { return };
    let Some((id, device)) = rest.split_at_checked(usize::from(*size)) else { return };
    let (options, challenge) = &*MAKING;
    let Ok(passkey) = SERVICE.finish_registration(&answer("webauthn.create", options, id, device), challenge, NOW)
    else {
        return;
    };
    let kept: Passkey = serde_json::from_value(serde_json::to_value(&passkey).unwrap()).unwrap();
    assert_eq!(kept, passkey);
    let (options, challenge) = &*USING;
    let used = SERVICE.finish_authentication(&answer("webauthn.get", options, id, device), challenge, &passkey, NOW);
    assert!(used.is_err(), "no device signed this");
});
