//! Attacks over TCP: a listener that should not be there, and the link to a managed server.

use super::knock::{Knock, judge, startup};
use crate::{Role, Store, StoreError, address::connect};
use outbound::hello::{ClientHello, TLS_1_2};
use promises::Finding;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{collections::BTreeSet, fs, io, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(3);

/// «May we speak TLS?»: length 8 and the code 80877103 (PostgreSQL's protocol, section «SSL Session Encryption»).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Cipher suites that a client without TLS 1.3 offers: ECDHE with AES-GCM and ChaCha20, for either kind of certificate.
const SUITES_1_2: [u16; 6] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];

/// What became of looking for listeners.
pub(super) struct Listeners {
    pub(super) tried: usize,
    pub(super) open: Vec<String>,
}

/// Speaks PostgreSQL to every TCP port that the server's own process listens on, and to the port in the socket's name whoever
/// listens there. None of them may be a way in.
pub(super) async fn listeners(dir: &Path, port: u16) -> Listeners {
    let own = listening(&sockets(dir, port));
    let (mut ports, mut open) = (own.clone(), Vec::new());
    ports.insert(port);
    for port in &ports {
        for host in ["127.0.0.1", "::1"] {
            let Ok(answer) = ask(host, *port, &startup(Role::App.name())).await else { continue };
            match judge(&answer) {
                Knock::LetIn => open.push(format!("{host} port {port} lets anybody in without a password")),
                // Somebody else's server may refuse there; the system's own must not even listen.
                Knock::Refused(_) if own.contains(port) && !answer.is_empty() => {
                    open.push(format!("PostgreSQL listens on {host} port {port}"));
                }
                Knock::Refused(_) | Knock::Unable(_) => {}
            }
        }
    }
    Listeners { tried: ports.len(), open }
}

/// The inodes of the sockets that the server holds. Its process is the one that the socket's lock file names.
fn sockets(dir: &Path, port: u16) -> BTreeSet<String> {
    let lock = fs::read_to_string(dir.join(format!(".s.PGSQL.{port}.lock"))).unwrap_or_default();
    let pid = lock.lines().next().unwrap_or_default().trim().to_owned();
    let Ok(held) = fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeSet::new() };
    let links = held.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect()
}

/// The TCP ports that are listened on with one of these sockets, by `/proc/net/tcp`. Empty where there is no such file.
fn listening(sockets: &BTreeSet<String>) -> BTreeSet<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(|line| listener(line, sockets)).collect()
}

/// The port of a line of that table, where it is a listener (state 0A) with one of the sockets.
fn listener(line: &str, sockets: &BTreeSet<String>) -> Option<u16> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, state, _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
    let port = local.rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok())?;
    (*state == "0A" && sockets.contains(*inode)).then_some(port)
}

/// Connects, says something, and yields what comes back first.
async fn ask(host: &str, port: u16, message: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = dial(host, port).await?;
    stream.write_all(message).await?;
    hear(&mut stream).await
}

async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    #[expect(clippy::disallowed_methods, reason = "the link to the database is what is attacked")]
    let dialling = TcpStream::connect((host, port));
    timeout(PATIENCE, dialling).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn hear(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = vec![0; 1_024];
    let length =
        timeout(PATIENCE, stream.read(&mut answer)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    answer.truncate(length);
    Ok(answer)
}

/// Attacks the link to a managed server.
pub(super) async fn attack(store: &Store, server: &PgConnectOptions) -> Result<Finding, StoreError> {
    let (host, port) = (server.get_host(), server.get_port());
    let mut leaks = Vec::new();
    if let Some(leak) = accepted_version(store).await? {
        leaks.push(leak);
    }
    let said = |error: io::Error| StoreError::Unexpected(format!("the server at port {port} does not answer: {error}"));
    let plain = ask(host, port, &startup(server.get_username())).await.map_err(said)?;
    // Even to ask for a password over plain text is to accept the link.
    if plain.first() == Some(&b'R') {
        leaks.push("the server talks to clients in plain text".to_owned());
    }
    match old_tls(host, port).await.map_err(said)? {
        OldTls::Refused => {}
        OldTls::NoTls => leaks.push("the server speaks no TLS".to_owned()),
        OldTls::Accepted => leaks.push("the server accepts TLS 1.2".to_owned()),
    }
    if let Some(leak) = accepts_other_name(server).await {
        leaks.push(leak);
    }
    let finding = match leaks.split_first() {
        Some((first, [])) => Finding::broke(first.clone()),
        Some((first, more)) => Finding::broke(format!("{first}; and {} more", more.len())),
        None => Finding::held("the database refuses plain text and TLS 1.2; the link is verified TLS 1.3"),
    };
    Ok(finding
        .tried("spoke plain text to the server")
        .tried("offered TLS 1.2 after SSLRequest")
        .tried("connected under a name that the certificate does not carry")
        .tried("connected as the application, and asked the server which TLS that is")
        .covered("attempts", 4))
}

/// The positive control: our own link comes about, and is TLS 1.3 by the server's word.
async fn accepted_version(store: &Store) -> Result<Option<String>, StoreError> {
    let mut conn = store.connect_as(Role::App).await?;
    let version: Option<String> = sqlx::query_scalar("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .fetch_optional(&mut conn)
        .await?
        .flatten();
    Ok(match version.as_deref() {
        Some("TLSv1.3") => None,
        Some(other) => Some(format!("the link is {other}")),
        None => Some("the link is not encrypted".to_owned()),
    })
}

enum OldTls {
    Accepted,
    Refused,
    NoTls,
}

async fn old_tls(host: &str, port: u16) -> io::Result<OldTls> {
    let mut stream = dial(host, port).await?;
    stream.write_all(&SSL_REQUEST).await?;
    let mut word = [0];
    timeout(PATIENCE, stream.read_exact(&mut word)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if word != *b"S" {
        return Ok(OldTls::NoTls);
    }
    let hello = ClientHello {
        version: TLS_1_2,
        ciphers: SUITES_1_2.to_vec(),
        server_name: Some(host.to_owned()),
        extensions: true,
        ..ClientHello::default()
    };
    stream.write_all(&hello.bytes()).await?;
    // A handshake record (22) is a ServerHello; an alert (21), an end or a reset is a refusal.
    match hear(&mut stream).await {
        Ok(answer) if answer.first() == Some(&22) => Ok(OldTls::Accepted),
        Ok(_) => Ok(OldTls::Refused),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(OldTls::Refused),
        Err(error) => Err(error),
    }
}

/// Whether our own client goes on when the certificate is for another name: it is told the server's address instead.
async fn accepts_other_name(server: &PgConnectOptions) -> Option<String> {
    let stream = dial(server.get_host(), server.get_port()).await.ok()?;
    let address = stream.peer_addr().ok()?.ip();
    // Any loopback or numeric spelling is a name that a certificate for a host name does not carry.
    let other = if server.get_host() == address.to_string() { "localhost".to_owned() } else { address.to_string() };
    let options = server.clone().host(&other).ssl_mode(PgSslMode::VerifyFull);
    match connect(&options).await {
        Ok(_) => Some(format!("a certificate that is not for «{other}» was accepted, or carries that name too")),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_off_the_table() {
        let line = "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 1234 1";
        let own = BTreeSet::from(["1234".to_owned()]);
        assert_eq!(listener(line, &own), Some(5_432));
        assert_eq!(listener(line, &BTreeSet::new()), None);
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), &own), None);
        assert_eq!(listener("nonsense", &own), None);
    }
}
