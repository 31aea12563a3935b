//! A service seen from outside.

use crate::{
    Answer, Dialler, OutboundError, Register, Trust,
    dialler::{Address, send_h1},
};
use hyper::{Request, Uri};
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// How long a raw connection may take, and a plain answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A service seen from outside: its public address, and whose certificates are believed there. Clones share connections.
#[derive(Clone)]
pub struct Site {
    url: String,
    address: Address,
    trust: Trust,
    dialler: Dialler,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Site({})", self.url)
    }
}

impl Site {
    /// The service at an address such as `https://example.com` or `https://localhost:8443`; a path is dropped.
    ///
    /// # Errors
    /// The address is not https, or names no host.
    pub fn new(url: &str, trust: Trust) -> Result<Self, OutboundError> {
        let uri: Uri = url.parse().map_err(|_| OutboundError::Address(url.to_owned()))?;
        let address = Address::of(&uri)?;
        let dialler = Dialler::new(Register::only(&address.host), trust.clone());
        Ok(Self { url: format!("https://{}", address.authority), address, trust, dialler })
    }

    /// The address without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The host name or address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// The port of the https listener.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port
    }

    /// Whose certificates are believed.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// GET of a path.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, path: &str) -> Result<Answer, OutboundError> {
        self.send("GET", path, &[], &[]).await
    }

    /// A request of any method.
    ///
    /// # Errors
    /// The request cannot be formed, or no answer came.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, OutboundError> {
        self.dialler.request(self.form(method, path, headers, body)?).await
    }

    /// GET of a path over plain HTTP: at port 80 where the service stands on 443, else at its own port. Redirects are
    /// not followed.
    ///
    /// # Errors
    /// No answer came.
    pub async fn plain(&self, path: &str) -> Result<Answer, OutboundError> {
        self.plain_send("GET", path, &[], &[]).await
    }

    /// A request of any method over plain HTTP, as [`Site::plain`].
    ///
    /// # Errors
    /// The request cannot be formed, or no answer came.
    pub async fn plain_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, OutboundError> {
        let request = self.form(method, path, headers, body)?;
        let stream = self.connect_port(self.plain_port()).await?;
        let host = self.address.host.clone();
        timeout(PATIENCE, send_h1(stream, &self.address, request))
            .await
            .unwrap_or(Err(OutboundError::Deadline { host, seconds: PATIENCE.as_secs() }))
    }

    /// The port at which plain HTTP is tried.
    #[must_use]
    pub const fn plain_port(&self) -> u16 {
        if self.address.port == 443 { 80 } else { self.address.port }
    }

    /// A bare connection to the https port, for handshakes made by hand.
    ///
    /// # Errors
    /// No connection came about.
    pub async fn connect(&self) -> Result<TcpStream, OutboundError> {
        self.connect_port(self.address.port).await
    }

    /// A bare connection to one address of the service.
    ///
    /// # Errors
    /// No connection came about.
    #[expect(clippy::disallowed_methods, reason = "this crate is the one that dials")]
    pub async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, OutboundError> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await;
        stream.map_or_else(
            |_| Err(self.unreachable("no connection in time")),
            |s| s.map_err(|e| self.unreachable(&e.to_string())),
        )
    }

    /// Every address that the host name resolves to, with the https port.
    ///
    /// # Errors
    /// The name does not resolve.
    #[expect(clippy::disallowed_methods, reason = "this crate is the one that resolves names")]
    pub async fn addresses(&self) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = tokio::net::lookup_host((self.address.host.as_str(), self.address.port)).await;
        found.map(Iterator::collect).map_err(|error| self.unreachable(&error.to_string()))
    }

    #[expect(clippy::disallowed_methods, reason = "this crate is the one that dials")]
    async fn connect_port(&self, port: u16) -> Result<TcpStream, OutboundError> {
        let stream = timeout(PATIENCE, TcpStream::connect((self.address.host.as_str(), port))).await;
        stream.map_or_else(
            |_| Err(self.unreachable("no connection in time")),
            |s| s.map_err(|e| self.unreachable(&e.to_string())),
        )
    }

    fn unreachable(&self, reason: &str) -> OutboundError {
        OutboundError::Unreachable { host: self.address.host.clone(), reason: reason.to_owned() }
    }

    fn form(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Request<Vec<u8>>, OutboundError> {
        let uri = format!("{}{path}", self.url);
        let mut request = Request::builder().method(method).uri(&uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_vec()).map_err(|_| OutboundError::Address(uri))
    }
}
