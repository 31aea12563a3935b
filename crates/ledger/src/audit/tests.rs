//! A commitment binds event and salt, and has one spelling.

use super::*;

fn event() -> Event {
    Event {
        actor: Actor::Operator,
        action: "tenant.suspend".to_owned(),
        targets: vec!["tenant:1".to_owned()],
        context: BTreeMap::from([("reason".to_owned(), "unpaid".to_owned())]),
        at: "2026-11-22T03:48:00Z".parse().unwrap(),
    }
}

#[test]
fn a_commitment_binds_event_and_salt() {
    let json = event().to_json().unwrap();
    assert_eq!(
        json,
        r#"{"actor":{"kind":"operator"},"action":"tenant.suspend","targets":["tenant:1"],"context":{"reason":"unpaid"},"at":"2026-11-22T03:48:00Z"}"#
    );
    let commitment = commit(&json, &Salt([7; 32]));
    // printf '\7%.0s' {1..32} followed by the text above, through sha256sum.
    assert_eq!(commitment.to_string(), "e9a224d2186c9ba9ce524a1c4572ed8d11957b8d0a9c3a268451bad479b8620f");
    assert_ne!(commit(&json, &Salt([8; 32])), commitment);
    assert_ne!(commit(&json.replace("unpaid", "repaid"), &Salt([7; 32])), commitment);
    assert_ne!(Salt::fresh().unwrap(), Salt::fresh().unwrap());
}

#[test]
fn a_commitment_has_one_spelling() {
    let commitment = commit("{}", &Salt([0; 32]));
    assert_eq!(commitment.to_string().parse(), Ok(commitment));
    let spelt = commitment.to_string();
    for wrong in
        [spelt.to_uppercase(), spelt.replacen('0', "g", 1), format!("{spelt}00"), String::new(), "é".repeat(32)]
    {
        assert_eq!(wrong.parse::<Commitment>(), Err(CommitmentError), "{wrong}");
    }
}
