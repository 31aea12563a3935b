//! One TCP connection, from an address of one's choice where that matters.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};
use tokio::net::{TcpSocket, TcpStream};

/// Connects to the first address of the host that answers.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that dials")]
pub(crate) async fn dial(host: &str, port: u16, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect((host, port)).await };
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address of that family");
    for to in tokio::net::lookup_host((host, port)).await?.filter(|to| to.is_ipv4() == source.is_ipv4()) {
        match dial_at(to, Some(source)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects to an address.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that dials")]
pub(crate) async fn dial_at(to: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(to).await };
    let socket = if source.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(to).await
}
