//! Floods of what is wrong, from many addresses, while somebody honest works.

use crate::instance::Instance;
use ingress::visitor::{Somebody, Visitor, word};
use outbound::Site;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

/// How long each of the rounds lasts.
const ROUND: Duration = Duration::from_secs(7);
/// How many rounds there are. The first one fills every cache, pool and buffer that there is.
const ROUNDS: usize = 4;
/// How many do each wrong thing at a time.
const EACH: usize = 3;
/// How many send bodies that never end.
const SLOW: usize = 12;
/// After how many requests a flood moves to another address: less than what one address has.
const PER_ADDRESS: usize = 25;
/// How much more memory a later round may take than the first one did. Per-request memory would show as hundreds of MiB:
/// a round sends some thousand requests, hundreds of them with a megabyte. What may still grow is bounded: the limiter's
/// memory of up to 50 000 networks (some 150 bytes each), and what the allocator keeps for each worker.
const GROWTH: u64 = 24 * 1024;
/// How much it may take in all, in KiB: 64 MiB for the program and its tables in a debug build, four hashes at a time of
/// 19 MiB that are kept, and 51 connections with a megabyte each in two buffers.
const MOST: u64 = (64 + 4 * 19 + 51 * 2) * 1024;

/// What was answered, by kind of flood and status; 0 where the connection was closed instead.
type Told = Arc<Mutex<BTreeMap<(&'static str, u16), usize>>>;

#[derive(Clone, Copy)]
enum Wrong {
    Password,
    OwnersPassword,
    Bearer,
    Cookie,
    Garbage,
    NearlySaml,
    Header,
    Body,
}

impl Wrong {
    const ALL: [(Self, &str); 8] = [
        (Self::Password, "a wrong password"),
        (Self::OwnersPassword, "a wrong password for the honest user"),
        (Self::Bearer, "a random token"),
        (Self::Cookie, "a random session"),
        (Self::Garbage, "garbage for SAML"),
        (Self::NearlySaml, "an answer that nobody signed"),
        (Self::Header, "a header of a megabyte"),
        (Self::Body, "a body of a megabyte"),
    ];

    /// One attempt. Yields the status, or 0 when the connection ended first.
    async fn attempt(self, visitor: &mut Visitor, honest: &Somebody) -> u16 {
        const MEGABYTE: usize = 1024 * 1024;
        let random = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let answer = match self {
            Self::Password | Self::OwnersPassword => {
                let nobody = format!("{}@example.com", word());
                let email = if matches!(self, Self::Password) { &nobody } else { &honest.email };
                let fields = [("email", email.as_str()), ("password", "not the password of anybody")];
                return match visitor.post_form("/sign-in", &fields).await {
                    Ok(answer) => answer.status,
                    Err(_) => 0,
                };
            }
            Self::Bearer => {
                let token = format!("Bearer wbt_{}", random());
                visitor.send("GET", "/api/me", &[("authorization", &token)], &[]).await
            }
            Self::Cookie => {
                let cookie = format!("__Host-wordbond=wbs_{}", random());
                visitor.site().send("GET", "/account", &[("cookie", &cookie)], &[]).await
            }
            Self::Garbage | Self::NearlySaml => {
                let text = if matches!(self, Self::Garbage) { random().repeat(200) } else { nearly(&random()) };
                let body = format!("SAMLResponse={}", base64(text.as_bytes()).replace('+', "%2B").replace('=', "%3D"));
                let form = [("content-type", "application/x-www-form-urlencoded")];
                let path = format!("/saml/{}/acs", Uuid::new_v4());
                visitor.send("POST", &path, &form, body.as_bytes()).await
            }
            Self::Header => visitor.send("GET", "/sign-in", &[("x-long", &"x".repeat(MEGABYTE))], &[]).await,
            Self::Body => {
                let form = [("content-type", "application/x-www-form-urlencoded")];
                visitor.send("POST", "/sign-in", &form, &vec![b'x'; MEGABYTE]).await
            }
        };
        answer.map_or(0, |answer| answer.status)
    }
}

/// An answer with everything in its place but a signature.
fn nearly(id: &str) -> String {
    let assertion = "<saml:Assertion ID=\"_a\" Version=\"2.0\"><saml:Issuer>https://idp.example</saml:Issuer>\
        <saml:Subject><saml:NameID>ada@example.com</saml:NameID></saml:Subject></saml:Assertion>";
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_{id}\" Version=\"2.0\">{}</samlp:Response>",
        assertion.repeat(50)
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

async fn flood(site: Site, wrong: (Wrong, &'static str), honest: Somebody, told: Told, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let mut visitor = Visitor::stranger(&site).await;
        if matches!(wrong.0, Wrong::Password | Wrong::OwnersPassword) && visitor.form_token("/sign-in").await.is_err() {
            continue;
        }
        for _ in 0..PER_ADDRESS {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let status = wrong.0.attempt(&mut visitor, &honest).await;
            *told.lock().unwrap().entry((wrong.1, status)).or_default() += 1;
        }
    }
}

/// Sends a body a byte at a time, until the service ends it or the test does.
async fn dawdle(site: Site, pem: String, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let stream = site.elsewhere().await.connect().await.unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let (pem, stop) = (pem.clone(), Arc::clone(&stop));
        let done = tokio::task::spawn_blocking(move || {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = rustls::ClientConfig::builder_with_provider(provider);
            let builder = builder.with_safe_default_protocol_versions().unwrap();
            let config = builder.with_root_certificates(roots).with_no_client_auth();
            let name = ServerName::try_from("localhost").unwrap();
            let mut stream =
                rustls::StreamOwned::new(rustls::ClientConnection::new(Arc::new(config), name).unwrap(), stream);
            let head = "POST /sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
            if stream.write_all(head.as_bytes()).is_err() {
                return;
            }
            while !stop.load(Ordering::SeqCst) && stream.write_all(b"x").and_then(|()| stream.flush()).is_ok() {
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        done.await.unwrap();
    }
}

/// Somebody who reads pages all the time, and signs in anew now and then. Yields how often each went well.
async fn work(site: Site, mut user: Visitor, honest: Somebody, stop: Arc<AtomicBool>) -> (usize, usize) {
    let (mut pages, mut entries, mut asked) = (0, 0, 0);
    while !stop.load(Ordering::SeqCst) {
        for path in ["/account", "/account/sessions", "/drawings", "/team"] {
            let answer = user.get(path).await.unwrap();
            assert_eq!(answer.status, 200, "{path} during the flood: {}", answer.text());
            pages += 1;
        }
        asked += 1;
        // Another address, the same browser: it is known from before.
        let mut again = Visitor::stranger(&site).await;
        again.hold("__Host-known", user.cookie("__Host-known").unwrap());
        // A busy service may ask to try again.
        let entered = again.sign_in(&honest.email, &honest.password).await;
        entries += usize::from(entered.is_ok());
        sleep(Duration::from_millis(400)).await;
    }
    println!("the honest user: {pages} pages, {entries} of {asked} entries");
    (pages, entries)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_system_under_a_flood_stays_small_and_serves_others() {
    let instance = Instance::start(Instance::folder(), None, &[]).await;
    let site = instance.site();
    let pem = std::fs::read_to_string(instance.dir().join("tls/ca.pem")).unwrap();
    let mut user = Visitor::stranger(&site).await;
    let honest = user.sign_up().await.unwrap();
    let (told, stop) = (Told::default(), Arc::new(AtomicBool::new(false)));
    let mut floods = JoinSet::new();
    for wrong in Wrong::ALL.into_iter().cycle().take(EACH * Wrong::ALL.len()) {
        floods.spawn(flood(site.clone(), wrong, honest.clone(), Arc::clone(&told), Arc::clone(&stop)));
    }
    for _ in 0..SLOW {
        floods.spawn(dawdle(site.clone(), pem.clone(), Arc::clone(&stop)));
    }
    let working = tokio::spawn(work(site.clone(), user, honest.clone(), Arc::clone(&stop)));

    let before = instance.memory();
    let mut peaks = Vec::new();
    for _ in 0..ROUNDS {
        let (end, mut peak) = (Instant::now() + ROUND, 0);
        while Instant::now() < end {
            peak = peak.max(instance.memory());
            sleep(Duration::from_millis(50)).await;
        }
        peaks.push(peak);
    }
    stop.store(true, Ordering::SeqCst);
    let (pages, entries) = working.await.unwrap();
    while let Some(done) = floods.join_next().await {
        done.unwrap();
    }
    let told = told.lock().unwrap().clone();
    println!("{before} KiB before, {peaks:?} KiB at most in each round; {told:#?}");
    assert!(peaks.iter().all(|peak| *peak <= MOST), "{peaks:?} KiB");
    assert!(peaks.iter().skip(1).all(|peak| *peak <= peaks[0] + GROWTH), "it grows: {peaks:?} KiB");
    for ((kind, status), count) in &told {
        assert!(*status < 500 || *status == 503, "{kind}: {status}, {count} times");
        assert!(!(200..300).contains(status), "{kind} was taken: {status}");
    }
    for (_, kind) in Wrong::ALL {
        let count: usize = told.iter().filter(|((told, _), _)| *told == kind).map(|(_, count)| count).sum();
        assert!(count > 0, "{kind} was never tried");
    }
    assert!(pages >= 4 && entries > 0, "the honest user was not served: {pages} pages, {entries} entries");
    assert_eq!(site.get("/trust").await.unwrap().status, 200, "and it serves on");
}
