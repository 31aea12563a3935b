#![expect(clippy::disallowed_methods, reason = "these tests play the caller")]

use super::*;
use crate::{Dialler, Register, Trust};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use promises::{Kind, Outcome};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{convert::Infallible, pin::Pin};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

type Call = Arc<dyn Fn(String, SocketAddr) -> Pin<Box<dyn Future<Output = (u16, String)> + Send>> + Send + Sync>;

/// A system that makes trial calls in its own way.
async fn system(call: Call) -> Site {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, call) = (acceptor.clone(), Arc::clone(&call));
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.unwrap();
                let service = service_fn(move |request| answer(request, Arc::clone(&call)));
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Site::new(&format!("https://localhost:{port}"), Trust::none().with_pem(&authority.pem()).unwrap()).unwrap()
}

async fn answer(request: Request<Incoming>, call: Call) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), ATTEMPT_PATH);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let to = asked.get("connect_to").and_then(Value::as_str).unwrap().parse().unwrap();
    let (status, detail) = call(asked.get("url").and_then(Value::as_str).unwrap().to_owned(), to).await;
    let body = json!({"outcome": "refused", "detail": detail}).to_string();
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap())
}

fn dialler(trust: Trust) -> Call {
    let register: Vec<Dialler> = hosts().iter().map(|host| Dialler::new(Register::only(host), trust.clone())).collect();
    Arc::new(move |url, to| {
        let mine =
            register.iter().find(|dialler| dialler.register().hosts().any(|host| url == format!("https://{host}/")));
        let dialler = mine.or_else(|| register.first()).unwrap().clone();
        Box::pin(async move { (200, dialler.attempt(&url, Some(to)).await.detail) })
    })
}

fn hosts() -> Vec<String> {
    vec!["api.first.test".to_owned(), "second.test".to_owned()]
}

fn promise() -> Promise {
    Promise {
        id: "tls-out".to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some("tls-out".to_owned()),
        params: std::collections::BTreeMap::new(),
        cadence: Span::minutes(5),
        freshness: Span::minutes(30),
        attested: None,
        planned: None,
        waiver: None,
    }
}

/// A data directory with a development authority.
fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    std::fs::write(folder.path().join("tls/ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.path().join("tls/ca.key"), key.serialize_pem()).unwrap();
    prepare(folder.path()).unwrap();
    folder
}

async fn attack(call: Call, folder: &TempDir) -> Finding {
    let site = system(call).await;
    probe(&site, &Operator::new("token"), &hosts(), folder.path(), &promise()).await
}

#[tokio::test]
async fn a_dialler_that_verifies_holds() {
    let folder = workplace();
    let finding = attack(dialler(Trust::public()), &folder).await;
    assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    assert!(finding.saw().starts_with("14 calls to 2 registered hosts"), "{}", finding.saw());
}

#[tokio::test]
async fn a_root_too_many_is_found() {
    let folder = workplace();
    for root in [ATTACKER_CA, "tls/ca.pem"] {
        let pem = std::fs::read_to_string(folder.path().join(root)).unwrap();
        let finding = attack(dialler(Trust::public().with_pem(&pem).unwrap()), &folder).await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{root}: {}", finding.saw());
        assert!(finding.saw().contains("went on"), "{}", finding.saw());
    }
}

#[tokio::test]
async fn a_call_around_the_register_is_found() {
    let folder = workplace();
    let anyone: Call = Arc::new(|url: String, to| {
        Box::pin(async move {
            let host = url.split('/').nth(2).unwrap_or_default().to_owned();
            let dialler = Dialler::new(Register::only(host.rsplit('@').next().unwrap_or_default()), Trust::public());
            (200, dialler.attempt(&url, Some(to)).await.detail)
        })
    });
    let finding = attack(anyone, &folder).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
    assert!(finding.saw().contains("must not call"), "{}", finding.saw());
}

#[tokio::test]
async fn older_versions_and_plain_calls_are_found() {
    let folder = workplace();
    let old = crate::hello::ClientHello {
        version: crate::hello::TLS_1_2,
        ciphers: vec![0xc02f],
        server_name: Some("api.first.test".to_owned()),
        versions: vec![TLS_1_3, crate::hello::TLS_1_2],
        extensions: true,
        key_share: true,
    };
    for (first, told) in [(old.bytes(), "also offered TLS 1.2"), (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "without TLS")] {
        let careless: Call = Arc::new(move |_, to| {
            let first = first.clone();
            Box::pin(async move {
                let mut stream = TcpStream::connect(to).await.unwrap();
                let _ = stream.write_all(&first).await;
                (200, "called".to_owned())
            })
        });
        let finding = attack(careless, &folder).await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
        assert!(finding.saw().contains(told), "{}", finding.saw());
    }
}

#[tokio::test]
async fn a_caller_that_takes_tls_1_2_is_found() {
    let folder = workplace();
    // It offers 1.3 alone, but does not mind that the server chooses another: it waits for what comes next.
    let meek: Call = Arc::new(|url: String, to| {
        Box::pin(async move {
            let Some(host) =
                url.strip_prefix("https://").filter(|host| hosts().contains(&host.trim_end_matches('/').to_owned()))
            else {
                return (200, "refused".to_owned());
            };
            let hello = crate::hello::ClientHello {
                version: crate::hello::TLS_1_2,
                ciphers: vec![0x1301, 0xc02f],
                server_name: Some(host.trim_end_matches('/').to_owned()),
                versions: vec![TLS_1_3],
                extensions: true,
                key_share: false,
            };
            let mut stream = TcpStream::connect(to).await.unwrap();
            let _ = stream.write_all(&hello.bytes()).await;
            let mut reply = [0; 11];
            let took = stream.read_exact(&mut reply).await.is_ok() && reply == [22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3];
            if took {
                let _ = stream.write_all(&[22, 3, 3, 0, 1, 16]).await;
            }
            (200, "called".to_owned())
        })
    });
    let finding = attack(meek, &folder).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
    assert!(finding.saw().contains("TLS 1.2 only: the caller went on"), "{}", finding.saw());
}

#[tokio::test]
async fn a_system_that_does_not_call_proves_nothing() {
    let folder = workplace();
    for (status, told) in
        [(200, "no call arrived"), (404, "answered with 404"), (401, "answered with 401"), (500, "answered with 500")]
    {
        let idle: Call = Arc::new(move |_, _| Box::pin(async move { (status, "refused".to_owned()) }));
        let finding = attack(idle, &folder).await;
        assert_eq!(finding.outcome(), Outcome::Failed, "{}", finding.saw());
        assert!(finding.saw().contains(told), "{}", finding.saw());
    }
    let nobody = Site::new("https://localhost:9", Trust::none()).unwrap();
    let finding = probe(&nobody, &Operator::new("t"), &hosts(), folder.path(), &promise()).await;
    assert_eq!(finding.outcome(), Outcome::Failed);
    let finding = probe(&nobody, &Operator::new("t"), &[], folder.path(), &promise()).await;
    assert_eq!(finding.outcome(), Outcome::Nothing);
}

#[test]
fn the_attackers_authority_is_made_once_and_its_key_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path()).unwrap();
    let read = || std::fs::read_to_string(folder.path().join(ATTACKER_CA)).unwrap();
    let before = read();
    prepare(folder.path()).unwrap();
    assert_eq!(before, read());
    let mode = std::fs::metadata(folder.path().join("probe/attacker-ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(Forger::open(folder.path()).unwrap().tricks().all(|trick| trick != Trick::DevelopmentAuthority));
    std::fs::write(folder.path().join("probe/attacker-ca.key"), "no key").unwrap();
    assert!(prepare(folder.path()).is_err());
}
