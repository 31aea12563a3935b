//! Control `tls-in`: TLS 1.3 (RFC 8446) for everything that comes in, and nothing older.

use kernel::Span;
use outbound::{
    Site,
    handshake::{Failure, Reply, complete, name_of, offer},
    hello::{ClientHello, SSL_3_0, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3},
};
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling},
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::TLS13,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The listener's TLS: version 1.3 only, HTTP/2 and HTTP/1.1, no client certificates.
///
/// # Errors
/// When the key does not belong to the certificate.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // Every connection makes keys of its own: no ticket key outlives one (RFC 8446, appendix E.1, on forward secrecy).
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "tls-in",
    title: "TLS 1.3 for everything that comes in",
    about: "The listener is built for TLS 1.3 alone. The probe attacks every address that the service's name resolves to with \
            handshakes made by hand: SSL 3.0, TLS 1.0, 1.1 and 1.2, with ciphers and extensions that a server of that age \
            takes, and disguises (a 1.3 hello that lists 1.2 only, or 1.2 before 1.3 with old ciphers). Each must end in an \
            alert or a closed connection. A real TLS 1.3 handshake must then succeed with a certificate that is valid now, \
            for this name and no other, under the roots that visitors trust (a workplace trusts its own development CA).",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every address", "all incoming connections"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(a)"],
        iso27001: &["8.24", "8.21"],
        soc2: &["CC6.7"],
        asvs: &["12.1.1", "12.2.1", "12.2.2"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "tls-1-2-accepted",
        about: "The public address also accepts TLS 1.2.",
        breaks: &["tls-in"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::AcceptTls12]),
        bites: Bites::Handshake(&["-tls1_2"]),
    },
    Fault {
        id: "tls-1-2-accepted-without-a-name",
        about: "The public address accepts TLS 1.2 from clients that name no server, as a forgotten default host does.",
        breaks: &["tls-in"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::AcceptTls12WithoutName]),
        bites: Bites::Handshake(&["-tls1_2", "-noservername"]),
    },
];

/// Attacks the promise at every address of the site.
pub async fn probe(site: &Site, _promise: &Promise) -> Finding {
    let addresses = match site.addresses().await {
        Ok(addresses) if addresses.is_empty() => {
            return Finding::failed(format!("{} resolves to no address", site.host()));
        }
        Ok(addresses) => addresses,
        Err(error) => return Finding::failed(error.to_string()),
    };
    let attempts = attempts(site);
    let mut flying = JoinSet::new();
    for address in &addresses {
        flying.spawn(attack(site.clone(), *address, attempts.clone()));
    }
    let mut reached = Vec::new();
    let mut silent = Vec::new();
    while let Some(landed) = flying.join_next().await {
        match landed {
            Ok(Ok(report)) => reached.push(report),
            Ok(Err(reason)) => silent.push(reason),
            Err(_) => silent.push("an attack crashed".to_owned()),
        }
    }
    summary(site, attempts.len(), &reached, &silent)
}

/// What was learnt at one address.
#[derive(Debug)]
struct Report {
    flaw: Option<String>,
    doubt: Option<String>,
    tried: Vec<String>,
}

fn summary(site: &Site, attempts: usize, reached: &[Report], silent: &[String]) -> Finding {
    let flaw = reached.iter().find_map(|report| report.flaw.as_ref());
    let doubt = reached.iter().find_map(|report| report.doubt.as_ref());
    let finding = match (flaw, doubt, silent.first()) {
        (Some(flaw), _, _) => Finding::broke(flaw.clone()),
        (None, Some(doubt), _) => Finding::failed(doubt.clone()),
        // A name may resolve to an address that nothing listens on (`localhost` at ::1): there is nothing to break there.
        (None, None, Some(reason)) if reached.is_empty() => Finding::failed(reason.clone()),
        (None, None, _) => Finding::held(format!(
            "TLS 1.3 with a certificate that verifies for {}; all {attempts} older or disguised handshakes were refused",
            site.host()
        )),
    };
    let finding = reached.iter().flat_map(|report| &report.tried).fold(finding, Finding::tried);
    let finding = silent.iter().fold(finding, |finding, reason| finding.tried(format!("not reached: {reason}")));
    finding.covered("addresses", reached.len()).covered("handshakes", reached.len() * (attempts + 2))
}

async fn attack(site: Site, address: SocketAddr, attempts: Vec<Attempt>) -> Result<Report, String> {
    site.connect_to(address).await.map_err(|error| format!("{address}: {error}"))?;
    let mut report = Report { flaw: None, doubt: None, tried: Vec::new() };
    let mut flying = JoinSet::new();
    for attempt in attempts {
        let site = site.clone();
        flying.spawn(async move { (attempt.name, offer(&site, address, &attempt.hello).await) });
    }
    for (name, reply) in flying.join_all().await {
        let reply = reply.unwrap_or(Reply::Silent);
        match reply {
            Reply::ServerHello(version) if version <= TLS_1_2 => {
                report.flaw.get_or_insert(format!("{name} was accepted as {} at {address}", name_of(version)));
            }
            Reply::Silent => {
                report.doubt.get_or_insert(format!("no answer to {name} at {address}"));
            }
            _ => {}
        }
        report.tried.push(format!("{address}: {name}: {reply}"));
    }
    report.tried.sort();
    verified(&site, address, &mut report).await;
    Ok(report)
}

/// The handshake that must succeed, and the same for a name that the certificate must not cover.
async fn verified(site: &Site, address: SocketAddr, report: &mut Report) {
    let stranger = format!("{}.invalid", Uuid::new_v4().simple());
    let (own, other) = tokio::join!(complete(site, address, site.host()), complete(site, address, &stranger));
    match own {
        Ok(()) => report.tried.push(format!("{address}: TLS 1.3 for {}: verified", site.host())),
        Err(Failure::Refused(reason)) => {
            report
                .flaw
                .get_or_insert(format!("the TLS 1.3 handshake with {} failed at {address}: {reason}", site.host()));
        }
        Err(Failure::Unreached(reason)) => {
            report.doubt.get_or_insert(format!("the TLS 1.3 handshake came to no end at {address}: {reason}"));
        }
    }
    match other {
        Ok(()) => {
            report.flaw.get_or_insert(format!("the certificate at {address} also covers a made-up name"));
        }
        Err(_) => report.tried.push(format!("{address}: TLS 1.3 for a made-up name: not verified")),
    }
}

/// A handshake that must be refused: accepting it as anything below TLS 1.3 breaks the promise.
#[derive(Clone, Debug)]
struct Attempt {
    name: &'static str,
    hello: ClientHello,
}

/// Ciphers of TLS 1.2 and before, the ones that old servers take first: ECDHE with AES-GCM, ChaCha20 and AES-CBC, then RSA
/// key exchange, 3DES and RC4.
const OLD_CIPHERS: [u16; 14] =
    [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0x000a, 0x0005];
/// The three ciphers of TLS 1.3.
const NEW_CIPHERS: [u16; 3] = [0x1301, 0x1302, 0x1303];
/// «I would have offered more, but a first try failed» (RFC 7507), as a client says after a downgrade.
const FALLBACK: u16 = 0x5600;

fn attempts(site: &Site) -> Vec<Attempt> {
    // Names only: an address is never sent as a server name (RFC 6066 section 3).
    let named = site.host().parse::<IpAddr>().is_err().then(|| site.host().to_owned());
    let old = |version, ciphers: &[u16]| ClientHello {
        version,
        ciphers: ciphers.to_vec(),
        server_name: named.clone(),
        extensions: version > SSL_3_0,
        ..ClientHello::default()
    };
    let both: Vec<u16> = NEW_CIPHERS.iter().chain(&OLD_CIPHERS).copied().collect();
    let fallback: Vec<u16> = OLD_CIPHERS.iter().copied().chain([FALLBACK]).collect();
    let new = |versions: &[u16], ciphers: &[u16], key_share| ClientHello {
        versions: versions.to_vec(),
        key_share,
        ..old(TLS_1_2, ciphers)
    };
    let attempt = |name, hello| Attempt { name, hello };
    vec![
        attempt("SSL 3.0", old(SSL_3_0, &OLD_CIPHERS)),
        attempt("TLS 1.0", old(TLS_1_0, &OLD_CIPHERS)),
        attempt("TLS 1.1", old(TLS_1_1, &OLD_CIPHERS)),
        attempt("TLS 1.2", old(TLS_1_2, &OLD_CIPHERS)),
        attempt("TLS 1.2 without a name", ClientHello { server_name: None, ..old(TLS_1_2, &OLD_CIPHERS) }),
        attempt("TLS 1.2 after a fallback", old(TLS_1_2, &fallback)),
        attempt("a TLS 1.3 hello that lists 1.2 only", new(&[TLS_1_2], &both, true)),
        attempt("a TLS 1.3 hello that lists 1.2 and older", new(&[TLS_1_2, TLS_1_1, TLS_1_0], &both, false)),
        attempt("a TLS 1.3 hello with old ciphers only", new(&[TLS_1_3, TLS_1_2], &OLD_CIPHERS, true)),
        attempt("a hello that prefers 1.2 to 1.3", new(&[TLS_1_2, TLS_1_3], &both, true)),
        attempt("version 1.3 without its extension", old(TLS_1_3, &both)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Certificate, Rehearsal, nobody, promise};
    use promises::Outcome;

    async fn outcome(site: &Site) -> (Outcome, String) {
        let finding = probe(site, &promise("tls-in", &[])).await;
        (finding.outcome(), finding.saw().to_owned())
    }

    #[tokio::test]
    async fn a_good_listener_holds() {
        let service = Rehearsal::good().await;
        let (outcome, saw) = outcome(&service.site).await;
        assert_eq!(outcome, Outcome::Held, "{saw}");
    }

    #[tokio::test]
    async fn old_versions_and_bad_certificates_are_found() {
        for certificate in [Certificate::Expired, Certificate::OtherName, Certificate::OtherRoot] {
            let service = Rehearsal::presenting(certificate, |_, _| {}).await;
            let (outcome, saw) = outcome(&service.site).await;
            assert_eq!(outcome, Outcome::Broke, "{saw}");
        }
        let old = Rehearsal::old().await;
        let (outcome, saw) = outcome(&old.site).await;
        assert_eq!(outcome, Outcome::Broke, "{saw}");
        assert!(saw.contains("accepted as TLS 1.2"), "{saw}");
    }

    #[tokio::test]
    async fn nobody_silence_and_hanging_up_prove_nothing() {
        assert_eq!(outcome(&nobody()).await.0, Outcome::Failed);
        assert_eq!(outcome(&Rehearsal::hung().await.site).await.0, Outcome::Failed);
        let rude = Rehearsal::raw(|stream| async move { drop(stream) }).await;
        assert_eq!(outcome(&rude.site).await.0, Outcome::Failed);
    }
}
