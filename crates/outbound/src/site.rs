//! A service seen from outside.

use crate::{
    Answer, Dialler, OutboundError, Register, Trust,
    dial::{dial, dial_at},
    dialler::{Address, send_h1},
};
use hyper::{Request, Uri};
use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
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
    source: Option<IpAddr>,
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
        Ok(Self { url: format!("https://{}", address.authority), address, trust, dialler, source: None })
    }

    /// The same service, called from another address of this machine, over connections of its own.
    #[must_use]
    pub fn from_address(&self, source: IpAddr) -> Self {
        let dialler = Dialler::calling_from(Register::only(&self.address.host), self.trust.clone(), Some(source));
        Self { dialler, source: Some(source), ..self.clone() }
    }

    /// The same service as a stranger would call it who shares no address with anybody: where the service is on this
    /// machine, from a loopback address drawn at random. Elsewhere this machine has one address, and the calls come from
    /// there; they share no connection with others all the same.
    pub async fn elsewhere(&self) -> Self {
        let here =
            self.addresses().await.is_ok_and(|all| all.iter().any(|at| at.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)));
        if here {
            return self.from_address(IpAddr::V4(any_loopback()));
        }
        let dialler = Dialler::new(Register::only(&self.address.host), self.trust.clone());
        Self { dialler, ..self.clone() }
    }

    /// Whether calls come from an address that was chosen for them.
    #[must_use]
    pub const fn has_own_address(&self) -> bool {
        self.source.is_some()
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
    pub async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, OutboundError> {
        let stream = timeout(PATIENCE, dial_at(address, self.source)).await;
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

    async fn connect_port(&self, port: u16) -> Result<TcpStream, OutboundError> {
        let stream = timeout(PATIENCE, dial(&self.address.host, port, self.source)).await;
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

/// An address of this machine's loopback network, other than the usual one. Nothing secret depends on it.
fn any_loopback() -> Ipv4Addr {
    let [a, b, c, ..] = RandomState::new().hash_one(PATIENCE).to_be_bytes();
    Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_stranger_calls_from_an_address_of_their_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Site::new(&format!("https://localhost:{}", listener.local_addr().unwrap().port()), Trust::none());
        let site = site.unwrap();
        let stranger = site.elsewhere().await;
        let _open = stranger.connect().await.unwrap();
        let first = listener.accept().await.unwrap().1.ip();
        assert!(first.is_loopback() && first != IpAddr::V4(Ipv4Addr::LOCALHOST), "{first}");
        assert_eq!(Some(first), stranger.source);
        let _open = site.connect().await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
}
