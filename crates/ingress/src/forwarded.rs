//! Whose request a load balancer passes on: `X-Forwarded-For`, believed of the peers that the operator named and of nobody else.
//!
//! Read from the right: each hop appends the address it was called from, so the last address that is no trusted proxy's own is
//! the caller's. Whatever stands left of it was written by the caller.

use crate::peer::Peer;
use axum::http::{HeaderMap, HeaderName};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

/// Why a text is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// It has another shape.
    #[error("expected a range of addresses such as 10.0.0.0/8 or 2001:db8::/32, or one address")]
    Shape,
    /// Bits are set that the range leaves open.
    #[error("the address has bits behind its prefix: is it one address, or is the prefix too short?")]
    Bits,
    /// It holds every address.
    #[error("a range of all addresses would let every caller choose an address")]
    All,
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let base: IpAddr = address.parse().map_err(|_| CidrError::Shape)?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let plain = |bits: &&str| !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = match bits {
            None => most,
            Some(bits) => Some(bits).filter(plain).and_then(|bits| bits.parse().ok()).ok_or(CidrError::Shape)?,
        };
        let range = Self { base, bits };
        match bits {
            0 => Err(CidrError::All),
            bits if bits > most => Err(CidrError::Shape),
            _ if range.cut(base) != Some(base) => Err(CidrError::Bits),
            _ => Ok(range),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl Cidr {
    /// Whether the address is in the range. An IPv4 address within IPv6 is the IPv4 address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.cut(address.to_canonical()) == Some(self.base)
    }

    /// The address without the bits that the range leaves open; `None` for one of the other kind.
    fn cut(&self, address: IpAddr) -> Option<IpAddr> {
        let bits = u32::from(self.bits);
        match (self.base, address) {
            (IpAddr::V4(_), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or_default();
                Some(IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask)))
            }
            (IpAddr::V6(_), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or_default();
                Some(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask)))
            }
            _ => None,
        }
    }
}

/// From where a request came: the other end of the connection, or, where that is a trusted proxy, the last address in
/// `X-Forwarded-For` that is none. Nothing behind an entry that cannot be read is believed.
#[must_use]
pub(crate) fn caller(peer: Peer, trusted: &[Cidr], headers: &HeaderMap) -> Peer {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.holds(address));
    if !is_trusted(peer.0) {
        return peer;
    }
    let lines: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("unreadable")).collect();
    let mut nearest = peer.0;
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(entry) else { break };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    Peer(nearest)
}

/// One entry: an address, or an address with a port, as some load balancers write it.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim_matches([' ', '\t']);
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    entry.parse().ok().or_else(with_port).or_else(bare).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn caller_of(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<Cidr> =
            ["10.0.0.0/8", "192.0.2.7", "2001:db8:ff::/48"].iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        caller(Peer(peer.parse().unwrap()), &trusted, &headers).0.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(caller_of("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(caller_of("192.0.2.8", &["198.51.100.1"]), "192.0.2.8", "one address is one address");
        assert_eq!(caller_of("192.0.2.7", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            caller_of("::ffff:10.1.2.3", &["198.51.100.1"]),
            "198.51.100.1",
            "the same proxy over a dual socket"
        );
        assert_eq!(caller_of("2001:db8:ff:1::1", &["2001:db8:1:2::3"]), "2001:db8:1:2::3");
        assert_eq!(caller_of("2001:db8:fe:1::1", &["2001:db8:1:2::3"]), "2001:db8:fe:1::1");
    }

    #[test]
    fn what_the_caller_wrote_stands_left_and_is_not_read() {
        assert_eq!(caller_of("10.0.0.1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(caller_of("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9", "two proxies");
        assert_eq!(caller_of("10.0.0.1", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9", "several lines are one list");
        assert_eq!(caller_of("10.0.0.1", &["203.0.113.9", "10.0.0.2,10.0.0.3"]), "203.0.113.9");
        assert_eq!(caller_of("10.0.0.1", &["10.0.0.9"]), "10.0.0.9", "a call of the proxies' own network");
        assert_eq!(caller_of("10.0.0.1", &["\u{e9}, 203.0.113.9"]), "10.0.0.1", "a line that is no text");
    }

    #[test]
    fn nothing_behind_what_cannot_be_read_is_believed() {
        for bad in [
            "",
            " ",
            ",",
            "unknown",
            "_hidden",
            "256.1.1.1",
            "1.1.1",
            "01.1.1.1",
            "1.1.1.1:x",
            "[::1",
            "::1]",
            "for=1.1.1.1",
            "1.1.1.1 2.2.2.2",
            "fe80::1%eth0",
            "\"1.1.1.1\"",
            "1.1.1.1:99999",
        ] {
            assert_eq!(caller_of("10.0.0.1", &[bad]), "10.0.0.1", "{bad}");
            assert_eq!(caller_of("10.0.0.1", &[&format!("9.9.9.9, {bad}")]), "10.0.0.1", "{bad}");
            assert_eq!(caller_of("10.0.0.1", &[&format!("9.9.9.9, {bad}, 10.0.0.2")]), "10.0.0.2", "{bad}");
            assert_eq!(caller_of("10.0.0.1", &[&format!("{bad}, 203.0.113.9")]), "203.0.113.9", "{bad}");
        }
        assert_eq!(caller_of("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn ports_are_dropped_and_one_subscriber_is_one_network() {
        assert_eq!(caller_of("10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(caller_of("10.0.0.1", &["[2001:db8:1:2::3]:4711"]), "2001:db8:1:2::3");
        assert_eq!(caller_of("10.0.0.1", &["[2001:db8:1:2::3]"]), "2001:db8:1:2::3");
        assert_eq!(caller_of("10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        let network = |text: &str| Peer(caller_of("10.0.0.1", &[text]).parse().unwrap()).network();
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
    }

    #[test]
    fn a_range_is_read_or_refused() {
        let read = |text: &str| text.parse::<Cidr>().map(|range| range.to_string());
        assert_eq!(read("10.0.0.0/8").as_deref(), Ok("10.0.0.0/8"));
        assert_eq!(read("192.0.2.1").as_deref(), Ok("192.0.2.1/32"));
        assert_eq!(read("::1").as_deref(), Ok("::1/128"));
        assert_eq!(read("128.0.0.0/1").as_deref(), Ok("128.0.0.0/1"));
        for bad in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0/8",
            "host/8",
            "10.0.0.0/8/8",
            "10.0.0.0/256",
        ] {
            assert_eq!(read(bad), Err(CidrError::Shape), "{bad}");
        }
        assert_eq!(read("10.0.0.1/8"), Err(CidrError::Bits));
        assert_eq!((read("0.0.0.0/0"), read("::/0")), (Err(CidrError::All), Err(CidrError::All)));
    }
}
