//! Knocking at the database's socket, as whoever this process is.

use std::{
    io::{Read as _, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixStream},
    },
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

use crate::server::layout::PORT;

/// How the name of a server's socket begins.
pub(super) const SOCKET: &str = ".s.PGSQL.";

/// Why a knock was refused whose hand did not even reach the door.
pub(super) const BY_THE_DIRECTORY: &str = "by the directory";

/// How long a door may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a knock ended. One line of text each, because it is told from process to process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knock {
    /// The server asked for nothing more: whoever knocked is in.
    LetIn,
    /// The door stayed closed; why.
    Refused(String),
    /// The knock itself failed, and says nothing about the door.
    Unable(String),
}

impl Knock {
    /// The line that `wordbond knock` prints.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::LetIn => "let in".to_owned(),
            Self::Refused(why) => format!("refused {why}"),
            Self::Unable(why) => format!("unable {why}"),
        }
    }

    /// Reads such a line.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        match line.trim().split_once(' ') {
            Some(("let", "in")) => Self::LetIn,
            Some(("refused", why)) => Self::Refused(why.to_owned()),
            Some(("unable", why)) => Self::Unable(why.to_owned()),
            _ => Self::Unable(format!("not understood: {line:?}")),
        }
    }
}

/// Knocks as `role`, as the user that this process runs as, at a socket: the one in the directory `place`, or the one that
/// `place` itself names. What begins with `@` is a name of Linux's that no directory guards.
#[must_use]
pub fn knock(place: &Path, role: &str) -> Knock {
    let mut stream = match door(place) {
        Ok(stream) => stream,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Knock::Refused(BY_THE_DIRECTORY.to_owned());
        }
        Err(error) => return Knock::Unable(format!("no way to the socket: {error}")),
    };
    let talk = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(&startup(role)));
    let mut answer = [0; 512];
    match talk.and_then(|()| stream.read(&mut answer)) {
        Ok(length) => judge(answer.get(..length).unwrap_or_default()),
        Err(error) => Knock::Unable(format!("the server does not answer: {error}")),
    }
}

fn door(place: &Path) -> std::io::Result<UnixStream> {
    let named = place.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SOCKET));
    let path = if named { place.to_owned() } else { place.join(format!("{SOCKET}{PORT}")) };
    let address = match path.to_string_lossy().strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixStream::connect_addr(&address)
}

/// The startup message of protocol 3.0: length, version, and the user and database by name.
pub(super) fn startup(role: &str) -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    for text in ["user", role, "database", "postgres"] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or_default();
    [length.to_be_bytes().as_slice(), &body].concat()
}

/// What the first message of the answer means: `R` with code 0 is «authentication ok».
pub(super) fn judge(answer: &[u8]) -> Knock {
    match answer {
        [b'R', _, _, _, _, 0, 0, 0, 0, ..] => Knock::LetIn,
        [b'R', ..] => Knock::Refused("by a password".to_owned()),
        [b'E', _, _, _, _, fields @ ..] => match field(fields, b'C') {
            // Said before anybody is asked who they are: a server that starts or is full, a proxy that knows no such role.
            Some(code) if ["53300", "57P03"].contains(&code.as_str()) => Knock::Unable(format!("SQLSTATE {code}")),
            Some(code) if code.starts_with("08") => Knock::Refused(format!("with SQLSTATE {code}")),
            // Whoever is told that the database does not exist, or that it may not connect to it, has come in first.
            Some(code) if !code.starts_with("28") => Knock::LetIn,
            Some(code) => Knock::Refused(format!("with SQLSTATE {code}")),
            None => Knock::Refused("with an error".to_owned()),
        },
        [] => Knock::Refused("by hanging up".to_owned()),
        _ => Knock::Unable("the answer is not PostgreSQL's".to_owned()),
    }
}

fn field(fields: &[u8], wanted: u8) -> Option<String> {
    fields
        .split(|byte| *byte == 0)
        .find_map(|field| field.split_first().filter(|(kind, _)| **kind == wanted))
        .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
}

/// Has `program` knock as another user. Takes root.
pub(super) async fn as_user(program: &Path, place: &Path, role: &str, uid: u32, gid: u32) -> Knock {
    let mut command = Command::new(program);
    command.arg("knock").arg(place).arg(role).env_clear().current_dir("/").uid(uid).gid(gid);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE * 2, command.output()).await {
        Ok(Ok(said)) => Knock::parse(&String::from_utf8_lossy(&said.stdout)),
        Ok(Err(error)) => Knock::Unable(format!("{} cannot be started as user {uid}: {error}", program.display())),
        Err(_) => Knock::Unable("no answer in time".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_mean_what_the_protocol_says() {
        assert_eq!(judge(b"R\0\0\0\x08\0\0\0\0"), Knock::LetIn);
        assert_eq!(judge(b"R\0\0\0\x08\0\0\0\x05abcd"), Knock::Refused("by a password".to_owned()));
        let error = |code: &str| [b"E\0\0\0\x20SFATAL\0C".as_slice(), code.as_bytes(), b"\0Mno\0\0"].concat();
        assert_eq!(judge(&error("28000")), Knock::Refused("with SQLSTATE 28000".to_owned()));
        assert_eq!(judge(&error("3D000")), Knock::LetIn, "the database is missing, but the door was open");
        assert_eq!(judge(&error("57P03")), Knock::Unable("SQLSTATE 57P03".to_owned()), "the server is starting");
        assert_eq!(judge(b""), Knock::Refused("by hanging up".to_owned()));
        assert!(matches!(judge(b"HTTP/1.1 400"), Knock::Unable(_)));
    }

    #[test]
    fn what_is_told_is_understood() {
        for knock in [Knock::LetIn, Knock::Refused("by the directory".to_owned()), Knock::Unable("x y".to_owned())] {
            assert_eq!(Knock::parse(&knock.line()), knock);
        }
        assert!(matches!(Knock::parse("let him in"), Knock::Unable(_)));
        assert!(matches!(Knock::parse(""), Knock::Unable(_)));
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _any = judge(&bytes);
        }
    }
}
