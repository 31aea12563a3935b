use super::*;
use proptest::prelude::*;

fn key(byte: u8) -> Secret {
    Secret::take(&mut [byte; 32])
}

fn seal(key: &Secret, place: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::with(key, place, &[9; SALT], &mut out).unwrap();
    for piece in pieces {
        sealer.push(piece, &mut out).unwrap();
    }
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert_eq!(sealer.finish(&mut out).unwrap(), length as u64);
    assert_eq!(out.len() as u64, sealed_length(length as u64));
    out
}

fn open(key: &Secret, place: &[u8], sealed: &[u8], range: Range<u64>) -> Option<Vec<u8>> {
    let opener = Opener::with(key, place, "x", sealed.get(..HEADER)?, sealed.len() as u64).ok()?;
    let end = range.end.min(opener.length());
    let needed = opener.needed(&range);
    let bytes = sealed.get(needed.start as usize..needed.end as usize)?;
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let (first, skip) = Opener::chunk_of(range.start);
    let mut plain = b"before".to_vec();
    if opener.open(first, bytes, &mut plain).is_err() {
        assert_eq!(plain, b"before", "of what does not open nothing is handed out");
        return None;
    }
    let plain = plain.strip_prefix(b"before")?;
    Some(plain.get(skip..skip + (end - range.start) as usize)?.to_vec())
}

fn all(sealed: &[u8]) -> Range<u64> {
    0..sealed.len() as u64
}

/// Computed with another implementation (Python: `hmac` for HKDF, `cryptography` for AES-256-GCM): an empty value, one of
/// one chunk to the byte, and one of two chunks and a rest; the SHA-256 of what is sealed.
#[test]
fn known_answers() {
    use aws_lc_rs::digest::{SHA256, digest};
    let plain: Vec<u8> = (0..=255_u8).cycle().take(2 * CHUNK + 1000).collect();
    for (length, known) in KNOWN {
        let sealed = seal(&key(7), b"place", &[plain.get(..length).unwrap()]);
        let hash: String = digest(&SHA256, &sealed).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, known, "{length}");
    }
}

const KNOWN: [(usize, &str); 3] = [
    (0, "265fe7f814d10189d94d9b8ec4d445670f3542d03dbd3788f9e0b10d473e472c"),
    (CHUNK, "6115d31bb0c1c5a12dc55ffefdc4f29233728869f7c58b8e5bbaafe02befbd4a"),
    (2 * CHUNK + 1000, "3ec5bca64dbb348c7fc3dd02b7607182f2ce80d43e39d88d24651f9e29c7baa4"),
];

#[test]
fn lengths_that_no_value_has_are_known() {
    for plain in [0, 1, 65_535, 65_536, 65_537, 131_072, 5 << 30] {
        assert_eq!(plain_length(sealed_length(plain)), Some(plain));
    }
    for sealed in [0, 37, 38, 53, 38 + 65_552 + 16, u64::MAX] {
        assert_eq!(plain_length(sealed), None, "{sealed}");
    }
}

#[test]
fn chunks_cannot_be_left_out_repeated_exchanged_or_cut_off() {
    let plain = vec![5; 3 * CHUNK];
    let sealed = seal(&key(1), b"a", &[&plain]);
    assert_eq!(open(&key(1), b"a", &sealed, all(&sealed)).unwrap(), plain);
    let (header, body) = sealed.split_at(HEADER);
    let parts: Vec<&[u8]> = body.chunks(CHUNK + TAG).collect();
    for order in [&[0, 1][..], &[1, 2], &[0, 1, 1, 2], &[1, 0, 2], &[0], &[2], &[0, 1, 2, 2], &[0, 2, 1]] {
        let made: Vec<u8> = header.iter().copied().chain(order.iter().flat_map(|at| parts[*at].to_vec())).collect();
        assert!(open(&key(1), b"a", &made, all(&made)).is_none(), "{order:?}");
    }
    let other = seal(&key(1), b"b", &[&plain]);
    let mixed: Vec<u8> = [header, parts[0], parts[1], &other[HEADER + 2 * (CHUNK + TAG)..]].concat();
    assert!(open(&key(1), b"a", &mixed, all(&mixed)).is_none(), "a chunk of another object");
    assert!(open(&key(1), b"b", &sealed, all(&sealed)).is_none(), "in another place");
    assert!(open(&key(2), b"a", &sealed, all(&sealed)).is_none(), "under another key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_range_opens_however_the_value_came(
        length in prop_oneof![0_usize..200, CHUNK - 2..CHUNK + 3, 2 * CHUNK - 2..2 * CHUNK + 200],
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
        from in any::<proptest::sample::Index>(),
        to in any::<proptest::sample::Index>(),
        at in any::<proptest::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let plain: Vec<u8> = (0..length).map(|n| (n * 7 % 251) as u8).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).chain([0, length]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &plain[pair[0]..pair[1]]).collect();
        let sealed = seal(&key(1), b"p", &pieces);
        prop_assert_eq!(&sealed, &seal(&key(1), b"p", &[&plain]), "pieces do not count");
        let (from, to) = (from.index(length + 1), to.index(length + 1));
        let range = from.min(to)..from.max(to);
        let opened = open(&key(1), b"p", &sealed, range.start as u64..range.end as u64).unwrap();
        prop_assert_eq!(opened, &plain[range]);
        let mut flipped = sealed.clone();
        flipped[at.index(sealed.len())] ^= 1 << bit;
        prop_assert!(open(&key(1), b"p", &flipped, all(&sealed)).is_none());
        let cut = &sealed[..at.index(sealed.len())];
        prop_assert!(open(&key(1), b"p", cut, all(cut)).is_none());
    }

    #[test]
    fn any_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&key(1), b"", &bytes, all(&bytes)).is_none());
    }
}
