//! Attacks over TCP: a listener that should not be there, and the link to a managed server.

use super::knock::{Knock, SOCKET, judge, startup};
use crate::{Role, Store, StoreError, address::connect};
use outbound::hello::{ClientHello, TLS_1_2};
use promises::Finding;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
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

/// Speaks PostgreSQL to every address that the server, or anything that runs as its user, listens on, and to the port in the
/// socket's name whoever listens there. None of them may be a way in, and the server itself should have none.
pub(super) async fn listeners(dir: &Path, port: u16) -> Listeners {
    let server = Server::of(dir, port);
    let listening = listening();
    let own = |heard: &&Heard| server.sockets.contains(&heard.inode);
    let mut open: Vec<String> =
        listening.iter().filter(own).map(|heard| format!("PostgreSQL listens on {}", heard.address)).collect();
    let mut addresses: BTreeSet<SocketAddr> = listening
        .iter()
        .filter(|heard| own(heard) || server.uid == Some(heard.uid))
        .map(|heard| heard.address)
        .collect();
    addresses
        .extend([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(|ip| SocketAddr::new(ip, port)));
    let mut asking: JoinSet<Option<String>> = addresses.iter().copied().map(speak).collect();
    while let Some(said) = asking.join_next().await {
        open.extend(said.ok().flatten());
    }
    Listeners { tried: addresses.len(), open }
}

/// What is wrong with whoever listens there, if that is a PostgreSQL that lets us in or wants a password in the clear.
async fn speak(address: SocketAddr) -> Option<String> {
    let to = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let answer = ask(&to.to_string(), address.port(), &startup(Role::App.name())).await.ok()?;
    match answer.as_slice() {
        [b'R', _, _, _, _, 0, 0, 0, 3, ..] => Some(format!("{address} asks for a password in the clear")),
        answer if judge(answer) == Knock::LetIn => Some(format!("{address} lets anybody in without a password")),
        _ => None,
    }
}

/// The server's process, as the operating system sees it.
#[derive(Default)]
pub(super) struct Server {
    /// Its number.
    pub(super) pid: String,
    uid: Option<u32>,
    /// The inodes of the sockets that it holds.
    sockets: BTreeSet<String>,
}

impl Server {
    /// The process that the socket's lock file names.
    pub(super) fn of(dir: &Path, port: u16) -> Self {
        let pid = locked_by(&dir.join(format!("{SOCKET}{port}")));
        let uid = fs::metadata(format!("/proc/{pid}")).ok().map(|meta| meta.uid());
        let held = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links = held.filter_map(|entry| fs::read_link(entry.path()).ok());
        let inode = |link: PathBuf| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned());
        Self { pid, uid, sockets: links.filter_map(inode).collect() }
    }
}

/// The number of the process that a socket's lock file names; empty where there is none.
fn locked_by(socket: &Path) -> String {
    let lock = fs::read_to_string(format!("{}.lock", socket.display())).unwrap_or_default();
    lock.lines().next().unwrap_or_default().trim().to_owned()
}

/// Every unix socket of this machine that is named as PostgreSQL names its own, but for `known` and for those at which
/// another server lets its own clients in.
pub(super) fn doors(known: &Path, server: &Server) -> BTreeSet<PathBuf> {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let others = |door: &PathBuf| {
        let pid = locked_by(door);
        pid != server.pid && fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
    };
    let here = |door: &PathBuf| door.to_string_lossy().starts_with('@') || door.exists();
    table.lines().filter_map(door).filter(|door| door != known && here(door) && !others(door)).collect()
}

/// The path in a line of that table, where it is a socket's of PostgreSQL.
fn door(line: &str) -> Option<PathBuf> {
    let path = PathBuf::from(line.get(line.find(['/', '@'])?..)?);
    path.file_name()?.to_str()?.starts_with(SOCKET).then_some(path)
}

/// Somebody who listens on TCP.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    address: SocketAddr,
    uid: u32,
    inode: String,
}

/// Everybody who listens on TCP, by `/proc/net/tcp`. Empty where there is no such file.
fn listening() -> Vec<Heard> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(listener).collect()
}

/// A line of that table, where it is a listener's (state 0A).
fn listener(line: &str) -> Option<Heard> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, "0A", _, _, _, uid, _, inode, ..] = fields.as_slice() else { return None };
    let (ip, port) = local.split_once(':')?;
    let address = SocketAddr::new(ip_of(ip)?, u16::from_str_radix(port, 16).ok()?);
    Some(Heard { address, uid: uid.parse().ok()?, inode: (*inode).to_owned() })
}

/// An address as that table writes it: words of 32 bits, each in the byte order of this machine.
fn ip_of(hex: &str) -> Option<IpAddr> {
    let words = hex.as_bytes().chunks(8).map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
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
        let line = "   0: 0200007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 1234 1";
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let heard = Heard { address: address("127.0.0.2:5432"), uid: 65_534, inode: "1234".to_owned() };
        assert_eq!(listener(line), Some(heard));
        assert_eq!(listener(&line.replace(" 0A ", " 01 ")), None);
        let six = line.replace("0200007F", "00000000000000000000000001000000");
        assert_eq!(listener(&six).unwrap().address, address("[::1]:5432"));
        assert_eq!(listener("nonsense"), None);
    }

    #[test]
    fn doors_are_read_off_the_table() {
        let line = |path: &str| format!("0000000000000000: 00000002 00000000 00010000 0001 01 12345 {path}");
        for path in ["/tmp/a b/.s.PGSQL.5432", "@run/.s.PGSQL.54320"] {
            assert_eq!(door(&line(path)), Some(PathBuf::from(path)));
        }
        for path in ["", "/run/dbus", "/tmp/.s.PGSQL.5432.d/x"] {
            assert_eq!(door(&line(path)), None, "{path}");
        }
    }
}
