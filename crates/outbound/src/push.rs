//! Where messages are pushed to that somebody else must have: over verified TLS to a host of the register, or, on the machine
//! itself, over plain HTTP.

use crate::{
    Answer, Dialler, OutboundError,
    dial::dial_at,
    dialler::{Address, send_h1},
    traffic::Metered,
};
use hyper::{
    Request, Uri,
    header::{ACCEPT, CONTENT_TYPE, HOST},
};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};
use tokio::time::timeout;

/// How long a message to this machine may take, its answer included.
const ANSWER: Duration = Duration::from_secs(20);

/// An address that messages are pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    uri: Uri,
    address: Address,
    /// Where it is, if on this machine and without TLS.
    near: Option<SocketAddr>,
}

/// Why an address is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not of the form that is expected.
    #[error("`{0}` is no address to push to; expected one such as https://crm.example/events")]
    Shape(String),
    /// What passes there could be read by others.
    #[error(
        "`{0}` is not encrypted: plain http is taken for addresses of this machine alone, such as http://127.0.0.1:3000/events"
    )]
    Plain(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let shape = || EndpointError::Shape(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| shape())?;
        let authority = uri.authority().ok_or_else(shape)?;
        let port_is_said = authority.as_str().len() > authority.host().len();
        if (port_is_said && authority.port_u16().is_none_or(|port| port == 0)) || text.contains('#') {
            return Err(shape());
        }
        if uri.scheme_str() != Some("http") {
            let address = Address::of(&uri).map_err(|_| shape())?;
            return Ok(Self { uri, address, near: None });
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(shape());
        }
        let ip =
            if host.eq_ignore_ascii_case("localhost") { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() };
        let near = ip.filter(IpAddr::is_loopback).ok_or_else(|| EndpointError::Plain(text.to_owned()))?;
        let (port, authority) = (authority.port_u16().unwrap_or(80), authority.to_string());
        let near = Some(SocketAddr::new(near, port));
        Ok(Self { uri, address: Address { host, port, authority }, near })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl Endpoint {
    /// The host, which must be in the dialler's register.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// Pushes a message of this media type and reads the answer to its end. Redirects are not followed.
    ///
    /// # Errors
    /// No answer came, or nothing was sent; the text says which.
    pub async fn push(&self, dialler: &Dialler, media: &str, body: Vec<u8>) -> Result<Answer, OutboundError> {
        let request = Request::post(self.uri.clone()).header(CONTENT_TYPE, media).header(ACCEPT, "application/json");
        let mut request = request.body(body).map_err(|_| OutboundError::Address(self.uri.to_string()))?;
        let Some(near) = self.near else { return dialler.request(request).await };
        dialler.admit(&self.address)?;
        let authority = &self.address.authority;
        let host = authority.parse().map_err(|_| OutboundError::Address(authority.clone()))?;
        request.headers_mut().insert(HOST, host);
        let (host, seconds) = (self.address.host.clone(), ANSWER.as_secs());
        let exchange = timeout(ANSWER, self.near(dialler, near, request)).await;
        exchange.unwrap_or(Err(OutboundError::Deadline { host, seconds }))
    }

    async fn near(
        &self,
        dialler: &Dialler,
        near: SocketAddr,
        request: Request<Vec<u8>>,
    ) -> Result<Answer, OutboundError> {
        let host = &self.address.host;
        let unreachable =
            |error: std::io::Error| OutboundError::Unreachable { host: host.clone(), reason: error.to_string() };
        let stream = dial_at(near, None).await.map_err(unreachable)?;
        send_h1(Metered::new(stream, dialler.traffic().meter(host)), &self.address, request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Register, Trust};
    use std::sync::Arc;
    use tokio::{
        io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
        net::TcpListener,
        task::JoinHandle,
    };
    use tokio_rustls::TlsAcceptor;

    /// Reads a message that ends with its body, answers 202, and yields the message.
    async fn take(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
        let mut message = Vec::new();
        while !message.ends_with(b"\r\n\r\na token") {
            assert_ne!(stream.read_buf(&mut message).await.unwrap(), 0, "it ended within a message");
        }
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(message).unwrap().to_lowercase()
    }

    /// Somebody who takes one message over TLS, and the root that its certificate needs.
    async fn sealed() -> (u16, String, JoinHandle<Option<String>>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], made.signing_key.serialize_der().try_into().unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taking = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            Some(take(TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?).await)
        });
        (port, made.cert.pem(), taking)
    }

    async fn pushed(url: &str, trust: Trust) -> Result<Answer, OutboundError> {
        let endpoint: Endpoint = url.parse().unwrap();
        let dialler = Dialler::new(Register::only(endpoint.host()), trust);
        endpoint.push(&dialler, "text/plain", b"a token".to_vec()).await
    }

    #[tokio::test]
    async fn what_is_pushed_elsewhere_goes_over_verified_tls() {
        let (port, root, taking) = sealed().await;
        let url = format!("https://localhost:{port}/events?of=us");
        assert_eq!(pushed(&url, Trust::none().with_pem(&root).unwrap()).await.unwrap().status, 202);
        let message = taking.await.unwrap().unwrap();
        assert!(message.starts_with("post /events?of=us http/1.1\r\n"), "{message}");
        assert!(message.contains(&format!("\r\nhost: localhost:{port}\r\n")), "{message}");
        // To somebody whose certificate nobody vouches for nothing is said.
        let (port, _, taking) = sealed().await;
        let error = pushed(&format!("https://localhost:{port}/"), Trust::none()).await.unwrap_err();
        assert!(matches!(error, OutboundError::Tls { .. }), "{error}");
        assert_eq!(taking.await.unwrap(), None);
    }

    #[tokio::test]
    async fn whoever_does_not_answer_is_given_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let silent = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        // Time stands, and goes on by itself where everybody waits for it.
        tokio::time::pause();
        let error = pushed(&url, Trust::none()).await.unwrap_err();
        assert_eq!(error, OutboundError::Deadline { host: "127.0.0.1".to_owned(), seconds: ANSWER.as_secs() });
        assert!(silent.await.unwrap() > 0, "the message was sent, and the connection ended");
    }

    fn refused(text: &str) -> EndpointError {
        text.parse::<Endpoint>().unwrap_err()
    }

    #[test]
    fn an_address_is_taken_or_refused_in_words() {
        for (text, host) in [
            ("https://crm.example/events?tenant=1", "crm.example"),
            ("https://crm.example:8443", "crm.example"),
            ("http://127.0.0.1:3000/events", "127.0.0.1"),
            ("http://[::1]/events", "::1"),
            ("http://localhost:1/", "localhost"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().host(), host, "{text}");
        }
        for odd in [
            "",
            "crm.example",
            "/events",
            "ftp://crm.example/",
            "https://user:word@crm.example/",
            "https://crm.example:0/",
            "https://crm.example:99999/",
            "https://crm.example/#part",
            "http://a@127.0.0.1/",
        ] {
            assert_eq!(refused(odd), EndpointError::Shape(odd.to_owned()), "{odd}");
        }
        for open in ["http://crm.example/", "http://10.0.0.1/", "http://8.8.8.8/", "http://localhost.example/"] {
            assert_eq!(refused(open), EndpointError::Plain(open.to_owned()), "{open}");
        }
    }

    #[tokio::test]
    async fn nothing_is_pushed_to_a_host_outside_the_register() {
        let dialler = Dialler::new(Register::only("crm.example"), Trust::none());
        for url in ["http://127.0.0.1:1/", "https://other.example/"] {
            let endpoint: Endpoint = url.parse().unwrap();
            let pushed = endpoint.push(&dialler, "text/plain", Vec::new()).await;
            assert_eq!(pushed.unwrap_err(), OutboundError::Unregistered(endpoint.host().to_owned()));
        }
    }
}
