//! What is searched for.

use crate::StoreError;
use aho_corasick::AhoCorasick;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The length of a window. Long enough that it does not occur by chance, short enough to survive compression: the
/// database's own puts a byte of its own between each eight that it keeps.
const WINDOW: usize = 8;

/// The longest needle that is compared as a whole.
pub(super) const LONGEST: usize = 64;

/// The most windows that are taken from one needle.
const MOST: usize = 512;

/// One window, and which needle it is from.
#[derive(Clone, Debug)]
struct Window {
    needle: usize,
    rest: Rest,
}

/// What must stand beside a window for its needle to have been found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing: the window is enough.
    Nothing,
    /// This, from the window's beginning on.
    Whole(Vec<u8>),
    /// This behind it, or behind one byte more, which the database's own compression puts there.
    Next(Vec<u8>),
}

impl Rest {
    fn is_at(&self, found: &[u8]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Whole(whole) => found.starts_with(whole),
            Self::Next(next) => {
                [WINDOW, WINDOW + 1].iter().any(|at| found.get(*at..).is_some_and(|rest| rest.starts_with(next)))
            }
        }
    }
}

/// A set of needles, each with a name that may be shown: the bytes never are.
#[derive(Clone, Default)]
pub struct Needles {
    names: Vec<String>,
    windows: BTreeMap<[u8; WINDOW], Vec<Window>>,
}
impl std::fmt::Debug for Needles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

impl Needles {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The words of a text, each of at least eight letters, as they may be written: in either case, as UTF-16, in hexadecimal
    /// digits, in Base64. A piece of eight letters is enough, or of sixteen where all are hexadecimal digits: of those eight are as
    /// any small number.
    #[must_use]
    pub fn words(mut self, name: &str, text: &str) -> Self {
        let needle = self.named(name);
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() >= WINDOW) {
            for written in [word.to_owned(), word.to_lowercase(), word.to_uppercase()] {
                if is_digits(word) {
                    self.pairs(needle, written.as_bytes());
                } else {
                    self.pieces(needle, written.as_bytes());
                }
                let wide: Vec<u8> = written.encode_utf16().flat_map(u16::to_le_bytes).collect();
                // Eight bytes of it are four letters, as any four small numbers are: eight letters must be there.
                let letters = if is_digits(word) { 2 * WINDOW } else { WINDOW };
                wide.windows(2 * letters).step_by(2).for_each(|window| self.whole(needle, window));
                self.hexadecimal(needle, written.as_bytes());
                for shift in 0..3 {
                    self.pieces(needle, base64_middle(written.as_bytes(), shift).as_bytes());
                }
            }
        }
        self
    }

    /// Bytes that occur nowhere else: ciphertext, a keyed hash, a file. A piece of eight bytes is enough.
    #[must_use]
    pub fn bytes(mut self, name: &str, bytes: &[u8]) -> Self {
        let needle = self.named(name);
        self.pieces(needle, bytes);
        self
    }

    /// An id, as bytes and as text. Ids that are made at the same time begin alike, so that only their ends are looked for.
    #[must_use]
    pub fn id(mut self, name: &str, id: Uuid) -> Self {
        let needle = self.named(name);
        let end = id.as_bytes().split_at(WINDOW).1.to_vec();
        self.add(needle, &end, Rest::Nothing);
        let text = id.to_string();
        let written = text.split_at(text.len() - 17).1.to_owned();
        for written in [written.clone(), written.to_uppercase(), written.replace('-', "")] {
            self.whole(needle, written.as_bytes());
        }
        self
    }

    /// Bytes in every way in which they may be written down: as they are, in hexadecimal digits, in Base64. As many of them as
    /// can be compared must be there as a whole: this is for what begins as others do.
    #[must_use]
    pub fn copies(mut self, name: &str, bytes: &[u8]) -> Self {
        let needle = self.named(name);
        self.whole(needle, bytes);
        self.hexadecimal(needle, bytes);
        for shift in 0..3 {
            self.whole(needle, base64_middle(bytes, shift).as_bytes());
        }
        self
    }

    /// Bytes that occur nowhere else, as somebody may have written them down: in hexadecimal digits, or in Base64 of either alphabet
    /// at each of its three alignments, in lines of any usual length. A piece is enough: eight bytes, or twelve letters.
    #[must_use]
    pub fn encoded(mut self, name: &str, bytes: &[u8]) -> Self {
        const LETTERS: usize = 12;
        let needle = self.named(name);
        for block in blocks(bytes) {
            for piece in block.chunks_exact(WINDOW) {
                self.hexadecimal(needle, piece);
            }
            for letters in (0..3).map(|shift| base64_middle(block, shift)) {
                for letters in [letters.replace('+', "-").replace('/', "_"), letters] {
                    letters.as_bytes().chunks_exact(LETTERS).for_each(|piece| self.whole(needle, piece));
                }
            }
        }
        self
    }

    /// A text as a whole, in either case and in every way in which it may be written down.
    #[must_use]
    pub fn phrase(mut self, name: &str, text: &str) -> Self {
        let needle = self.named(name);
        for written in [text.to_owned(), text.to_lowercase()] {
            let wide: Vec<u8> = written.encode_utf16().flat_map(u16::to_le_bytes).collect();
            self.whole(needle, &wide);
            self = self.copies(name, written.as_bytes());
        }
        self
    }

    /// The names, in the order in which they were given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    fn named(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    fn hexadecimal(&mut self, needle: usize, bytes: &[u8]) {
        let lower: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // Eight digits are four letters: too little to tell words apart, so the whole must be there.
        for written in [lower.to_uppercase(), lower] {
            self.whole(needle, written.as_bytes());
        }
    }

    fn whole(&mut self, needle: usize, bytes: &[u8]) {
        let whole = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
        self.add(needle, whole, Rest::Whole(whole.to_vec()));
    }

    /// Every window with the one behind it.
    fn pairs(&mut self, needle: usize, bytes: &[u8]) {
        for block in blocks(bytes) {
            for pair in block.windows(2 * WINDOW) {
                let (window, next) = pair.split_at(WINDOW);
                self.add(needle, window, Rest::Next(next.to_vec()));
            }
        }
    }

    /// Every window, or some from all over where there are many.
    fn pieces(&mut self, needle: usize, bytes: &[u8]) {
        for block in blocks(bytes) {
            block.windows(WINDOW).for_each(|window| self.add(needle, window, Rest::Nothing));
        }
    }

    fn add(&mut self, needle: usize, window: &[u8], rest: Rest) {
        let Some(first) = window.first_chunk::<WINDOW>() else { return };
        // A run of one byte is found everywhere.
        if first.iter().all(|byte| Some(byte) == first.first()) {
            return;
        }
        let known = self.windows.entry(*first).or_default();
        if !known.iter().any(|window| window.needle == needle && window.rest == rest) {
            known.push(Window { needle, rest });
        }
    }

    /// What finds all windows at once.
    pub(super) fn finder(&self) -> Result<Finder, StoreError> {
        let finds = AhoCorasick::new(self.windows.keys());
        let finds = finds.map_err(|error| StoreError::Unexpected(format!("too many needles: {error}")))?;
        Ok(Finder { finds, windows: self.windows.values().cloned().collect() })
    }
}

/// Finds the windows of many needles in one pass.
pub(super) struct Finder {
    finds: AhoCorasick,
    windows: Vec<Vec<Window>>,
}

impl Finder {
    /// Tells each needle that begins before `until`, and where.
    pub(super) fn look(&self, buffer: &[u8], until: usize, mut tell: impl FnMut(usize, usize)) {
        for found in self.finds.find_overlapping_iter(buffer) {
            let at = found.start();
            if at >= until {
                continue;
            }
            for Window { needle, rest } in self.windows.get(found.pattern().as_usize()).into_iter().flatten() {
                if buffer.get(at..).is_some_and(|found| rest.is_at(found)) {
                    tell(*needle, at);
                }
            }
        }
    }
}

/// Whether a word is long enough to be looked for by pairs of windows, and says so little in eight letters that it must be.
fn is_digits(word: &str) -> bool {
    word.len() >= 2 * WINDOW && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The bytes themselves, or blocks from all over them where they are many.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const BLOCKS: usize = MOST / LONGEST;
    let (count, length) = if bytes.len() <= MOST { (1, bytes.len()) } else { (BLOCKS, LONGEST) };
    let apart = (bytes.len() - length) / (BLOCKS - 1);
    (0..count).filter_map(move |number| bytes.get(apart * number..apart * number + length))
}

/// The letters of Base64 that say nothing but these bytes, with `shift` bytes before them that nobody knows.
fn base64_middle(bytes: &[u8], shift: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
    let letters = padded.chunks_exact(3).flat_map(|three| {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        (0..4).rev().map(move |place| LETTERS.get(bits >> (6 * place) & 63).copied().map_or(' ', char::from))
    });
    // A letter stands for six bits.
    letters.skip((8 * shift).div_ceil(6)).collect()
}
