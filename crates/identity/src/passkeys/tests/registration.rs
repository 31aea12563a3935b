use super::{
    device::{Attestation, BE, BS, UP, bytes, text},
    *,
};

/// What comes of making a passkey on this device.
fn made(device: &Device) -> Result<Passkey, Refusal> {
    let (options, challenge) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
    service().finish_registration(&device.create(&options), &challenge, at(NOW))
}

fn changed(change: impl Fn(&mut Device)) -> Result<Passkey, Refusal> {
    let mut device = Device::es256();
    change(&mut device);
    made(&device)
}

#[test]
fn another_challenge_place_or_kind_is_refused() {
    for (change, refusal) in [
        ((|c| c["challenge"] = json!(base64url(&[1; 32]))) as fn(&mut Value), Refusal::Challenge),
        (|c| c["challenge"] = json!(null), Refusal::Challenge),
        (|c| c["type"] = json!("webauthn.get"), Refusal::Challenge),
        (|c| c["type"] = json!("payment.create"), Refusal::Challenge),
        (|c| c["origin"] = json!("https://evil.example"), Refusal::Origin),
        (|c| c["origin"] = json!("http://app.example"), Refusal::Origin),
        (|c| c["origin"] = json!("https://app.example:8443"), Refusal::Origin),
        (|c| c["origin"] = json!("https://sub.app.example"), Refusal::Origin),
        (|c| c["crossOrigin"] = json!(true), Refusal::Origin),
        (|c| c["crossOrigin"] = json!("false"), Refusal::Origin),
        (|c| c["topOrigin"] = json!(ORIGIN), Refusal::Origin),
        (|c| *c = json!([]), Refusal::Malformed),
    ] {
        assert_eq!(changed(|device| device.client = change), Err(refusal));
    }
    assert!(changed(|device| device.client = |c| c["other_keys_can_be_added_here"] = json!("x")).is_ok());
    assert_eq!(changed(|device| device.rp_id = "evil.example".to_owned()), Err(Refusal::RelyingParty));
}

#[test]
fn flags_must_make_sense() {
    assert_eq!(changed(|device| device.flags = 0), Err(Refusal::NotPresent));
    assert_eq!(changed(|device| device.flags = UP | BS), Err(Refusal::Malformed), "a copy of what cannot be copied");
    assert!(!changed(|device| device.flags = UP).unwrap().is_user_verified());
    assert!(changed(|device| device.flags = UP | BE | BS).unwrap().is_backed_up());
}

#[test]
fn a_challenge_ends_and_serves_its_own_ceremony() {
    let device = Device::es256();
    let (options, challenge) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
    let answer = device.create(&options);
    for later in [301, -301] {
        assert_eq!(service().finish_registration(&answer, &challenge, at(NOW + later)), Err(Refusal::Expired));
    }
    let (_, other) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
    assert_eq!(service().finish_registration(&answer, &other, at(NOW)), Err(Refusal::Challenge));
    let (_, other) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
    assert_eq!(service().finish_registration(&answer, &other, at(NOW)), Err(Refusal::Challenge));
    let passkey = service().finish_registration(&answer, &challenge, at(NOW)).unwrap();
    assert_eq!(service().finish_authentication(&answer, &challenge, &passkey, at(NOW)), Err(Refusal::Challenge));
}

#[test]
fn a_passkey_that_is_there_already_is_refused() {
    let device = Device::es256();
    let passkey = registered(&device);
    let (options, challenge) = service().begin_registration(&person(), &[passkey], at(NOW)).unwrap();
    assert_eq!(service().finish_registration(&device.create(&options), &challenge, at(NOW)), Err(Refusal::Known));
}

#[test]
fn only_keys_that_were_offered_are_taken() {
    let good = Device::es256().public();
    let spoilt = |at: usize, value: u8| {
        let mut cose = good.clone();
        cose[at] = value;
        cose
    };
    for (cose, why) in [
        (spoilt(4, 0x27), "EdDSA on an elliptic curve of another shape"),
        (spoilt(6, 2), "P-384"),
        (spoilt(2, 1), "another kind of key"),
        (spoilt(20, good[20] ^ 1), "a point beside the curve"),
        ([vec![0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21], bytes(&[1; 31])].concat(), "31 bytes"),
        (
            [vec![0xa4, 1, 3, 3, 0x39, 1, 0, 0x20], bytes(&[0xff; 128]), vec![0x21], bytes(&[1, 0, 1])].concat(),
            "1024 bits",
        ),
        (vec![0xa1, 1, 4], "a shared secret"),
        ([vec![0xa6], good[1..].to_vec(), vec![4, 2]].concat(), "one entry more"),
        ([vec![0xa5], Device::rs256().public()[1..].to_vec(), vec![4, 2]].concat(), "one entry more, with RSA"),
        ([vec![0xa5], Device::eddsa().public()[1..].to_vec(), vec![4, 2]].concat(), "one entry more, with EdDSA"),
        (vec![0xa0], "nothing"),
    ] {
        assert_eq!(changed(|device| device.cose = Some(cose.clone())), Err(Refusal::Key), "{why}");
    }
    assert_eq!(changed(|device| device.cose = Some(vec![0xff])), Err(Refusal::Malformed));
}

#[test]
fn nothing_may_follow_what_the_device_says() {
    assert_eq!(changed(|device| device.behind = vec![0]), Err(Refusal::Malformed));
    assert_eq!(
        changed(|device| device.behind = vec![0xa0]),
        Err(Refusal::Malformed),
        "extensions that are not announced"
    );
    let extension = [vec![0xa1], text("credProtect"), vec![2]].concat();
    assert!(changed(|device| (device.flags, device.behind) = (UP | 0x80, extension.clone())).is_ok());
    assert_eq!(changed(|device| device.flags = UP | 0x80), Err(Refusal::Malformed), "announced, and not there");
    assert_eq!(
        changed(|device| (device.flags, device.behind) = (UP | 0x80, vec![0x80])),
        Err(Refusal::Malformed),
        "no map"
    );
}

#[test]
fn no_attestation_or_the_keys_own() {
    assert!(changed(|device| device.attestation = Attestation::Itself).is_ok());
    assert_eq!(changed(|device| device.attestation = Attestation::ItselfWrongly), Err(Refusal::Attestation));
    assert_eq!(changed(|device| device.attestation = Attestation::ItselfAsAnother), Err(Refusal::Attestation));
    let other = [vec![0xa1], text("x5c"), vec![0x80]].concat();
    assert_eq!(changed(|device| device.attestation = Attestation::Other(other.clone())), Err(Refusal::Attestation));
}

#[test]
fn answers_of_another_shape_are_refused() {
    let device = Device::es256();
    let (options, challenge) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
    let good: Value = serde_json::from_str(&device.create(&options)).unwrap();
    let finish = |answer: &str| service().finish_registration(answer, &challenge, at(NOW));
    assert!(finish(&good.to_string()).is_ok());
    for (pointer, value) in [
        ("/type", json!("password")),
        ("/id", json!("AAAA")),
        ("/rawId", json!("")),
        ("/response", json!([])),
        ("/response/clientDataJSON", json!("AA==")),
        ("/response/clientDataJSON", json!(null)),
        ("/response/attestationObject", json!(base64url(b"\xa0"))),
        ("/response/attestationObject", json!(7)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert_eq!(finish(&bad.to_string()), Err(Refusal::Malformed), "{pointer}");
    }
    let mut other = good.clone();
    (other["id"], other["rawId"]) = (json!("AAAA"), json!("AAAA"));
    assert_eq!(finish(&other.to_string()), Err(Refusal::Credential));
    assert_eq!(finish(&good.to_string().replacen('{', "{\"type\":\"public-key\",", 1)), Err(Refusal::Malformed));
    assert_eq!(finish(&format!("{good}{}", " ".repeat(LONGEST))), Err(Refusal::Malformed));
}
