//! From where a request came.

use crate::problem::Failure;
use axum::{extract::FromRequestParts, http::request::Parts};
use kernel::Problem;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// The address at the other end of the connection, or that of the caller behind a trusted proxy. The edge sets it: a header
/// counts only when it comes from there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The network whose calls are counted together.
    #[must_use]
    pub const fn network(self) -> Network {
        Network::of(self.0)
    }
}

/// An address is personal: it does not get into a log by accident.
impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peer(..)")
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().copied().ok_or(Failure(Problem::internal()))
    }
}

/// What one subscriber usually has: one IPv4 address, or one IPv6 network of 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network([u8; 16]);

impl Network {
    /// The network of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => Self(address.to_ipv6_mapped().octets()),
                None => {
                    let [a, b, c, d, ..] = address.segments();
                    Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).octets())
                }
            },
        }
    }

    /// Its bytes, for a keyed hash.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_subscriber_is_one_network() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_ne!(of("::1"), of("127.0.0.1"));
        assert!(!format!("{:?} {:?}", Peer("192.0.2.1".parse().unwrap()), of("192.0.2.1")).contains("192"));
    }
}
