//! A hostile server: takes calls on loopback and records how far each got.

use crate::{
    handshake::old_server_hello,
    hello::{ClientHello, HelloError, RECORD_ALERT},
};
use rustls::ServerConfig;
use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// How long a caller may take for each step.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long to wait for calls that are still under way when the caller says it is done.
const AFTERMATH: Duration = Duration::from_secs(4);
/// The largest first message that is looked at.
const LONGEST: usize = 16 * 1024;

/// What a hostile server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// A certificate that vouches for itself.
    SelfSigned,
    /// A certificate for the right name by an authority nobody trusts.
    UnknownAuthority,
    /// One that ran out.
    Expired,
    /// One for another name.
    WrongName,
    /// One by the development authority.
    DevelopmentAuthority,
    /// A server that chooses TLS 1.2.
    Tls12,
    /// A server that answers in the clear.
    NoTls,
}

impl Trick {
    /// Every trick.
    pub(super) const ALL: [Self; 7] = [
        Self::SelfSigned,
        Self::UnknownAuthority,
        Self::Expired,
        Self::WrongName,
        Self::DevelopmentAuthority,
        Self::Tls12,
        Self::NoTls,
    ];

    /// Whether it is played on every host of a long register.
    pub(super) const fn is_main(self) -> bool {
        matches!(self, Self::UnknownAuthority | Self::DevelopmentAuthority | Self::NoTls)
    }
}

impl fmt::Display for Trick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SelfSigned => "self-signed certificate",
            Self::UnknownAuthority => "unknown authority",
            Self::Expired => "expired certificate",
            Self::WrongName => "certificate for another name",
            Self::DevelopmentAuthority => "development authority",
            Self::Tls12 => "TLS 1.2 only",
            Self::NoTls => "no TLS",
        })
    }
}

/// How far one call got.
#[derive(Clone, Debug, Default)]
pub(super) struct Catch {
    /// Its first message, where that was one of TLS.
    pub(super) hello: Option<ClientHello>,
    /// Where the caller went on as if all were well: how many bytes it sent after that.
    pub(super) went_on: Option<usize>,
}

/// A hostile server that waits for calls.
pub(super) struct Trap {
    address: SocketAddr,
    server: JoinHandle<()>,
    catches: mpsc::UnboundedReceiver<Catch>,
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Trap {
    /// Puts up a server on a free port of loopback.
    pub(super) async fn set(trick: Trick, config: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (report, catches) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (report, config) = (report.clone(), config.clone());
                tokio::spawn(async move {
                    // Nobody listens any more where the attack was given up.
                    let _ = report.send(catch(stream, trick, config).await);
                });
            }
        });
        Ok(Self { address, server, catches })
    }

    /// Where it waits.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more calls, lets those under way come to their end, and tells of each.
    pub(super) async fn close(mut self) -> Vec<Catch> {
        // A connection that came at the last moment is still taken.
        sleep(Duration::from_millis(30)).await;
        self.server.abort();
        let mut all = Vec::new();
        let gather = async {
            while let Some(catch) = self.catches.recv().await {
                all.push(catch);
            }
        };
        // Every call ends by its own deadlines before this one.
        let _ = timeout(AFTERMATH * 3, gather).await;
        all
    }
}

async fn catch(mut stream: TcpStream, trick: Trick, config: Option<Arc<ServerConfig>>) -> Catch {
    let Some((hello, length)) = timeout(PATIENCE, first_message(&stream)).await.ok().flatten() else {
        return Catch::default();
    };
    let went_on = match (trick, config) {
        (Trick::NoTls, _) => answer(&mut stream, length, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await,
        (Trick::Tls12, _) | (_, None) => answer(&mut stream, length, &old_server_hello(0xc02f)).await,
        (_, Some(config)) => serve(stream, config).await,
    };
    Catch { hello: Some(hello), went_on }
}

/// The first message, left unread; `None` where it is none of TLS or the caller leaves.
async fn first_message(stream: &TcpStream) -> Option<(ClientHello, usize)> {
    let mut bytes = vec![0; LONGEST];
    let mut before = 0;
    loop {
        let count = stream.peek(&mut bytes).await.ok()?;
        match ClientHello::parse(bytes.get(..count)?) {
            Ok(hello) => return Some((hello, count)),
            Err(HelloError::Incomplete) if count > 0 && count < LONGEST => {
                // Peeking does not wait for more than is there already.
                if count == before {
                    sleep(Duration::from_millis(5)).await;
                }
                before = count;
            }
            Err(_) => return None,
        }
    }
}

/// Answers the first message with something no caller may accept. `None` where the caller ends the call, by an alert or without
/// a word; else how much it sent, which is nothing where it waits for more.
async fn answer(stream: &mut TcpStream, hello: usize, with: &[u8]) -> Option<usize> {
    let mut read = vec![0; hello];
    stream.read_exact(&mut read).await.ok()?;
    // The caller may have left already, which is what it should do.
    stream.write_all(with).await.ok()?;
    let mut reply = vec![0; LONGEST];
    match timeout(PATIENCE, stream.read(&mut reply)).await {
        Ok(Ok(count)) if count > 0 && reply.first() != Some(&RECORD_ALERT) => Some(count),
        Ok(_) => None,
        Err(_) => Some(0),
    }
}

/// Shakes hands in earnest. `None` where the caller ends it; else how many bytes of content came.
async fn serve(stream: TcpStream, config: Arc<ServerConfig>) -> Option<usize> {
    let mut stream = timeout(PATIENCE, TlsAcceptor::from(config).accept(stream)).await.ok()?.ok()?;
    let mut content = vec![0; LONGEST];
    Some(timeout(PATIENCE, stream.read(&mut content)).await.ok().and_then(Result::ok).unwrap_or(0))
}

/// A label that nobody has used in a name.
pub(super) fn random_label() -> String {
    let mut bytes = [0_u8; 10];
    // A generator that fails leaves a fixed label, which serves less well but serves.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
