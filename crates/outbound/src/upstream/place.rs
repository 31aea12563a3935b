//! Where the application is. The way to it is not encrypted, so it must not leave the machine's own network.

use hyper::Uri;
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};
use tokio::net::TcpStream;

/// Host and port of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: u16,
}

/// Why an address is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Not of the form that is expected.
    #[error("`{0}` is no address of an application; expected one such as http://127.0.0.1:3000")]
    Shape(String),
    /// Anybody could reach it, and read what passes.
    #[error("{0} is a public address: the way to it would be neither encrypted nor closed to others")]
    Public(IpAddr),
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let shape = || PlaceError::Shape(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| shape())?;
        let authority = uri.authority().ok_or_else(shape)?;
        let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port_is_said = authority.as_str().len() > authority.host().len();
        if uri.scheme_str() != Some("http") || !bare || host.is_empty() || authority.as_str().contains('@') {
            return Err(shape());
        }
        let port = match authority.port_u16() {
            Some(0) => return Err(shape()),
            Some(port) => port,
            None if port_is_said => return Err(shape()),
            None => 80,
        };
        match host.parse() {
            Ok(address) if !is_near(address) => Err(PlaceError::Public(address)),
            _ => Ok(Self { host: host.to_owned(), port }),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

impl Place {
    /// The host, as it was configured.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Every address behind the host, with the port. A name that points outside is an error.
    ///
    /// # Errors
    /// The name does not resolve, or points to a public address.
    #[expect(clippy::disallowed_methods, reason = "this crate is the one that resolves names")]
    pub async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = match self.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, self.port)],
            Err(_) => tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect(),
        };
        match found.iter().find(|address| !is_near(address.ip())) {
            Some(public) => Err(io::Error::other(PlaceError::Public(public.ip()))),
            None => Ok(found),
        }
    }

    /// A connection to the application.
    #[expect(clippy::disallowed_methods, reason = "this crate is the one that dials")]
    pub(super) async fn dial(&self) -> io::Result<TcpStream> {
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for address in self.addresses().await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Without this a small request may wait for the application's delayed acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

/// Whether an address is the machine itself or of a private network (RFC 1918, RFC 4193, and link-local ones).
pub(super) fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => near_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| near_v6(v6), near_v4),
    }
}

const fn near_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

const fn near_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_or_refused_in_words() {
        let taken = |text: &str| text.parse::<Place>().map(|place| place.to_string());
        assert_eq!(taken("http://127.0.0.1:3000"), Ok("http://127.0.0.1:3000".to_owned()));
        assert_eq!(taken("http://127.0.0.1:3000/"), Ok("http://127.0.0.1:3000".to_owned()));
        assert_eq!(taken("http://[::1]:8000"), Ok("http://[::1]:8000".to_owned()));
        assert_eq!(taken("http://app"), Ok("http://app:80".to_owned()));
        assert_eq!(taken("http://10.1.2.3:1"), Ok("http://10.1.2.3:1".to_owned()));
        for odd in [
            "",
            "127.0.0.1:3000",
            "https://127.0.0.1:3000",
            "http://127.0.0.1:3000/app",
            "http://127.0.0.1:3000/?a",
            "http://u:p@127.0.0.1:3000",
            "http://127.0.0.1:0",
            "http://127.0.0.1:99999",
            "http://:80",
        ] {
            assert_eq!(taken(odd), Err(PlaceError::Shape(odd.to_owned())), "{odd}");
        }
        for public in ["8.8.8.8", "[2001:4860:4860::8888]", "0.0.0.0", "[::]", "[::ffff:8.8.8.8]"] {
            assert!(matches!(taken(&format!("http://{public}:80")), Err(PlaceError::Public(_))), "{public}");
        }
    }
}
