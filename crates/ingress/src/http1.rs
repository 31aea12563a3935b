//! HTTP/1 framing, read strictly. Everything that two readers could take for two different requests is refused before the
//! real parser sees it: both lengths at once, folded lines, bare line feeds, doubled hosts (RFC 9112 sections 2.2, 5.2, 6.3
//! and 11.2). A head is handed on whole or not at all, so a half-sent head costs its sender and nobody else.

use axum::http::{StatusCode, Uri, uri::Authority};
use memchr::{memchr, memchr_iter};

/// The longest head, in bytes.
pub const LONGEST_HEAD: usize = 16 * 1024;
/// The longest request target, in bytes.
pub const LONGEST_TARGET: usize = 8 * 1024;
/// The most header lines.
const MOST_HEADERS: usize = 64;
/// The most hexadecimal digits in the size of a chunk.
const CHUNK_DIGITS: usize = 8;

/// Why a request is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Malformed, or readable in two ways.
    #[error("{0}")]
    Malformed(&'static str),
    /// The target is too long.
    #[error("the request's address is too long")]
    LongTarget,
    /// The head is too long.
    #[error("the request's headers are too large")]
    LongHead,
    /// No version of HTTP/1.
    #[error("this version of HTTP is not spoken here")]
    Version,
    /// The head did not arrive in time.
    #[error("the request took too long to arrive")]
    Late,
}

impl Refusal {
    /// The status that tells the sender.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::LongTarget => StatusCode::URI_TOO_LONG,
            Self::LongHead => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// What of a head concerns framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The request target as it was sent.
    pub target: String,
    /// How the body is framed.
    pub body: Framing,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    /// Between two messages, or inside a head.
    #[default]
    Head,
    /// So many bytes of body are to come.
    Body(u64),
    /// In the line that says a chunk's size: digits so far and their value.
    Size(usize, u64),
    /// After the carriage return of that line.
    SizeEnd(u64),
    /// So many bytes of a chunk are to come.
    Chunk(u64),
    /// The line end after a chunk; `true` after its carriage return.
    ChunkEnd(bool),
    /// The empty line after the last chunk; `true` after its carriage return. Trailers are not accepted.
    Last(bool),
}

impl Scanner {
    /// A reader at the beginning of a connection.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Head, held: Vec::new() }
    }

    /// Whether a message has begun that has not ended.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.state != State::Head || !self.held.is_empty()
    }

    /// Whether the next byte belongs to a head.
    #[must_use]
    pub fn is_at_head(&self) -> bool {
        self.state == State::Head
    }

    /// Takes bytes as they came, up to the end of one head or of `input`, and appends to `out` what may be passed on.
    /// Returns how many bytes were taken, and the head if one was completed.
    ///
    /// # Errors
    /// The bytes are refused; the connection is of no use any more.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, Option<Head>), Refusal> {
        let mut taken = 0;
        while let Some(rest) = input.get(taken..).filter(|rest| !rest.is_empty()) {
            if self.state == State::Head {
                let (step, head) = self.head(rest, out)?;
                taken += step;
                if head.is_some() {
                    return Ok((taken, head));
                }
            } else {
                taken += self.body(rest, out)?;
            }
        }
        Ok((taken, None))
    }

    fn head(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, Option<Head>), Refusal> {
        // As a rule a head comes whole and is sound. Everything else goes byte by byte, to the same end.
        if self.held.is_empty()
            && let Some((whole, head)) = whole(input)
        {
            out.extend_from_slice(whole);
            self.state = after(&head);
            return Ok((whole.len(), Some(head)));
        }
        for (at, byte) in input.iter().enumerate() {
            let after_return = self.held.last() == Some(&b'\r');
            match byte {
                b'\n' if !after_return => {
                    return Err(Refusal::Malformed("a line feed stands without its carriage return"));
                }
                b'\n' => {}
                _ if after_return => return Err(Refusal::Malformed("a carriage return stands without its line feed")),
                _ => {}
            }
            self.held.push(*byte);
            if self.held.len() > LONGEST_HEAD {
                return Err(self.too_long());
            }
            if self.held == b"\r\n" {
                // One empty line before a request is tolerated (RFC 9112 section 2.2) and not passed on.
                self.held.clear();
            } else if self.held.ends_with(b"\r\n\r\n") {
                let head = parse(&self.held)?;
                out.append(&mut self.held);
                self.state = after(&head);
                return Ok((at + 1, Some(head)));
            }
        }
        Ok((input.len(), None))
    }

    fn too_long(&self) -> Refusal {
        if self.held.contains(&b'\n') { Refusal::LongHead } else { Refusal::LongTarget }
    }

    /// Takes what belongs together: the rest of a body or chunk, or one byte of framing.
    fn body(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Refusal> {
        let run = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (taken, next) = match self.state {
            State::Body(left) => {
                let taken = run(left);
                let left = left - taken as u64;
                (taken, if left == 0 { State::Head } else { State::Body(left) })
            }
            State::Chunk(left) => {
                let taken = run(left);
                let left = left - taken as u64;
                (taken, if left == 0 { State::ChunkEnd(false) } else { State::Chunk(left) })
            }
            state => (1, framing(state, input.first().copied().unwrap_or_default())?),
        };
        out.extend_from_slice(input.get(..taken).unwrap_or_default());
        self.state = next;
        Ok(taken)
    }
}

/// What follows a head.
const fn after(head: &Head) -> State {
    match head.body {
        Framing::Length(0) => State::Head,
        Framing::Length(length) => State::Body(length),
        Framing::Chunked => State::Size(0, 0),
    }
}

/// The head at the beginning of `input`, where it is there to its end and sound.
fn whole(input: &[u8]) -> Option<(&[u8], Head)> {
    let room = input.get(..LONGEST_HEAD).unwrap_or(input);
    let (mut lines, mut begin) = (Lines::default(), 0);
    for end in memchr_iter(b'\n', room) {
        let line = room.get(begin..end)?.strip_suffix(b"\r")?;
        if line.is_empty() {
            return Some((room.get(..=end)?, lines.finish().ok()?));
        }
        lines.take(line).ok()?;
        begin = end + 1;
    }
    None
}

/// One byte of a chunked body's framing. Chunk extensions and trailers are refused: nothing here uses them, and readers
/// disagree about them.
fn framing(state: State, byte: u8) -> Result<State, Refusal> {
    let digit = char::from(byte).to_digit(16).map(u64::from);
    match (state, byte) {
        (State::Size(digits, size), _) if digits < CHUNK_DIGITS && digit.is_some() => {
            Ok(State::Size(digits + 1, size * 16 + digit.unwrap_or_default()))
        }
        (State::Size(1.., size), b'\r') => Ok(State::SizeEnd(size)),
        (State::SizeEnd(0), b'\n') => Ok(State::Last(false)),
        (State::SizeEnd(size), b'\n') => Ok(State::Chunk(size)),
        (State::ChunkEnd(false), b'\r') => Ok(State::ChunkEnd(true)),
        (State::ChunkEnd(true), b'\n') => Ok(State::Size(0, 0)),
        (State::Last(false), b'\r') => Ok(State::Last(true)),
        (State::Last(true), b'\n') => Ok(State::Head),
        _ => Err(Refusal::Malformed("the chunks of the content are malformed")),
    }
}

/// Reads a head that ends in an empty line.
///
/// # Errors
/// It is malformed or ambiguous.
pub fn parse(head: &[u8]) -> Result<Head, Refusal> {
    let text = head.strip_suffix(b"\r\n\r\n").ok_or(Refusal::Malformed("the head has no end"))?;
    let (mut lines, mut begin) = (Lines::default(), 0);
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        let line = text.get(begin..end).unwrap_or_default();
        lines.take(line.strip_suffix(b"\r").unwrap_or(line))?;
        begin = end + 1;
    }
    lines.finish()
}

/// What the lines of a head say, up to the empty one.
#[derive(Default)]
struct Lines {
    /// The target, and whether the version is HTTP/1.1.
    request: Option<(String, bool)>,
    count: usize,
    fields: Fields,
}

impl Lines {
    fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if self.request.is_none() {
            self.request = Some(request_line(line)?);
            return Ok(());
        }
        if self.count >= MOST_HEADERS {
            return Err(Refusal::LongHead);
        }
        self.count += 1;
        self.fields.take(line)
    }

    fn finish(self) -> Result<Head, Refusal> {
        let (target, is_11) = self.request.ok_or(SHAPE)?;
        Ok(Head { target, body: self.fields.finish(is_11)? })
    }
}

const SHAPE: Refusal = Refusal::Malformed("the request line is malformed");

fn request_line(line: &[u8]) -> Result<(String, bool), Refusal> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(SHAPE);
    };
    let plain = is_plain_target(target);
    let target = std::str::from_utf8(target).map_err(|_| SHAPE)?;
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(SHAPE);
    }
    if !plain && !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SHAPE);
    }
    let is_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ if version.starts_with(b"HTTP/") => return Err(Refusal::Version),
        _ => return Err(SHAPE),
    };
    if target.len() > LONGEST_TARGET {
        return Err(Refusal::LongTarget);
    }
    // CONNECT has neither form: this is no proxy.
    let absolute = target.starts_with("http://") || target.starts_with("https://");
    let known = target.starts_with('/') || absolute || (target == "*" && method == b"OPTIONS");
    if !(plain || known && !target.contains('#') && target.parse::<Uri>().is_ok()) {
        return Err(Refusal::Malformed("the request's address is malformed"));
    }
    Ok((target.to_owned(), is_11))
}

/// Whether this is a path as most are, which every reader reads alike.
fn is_plain_target(target: &[u8]) -> bool {
    target.starts_with(b"/") && target.iter().all(|byte| is(*byte, PATH))
}

#[derive(Default)]
struct Fields {
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

impl Fields {
    fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(Refusal::Malformed("a header is folded over two lines"));
        }
        let end = line.iter().position(|byte| !is_token(*byte)).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let Some(value) = rest.strip_prefix(b":").filter(|_| !name.is_empty()) else {
            return Err(Refusal::Malformed("a header's name is malformed"));
        };
        // Every byte is looked at, so that it can be done to many at once; and before blanks are cut off, among which a
        // carriage return would count.
        if value.iter().fold(false, |odd, byte| odd | (byte.is_ascii_control() && *byte != b'\t')) {
            return Err(Refusal::Malformed("a header's value is malformed"));
        }
        let value = value.trim_ascii();
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"host") {
            self.host(value)
        } else if is(b"content-length") {
            self.content_length(value)
        } else if is(b"transfer-encoding") {
            self.transfer_encoding(value)
        } else if is(b"content_length") || is(b"transfer_encoding") {
            // Spellings that other servers take for the real ones.
            Err(Refusal::Malformed("a header's name is spelt with an underscore"))
        } else {
            Ok(())
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        self.hosts += 1;
        if self.hosts > 1 || !is_host(value) {
            return Err(Refusal::Malformed("the Host header is malformed, or there are several"));
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let digits = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|value| value.parse().ok());
        if number.is_none() || self.length.replace(number.unwrap_or_default()).is_some() {
            return Err(Refusal::Malformed("Content-Length is malformed, or there are several"));
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::Malformed("Transfer-Encoding is not `chunked`, or there are several"));
        }
        self.chunked = true;
        Ok(())
    }

    fn finish(self, is_11: bool) -> Result<Framing, Refusal> {
        match (self.chunked, self.length) {
            _ if is_11 && self.hosts == 0 => Err(Refusal::Malformed("the Host header is missing")),
            (true, Some(_)) => Err(Refusal::Malformed("Content-Length and Transfer-Encoding exclude each other")),
            (true, None) if !is_11 => Err(Refusal::Malformed("HTTP/1.0 knows no Transfer-Encoding")),
            (true, None) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Length(length.unwrap_or_default())),
        }
    }
}

/// Whether these bytes name a host, with or without a port.
#[must_use]
pub fn is_host(value: &[u8]) -> bool {
    if is_plain_host(value) {
        return true;
    }
    let authority = std::str::from_utf8(value).ok().and_then(|value| value.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let port = authority.as_str().rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        let port_is_good = port.is_none() || authority.port_u16().is_some();
        !authority.host().is_empty() && !authority.as_str().contains('@') && port_is_good
    })
}

/// Whether this is a host as most are: letters, digits, dots and hyphens, and where a port is named, a number below 65,536.
fn is_plain_host(value: &[u8]) -> bool {
    let (name, port) = match memchr(b':', value) {
        Some(colon) => (value.get(..colon), value.get(colon + 1..)),
        None => (Some(value), None),
    };
    let name = name.unwrap_or_default();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let digits = |port: &[u8]| (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    let number = |port: &[u8]| port.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    !name.is_empty() && name.iter().all(plain) && port.is_none_or(|port| digits(port) && number(port) <= 65_535)
}

/// For every byte, of what it may be a part.
#[expect(clippy::indexing_slicing, reason = "a constant is made before anything runs")]
static SIGNS: [u8; 256] = {
    let (mut table, mut byte) = ([0; 256], 0_u8);
    while byte < 128 {
        table[byte as usize] =
            if is_sign_of_token(byte) { TOKEN } else { 0 } | if is_sign_of_path(byte) { PATH } else { 0 };
        byte += 1;
    }
    table
};

const TOKEN: u8 = 1;
const PATH: u8 = 2;

fn is(byte: u8, of: u8) -> bool {
    SIGNS.get(usize::from(byte)).is_some_and(|signs| signs & of != 0)
}

fn is_token(byte: u8) -> bool {
    is(byte, TOKEN)
}

/// A character of a token (RFC 9110 section 5.6.2).
const fn is_sign_of_token(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    ) || byte.is_ascii_alphanumeric()
}

/// A character that may stand in a path or a query and means the same to every reader (RFC 3986 section 3.3).
const fn is_sign_of_path(byte: u8) -> bool {
    matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~' | b'%' | b'?' | b'&' | b'=' | b'+' | b',' | b':' | b'@')
        || byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests;
