use super::{
    device::{BE, BS, UP, UV},
    *,
};

/// What comes of signing in with a device that is changed after its passkey was made.
fn used(purpose: Purpose, change: impl Fn(&mut Device)) -> Result<Used, Refusal> {
    let mut device = Device::es256();
    let passkey = registered(&device);
    change(&mut device);
    let allowed = if purpose == Purpose::SignIn { vec![] } else { vec![passkey.clone()] };
    let (options, challenge) = service().begin_authentication(purpose, &allowed, at(NOW)).unwrap();
    service().finish_authentication(&device.get(&options), &challenge, &passkey, at(NOW))
}

#[test]
fn another_challenge_place_or_kind_is_refused() {
    for (change, refusal) in [
        ((|c| c["challenge"] = json!(base64url(&[1; 32]))) as fn(&mut Value), Refusal::Challenge),
        (|c| c["type"] = json!("webauthn.create"), Refusal::Challenge),
        (|c| c["origin"] = json!("https://app.example.evil.example"), Refusal::Origin),
        (|c| c["origin"] = json!("null"), Refusal::Origin),
        (|c| c["crossOrigin"] = json!(true), Refusal::Origin),
    ] {
        assert_eq!(used(Purpose::SignIn, |device| device.client = change), Err(refusal));
    }
    assert_eq!(used(Purpose::SignIn, |device| device.rp_id = "b.example".to_owned()), Err(Refusal::RelyingParty));
}

#[test]
fn a_sign_in_needs_to_know_who_a_second_factor_does_not() {
    assert_eq!(used(Purpose::SignIn, |device| device.flags = UP), Err(Refusal::NotVerified));
    assert!(!used(Purpose::SecondFactor, |device| device.flags = UP).unwrap().user_verified);
    assert_eq!(used(Purpose::SecondFactor, |device| device.flags = UV), Err(Refusal::NotPresent));
}

#[test]
fn a_device_cannot_become_one_that_copies_its_keys() {
    assert_eq!(used(Purpose::SignIn, |device| device.flags = UP | UV | BE), Err(Refusal::Changed));
    assert_eq!(used(Purpose::SignIn, |device| device.flags = UP | UV | BS), Err(Refusal::Malformed));
}

#[test]
fn using_a_passkey_brings_no_new_key() {
    let with_key = |device: &mut Device| {
        let id = &device.id;
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        device.behind = [&[7; 16], &length[..], id, &device.public()].concat();
        device.flags |= 0x40;
    };
    assert_eq!(used(Purpose::SignIn, with_key), Err(Refusal::Malformed));
    assert_eq!(used(Purpose::SignIn, |device| device.behind = vec![0]), Err(Refusal::Malformed));
}

#[test]
fn a_passkey_belongs_to_one_account() {
    assert_eq!(used(Purpose::SignIn, |device| device.handle = Some(b"another".to_vec())), Err(Refusal::Owner));
    assert_eq!(used(Purpose::SignIn, |device| device.handle = None), Err(Refusal::Owner));
    assert_eq!(used(Purpose::SignIn, |device| device.handle = Some(Vec::new())), Err(Refusal::Owner));
    assert!(used(Purpose::SecondFactor, |device| device.handle = None).is_ok());
    assert!(used(Purpose::SecondFactor, |device| device.handle = Some(Vec::new())).is_ok());
    assert_eq!(used(Purpose::SecondFactor, |device| device.handle = Some(b"another".to_vec())), Err(Refusal::Owner));
}

#[test]
fn another_passkey_is_refused() {
    let (mut mine, mut theirs) = (Device::es256(), Device::es256());
    let (passkey, other) = (registered(&mine), registered(&theirs));
    let (options, challenge) =
        service().begin_authentication(Purpose::SecondFactor, std::slice::from_ref(&passkey), at(NOW)).unwrap();
    let answer = theirs.get(&options);
    let finish = |answer: &str, with: &Passkey| service().finish_authentication(answer, &challenge, with, at(NOW));
    assert_eq!(finish(&answer, &passkey), Err(Refusal::Credential));
    assert_eq!(finish(&answer, &other), Err(Refusal::Credential), "not one of those that were allowed");
    // Somebody else's device under the name of mine.
    theirs.id = mine.id.clone();
    assert_eq!(finish(&theirs.get(&options), &passkey), Err(Refusal::Signature));
    assert!(finish(&mine.get(&options), &passkey).is_ok());
}

#[test]
fn an_account_without_passkeys_has_none_as_a_second_factor() {
    let mut device = Device::es256();
    let passkey = registered(&device);
    let (options, challenge) = service().begin_authentication(Purpose::SecondFactor, &[], at(NOW)).unwrap();
    let refused = service().finish_authentication(&device.get(&options), &challenge, &passkey, at(NOW));
    assert_eq!(refused, Err(Refusal::Credential));
}

#[test]
fn a_counter_that_does_not_go_on_is_a_copy() {
    let mut device = Device::es256();
    let mut passkey = registered(&device);
    let mut sign_in = |counter: u32| {
        device.counter = counter;
        let (options, challenge) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
        let used = service().finish_authentication(&device.get(&options), &challenge, &passkey, at(NOW));
        if let Ok(used) = &used {
            passkey.note(used);
        }
        used.map(|used| used.counter)
    };
    assert_eq!(sign_in(9), Ok(10));
    assert_eq!(sign_in(9), Err(Refusal::Counter), "the same again");
    assert_eq!(sign_in(4), Err(Refusal::Counter));
    assert_eq!(sign_in(10), Ok(11));
    assert_eq!(sign_in(u32::MAX - 1), Ok(u32::MAX));
}

#[test]
fn devices_without_a_counter_always_say_zero() {
    let mut device = Device::es256();
    let passkey = registered(&device);
    for _ in 0..3 {
        let (options, challenge) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
        let mut answer: Value = serde_json::from_str(&device.get(&options)).unwrap();
        let mut data = from_base64url(answer["response"]["authenticatorData"].as_str().unwrap()).unwrap();
        data[33..37].fill(0);
        let client = from_base64url(answer["response"]["clientDataJSON"].as_str().unwrap()).unwrap();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &client);
        answer["response"]["authenticatorData"] = json!(base64url(&data));
        answer["response"]["signature"] = json!(base64url(&device.sign(&[&data, hash.as_ref()].concat())));
        assert!(service().finish_authentication(&answer.to_string(), &challenge, &passkey, at(NOW)).is_ok());
    }
}

#[test]
fn a_challenge_ends() {
    let mut device = Device::es256();
    let passkey = registered(&device);
    let (options, challenge) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
    let answer = device.get(&options);
    assert_eq!(service().finish_authentication(&answer, &challenge, &passkey, at(NOW + 301)), Err(Refusal::Expired));
    let (_, other) = service().begin_authentication(Purpose::SignIn, &[], at(NOW)).unwrap();
    assert_eq!(
        service().finish_authentication(&answer, &other, &passkey, at(NOW)),
        Err(Refusal::Challenge),
        "replayed"
    );
    let (_, making) = service().begin_registration(&person(), &[], at(NOW)).unwrap();
    assert_eq!(service().finish_authentication(&answer, &making, &passkey, at(NOW)), Err(Refusal::Challenge));
}
