//! Passwords known from breaches, in a file that the operator keeps beside the program: nothing about a password leaves.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// How many hexadecimal digits a SHA-1 has.
const DIGITS: usize = 40;
/// The longest line: the hash, a colon, a count, the line's end.
const LINE: usize = 64;

/// Why a breach file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachFileError {
    /// It cannot be read.
    #[error("the breach file {0} cannot be read: {1}")]
    Read(PathBuf, io::Error),
    /// It is not what it should be.
    #[error(
        "the breach file {0} has lines that are no SHA-1 in sorted order, as in `000000005AD76BD555C1D6D771DE417A4B87E4B4:10`"
    )]
    Shape(PathBuf),
}

/// A file of SHA-1 hashes in hexadecimal, one per line, sorted, each with a count after a colon or without: what the
/// downloader of Have I Been Pwned writes as one file. Read by binary search, a few pages per password.
#[derive(Debug)]
pub struct BreachFile {
    file: File,
    size: u64,
}

impl BreachFile {
    /// Opens a file and looks at a thousand places of it.
    ///
    /// # Errors
    /// It cannot be read, or is no such list.
    pub fn open(path: &Path) -> Result<Self, BreachFileError> {
        let read = |error| BreachFileError::Read(path.to_owned(), error);
        let file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let list = Self { file, size };
        let mut last = None;
        for step in 0..1_000_u64 {
            let at = u64::try_from(u128::from(size) * u128::from(step) / 1_000).unwrap_or(0);
            let Some((hash, _)) = list.line_from(at).map_err(read)? else { break };
            let ordered = last.is_none_or(|last| last <= hash);
            if !ordered || !hash.iter().all(u8::is_ascii_hexdigit) {
                return Err(BreachFileError::Shape(path.to_owned()));
            }
            last = Some(hash);
        }
        if last.is_none() { Err(BreachFileError::Shape(path.to_owned())) } else { Ok(list) }
    }

    /// Whether the password is in the file.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn contains(&self, password: &str) -> io::Result<bool> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let mut wanted = [0; DIGITS];
        for (place, byte) in wanted.as_chunks_mut::<2>().0.iter_mut().zip(hash.as_ref()) {
            *place = [hex(byte >> 4), hex(byte & 15)];
        }
        self.find(&wanted)
    }

    fn find(&self, wanted: &[u8; DIGITS]) -> io::Result<bool> {
        // The line sought, if it is there, starts in low..high.
        let (mut low, mut high) = (0, self.size);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)? {
                Some((hash, start)) if start < high => {
                    if hash == *wanted {
                        return Ok(true);
                    }
                    if hash < *wanted { low = start + 1 } else { high = middle }
                }
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that starts at `from` or behind it, in capitals, and where it starts.
    fn line_from(&self, from: u64) -> io::Result<Option<([u8; DIGITS], u64)>> {
        // One byte earlier, since the line may start just there.
        let (begin, skip) = from.checked_sub(1).map_or((0, false), |before| (before, true));
        let mut buffer = [0; LINE * 2];
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, begin + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        let bytes = buffer.get(..filled).unwrap_or_default();
        let start = if skip {
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None => return Ok(None),
            }
        } else {
            0
        };
        let Some(hash) = bytes.get(start..).and_then(|line| line.first_chunk::<DIGITS>()) else { return Ok(None) };
        let mut hash = *hash;
        hash.make_ascii_uppercase();
        Ok(Some((hash, begin + start as u64)))
    }
}

/// One hexadecimal digit in capitals.
const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn sha1(password: &str) -> String {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect()
    }

    fn file(lines: &[String], end: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines.join(end).as_bytes()).unwrap();
        file.write_all(end.as_bytes()).unwrap();
        file
    }

    #[test]
    fn what_is_in_the_file_is_found_and_nothing_else() {
        for (end, counted) in [("\n", true), ("\r\n", true), ("\n", false)] {
            for many in [1, 2, 3, 7, 1_000] {
                let count = |n: usize| if counted { format!(":{}", n * 37) } else { String::new() };
                let mut lines: Vec<String> =
                    (0..many).map(|n| format!("{}{}", sha1(&format!("word{n}")), count(n))).collect();
                lines.sort();
                let list = BreachFile::open(file(&lines, end).path()).unwrap();
                for n in 0..many {
                    assert!(list.contains(&format!("word{n}")).unwrap(), "word{n} of {many}");
                    assert!(!list.contains(&format!("other{n}")).unwrap(), "other{n} of {many}");
                }
            }
        }
    }

    #[test]
    fn the_last_line_may_lack_its_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut lines = [sha1("one"), sha1("two")];
        lines.sort();
        file.write_all(lines.join("\n").as_bytes()).unwrap();
        let list = BreachFile::open(file.path()).unwrap();
        assert!(list.contains("one").unwrap() && list.contains("two").unwrap());
    }

    #[test]
    fn another_file_is_refused() {
        let mut lines: Vec<String> = (0..100).map(|n| sha1(&n.to_string())).collect();
        lines.sort();
        lines.reverse();
        assert!(BreachFile::open(file(&lines, "\n").path()).is_err(), "not sorted");
        assert!(BreachFile::open(file(&["password".repeat(6)], "\n").path()).is_err(), "no hashes");
        assert!(BreachFile::open(file(&[], "\n").path()).is_err(), "empty");
        assert!(BreachFile::open(Path::new("/nonexistent")).is_err());
    }
}
