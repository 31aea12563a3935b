//! The examples of the C2SP text, round trips, and the right edge against a tree hashed whole.

use super::*;
use crate::merkle::leaf_hash;
use proptest::prelude::*;

#[test]
fn paths_are_written_as_the_text_says() {
    assert_eq!(Tile::new(0, 1_234_067, FULL).unwrap().to_string(), "tile/0/x001/x234/067");
    assert_eq!(Tile::new(63, 0, 1).unwrap().to_string(), "tile/63/000.p/1");
    assert_eq!(Bundle::new(1_000, 255).unwrap().to_string(), "tile/entries/x001/000.p/255");
    assert_eq!(Bundle::new(u64::MAX, FULL).unwrap().to_string(), "tile/entries/x018/x446/x744/x073/x709/x551/615");
}

#[test]
fn a_path_has_one_spelling() {
    for wrong in [
        "",
        "/checkpoint",
        "checkpoint/",
        "Checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/256/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/001/",
        "tile/0//001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/+1",
        "tile/0/+01",
        "tile/0/x+01/000",
        "tile/0/xx01/000",
        "tile/Entries/000",
        "tile/entries/0",
        "tile/entries",
        "tile/0/000?",
        "tile/0/000 ",
        "tile/0/../0/000",
        "tile/0/٠٠٠",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(wrong.parse::<Resource>(), Err(PathError), "{wrong}");
    }
}

#[test]
fn the_examples_of_sizes_in_the_text_hold() {
    let widths = |size| {
        let mut list: Vec<(u8, u16, usize)> = Vec::new();
        for tile in tiles_of(size) {
            match list.last_mut() {
                Some((level, width, count)) if (*level, *width) == (tile.level(), tile.width()) => *count += 1,
                _ => list.push((tile.level(), tile.width(), 1)),
            }
        }
        list
    };
    assert_eq!(widths(70_000), [(0, 256, 273), (0, 112, 1), (1, 256, 1), (1, 17, 1), (2, 1, 1)]);
    assert_eq!(widths(256), [(0, 256, 1), (1, 1, 1)]);
    assert_eq!(widths(1), [(0, 1, 1)]);
    assert_eq!(widths(0), []);
}

#[test]
fn the_right_edge_has_the_root_and_the_tiles_of_the_whole_tree() {
    let leaves: Vec<Hash> = (0..66_000_u32).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    let mut frontier = Frontier::default();
    let mut tiles: std::collections::BTreeMap<(u8, u64), Vec<u8>> = std::collections::BTreeMap::new();
    let stops = [1, 2, 255, 256, 257, 300, 511, 512, 65_535, 65_536, 65_537, 66_000];
    let mut done = 0;
    for stop in stops {
        for leaf in leaves.iter().take(stop).skip(done) {
            frontier.push(*leaf);
        }
        done = stop;
        for (level, n, bytes) in frontier.take_changed() {
            let old = tiles.insert((level, n), bytes.clone()).unwrap_or_default();
            assert!(bytes.starts_with(&old), "a tile only ever grows");
        }
        let size = u64::try_from(stop).unwrap();
        let known: Vec<Hash> = leaves.iter().take(stop).copied().collect();
        assert_eq!(frontier.root(), merkle::root(&known));
        let expected: Vec<_> = tiles_of(size).map(|t| ((t.level(), t.n()), usize::from(t.width()) * 32)).collect();
        let found: Vec<_> = tiles.iter().map(|(place, bytes)| (*place, bytes.len())).collect();
        assert_eq!(found, expected);
        let loaded = Frontier::load(size, |t| decode_tile(tiles.get(&(t.level(), t.n()))?));
        assert_eq!(loaded.unwrap().root(), frontier.root());
    }
    assert_eq!(Frontier::load(300, |_| None), None);
    assert_eq!(Frontier::load(300, |_| Some(Vec::new())), None);
}

#[test]
fn a_bundle_that_ends_early_is_refused() {
    let bytes = encode_bundle([b"one".as_slice(), b"", b"three"]).unwrap();
    assert_eq!(bytes, b"\x00\x03one\x00\x00\x00\x05three");
    assert_eq!(decode_bundle(&bytes).unwrap(), [b"one".as_slice(), b"", b"three"]);
    for (length, entry) in [(1, 0), (2, 0), (4, 0), (6, 1), (8, 2), (11, 2)] {
        assert_eq!(decode_bundle(bytes.get(..length).unwrap()), Err(BundleError::Truncated(entry)));
    }
    assert_eq!(encode_bundle([vec![0; MAX_ENTRY + 1].as_slice()]), Err(BundleError::TooLong(MAX_ENTRY + 1)));
    assert_eq!(decode_tile(&[0; 33]), None);
}

proptest! {
    #[test]
    fn a_path_reads_back(level in 0_u8..64, n: u64, width in 1_u16..=256, small: bool) {
        let n = if small { n % 3_000 } else { n };
        let tile = Resource::Tile(Tile::new(level, n, width).unwrap());
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        let bundle = Resource::Bundle(Bundle::new(n, width).unwrap());
        prop_assert_eq!(bundle.to_string().parse(), Ok(bundle));
    }

    #[test]
    fn any_text_is_a_path_only_if_it_is_written_so(text in "(tile/)?[0-9x/.pentris]{0,24}") {
        if let Ok(resource) = text.parse::<Resource>() {
            prop_assert_eq!(resource.to_string(), text);
        }
    }

    #[test]
    fn a_bundle_reads_back(entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40)) {
        let bytes = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(decode_bundle(&bytes).unwrap(), entries);
    }

    #[test]
    fn any_bytes_are_a_bundle_only_if_they_write_back(bytes in proptest::collection::vec(0_u8..3, 0..60)) {
        if let Ok(entries) = decode_bundle(&bytes) {
            prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
        }
    }
}
