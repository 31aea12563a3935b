//! Whoever else is told of erasures: a recipient that takes them, refuses them, is away, slow, or told twice.

use crate::{
    rights::{admin, answered, ask, json_of, somebody, worker},
    system::{SEED, System, to},
};
use accounts::rights::recipients::Recipient;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::jwt::Signer;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{
    jobs::{self, Job, Lease},
    rights::{
        Kind,
        clocks::{self, Clocks},
        recipients::{self, Step, TELL, Told},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};
use uuid::Uuid;

/// What it is sent: the head, in lower case, and the token.
type Got = (String, String);

/// A recipient on loopback. It answers what it is told to, and 202 when that has run out.
pub(crate) struct Receiver {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events?of=us", listener.local_addr().unwrap());
        let (got, answers) = (Arc::<Mutex<Vec<Got>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (keep, next) = (Arc::clone(&got), Arc::clone(&answers));
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serve(stream, &keep, &next).await;
            }
        });
        Self { url, got, answers, serving }
    }

    fn recipient(&self) -> Recipient {
        format!("crm={}", self.url).parse().unwrap()
    }

    /// The next answers, the first last.
    fn answers(&self, next: &[&str]) {
        *self.answers.lock().unwrap() = next.iter().map(|one| (*one).to_owned()).collect();
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, got: &Mutex<Vec<Got>>, next: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        if read == 0 {
            return;
        }
        bytes.extend(chunk.get(..read).unwrap());
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length: usize =
                head.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap().parse().unwrap();
            break (head, length);
        }
    };
    let begin = head.len() + 4;
    while bytes.len() < begin + length {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend(chunk.get(..read).unwrap());
    }
    let token = String::from_utf8(bytes.get(begin..).unwrap().to_vec()).unwrap();
    got.lock().unwrap().push((head, token));
    let answer = next.lock().unwrap().pop().unwrap_or_else(|| "202 Accepted".to_owned());
    let (status, body) = answer.split_once('|').unwrap_or((&answer, ""));
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nlocation: /elsewhere\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// What a token says, once its signature has been verified with the key that is published, by other code than signed it.
fn verified(token: &str) -> (Value, Value) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let published: Value = serde_json::from_str(&Signer::from_seed(&SEED).unwrap().jwks(&[])).unwrap();
    let key = published.pointer("/keys/0").unwrap();
    let x = decode(key.get("x").and_then(Value::as_str).unwrap());
    UnparsedPublicKey::new(&ED25519, x).verify(signed.as_bytes(), &decode(signature)).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header.get("kid"), key.get("kid"));
    (header, serde_json::from_slice(&decode(claims)).unwrap())
}

/// The steps of a case, once none is open any more.
async fn settled(system: &System, case: &str) -> Vec<Step> {
    for _ in 0..200 {
        let steps = steps(system, case).await;
        if !steps.is_empty() && steps.iter().all(|step| step.state != Told::Open) {
            return steps;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("a step is open still");
}

async fn steps(system: &System, case: &str) -> Vec<Step> {
    recipients::of_case(system.db.store(), case.parse::<Uuid>().unwrap()).await.unwrap()
}

async fn walk(system: &System) -> Clocks {
    clocks::walk(system.db.store(), &[Kind::Erasure], kernel::Span::days(30)).await.unwrap()
}

/// Erases somebody. Yields the case, the receipt, and whose account it was.
async fn erased(system: &System) -> (String, String, String) {
    let (mut visitor, who) = somebody(system).await;
    let account = store::accounts::by_email(system.db.store(), &who.email).await.unwrap().unwrap().id.to_string();
    let (case, receipt) = ask(&mut visitor, &who, "erasure").await;
    answered(system, &receipt).await;
    (case, receipt, account)
}

#[tokio::test]
async fn a_recipient_is_told_of_an_erasure_by_whoever_signs_identity_tokens() {
    let receiver = Receiver::open().await;
    let system = System::telling(vec![receiver.recipient()]).await;
    let working = worker(&system);
    let (case, receipt, account) = erased(&system).await;
    let steps = settled(&system, &case).await;
    assert_eq!((steps.len(), steps[0].state, steps[0].attempts), (1, Told::Acknowledged, 1));
    let got = receiver.got();
    let [(head, token)] = got.as_slice() else { panic!("told {} times", got.len()) };
    assert!(head.starts_with("post /events?of=us http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/secevent+jwt"), "{head}");
    assert!(head.contains("\r\naccept: application/json"), "{head}");
    let (header, claims) = verified(token);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("secevent+jwt"), &json!("EdDSA")));
    let issuer = system.site.url();
    let event = "https://schemas.openid.net/secevent/risc/event-type/account-purged";
    assert_eq!(
        claims,
        json!({
            "iss": issuer,
            "jti": steps[0].id,
            "iat": steps[0].begun_at.as_second(),
            "aud": "crm",
            "sub_id": { "format": "iss_sub", "iss": issuer, "sub": account },
            "events": { event: {} },
        })
    );
    // The receipt says so, for programs and for people.
    let seen = json_of(&mut system.visitor(), &format!("/api{receipt}")).await;
    assert_eq!(
        (&seen["recipients"][0]["name"], &seen["recipients"][0]["state"]),
        (&json!("crm"), &json!("acknowledged"))
    );
    let shown = system.visitor().get(&receipt).await.unwrap().text();
    assert!(shown.contains("Whoever else was told") && shown.contains("knows it"), "{shown}");
    let found = walk(&system).await;
    assert_eq!((found.recipients, found.acknowledged, found.untaught), (1, 1, 0));
    // Nobody knows any more whom it was about.
    assert!(system.db.is_so("SELECT bool_and(subject IS NULL) FROM wordbond.rights_step").await);
    working.abort();
}

/// Six hours and a little: the longest that a recipient rests.
const REST: i64 = 6 * 3_600 + 60;

/// Waits until the worker has tried once, and ends it. Later tries are made by hand.
async fn tried_once(system: &System, case: &str, working: JoinHandle<()>) -> Step {
    for _ in 0..200 {
        let steps = steps(system, case).await;
        if let [step] = steps.as_slice()
            && step.attempts > 0
        {
            working.abort();
            // What it had just taken up is due again.
            jobs::release_all(system.db.store()).await.unwrap();
            return step.clone();
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the recipient was not tried");
}

/// The job of a recipient, in hand.
async fn in_hand(system: &System) -> (Lease, Job) {
    let store = system.db.store();
    while let Some(lease) = jobs::lease(store).await.unwrap() {
        let (_, job) = jobs::begin(store, &lease).await.unwrap();
        if job.kind == TELL {
            return (lease, job);
        }
    }
    panic!("no job is due");
}

#[tokio::test]
async fn anything_but_an_acknowledgement_or_a_refusal_is_tried_again_later_with_the_same_token() {
    let receiver = Receiver::open().await;
    receiver.answers(&["500 Internal Server Error"]);
    let system = System::telling(vec![receiver.recipient()]).await;
    let working = worker(&system);
    let (case, receipt, _) = erased(&system).await;
    let step = tried_once(&system, &case, working).await;
    assert_eq!((step.state, step.said.as_deref()), (Told::Open, Some("it answered 500")));
    assert!(jobs::lease(system.db.store()).await.unwrap().is_none_or(|lease| lease.attempts == 1), "it rests first");
    for (answer, said) in [
        ("200 OK", "it answered 200"),
        ("307 Temporary Redirect", "it answered 307"),
        ("400 Bad Request", "it answered 400"),
        ("400 Bad Request|{\"description\":\"none\"}", "it answered 400"),
        ("429 Too Many Requests", "it answered 429"),
    ] {
        receiver.answers(&[answer]);
        system.clock.advance(REST);
        let (lease, job) = in_hand(&system).await;
        system.accounts.tell_recipient(&lease, &job).await.unwrap();
        let step = steps(&system, &case).await.remove(0);
        assert_eq!((step.state, step.said.as_deref()), (Told::Open, Some(said)), "{answer}");
    }
    let found = walk(&system).await;
    assert_eq!((found.recipients, found.acknowledged, found.untaught), (1, 0, 0), "it is in time");
    assert_eq!(json_of(&mut system.visitor(), &format!("/api{receipt}")).await["recipients"][0]["state"], "open");
    system.clock.advance(REST);
    let (lease, job) = in_hand(&system).await;
    system.accounts.tell_recipient(&lease, &job).await.unwrap();
    let step = steps(&system, &case).await.remove(0);
    assert_eq!((step.state, step.attempts, step.said), (Told::Acknowledged, 7, None));
    let got = receiver.got();
    assert!(got.len() == 7 && got.iter().all(|(_, token)| *token == got[0].1));
    assert_eq!(walk(&system).await.acknowledged, 1);
}

#[tokio::test]
async fn who_dies_between_telling_and_noting_tells_again_the_same_and_notes_it_once() {
    let receiver = Receiver::open().await;
    receiver.answers(&["503 Service Unavailable"]);
    let system = System::telling(vec![receiver.recipient()]).await;
    let working = worker(&system);
    let (case, _, _) = erased(&system).await;
    tried_once(&system, &case, working).await;
    system.clock.advance(REST);
    let (lease, job) = in_hand(&system).await;
    // The program is started again while the first is on its way: whoever held the job has lost it.
    jobs::release_all(system.db.store()).await.unwrap();
    let lost = system.accounts.tell_recipient(&lease, &job).await;
    assert!(matches!(lost, Err(store::StoreError::LostLease)), "{lost:?}");
    assert_eq!(steps(&system, &case).await[0].state, Told::Open, "what it heard is noted by nobody");
    let (lease, job) = in_hand(&system).await;
    system.accounts.tell_recipient(&lease, &job).await.unwrap();
    assert_eq!(steps(&system, &case).await[0].state, Told::Acknowledged);
    let got = receiver.got();
    assert!(got.len() == 3 && got[1].1 == got[2].1, "told at least once");
    let store = system.db.store();
    let mut scoped = store.scoped(store::operator_tenant(), &kernel::Actor::Operator).await.unwrap();
    let told = store::audit::list(&mut scoped, 100).await.unwrap();
    assert_eq!(told.iter().filter(|entry| entry.event.action == "rights.told").count(), 1, "noted once");
    assert_eq!(walk(&system).await.acknowledged, 1);
}

#[tokio::test]
async fn a_refusal_is_shown_to_the_operator_who_sees_to_it_and_has_it_told_again() {
    let receiver = Receiver::open().await;
    receiver.answers(&["400 Bad Request|{\"err\":\"invalid_audience\",\"description\":\"Ada Lovelace\"}"]);
    let system = System::telling(vec![receiver.recipient()]).await;
    let working = worker(&system);
    let (case, receipt, _) = erased(&system).await;
    let steps = settled(&system, &case).await;
    assert_eq!((steps[0].state, steps[0].said.as_deref()), (Told::Refused, Some("invalid_audience")));
    let found = walk(&system).await;
    assert_eq!((found.recipients, found.acknowledged, found.untaught), (1, 0, 1));
    assert!(system.visitor().get(&receipt).await.unwrap().text().contains("refused to be told"));
    let mut admin = admin(&system).await;
    let place = format!("/admin/cases/{case}");
    let page = admin.get(&place).await.unwrap().text();
    assert!(page.contains("invalid_audience") && page.contains("Tell again") && !page.contains("Lovelace"), "{page}");
    let again = admin.post_form(&format!("{place}/tell"), &[("recipient", "crm")]).await.unwrap();
    assert_eq!(to(&again), place);
    assert_eq!(settled(&system, &case).await[0].state, Told::Acknowledged);
    let found = walk(&system).await;
    assert_eq!((found.recipients, found.acknowledged, found.untaught), (1, 1, 0));
    // There is nothing more to try.
    let done = recipients::retry(system.db.store(), case.parse().unwrap(), "crm", kernel::AccountId::new()).await;
    assert!(matches!(done, Err(store::StoreError::Invalid(_))), "{done:?}");
    assert!(!admin.get(&place).await.unwrap().text().contains("Tell again</button>"));
    working.abort();
}

#[tokio::test]
async fn a_recipient_that_cannot_be_told_is_given_up_with_a_reason_that_the_receipt_tells() {
    let receiver = Receiver::open().await;
    let refuses = "400 Bad Request|{\"err\":\"invalid_audience\"}";
    receiver.answers(&[refuses, refuses]);
    let system = System::telling(vec![receiver.recipient()]).await;
    let working = worker(&system);
    let (case, receipt, _) = erased(&system).await;
    settled(&system, &case).await;
    let (other, _, _) = erased(&system).await;
    settled(&system, &other).await;
    assert_eq!(walk(&system).await.untaught, 2);
    let mut admin = admin(&system).await;
    let place = format!("/admin/cases/{case}");
    let act = format!("{place}/give-up");
    // Without a reason nothing is given up, and what was ticked stays.
    let typed = [("recipient", "crm"), ("reason", " "), ("everywhere", "yes")];
    let answer = admin.post_form(&act, &typed).await.unwrap();
    let page = answer.text();
    assert_eq!(answer.status, 422);
    assert!(page.contains("reason-give-up-crm-error") && page.contains("checked"), "{page}");
    assert_eq!(steps(&system, &case).await[0].state, Told::Refused);
    let answer = admin.post_form(&act, &[("recipient", "crm"), ("reason", "Wound up <in May>")]).await.unwrap();
    assert_eq!(to(&answer), place);
    let step = steps(&system, &case).await.remove(0);
    assert_eq!((step.state, step.reason.as_deref()), (Told::GivenUp, Some("Wound up <in May>")));
    let found = walk(&system).await;
    assert_eq!((found.recipients, found.given_up, found.untaught), (2, 1, 1));
    // The receipt tells why, to people and to programs; nobody knows any more whom it was about.
    let page = system.visitor().get(&receipt).await.unwrap().text();
    assert!(page.contains("was given up: Wound up") && !page.contains("<in May>"), "{page}");
    let told = json_of(&mut system.visitor(), &format!("/api{receipt}")).await["recipients"][0].clone();
    assert_eq!((&told["state"], &told["reason"]), (&json!("given-up"), &json!("Wound up <in May>")));
    assert!(system.db.is_so("SELECT count(*) = 1 FROM wordbond.rights_step WHERE subject IS NULL").await);
    let page = admin.get(&place).await.unwrap().text();
    assert!(!page.contains("Give up</button>") && !page.contains("Tell again</button>"), "{page}");
    // It is neither told again nor given up again; where it waits elsewhere, it is given up with one reason.
    let id = case.parse().unwrap();
    let again = recipients::retry(system.db.store(), id, "crm", kernel::AccountId::new()).await;
    assert!(matches!(again, Err(store::StoreError::Invalid(_))), "{again:?}");
    let typed = [("recipient", "crm"), ("reason", "Gone"), ("everywhere", "yes")];
    assert_eq!(to(&admin.post_form(&act, &typed).await.unwrap()), place);
    assert_eq!(steps(&system, &case).await[0].reason.as_deref(), Some("Wound up <in May>"));
    assert_eq!(steps(&system, &other).await[0].reason.as_deref(), Some("Gone"));
    assert_eq!(to(&admin.post_form(&act, &typed).await.unwrap()), place, "there is nothing left");
    let found = walk(&system).await;
    assert_eq!((found.given_up, found.untaught), (2, 0));
    working.abort();
}

#[tokio::test]
async fn what_is_given_up_while_it_waits_is_tried_no_more() {
    let receiver = Receiver::open().await;
    receiver.answers(&["503 Service Unavailable"]);
    let system = System::telling(vec![receiver.recipient()]).await;
    let working = worker(&system);
    let (case, _, _) = erased(&system).await;
    tried_once(&system, &case, working).await;
    let mut admin = admin(&system).await;
    let act = format!("/admin/cases/{case}/give-up");
    admin.post_form(&act, &[("recipient", "crm"), ("reason", "It is no more")]).await.unwrap();
    assert_eq!(walk(&system).await.given_up, 1);
    system.clock.advance(REST);
    let (lease, job) = in_hand(&system).await;
    system.accounts.tell_recipient(&lease, &job).await.unwrap();
    assert_eq!(receiver.got().len(), 1, "it was told again");
    assert_eq!(steps(&system, &case).await[0].state, Told::GivenUp);
    assert!(system.db.is_so("SELECT NOT EXISTS (SELECT FROM wordbond.job WHERE kind = 'rights.tell')").await);
}

#[tokio::test]
async fn a_recipient_that_is_away_is_tried_until_its_time_is_over_and_no_longer() {
    let receiver = Receiver::open().await;
    let recipient = receiver.recipient();
    drop(receiver);
    let system = System::telling(vec![recipient]).await;
    let working = worker(&system);
    let (case, _, _) = erased(&system).await;
    let step = tried_once(&system, &case, working).await;
    assert!(step.said.as_deref().is_some_and(|said| said.starts_with("no connection to 127.0.0.1")), "{step:?}");
    assert_eq!(walk(&system).await.untaught, 0);
    let left = step.due_at.duration_since(store::Store::clock(system.db.store()).now());
    assert!(left.as_hours() >= 3 * 24 - 1, "{left:?}");
    system.clock.advance(left.as_secs() + 1);
    assert_eq!(walk(&system).await.untaught, 1, "its time is over");
    let (lease, job) = in_hand(&system).await;
    system.accounts.tell_recipient(&lease, &job).await.unwrap();
    let step = steps(&system, &case).await.remove(0);
    assert_eq!((step.state, step.attempts), (Told::Expired, 1));
    assert!(step.said.is_some(), "why stays to be seen");
    assert_eq!(walk(&system).await.untaught, 1);
}

#[tokio::test]
async fn without_recipients_nobody_is_told_and_nothing_is_said_of_it() {
    let system = System::open().await;
    let working = worker(&system);
    let (case, receipt, _) = erased(&system).await;
    assert_eq!(steps(&system, &case).await, []);
    assert_eq!(json_of(&mut system.visitor(), &format!("/api{receipt}")).await["recipients"], json!([]));
    assert!(!system.visitor().get(&receipt).await.unwrap().text().contains("Whoever else"));
    assert_eq!(walk(&system).await.recipients, 0);
    working.abort();
}

#[test]
fn a_recipient_is_named_and_reached_in_one_way_or_refused_in_words() {
    let named = |text: &str| text.parse::<Recipient>().map(|one| (one.name, one.endpoint.to_string()));
    let good = ("crm-2".to_owned(), "https://crm.example/events?a=b".to_owned());
    assert_eq!(named("crm-2=https://crm.example/events?a=b"), Ok(good));
    for (text, words) in [
        ("crm", "is no recipient"),
        ("=https://crm.example/", "is no name"),
        ("CRM=https://crm.example/", "is no name"),
        ("-crm=https://crm.example/", "is no name"),
        ("crm=http://crm.example/", "not encrypted"),
        ("crm=crm.example", "no address to push to"),
    ] {
        assert!(named(text).unwrap_err().contains(words), "{text}");
    }
}
