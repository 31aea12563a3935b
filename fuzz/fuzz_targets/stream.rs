//! Sealed streams: whatever is read, nothing opens that nobody sealed, and nothing is asked for beyond the end. What was
//! sealed, in whatever pieces, opens in any range, and not when it was altered.

#![no_main]

mod keys;

use keys::KEYS;
use libfuzzer_sys::fuzz_target;
use std::ops::Range;
use vault::stream::{CHUNK, HEADER, Opener, Sealer, sealed_length};

fn nobody_sealed_it(range: &Range<u64>, bytes: &[u8]) {
    let (_, keys, place) = &*KEYS;
    let length = bytes.len() as u64;
    if let Ok(opener) = Opener::new(keys, place, "x", bytes.get(..HEADER).unwrap_or(bytes), length) {
        let needed = opener.needed(range);
        assert!(needed.is_empty() || needed.end <= length);
        let mut out = Vec::new();
        let opened = opener.open(Opener::chunk_of(range.start).0, &bytes[HEADER..], &mut out);
        assert!(opened.is_err() && out.is_empty(), "nobody sealed this");
    }
}

/// The range of what `sealed` holds; `None` when it does not open.
fn open(sealed: &[u8], range: &Range<u64>) -> Option<Vec<u8>> {
    let (_, keys, place) = &*KEYS;
    let opener = Opener::new(keys, place, "x", sealed.get(..HEADER)?, sealed.len() as u64).ok()?;
    let needed = opener.needed(range);
    if needed.is_empty() {
        return Some(Vec::new());
    }
    let (first, skip) = Opener::chunk_of(range.start);
    let mut out = Vec::new();
    opener.open(first, &sealed[needed.start as usize..needed.end as usize], &mut out).ok()?;
    Some(out[skip..][..(range.end - range.start) as usize].to_vec())
}

fuzz_target!(|input: (u64, u64, Vec<u8>, Vec<u16>, usize, u8)| {
    let (from, to, bytes, pieces, at, change) = input;
    nobody_sealed_it(&(from..to), &bytes);

    let (_, keys, place) = &*KEYS;
    // Up to a few chunks, however few bytes the fuzzer thinks of.
    let plain: Vec<u8> = bytes.iter().copied().cycle().take((from % (3 * CHUNK as u64)) as usize).collect();
    let mut sealed = Vec::new();
    let mut sealer = Sealer::begin(keys, place, &mut sealed).unwrap();
    let mut rest = plain.as_slice();
    for piece in pieces {
        let (now, later) = rest.split_at(rest.len().min(usize::from(piece)));
        sealer.push(now, &mut sealed).unwrap();
        rest = later;
    }
    sealer.push(rest, &mut sealed).unwrap();
    let length = sealer.finish(&mut sealed).unwrap();
    assert_eq!((length, sealed.len() as u64), (plain.len() as u64, sealed_length(length)));
    let (one, other) = (to % (length + 1), at as u64 % (length + 1));
    let range = one.min(other)..one.max(other);
    assert_eq!(open(&sealed, &range).as_deref(), Some(&plain[range.start as usize..range.end as usize]));
    let at = at % sealed.len();
    sealed[at] ^= change;
    assert_eq!(open(&sealed, &(0..length)).is_some_and(|opened| opened == plain), change == 0, "a value was altered");
});
