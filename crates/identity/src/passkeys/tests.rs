//! Both ceremonies against an authenticator in software, which writes its own bytes.

use super::*;
use crate::testing::at;
use proptest::prelude::*;

mod authentication;
mod device;
mod registration;

use device::Device;

const NOW: i64 = 1_800_000_000;
const ORIGIN: &str = "https://app.example";
const HANDLE: &[u8] = b"0123456789abcdef";

fn service() -> RelyingParty {
    RelyingParty::new("app.example", ORIGIN, "Wordbond")
}

fn person() -> Person<'static> {
    Person { handle: HANDLE, name: "ada@b.example", display: "Ada" }
}

/// A passkey that was made on a device just now.
fn registered(device: &Device) -> Passkey {
    let (options, challenge) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
    service().finish_registration(&device.create(&options), &challenge, at(NOW)).unwrap()
}

#[test]
fn a_passkey_of_each_algorithm_is_made_and_signs_in() {
    for mut device in [Device::es256(), Device::eddsa(), Device::rs256()] {
        let mut passkey = registered(&device);
        assert_eq!((passkey.handle(), passkey.is_user_verified(), passkey.is_backed_up()), (HANDLE, true, false));
        for round in 1..4 {
            let (options, challenge) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
            let answer = device.get(&options);
            assert_eq!(credential_id(&answer).unwrap(), passkey.id());
            let used = service().finish_authentication(&answer, &challenge, &passkey, at(NOW + 299)).unwrap();
            assert_eq!(used, Used { counter: round, backed_up: false, user_verified: true });
            passkey.note(&used);
        }
    }
}

#[test]
fn what_is_stored_comes_back() {
    let device = Device::es256();
    let passkey = registered(&device);
    let kept: Passkey = serde_json::from_str(&serde_json::to_string(&passkey).unwrap()).unwrap();
    assert_eq!(kept, passkey);
    let (_, challenge) =
        service().begin_authentication(Purpose::SecondFactor, std::slice::from_ref(&passkey), at(NOW)).unwrap();
    let kept: Challenge = serde_json::from_str(&serde_json::to_string(&challenge).unwrap()).unwrap();
    assert_eq!(kept.bytes, challenge.bytes);
    assert_eq!(format!("{passkey:?} {challenge:?}"), "Passkey(..) Challenge(..)");
}

#[test]
fn what_the_browser_is_asked_for() {
    let device = Device::es256();
    let passkey = registered(&device);
    let (options, _) = service().begin_registration(&person(), std::slice::from_ref(&passkey), at(NOW)).unwrap();
    assert_eq!(options["rp"], json!({"id": "app.example", "name": "Wordbond"}));
    assert_eq!(options["user"], json!({"id": base64url(HANDLE), "name": "ada@b.example", "displayName": "Ada"}));
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["excludeCredentials"][0]["id"], base64url(passkey.id()));
    assert_eq!(from_base64url(options["challenge"].as_str().unwrap()).unwrap().len(), 32);
    let (sign_in, _) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
    assert_eq!((&sign_in["userVerification"], &sign_in["allowCredentials"]), (&json!("required"), &json!([])));
    let (second, _) = service().begin_authentication(Purpose::SecondFactor, &[passkey], at(NOW)).unwrap();
    assert_eq!((&second["userVerification"], &second["rpId"]), (&json!("preferred"), &json!("app.example")));
    assert_eq!(second["allowCredentials"][0]["transports"], json!(["hybrid", "internal"]));
    assert_ne!(sign_in["challenge"], second["challenge"]);
}

proptest! {
    #[test]
    fn any_answer_is_refused(text: String, data: Vec<u8>, object: Vec<u8>) {
        let device = Device::eddsa();
        let passkey = registered(&device);
        let (_, create) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
        let (_, get) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
        let shaped = json!({
            "id": base64url(passkey.id()), "rawId": base64url(passkey.id()), "type": "public-key",
            "response": {"clientDataJSON": base64url(&data), "attestationObject": base64url(&object),
                "authenticatorData": base64url(&object), "signature": base64url(&data), "userHandle": base64url(HANDLE)},
        }).to_string();
        for answer in [&text, &shaped] {
            prop_assert!(service().finish_registration(answer, &create, at(NOW)).is_err());
            prop_assert!(service().finish_authentication(answer, &get, &passkey, at(NOW)).is_err());
        }
    }

    #[test]
    fn any_authenticator_data_is_read_or_refused(bytes: Vec<u8>, flags: u8) {
        let _ = auth_data::AuthData::parse(&bytes);
        let shaped = [&[0; 32], &[flags][..], &[0; 4], &[0; 16], &bytes].concat();
        let _ = auth_data::AuthData::parse(&shaped);
    }

    /// One flipped bit anywhere in what the device signed, or in its signature.
    #[test]
    fn one_flipped_bit_is_enough(place: prop::sample::Index, bit in 0_u8..8, what in 0_usize..3) {
        let mut device = Device::eddsa();
        let passkey = registered(&device);
        let (options, challenge) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
        let mut answer: Value = serde_json::from_str(&device.get(&options)).unwrap();
        let field = &mut answer["response"][["clientDataJSON", "authenticatorData", "signature"][what]];
        let mut bytes = from_base64url(field.as_str().unwrap()).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        *field = json!(base64url(&bytes));
        prop_assert!(service().finish_authentication(&answer.to_string(), &challenge, &passkey, at(NOW)).is_err());
    }
}
