//! The search itself: each file once, in parts that overlap.

use super::{
    Kind, Needles, Places,
    needles::{Finder, LONGEST},
    pack,
};
use crate::StoreError;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read, Seek as _},
    path::{Path, PathBuf},
};

/// How much is read at a time.
const PART: usize = 1 << 20;

/// Windows of one needle that lie closer together than this are one occurrence.
const APART: u64 = 64;

/// What was found of one needle in one kind of place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The name of the needle.
    pub needle: String,
    /// In what kind of place.
    pub kind: Kind,
    /// How often.
    pub times: u64,
    /// The first file, below the data directory where it lies there.
    pub file: PathBuf,
    /// Where in it.
    pub at: u64,
}

/// What a search saw.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// How many files were read, by kind.
    pub files: BTreeMap<Kind, usize>,
    /// How many bytes, by kind.
    pub bytes: BTreeMap<Kind, u64>,
    /// What was found.
    pub hits: Vec<Hit>,
    /// Files that are packed so that nobody can look into them, or not into all of them.
    pub shut: Vec<(Kind, PathBuf)>,
}

impl Searched {
    /// How often a needle was found in a kind of place.
    #[must_use]
    pub fn times(&self, needle: &str, kind: Kind) -> u64 {
        self.hits.iter().filter(|hit| hit.needle == needle && hit.kind == kind).map(|hit| hit.times).sum()
    }

    /// Whether a needle was found anywhere.
    #[must_use]
    pub fn found(&self, needle: &str) -> bool {
        self.hits.iter().any(|hit| hit.needle == needle)
    }

    /// How many files were read.
    #[must_use]
    pub fn all_files(&self) -> usize {
        self.files.values().sum()
    }

    /// How many bytes were read.
    #[must_use]
    pub fn all_bytes(&self) -> u64 {
        self.bytes.values().sum()
    }

    fn hit(&mut self, needle: &str, kind: Kind, file: &Path, at: u64) {
        if let Some(known) = self.hits.iter_mut().find(|hit| hit.needle == needle && hit.kind == kind) {
            known.times += 1;
            return;
        }
        self.hits.push(Hit { needle: needle.to_owned(), kind, times: 1, file: file.to_owned(), at });
    }
}

pub(super) fn search(places: &Places, needles: &Needles) -> Result<Searched, StoreError> {
    let mut searched = Searched::default();
    let (finder, count) = (needles.finder()?, needles.names().len());
    let mut buffer = Vec::with_capacity(PART + LONGEST);
    for (kind, path, shown) in places.files()? {
        let cannot = |error: std::io::Error| {
            StoreError::Unexpected(format!("{} cannot be searched: {}", shown.display(), error.kind()))
        };
        match File::open(&path) {
            Ok(mut file) => {
                let how = if kind.is_packed_by_nobody() { None } else { pack::how(&mut file).map_err(cannot)? };
                let mut look = |part: &mut dyn Read| {
                    scan(part, &finder, count, &mut buffer, |needle, at| {
                        let name = needles.names().get(needle).map(String::as_str).unwrap_or_default();
                        searched.hit(name, kind, &shown, at);
                    })
                };
                let length = look(&mut file).map_err(cannot)?;
                let is_open = match how {
                    Some(how) => {
                        file.rewind().map_err(cannot)?;
                        pack::open(file, how, look)
                    }
                    None => true,
                };
                *searched.bytes.entry(kind).or_default() += length;
                *searched.files.entry(kind).or_default() += 1;
                if !is_open {
                    searched.shut.push((kind, shown.clone()));
                }
            }
            // The database removes files all the time.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(error)),
        }
    }
    Ok(searched)
}

/// The first needle in these bytes.
pub(super) fn first_in(bytes: &[u8], needles: &Needles) -> Result<Option<usize>, StoreError> {
    let mut first = None;
    needles.finder()?.look(bytes, bytes.len(), |needle, _| {
        first.get_or_insert(needle);
    });
    Ok(first)
}

/// Reads to the end and tells each occurrence. Yields how much there was.
fn scan(
    mut file: impl std::io::Read,
    finder: &Finder,
    count: usize,
    buffer: &mut Vec<u8>,
    mut tell: impl FnMut(usize, u64),
) -> std::io::Result<u64> {
    buffer.clear();
    let mut last = vec![None::<u64>; count];
    // Where in the file the buffer begins.
    let mut base = 0_u64;
    loop {
        let more = file.by_ref().take(PART as u64).read_to_end(buffer)?;
        let ended = more == 0;
        // What begins in the last bytes may go on in the next part.
        let until = if ended { buffer.len() } else { buffer.len().saturating_sub(LONGEST - 1) };
        finder.look(buffer, until, |needle, at| {
            let at = base + at as u64;
            let Some(last) = last.get_mut(needle) else { return };
            if last.is_none_or(|last| at > last + APART) {
                tell(needle, at);
            }
            *last = Some(at);
        });
        base += until as u64;
        if ended {
            return Ok(base);
        }
        buffer.drain(..until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(needles: &Needles, bytes: &[u8]) -> Vec<(usize, u64)> {
        let mut out = Vec::new();
        let (finder, count) = (needles.finder().unwrap(), needles.names().len());
        let length = scan(bytes, &finder, count, &mut Vec::new(), |needle, at| out.push((needle, at))).unwrap();
        assert_eq!(length, bytes.len() as u64);
        out
    }

    #[test]
    fn a_word_is_found_however_it_is_written() {
        let needles = Needles::new().words("name", "Kobaduzemi Ranolitepu");
        let wide: Vec<u8> = "Kobaduzemi".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut written: Vec<Vec<u8>> = vec![
            b"Kobaduzemi".to_vec(),
            b"KOBADUZEMI".to_vec(),
            b"x-kobaduzemi@".to_vec(),
            b"\x0eKobaduz\x00baduzemi".to_vec(),
            b"4b6f626164757a656d69".to_vec(),
            wide,
        ];
        // Base64 of «…Kobaduzemi…» behind nought, one and two bytes (Python's base64).
        written.extend([b"S29iYWR1emVtaQ==".to_vec(), b"LUtvYmFkdXplbWkt".to_vec(), b"Pj5Lb2JhZHV6ZW1pPj4=".to_vec()]);
        for bytes in written {
            let around = [b"before ".as_slice(), &bytes, b" after"].concat();
            assert_eq!(found(&needles, &around).len(), 1, "{}", String::from_utf8_lossy(&bytes));
        }
        for other in ["Kobaduz", "kobadu zemi", "4b6f6261", "S29iYWQ=", "K\0o\0b\0a\0d\0u\0z\0"] {
            assert_eq!(found(&needles, other.as_bytes()), [], "{other}");
        }
    }

    #[test]
    fn eight_digits_of_a_token_are_nobodys_and_sixteen_are() {
        let digits = "0f1e2d3c4b5a69788796a5b4c3d2e1f000112233445566778899aabbccddeeff";
        let needles = Needles::new().words("a token", &format!("wbt_{digits}"));
        let (one, other) = (&digits[16..24], &digits[24..32]);
        let packed = format!("x{one}\0{other}x");
        let wide: Vec<u8> = digits.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for found_in in [digits.as_bytes(), digits.to_uppercase().as_bytes(), packed.as_bytes(), &wide] {
            assert!(!found(&needles, found_in).is_empty(), "{}", String::from_utf8_lossy(found_in));
        }
        for nobodys in [one.to_owned(), digits[16..31].to_owned(), format!("{one}--{other}")] {
            assert_eq!(found(&needles, nobodys.as_bytes()), [], "{nobodys}");
        }
    }

    #[test]
    fn bytes_are_found_as_somebody_may_have_written_them_down() {
        // Python: `bytes((i * 37 + 11) % 256 for i in range(48))`, its `hex()` and `base64.encodebytes(b"k:" + …)`.
        let key: Vec<u8> = (0..48_u32).map(|at| u8::try_from((at * 37 + 11) % 256).unwrap()).collect();
        let needles = Needles::new().encoded("key", &key);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines = hex.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line).into_owned());
        let wrapped = "azoLMFV6n8TpDjNYfaLH7BE2W4Clyu8UOV6DqM3yFzxhhqvQ9Ro/ZImu0/gdQmeMsdY=";
        for written in [hex.clone(), hex.to_uppercase(), lines.collect::<Vec<_>>().join("\n"), wrapped.to_owned()] {
            assert!(!found(&needles, written.as_bytes()).is_empty(), "{written}");
        }
        assert!(!found(&needles, wrapped.replace('/', "_").as_bytes()).is_empty());
        assert_eq!(found(&needles, b"0b30557a9fc4"), [], "six bytes are nobody's");
        let long: Vec<u8> = key.iter().cycle().take(4_000).copied().collect();
        assert!(!found(&Needles::new().encoded("file", &long), hex.as_bytes()).is_empty());
    }

    #[test]
    fn an_id_is_found_as_bytes_and_as_text_and_its_neighbours_are_not() {
        let (one, other) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let needles = Needles::new().id("id", one);
        assert_eq!(found(&needles, one.as_bytes()).len(), 1);
        assert_eq!(found(&needles, format!("«{one}»").as_bytes()).len(), 1);
        assert_eq!(found(&needles, one.simple().to_string().as_bytes()).len(), 1);
        for bytes in [other.as_bytes().to_vec(), other.to_string().into_bytes()] {
            assert_eq!(found(&needles, &bytes), []);
        }
    }

    proptest! {
        /// Against a search that compares every window with every other.
        #[test]
        fn it_finds_what_a_plain_search_finds(
            hay in proptest::collection::vec(0_u8..4, 0..400),
            needle in proptest::collection::vec(0_u8..4, 8..40),
            at in any::<proptest::sample::Index>(),
            is_in in any::<bool>(),
        ) {
            let mut hay = hay;
            if is_in && !hay.is_empty() {
                let at = at.index(hay.len());
                hay.splice(at..at, needle.iter().copied());
            }
            let needles = Needles::new().bytes("n", &needle);
            let run = |window: &[u8]| window.iter().all(|byte| Some(byte) == window.first());
            let plain = hay.windows(8).any(|window| !run(window) && needle.windows(8).any(|part| part == window));
            prop_assert_eq!(!found(&needles, &hay).is_empty(), plain);
        }
    }

    #[test]
    fn what_lies_across_two_parts_is_found_once() {
        let needle: Vec<u8> = (1..=40).collect();
        let needles = Needles::new().bytes("n", &needle);
        for before in [PART - 50, PART - 20, PART - 8, PART - 1, PART, PART + 1, 2 * PART - 9] {
            let hay = [vec![0; before], needle.clone(), vec![0; 100]].concat();
            assert_eq!(found(&needles, &hay), [(0, before as u64)], "{before}");
        }
    }
}
