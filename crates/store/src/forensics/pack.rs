//! Files that are packed: what they hold is searched as well, or they are named as what cannot be searched.

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use std::{
    fs::File,
    io::{self, Read, Seek as _, Write as _},
};
use zip::ZipArchive;

/// The most that is unpacked of one file: what holds more is too little packed to be ours, or is meant to exhaust whoever looks.
const MOST: u64 = 1 << 30;

/// How many bytes tell how a file is packed.
const HEAD: usize = 6;

/// How files begin that are packed in ways which nobody here unpacks: Zstandard, xz, bzip2, 7z, LZ4.
const SHUT: [&[u8]; 5] = [b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh", b"7z\xbc\xaf\x27\x1c", b"\x04\x22\x4d\x18"];

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    Gzip,
    Zip,
    /// In a way that nobody here unpacks.
    Shut,
}

/// How a file that begins so is packed; `None` where it is not.
fn told(head: &[u8]) -> Option<Packed> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Packed::Gzip),
        [b'P', b'K', 3, 4, ..] => Some(Packed::Zip),
        _ => SHUT.iter().any(|shut| head.starts_with(shut)).then_some(Packed::Shut),
    }
}

/// How a file is packed. It is read from its beginning afterwards.
pub(super) fn how(file: &mut File) -> io::Result<Option<Packed>> {
    let mut head = Vec::with_capacity(HEAD);
    Read::by_ref(file).take(HEAD as u64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(told(&head))
}

/// Gives what a file holds, part by part, to `look`. Yields whether all of it could be looked at: not what is damaged, too large,
/// encrypted, or packed once more.
pub(super) fn open(file: File, how: Packed, mut look: impl FnMut(&mut dyn Read) -> io::Result<u64>) -> bool {
    match how {
        Packed::Shut => false,
        Packed::Gzip => one(MultiGzDecoder::new(file), &mut look),
        Packed::Zip => {
            let Ok(mut archive) = ZipArchive::new(file) else { return false };
            (0..archive.len()).all(|at| archive.by_index(at).is_ok_and(|part| one(part, &mut look)))
        }
    }
}

fn one(mut part: impl Read, look: &mut impl FnMut(&mut dyn Read) -> io::Result<u64>) -> bool {
    let mut head = Vec::with_capacity(HEAD);
    if part.by_ref().take(HEAD as u64).read_to_end(&mut head).is_err() {
        return false;
    }
    let is_packed_again = told(&head).is_some();
    let mut whole = head.as_slice().chain(part.take(MOST));
    look(&mut whole).is_ok_and(|length| length < MOST) && !is_packed_again
}

/// Packs bytes as a careless job would.
pub(super) fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    packer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn opened(bytes: &[u8]) -> Option<(bool, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stray");
        fs::write(&path, bytes).unwrap();
        let mut file = File::open(&path).unwrap();
        let how = how(&mut file).unwrap()?;
        let mut all = Vec::new();
        let whole = open(file, how, |part| part.read_to_end(&mut all).map(|length| length as u64));
        Some((whole, all))
    }

    #[test]
    fn what_is_packed_is_opened_or_said_to_be_shut() {
        assert_eq!(opened(b"plain text"), None);
        assert_eq!(opened(b""), None);
        let once = packed(b"a key").unwrap();
        assert_eq!(opened(&once).unwrap(), (true, b"a key".to_vec()));
        assert_eq!(opened(&[once.clone(), once.clone()].concat()).unwrap(), (true, b"a keya key".to_vec()));
        assert!(!opened(&packed(&once).unwrap()).unwrap().0, "packed twice");
        assert!(!opened(once.split_at(once.len() - 3).0).unwrap().0, "cut off");
        assert!(!opened(b"\x28\xb5\x2f\xfdxyz").unwrap().0);
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        archive.start_file("one", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"a key").unwrap();
        let archive = archive.finish().unwrap().into_inner();
        assert_eq!(opened(&archive).unwrap(), (true, b"a key".to_vec()));
    }
}
