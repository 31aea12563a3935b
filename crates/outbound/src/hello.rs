//! The first message of a TLS handshake, made and read by hand: what a library would refuse to say, a probe must be able to
//! say; and what a library offers, a probe must be able to see. Formats: RFC 8446 section 4.1.2, RFC 6066 section 3.

/// SSL 3.0, as the wire numbers it.
pub const SSL_3_0: u16 = 0x0300;
/// TLS 1.0.
pub const TLS_1_0: u16 = 0x0301;
/// TLS 1.1.
pub const TLS_1_1: u16 = 0x0302;
/// TLS 1.2.
pub const TLS_1_2: u16 = 0x0303;
/// TLS 1.3.
pub const TLS_1_3: u16 = 0x0304;

/// Record and handshake types (RFC 8446 sections 5.1 and 4).
pub(crate) const RECORD_ALERT: u8 = 21;
pub(crate) const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// Extensions.
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const EXTENDED_MASTER_SECRET: u16 = 23;
pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
/// The longest message that is read; real ones stay below 2 KiB, those with post-quantum shares below 4.
const LONGEST: usize = 64 * 1024;

/// A client's first message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The version in the message itself; TLS 1.3 leaves it at 1.2 and speaks in `versions`.
    pub version: u16,
    /// The cipher suites.
    pub ciphers: Vec<u16>,
    /// The server's name.
    pub server_name: Option<String>,
    /// The extension `supported_versions`; empty where it is absent.
    pub versions: Vec<u16>,
    /// Whether the message carries extensions at all. SSL 3.0 knew none.
    pub extensions: bool,
    /// Whether it carries a share for a TLS 1.3 key exchange.
    pub key_share: bool,
}

/// Why bytes are no client's first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// More bytes are needed.
    #[error("the message is not complete yet")]
    Incomplete,
    /// The bytes are something else.
    #[error("this is no ClientHello")]
    Malformed,
}

impl ClientHello {
    /// The versions that a server may choose: those listed, or the one in the message. Reserved values that only test a
    /// server's tolerance (RFC 8701) are left out.
    #[must_use]
    pub fn offers(&self) -> Vec<u16> {
        if self.versions.is_empty() {
            return vec![self.version];
        }
        self.versions.iter().copied().filter(|version| version & 0x0f0f != 0x0a0a).collect()
    }

    /// The message in one record, ready to be sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        body.extend(self.version.to_be_bytes());
        body.extend(random());
        // A session id as real clients send one; its value means nothing.
        body.push(32);
        body.extend(random());
        body.extend(list(&self.ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()).collect::<Vec<_>>()));
        body.extend([1, 0]);
        if self.extensions {
            body.extend(list(&self.extension_bytes()));
        }
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut message = vec![CLIENT_HELLO];
        message.extend(length.iter().skip(1));
        message.extend(body);
        // The record layer of a first message stays at TLS 1.0 or below, for servers that look no further.
        let mut record = vec![RECORD_HANDSHAKE];
        record.extend(self.version.min(TLS_1_0).to_be_bytes());
        record.extend(list(&message));
        record
    }

    fn extension_bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(name) = &self.server_name {
            let mut entry = vec![0];
            entry.extend(list(name.as_bytes()));
            all.extend(extension(SERVER_NAME, &list(&entry)));
        }
        // x25519, secp256r1, secp384r1; uncompressed points.
        all.extend(extension(SUPPORTED_GROUPS, &list(&[0, 29, 0, 23, 0, 24])));
        all.extend(extension(EC_POINT_FORMATS, &[1, 0]));
        if self.version >= TLS_1_2 {
            // ECDSA, RSA-PSS and RSA-PKCS1 with SHA-256 and 384, Ed25519, and SHA-1 as old clients add it.
            let schemes = [4, 3, 5, 3, 8, 4, 8, 5, 4, 1, 5, 1, 8, 7, 2, 1, 2, 3];
            all.extend(extension(SIGNATURE_ALGORITHMS, &list(&schemes)));
        }
        all.extend(extension(EXTENDED_MASTER_SECRET, &[]));
        if !self.versions.is_empty() {
            let versions: Vec<u8> = self.versions.iter().flat_map(|version| version.to_be_bytes()).collect();
            let mut body = vec![u8::try_from(versions.len()).unwrap_or(u8::MAX)];
            body.extend(versions);
            all.extend(extension(SUPPORTED_VERSIONS, &body));
        }
        if self.key_share {
            // Any 32 bytes are an x25519 public key (RFC 7748).
            let mut entry = vec![0, 29];
            entry.extend(list(&random()));
            all.extend(extension(KEY_SHARE, &list(&entry)));
        }
        all
    }

    /// Reads the message from the first bytes of a connection; it may be spread over several records.
    ///
    /// # Errors
    /// The bytes end too early, or are something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, HelloError> {
        let message = message(bytes)?;
        let mut reader = Reader(message.get(4..).ok_or(HelloError::Incomplete)?);
        let hello = Self::read(&mut reader).ok_or(HelloError::Malformed)?;
        if reader.0.is_empty() { Ok(hello) } else { Err(HelloError::Malformed) }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut hello = Self { version: reader.number()?, ..Self::default() };
        reader.take(32)?;
        reader.short_list()?;
        hello.ciphers = numbers(reader.list()?)?;
        reader.short_list()?;
        if reader.0.is_empty() {
            return Some(hello);
        }
        hello.extensions = true;
        let mut extensions = Reader(reader.list()?);
        while !extensions.0.is_empty() {
            let kind = extensions.number()?;
            let body = extensions.list()?;
            match kind {
                SERVER_NAME => hello.server_name = server_name(body)?,
                SUPPORTED_VERSIONS => hello.versions = numbers(Reader(body).short_list()?)?,
                KEY_SHARE => hello.key_share = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

fn server_name(body: &[u8]) -> Option<Option<String>> {
    let mut names = Reader(Reader(body).list()?);
    while !names.0.is_empty() {
        let kind = names.byte()?;
        let name = names.list()?;
        if kind == 0 {
            return Some(Some(String::from_utf8(name.to_vec()).ok()?));
        }
    }
    Some(None)
}

/// The handshake message at the start of a connection, freed from its records: type, length, body.
fn message(bytes: &[u8]) -> Result<Vec<u8>, HelloError> {
    let mut reader = Reader(bytes);
    let mut message: Vec<u8> = Vec::new();
    loop {
        match reader.byte() {
            Some(RECORD_HANDSHAKE) => {}
            Some(_) => return Err(HelloError::Malformed),
            None => return Err(HelloError::Incomplete),
        }
        match reader.byte() {
            Some(3) => {}
            Some(_) => return Err(HelloError::Malformed),
            None => return Err(HelloError::Incomplete),
        }
        reader.byte().ok_or(HelloError::Incomplete)?;
        let fragment = reader.list().ok_or(HelloError::Incomplete)?;
        if fragment.is_empty() {
            return Err(HelloError::Malformed);
        }
        message.extend(fragment);
        if message.first() != Some(&CLIENT_HELLO) {
            return Err(HelloError::Malformed);
        }
        if let [_, a, b, c, ..] = *message.as_slice() {
            let length = 4 + usize::from(a) * 65_536 + usize::from(b) * 256 + usize::from(c);
            if length > LONGEST {
                return Err(HelloError::Malformed);
            }
            if message.len() >= length {
                message.truncate(length);
                return Ok(message);
            }
        }
    }
}

/// 32 random bytes.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // A generator that fails leaves zeros, which serve as well: nothing here is secret.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}

/// A body with its length in two bytes before it.
fn list(body: &[u8]) -> Vec<u8> {
    let mut all = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    all.extend(body);
    all
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut all = kind.to_be_bytes().to_vec();
    all.extend(list(body));
    all
}

fn numbers(bytes: &[u8]) -> Option<Vec<u16>> {
    let pairs = bytes.chunks_exact(2);
    let whole = pairs.remainder().is_empty();
    whole.then(|| pairs.map(|pair| pair.iter().fold(0, |number, byte| number << 8 | u16::from(*byte))).collect())
}

/// Takes bytes from the front, or nothing where too few are left.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn number(&mut self) -> Option<u16> {
        Some(self.take(2)?.iter().fold(0, |number, byte| number << 8 | u16::from(*byte)))
    }

    pub(crate) fn short_list(&mut self) -> Option<&'a [u8]> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    pub(crate) fn list(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_hello() -> impl Strategy<Value = ClientHello> {
        (
            SSL_3_0..=TLS_1_3,
            proptest::collection::vec(any::<u16>(), 1..40),
            proptest::option::of("[a-z]{1,20}\\.test"),
            proptest::collection::vec(any::<u16>(), 0..8),
            any::<bool>(),
        )
            .prop_map(|(version, ciphers, server_name, versions, key_share)| ClientHello {
                version,
                ciphers,
                server_name,
                versions,
                extensions: true,
                key_share,
            })
    }

    proptest! {
        #[test]
        fn what_is_made_is_read_back(hello in any_hello()) {
            prop_assert_eq!(ClientHello::parse(&hello.bytes()), Ok(hello));
        }

        #[test]
        fn a_prefix_is_incomplete(hello in any_hello(), share in 0.0..1.0_f64) {
            let bytes = hello.bytes();
            let end = (bytes.len() as f64 * share) as usize;
            prop_assert_eq!(ClientHello::parse(&bytes[..end]), Err(HelloError::Incomplete));
        }

        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = ClientHello::parse(&bytes);
        }

        #[test]
        fn one_wrong_byte_gives_an_answer(hello in any_hello(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = hello.bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = ClientHello::parse(&bytes);
        }

        #[test]
        fn records_may_be_cut_anywhere(hello in any_hello(), piece in 1_usize..80) {
            let whole = hello.bytes();
            let mut cut = Vec::new();
            for part in whole[5..].chunks(piece) {
                cut.extend([RECORD_HANDSHAKE, 3, 1]);
                cut.extend(list(part));
            }
            prop_assert_eq!(ClientHello::parse(&cut), Ok(hello));
        }
    }

    #[test]
    fn a_hello_of_ssl_3_has_no_extensions() {
        let hello = ClientHello { version: SSL_3_0, ciphers: vec![0x000a], ..ClientHello::default() };
        let read = ClientHello::parse(&hello.bytes()).unwrap();
        assert_eq!((read.offers(), read.extensions), (vec![SSL_3_0], false));
    }

    #[test]
    fn reserved_versions_are_no_offer() {
        let hello = ClientHello { versions: vec![0x7a7a, TLS_1_3], ..ClientHello::default() };
        assert_eq!(hello.offers(), [TLS_1_3]);
    }
}
