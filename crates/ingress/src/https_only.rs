//! Control `https-only`: plain HTTP gets a redirect to HTTPS and nothing else; no cookie ever travels in the clear.

use crate::survey::{Seen, Survey};
use kernel::Span;
use outbound::{Answer, OutboundError, Site};
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling, On},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
    time::timeout,
};
use uuid::Uuid;

/// The status of the answer to plain HTTP. 308 keeps the method, so that a client that posted in the clear is told so
/// instead of being turned into a reader.
pub const REDIRECT_STATUS: u16 = 308;

/// Where plain HTTP is sent: the same path at the service's own HTTPS authority (`host` or `host:port`). The request's
/// `Host` is not asked, because a redirect to a host that the caller chose would be an open one. `None` where `target` is
/// no path (a CONNECT, an absolute URL, bytes that a header cannot carry): such a request is answered with 400.
#[must_use]
pub fn location(authority: &str, target: &str) -> Option<String> {
    let plain = target.bytes().all(|byte| byte.is_ascii_graphic());
    (target.starts_with('/') && plain).then(|| format!("https://{authority}{target}"))
}

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "https-only",
    title: "HTTPS only",
    about: "The listener reads the first byte of a connection: what is no TLS handshake gets a 308 to the same path over \
            HTTPS, without content and without cookies. The probe asks several paths with several methods in the clear (at \
            the service's own port, and at port 80 where the service is at 443): every answer must be a redirect to the \
            same host over HTTPS, with no more content than a note and with no cookie; where nothing answers in the clear, that \
            is as good, but bytes that are no HTTP are not nothing. It then walks the service over HTTPS: no cookie without `Secure`, no redirect into the clear, no page \
            that loads anything, or sends a form, in the clear.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(5),
    freshness: Span::minutes(30),
    covers: &["only", "every route", "all routes"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(a)"],
        iso27001: &["8.24", "8.21"],
        soc2: &["CC6.7"],
        asvs: &["3.3.1", "12.2.1"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "plain-http-serves-pages",
        about: "Plain HTTP is answered with the page instead of a redirect.",
        breaks: &["https-only"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::ServePlain]),
        bites: Bites::Plain("/trust", 200),
    },
    Fault {
        id: "cookie-without-secure-on-one-route",
        about: "The machine-readable page sets a cookie that also travels in the clear.",
        breaks: &["https-only"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::SetHeader(On::Path("/trust.json"), "set-cookie", "trace=1; Path=/; HttpOnly")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "mixed-content-on-one-page",
        about: "The page of changes loads a picture over plain HTTP.",
        breaks: &["https-only"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::Replace(
            On::Path("/trust/changes"),
            "</body>",
            "<img alt=\"\" src=\"http://pictures.invalid/dot.png\"></body>",
        )]),
        bites: Bites::Body("/trust/changes", "http://pictures.invalid/dot.png"),
    },
];

/// The longest note that may accompany a redirect, in bytes. RFC 9110 section 15.4 suggests one; browsers do not show it.
const NOTE: usize = 512;

/// Attacks the promise: asks in the clear, walks the service, and judges what was seen.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    probe_with(site, &Survey::take(site).await, promise).await
}

/// Asks in the clear, and judges an existing survey.
pub async fn probe_with(site: &Site, survey: &Survey, _promise: &Promise) -> Finding {
    let answers = ask_in_the_clear(site).await;
    let count = answers.len();
    let mut redirects = 0;
    let mut doubt = None;
    for (request, answer, heard) in answers {
        match verdict(site, &answer, &heard) {
            Plain::Flaw(flaw) => {
                return Finding::broke(format!("plain {request}: {flaw}"))
                    .tried("asked in the clear")
                    .covered("plain requests", count);
            }
            Plain::Doubt(reason) => doubt = Some(format!("plain {request}: {reason}")),
            Plain::Redirect => redirects += 1,
            Plain::Nothing => {}
        }
    }
    let over_https =
        survey.judge("no Set-Cookie without Secure, nothing loaded in the clear", |seen| seen.secure, flaw);
    let finding = match doubt {
        Some(doubt) if over_https.outcome() != promises::Outcome::Broke => Finding::failed(doubt),
        _ => over_https,
    };
    finding
        .tried(format!(
            "sent {count} requests in the clear to port {}: {redirects} redirects, no page",
            site.plain_port()
        ))
        .covered("plain requests", count)
}

/// What came of one request in the clear.
#[derive(Debug, PartialEq, Eq)]
enum Plain {
    Redirect,
    Nothing,
    Flaw(String),
    Doubt(String),
}

/// As a proxy on the way would claim it: the listener must look at the connection, not at what is said of it.
const HEADERS: [(&str, &str); 2] = [("content-type", "application/json"), ("x-forwarded-proto", "https")];

/// How long an answer that no client understands is listened to, and how much of it.
const PATIENCE: Duration = Duration::from_secs(3);
const SNIPPET: u64 = 4_096;

/// Each request with its answer and, where that could not be understood, the bytes that came in the clear.
async fn ask_in_the_clear(site: &Site) -> Vec<(String, Result<Answer, OutboundError>, Vec<u8>)> {
    let nowhere = format!("/{}", Uuid::new_v4().simple());
    let asks = [
        ("GET", "/"),
        ("GET", "/trust"),
        ("HEAD", "/trust"),
        ("POST", "/trust"),
        ("GET", "/trust.json"),
        ("GET", "/ledger/checkpoint"),
        ("GET", "/api/me"),
        ("POST", "/api/notes"),
        ("POST", "/reports/csp"),
        ("OPTIONS", "/"),
        ("PUT", nowhere.as_str()),
        ("GET", nowhere.as_str()),
    ];
    let mut flying = JoinSet::new();
    for (method, path) in asks {
        let (site, path) = (site.clone(), path.to_owned());
        flying.spawn(async move {
            let body: &[u8] = if method == "POST" || method == "PUT" { b"{}" } else { b"" };
            let answer = site.plain_send(method, &path, &HEADERS, body).await;
            let heard = match &answer {
                Ok(_) | Err(OutboundError::Unreachable { .. }) => Vec::new(),
                // Whatever no client understands may still be a page to whoever listens on the way.
                Err(_) => overhear(&site, method, &path, body).await.unwrap_or_default(),
            };
            (format!("{method} {path}"), answer, heard)
        });
    }
    flying.join_all().await
}

/// Says the same once more by hand, and takes down what comes back, whatever it is.
async fn overhear(site: &Site, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, OutboundError> {
    let (host, length) = (site.host(), body.len());
    let fields: String = HEADERS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{fields}content-length: {length}\r\n\r\n");
    let mut heard = Vec::new();
    for mut address in site.addresses().await? {
        address.set_port(site.plain_port());
        let Ok(mut stream) = site.connect_to(address).await else { continue };
        let talk = async {
            stream.write_all(&[head.as_bytes(), body].concat()).await?;
            (&mut stream).take(SNIPPET).read_to_end(&mut heard).await
        };
        // What was heard until the peer broke off, or the patience ended, was heard.
        drop(timeout(PATIENCE, talk).await);
        if !heard.is_empty() {
            break;
        }
    }
    Ok(heard)
}

fn verdict(site: &Site, answer: &Result<Answer, OutboundError>, heard: &[u8]) -> Plain {
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) if !heard.is_empty() && !is_tls_alert(heard) => {
            return Plain::Flaw(format!("answered with {} bytes that are no redirect", heard.len()));
        }
        // Nobody is there, or whoever is there speaks no HTTP in the clear: nothing was served.
        Err(OutboundError::Unreachable { .. } | OutboundError::Protocol { .. }) => return Plain::Nothing,
        Err(error) => return Plain::Doubt(error.to_string()),
    };
    if answer.headers.contains_key("set-cookie") {
        return Plain::Flaw("sets a cookie".to_owned());
    }
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Plain::Flaw(format!(
            "answered with {} and {} bytes instead of a redirect",
            answer.status,
            answer.body.len()
        ));
    }
    if answer.body.len() > NOTE {
        return Plain::Flaw(format!("a redirect that carries {} bytes of content", answer.body.len()));
    }
    match answer.header("location") {
        Some(location) if leads_home(site, location) => Plain::Redirect,
        Some(location) => Plain::Flaw(format!("redirects to `{location}` instead of {}", site.url())),
        None => Plain::Flaw("a redirect without a location".to_owned()),
    }
}

/// How a TLS listener refuses what is no handshake: one record of type 21 with two bytes, and nothing after it.
fn is_tls_alert(bytes: &[u8]) -> bool {
    matches!(bytes, [21, 3, _, 0, 2, _, _])
}

/// Whether an address is at the site's own https host and port.
fn leads_home(site: &Site, location: &str) -> bool {
    let with_port = format!("https://{}:{}", site.host(), site.port());
    [site.url(), &with_port].iter().any(|origin| {
        let head = location.get(..origin.len()).is_some_and(|head| head.eq_ignore_ascii_case(origin));
        let rest = location.get(origin.len()..).unwrap_or_default();
        head && (rest.is_empty() || rest.starts_with(['/', '?', '#']))
    })
}

fn flaw(seen: &Seen) -> Option<String> {
    let insecure = |cookie: &&&str| !cookie.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case("secure"));
    if let Some(cookie) = seen.values("set-cookie").iter().find(insecure) {
        let name = cookie.split('=').next().unwrap_or_default();
        return Some(format!("the cookie `{name}` is not Secure"));
    }
    let plain = |url: &str| url.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("http://"));
    if let Some(location) = seen.answer.header("location").filter(|location| plain(location)) {
        return Some(format!("redirects into the clear, to `{location}`"));
    }
    let link = seen.links().into_iter().find(|link| link.is_loaded() && plain(&link.url))?;
    Some(format!("<{}> loads `{}` in the clear", link.element, link.url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Rehearsal, Reply, nobody, promise};
    use outbound::Trust;
    use promises::Outcome;

    #[test]
    fn a_redirect_goes_home() {
        let site = Site::new("https://a.test:8443", Trust::none()).unwrap();
        for home in ["https://a.test:8443", "https://A.test:8443/x?y", "https://a.test:8443?x"] {
            assert!(leads_home(&site, home), "{home}");
        }
        let site_443 = Site::new("https://a.test", Trust::none()).unwrap();
        assert!(leads_home(&site_443, "https://a.test/") && leads_home(&site_443, "https://a.test:443/"));
        for elsewhere in [
            "http://a.test:8443/",
            "https://a.test/",
            "https://a.test:84430/",
            "https://a.test:8443.b.test/",
            "https://a.test:8443@b.test/",
            "/x",
            "",
        ] {
            assert!(!leads_home(&site, elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn only_paths_are_redirected() {
        assert_eq!(location("a.test:8443", "/x?y").as_deref(), Some("https://a.test:8443/x?y"));
        for refused in ["", "x", "http://b.test/", "@b.test", "/a\r\nb: c", "/ x"] {
            assert_eq!(location("a.test", refused), None, "{refused}");
        }
    }

    #[tokio::test]
    async fn it_is_judged_in_the_clear_and_over_https() {
        let page = |reply: &mut Reply| *reply = Reply::new(200, "text/html", "<p>words");
        let services = [
            (Rehearsal::good().await, Outcome::Held),
            (
                Rehearsal::with(move |asked, reply| {
                    if !asked.secure {
                        page(reply)
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(move |asked, reply| {
                    if !asked.secure && asked.method == "PUT" {
                        page(reply)
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(|asked, reply| {
                    if !asked.secure {
                        reply.set("location", "https://elsewhere.test/")
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(|asked, reply| {
                    if !asked.secure {
                        reply.add("set-cookie", "a=1; Secure")
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(|asked, reply| {
                    if !asked.secure {
                        reply.body = "x".repeat(2000)
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(|_, reply| {
                    if reply.status == 404 {
                        reply.add("set-cookie", "a=1; HttpOnly")
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (Rehearsal::with(|_, reply| reply.add("set-cookie", "a=1; secure")).await, Outcome::Broke),
            (
                Rehearsal::with(|asked, reply| {
                    if asked.secure {
                        reply.add("set-cookie", "a=1; secure")
                    }
                })
                .await,
                Outcome::Held,
            ),
            (
                Rehearsal::with(|asked, reply| {
                    if asked.path == "/trust/changes" && asked.secure {
                        reply.body.push_str("<img src=http://x.test>")
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(|_, reply| {
                    if reply.status == 303 {
                        reply.set("location", "http://localhost/trust")
                    }
                })
                .await,
                Outcome::Broke,
            ),
        ];
        for (number, (service, expected)) in services.iter().enumerate() {
            let finding = probe(&service.site, &promise("https-only", &[])).await;
            assert_eq!(finding.outcome(), *expected, "{number}: {}", finding.saw());
        }
    }

    #[tokio::test]
    async fn bytes_that_no_client_understands_are_served_all_the_same() {
        const PAGE: &[u8] = b"<p>words";
        const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 70];
        let cases: [(&[u8], Outcome); 5] = [
            (b"HTTP/1.1 200 OK\r\nX Bad: 1\r\n\r\n<p>words", Outcome::Broke),
            (b"HTTP/1.1 308 Permanent Redirect\r\nX Bad: 1\r\nLocation: https://localhost/\r\n\r\n", Outcome::Broke),
            (PAGE, Outcome::Broke),
            (ALERT, Outcome::Failed),
            (b"", Outcome::Failed),
        ];
        for (answer, expected) in cases {
            let service = Rehearsal::raw(move |mut stream| async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer).await;
            })
            .await;
            let finding = probe(&service.site, &promise("https-only", &[])).await;
            // Over HTTPS nobody answers here: that alone proves nothing.
            assert_eq!(finding.outcome(), expected, "{answer:?}: {}", finding.saw());
        }
    }

    #[tokio::test]
    async fn nobody_and_silence_prove_nothing() {
        assert_eq!(probe(&nobody(), &promise("https-only", &[])).await.outcome(), Outcome::Failed);
        let hung = Rehearsal::hung().await;
        assert_eq!(probe(&hung.site, &promise("https-only", &[])).await.outcome(), Outcome::Failed);
    }
}
