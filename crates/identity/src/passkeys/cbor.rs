//! As much CBOR (RFC 8949) as authenticators write: the canonical form of CTAP2. Whole numbers, byte and text strings, arrays,
//! maps and the simple values; lengths said beforehand and in their shortest form; no name twice.

/// How deep values may be nested. CTAP2 allows four levels.
const DEEPEST: u8 = 8;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    Bool(bool),
    Null,
}

impl<'a> Value<'a> {
    /// Reads one value from the front; hands back what follows.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        read(bytes, DEEPEST)
    }

    /// The entry of a map under a number.
    pub(crate) fn at(&self, label: i64) -> Option<&Self> {
        self.entry(|name| *name == Self::Int(label))
    }

    /// The entry of a map under a name.
    pub(crate) fn named(&self, wanted: &str) -> Option<&Self> {
        self.entry(|name| matches!(name, Self::Text(text) if *text == wanted))
    }

    /// How many entries a map has.
    pub(crate) const fn entries(&self) -> Option<usize> {
        if let Self::Map(entries) = self { Some(entries.len()) } else { None }
    }

    pub(crate) const fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    pub(crate) const fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(crate) const fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn entry(&self, wanted: impl Fn(&Self) -> bool) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| wanted(name)).map(|(_, value)| value)
    }
}

fn read(bytes: &[u8], levels: u8) -> Option<(Value<'_>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (major, extra) = (first >> 5, first & 31);
    if major == 7 {
        let value = match extra {
            20 => Value::Bool(false),
            21 => Value::Bool(true),
            22 => Value::Null,
            _ => return None,
        };
        return Some((value, rest));
    }
    let (number, rest) = argument(extra, rest)?;
    match major {
        0 => Some((Value::Int(i64::try_from(number).ok()?), rest)),
        1 => Some((Value::Int(-1 - i64::try_from(number).ok()?), rest)),
        2 => rest.split_at_checked(usize::try_from(number).ok()?).map(|(text, rest)| (Value::Bytes(text), rest)),
        3 => {
            let (text, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            Some((Value::Text(std::str::from_utf8(text).ok()?), rest))
        }
        4 => array(number, rest, levels.checked_sub(1)?),
        5 => map(number, rest, levels.checked_sub(1)?),
        _ => None,
    }
}

/// The number that follows the first byte, in its shortest form.
fn argument(extra: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let (size, least) = match extra {
        0..=23 => return Some((u64::from(extra), rest)),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(size)?;
    let number = digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit));
    (number >= least).then_some((number, rest))
}

fn array(length: u64, mut rest: &[u8], levels: u8) -> Option<(Value<'_>, &[u8])> {
    // Each item takes a byte at least, so nothing is reserved for a length that cannot be true.
    let mut items = Vec::new();
    for _ in 0..length {
        let (item, behind) = read(rest, levels)?;
        items.push(item);
        rest = behind;
    }
    Some((Value::Array(items), rest))
}

fn map(length: u64, mut rest: &[u8], levels: u8) -> Option<(Value<'_>, &[u8])> {
    // Nothing that is read here has more; it keeps the search for repetitions short.
    if length > 64 {
        return None;
    }
    let mut entries: Vec<(Value<'_>, Value<'_>)> = Vec::new();
    for _ in 0..length {
        let (name, behind) = read(rest, levels)?;
        let (value, behind) = read(behind, levels)?;
        let fits = matches!(name, Value::Int(_) | Value::Text(_));
        if !fits || entries.iter().any(|(other, _)| *other == name) {
            return None;
        }
        entries.push((name, value));
        rest = behind;
    }
    Some((Value::Map(entries), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(hex: &str) -> Option<String> {
        let bytes: Vec<u8> = hex
            .as_bytes()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let (value, rest) = Value::read(&bytes)?;
        rest.is_empty().then(|| format!("{value:?}"))
    }

    /// RFC 8949, appendix A, as far as it concerns what is read here.
    #[test]
    fn the_examples_of_rfc_8949() {
        for (hex, shown) in [
            ("00", "Int(0)"),
            ("17", "Int(23)"),
            ("1818", "Int(24)"),
            ("1903e8", "Int(1000)"),
            ("1a000f4240", "Int(1000000)"),
            ("1b000000e8d4a51000", "Int(1000000000000)"),
            ("20", "Int(-1)"),
            ("3903e7", "Int(-1000)"),
            ("f4", "Bool(false)"),
            ("f5", "Bool(true)"),
            ("f6", "Null"),
            ("4401020304", "Bytes([1, 2, 3, 4])"),
            ("6449455446", "Text(\"IETF\")"),
            ("62c3bc", "Text(\"ü\")"),
            ("8301820203820405", "Array([Int(1), Array([Int(2), Int(3)]), Array([Int(4), Int(5)])])"),
            ("a201020304", "Map([(Int(1), Int(2)), (Int(3), Int(4))])"),
            ("a26161016162820203", "Map([(Text(\"a\"), Int(1)), (Text(\"b\"), Array([Int(2), Int(3)]))])"),
        ] {
            assert_eq!(whole(hex).as_deref(), Some(shown), "{hex}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for (hex, why) in [
            ("", "nothing"),
            ("1817", "23 in two bytes"),
            ("190018", "24 in three bytes"),
            ("5f42010243030405ff", "a length that is not said beforehand"),
            ("9fff", "an array of unknown length"),
            ("a201020103", "a name twice"),
            ("a1410102", "bytes as a name"),
            ("62c328", "no UTF-8"),
            ("4501020304", "cut off"),
            ("9bffffffffffffffff", "an array that cannot be"),
            ("bbffffffffffffffff", "a map that cannot be"),
            ("5bffffffffffffffff", "bytes that cannot be"),
            ("3bffffffffffffffff", "beyond 64 bits"),
            ("c074323031332d30332d32315432303a30343a30305a", "a tag"),
            ("f93c00", "a fraction"),
            ("f7", "undefined"),
            ("81818181818181818100", "nine levels"),
        ] {
            assert_eq!(whole(hex), None, "{why}");
        }
        assert_eq!(Value::read(&vec![0x81; 1 << 20]), None, "a million levels");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Some((_, rest)) = Value::read(&bytes) {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
