//! What makes a password long without making it hard to guess.

/// Rows of keys, and the digits.
const ROWS: [&str; 7] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop"];
/// From this length on, neighbours are a run rather than a chance.
const RUN: usize = 3;

/// The shortest piece of which the text is nothing but repetitions, the last one possibly cut off; the text itself if there
/// is none that stands in it twice.
pub(crate) fn unit(text: &[char]) -> &[char] {
    let repeats = |length: &usize| text.iter().zip(text.iter().skip(*length)).all(|(a, b)| a == b);
    let length = (1..=text.len() / 2).find(repeats).unwrap_or(text.len());
    text.get(..length).unwrap_or(text)
}

/// How many characters are left when each run, such as `abcdef`, `987654`, `aaaa` or `qwertz`, counts as one.
pub(crate) fn without_runs(text: &[char]) -> usize {
    let mut left = text.len();
    // What all steps of the present run have in common, and how many there are.
    let (mut common, mut steps) = (0, 0);
    for [a, b] in text.array_windows() {
        let ways = ways(*a, *b);
        if common & ways == 0 {
            left -= in_run(steps);
            (common, steps) = (ways, usize::from(ways != 0));
        } else {
            (common, steps) = (common & ways, steps + 1);
        }
    }
    left - in_run(steps)
}

/// The characters of a run beyond its first: a run of n characters has n - 1 steps.
const fn in_run(steps: usize) -> usize {
    if steps + 1 >= RUN { steps } else { 0 }
}

/// The ways in which one character leads to the next, as bits: the same, the next or the one before in the alphabet, the key
/// to the right or to the left. `o` to `p` is two of them.
fn ways(a: char, b: char) -> u8 {
    let beside = |row: &&str, a: char, b: char| row.chars().zip(row.chars().skip(1)).any(|pair| pair == (a, b));
    let distance = i64::from(u32::from(b)) - i64::from(u32::from(a));
    u8::from(distance == 0)
        | u8::from(distance == 1) << 1
        | u8::from(distance == -1) << 2
        | u8::from(ROWS.iter().any(|row| beside(row, a, b))) << 3
        | u8::from(ROWS.iter().any(|row| beside(row, b, a))) << 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn runs_count_once() {
        for (text, left) in [
            ("", 0),
            ("a", 1),
            ("abc", 1),
            ("qwertzuiop", 1),
            ("1234567890qwertyuiop", 2),
            ("aaaaaaaaaaaaaaaa", 1),
            ("fedcba", 1),
            ("zyxwvutsrqponmlk", 1),
            ("abcba", 1),
            ("correct horse", 13),
        ] {
            assert_eq!(without_runs(&chars(text)), left, "{text}");
        }
    }

    #[test]
    fn repetitions_are_seen() {
        for (text, piece) in
            [("abababa", "ab"), ("passwordpassword", "password"), ("abcd", "abcd"), ("", ""), ("aa", "a")]
        {
            assert_eq!(unit(&chars(text)), chars(piece), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_there_were(text in ".{0,80}") {
            let chars = chars(&text);
            prop_assert!(without_runs(&chars) <= chars.len());
            let unit = unit(&chars);
            prop_assert!(chars.iter().enumerate().all(|(n, c)| unit[n % unit.len()] == *c));
        }
    }
}
