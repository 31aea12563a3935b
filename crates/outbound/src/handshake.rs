//! Handshakes from the attacker's side: one that a server must refuse, and one that must succeed.

use crate::{
    OutboundError, Site,
    hello::{ClientHello, RECORD_ALERT, RECORD_HANDSHAKE, Reader, SUPPORTED_VERSIONS, TLS_1_2},
};
use rustls::pki_types::ServerName;
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long a server may take to answer a first message, and to finish a handshake.
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest record (RFC 8446 section 5.2).
const LONGEST: usize = 16_384 + 256;
const SERVER_HELLO: u8 = 2;
const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;

/// What a server answered to a first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An alert that ends the connection, by its number (RFC 8446 section 6).
    Alert(u8),
    /// The connection was closed without a word.
    Closed,
    /// The handshake goes on, at this version.
    ServerHello(u16),
    /// Something that is no TLS.
    Foreign,
    /// Nothing within the deadline.
    Silent,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(number) => write!(f, "alert {number}"),
            Self::Closed => f.write_str("connection closed"),
            Self::ServerHello(version) => write!(f, "accepted as {}", name_of(*version)),
            Self::Foreign => f.write_str("an answer that is no TLS"),
            Self::Silent => f.write_str("no answer"),
        }
    }
}

/// A version as people say it.
#[must_use]
pub fn name_of(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301..=0x0304 => format!("TLS 1.{}", version - 0x0301),
        other => format!("version {other:#06x}"),
    }
}

/// Sends a first message to one address of the site and reads how the server takes it.
///
/// # Errors
/// No connection came about.
pub async fn offer(site: &Site, address: SocketAddr, hello: &ClientHello) -> Result<Reply, OutboundError> {
    let mut stream = site.connect_to(address).await?;
    // A server may close before it has read everything; what it said is judged all the same.
    let _ = stream.write_all(&hello.bytes()).await;
    Ok(timeout(PATIENCE, reply(&mut stream)).await.unwrap_or(Reply::Silent))
}

/// Reads records until one decides. A warning does not: servers warn about a name they do not know, and go on.
async fn reply(stream: &mut TcpStream) -> Reply {
    loop {
        let mut head = [0_u8; 5];
        if let Err(reply) = fill(stream, &mut head).await {
            return reply;
        }
        let [kind, major, _, high, low] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if major != 3 || length == 0 || length > LONGEST || !matches!(kind, RECORD_ALERT | RECORD_HANDSHAKE) {
            return Reply::Foreign;
        }
        let mut body = vec![0_u8; length];
        if let Err(reply) = fill(stream, &mut body).await {
            return reply;
        }
        match (kind, body.as_slice()) {
            (RECORD_ALERT, [WARNING, number, ..]) if *number != CLOSE_NOTIFY => {}
            (RECORD_ALERT, [_, number, ..]) => return Reply::Alert(*number),
            (RECORD_HANDSHAKE, body) => return server_hello(body).map_or(Reply::Foreign, Reply::ServerHello),
            _ => return Reply::Foreign,
        }
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Reply> {
    match stream.read_exact(buffer).await {
        Ok(_) => Ok(()),
        Err(_) => Err(Reply::Closed),
    }
}

/// The version that a ServerHello chose: the extension where there is one, else the version in the message.
fn server_hello(message: &[u8]) -> Option<u16> {
    let mut reader = Reader(message);
    if reader.byte()? != SERVER_HELLO {
        return None;
    }
    reader.take(3)?;
    let version = reader.number()?;
    // The rest may continue in a further record; the version alone decides then.
    Some(chosen(&mut reader).unwrap_or(version))
}

fn chosen(reader: &mut Reader<'_>) -> Option<u16> {
    reader.take(32)?;
    reader.short_list()?;
    reader.take(3)?;
    let mut extensions = Reader(reader.list()?);
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let body = extensions.list()?;
        if kind == SUPPORTED_VERSIONS {
            return Reader(body).number();
        }
    }
    None
}

/// Why a whole handshake did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server was not reached, broke off or fell silent: nothing is known.
    Unreached(String),
    /// The server was reached, and what it presented or chose was refused.
    Refused(String),
}

/// A whole TLS 1.3 handshake with one address of the site, under the roots that the site is trusted by, for `name`.
///
/// # Errors
/// The handshake did not succeed; whether the server was reached makes the difference.
pub async fn complete(site: &Site, address: SocketAddr, name: &str) -> Result<(), Failure> {
    let server = ServerName::try_from(name.to_owned()).map_err(|error| Failure::Unreached(error.to_string()))?;
    let stream = site.connect_to(address).await.map_err(|error| Failure::Unreached(error.to_string()))?;
    let shake = TlsConnector::from(site.trust().config()).connect(server, stream);
    match timeout(PATIENCE, shake).await {
        Err(_) => Err(Failure::Unreached(format!("no handshake within {} s", PATIENCE.as_secs()))),
        Ok(Err(error)) => Err(judge(&error)),
        Ok(Ok(_)) => Ok(()),
    }
}

fn judge(error: &std::io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(refused) => Failure::Refused(refused.to_string()),
        None => Failure::Unreached(error.to_string()),
    }
}

/// The answer of a server that speaks TLS 1.2 and no more: a ServerHello that chooses `cipher`, in one record.
#[must_use]
pub(crate) fn old_server_hello(cipher: u16) -> Vec<u8> {
    let mut body = TLS_1_2.to_be_bytes().to_vec();
    body.extend([0x42; 32]);
    body.push(0);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    let mut record = vec![RECORD_HANDSHAKE, 3, 3, 0, length + 4, SERVER_HELLO, 0, 0, length];
    record.extend(body);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_chosen_version_is_the_extensions() {
        let old = old_server_hello(0xc02f);
        assert_eq!(server_hello(old.get(5..).unwrap_or_default()), Some(TLS_1_2));
        let mut new = old.get(5..).unwrap_or_default().to_vec();
        new.extend([0, 6, 0, 43, 0, 2, 3, 4]);
        assert_eq!(server_hello(&new), Some(0x0304));
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = server_hello(&bytes);
        }
    }
}
