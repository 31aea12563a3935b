//! Trying doors: whether a port of this machine, or of a name, is open to others than the machine itself.

use crate::OutboundError;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// How long a door may take to open. One that takes longer is no door.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a connection to the address comes about.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that dials")]
pub async fn is_open(address: SocketAddr) -> bool {
    matches!(timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_)))
}

/// The addresses of a name.
///
/// # Errors
/// It does not resolve.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that resolves names")]
pub async fn addresses_of(host: &str) -> Result<Vec<IpAddr>, OutboundError> {
    let unreachable = |reason: String| OutboundError::Unreachable { host: host.to_owned(), reason };
    let found = timeout(PATIENCE, tokio::net::lookup_host((host, 0))).await;
    let found = found.map_err(|_| unreachable("the name took too long to resolve".to_owned()))?;
    Ok(found.map_err(|error| unreachable(error.to_string()))?.map(|address| address.ip()).collect())
}

/// The addresses of this machine at which others may reach it: all but loopback and link-local ones.
///
/// # Errors
/// The kernel does not say, as where it is not Linux.
pub fn own_addresses() -> std::io::Result<BTreeSet<IpAddr>> {
    let routes = std::fs::read_to_string("/proc/net/fib_trie")?;
    // Absent where the kernel has no IPv6.
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    Ok(v4(&routes).chain(v6(&interfaces)).collect())
}

/// The addresses that the routing table calls local: a line with the address, then one that ends in `host LOCAL`.
fn v4(table: &str) -> impl Iterator<Item = IpAddr> {
    table.lines().zip(table.lines().skip(1)).filter_map(|(line, next)| {
        let address: Ipv4Addr = line.trim().strip_prefix("|-- ")?.parse().ok()?;
        let local = next.trim().ends_with("host LOCAL");
        (local && !address.is_loopback() && !address.is_link_local()).then_some(IpAddr::V4(address))
    })
}

/// One address a line, as 32 hexadecimal digits first.
fn v6(table: &str) -> impl Iterator<Item = IpAddr> {
    table.lines().filter_map(|line| {
        let digits = line.split_whitespace().next().filter(|digits| digits.len() == 32)?;
        let address = Ipv6Addr::from(u128::from_str_radix(digits, 16).ok()?);
        (!address.is_loopback() && !address.is_unicast_link_local()).then_some(IpAddr::V6(address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 10.0.2.0/24 2 0 2\n        \
                     |-- 10.0.2.0\n           /24 link UNICAST\n        |-- 10.0.2.15\n           /32 host LOCAL\n        |-- \
                     127.0.0.1\n           /32 host LOCAL\n";
        assert_eq!(v4(table).collect::<Vec<_>>(), ["10.0.2.15".parse::<IpAddr>().unwrap()]);
        let table = "00000000000000000000000000000001 01 80 10 80       lo\nfe80000000000000000000000000abcd 02 40 20 80     \
                     eth0\n20010db8000000000000000000000001 02 40 00 80     eth0\n";
        assert_eq!(v6(table).collect::<Vec<_>>(), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
    }
}
