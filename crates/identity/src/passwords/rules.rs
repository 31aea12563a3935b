//! Which passwords are too weak: NIST SP 800-63B-4 section 3.1.1. Length and a block-list, no rules on kinds of characters.

use super::{BreachFile, block_list, normal, patterns};
use std::fmt;

/// The shortest password that is the only factor.
const ALONE: usize = 15;
/// The shortest password beside a second factor.
const BESIDE: usize = 8;
/// The longest password, in characters.
const MOST: usize = 200;
/// What is left of a password without its patterns, or without the words about its owner, must be at least this long.
const LEFT: usize = 6;
/// So many characters around a common word are padding, runs counted as one.
const PADDING: usize = 4;
/// Shorter words about the owner are found by chance.
const WORD: usize = 4;

/// The rules that a new password must meet.
#[derive(Debug, Default)]
pub struct Rules {
    breach: Option<BreachFile>,
}

/// What is known about the owner of a new password.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// Whether a second factor is required beside the password, always.
    pub second_factor: bool,
    /// The name and e-mail address of the owner, the team, the service: anything that others know.
    pub words: &'a [&'a str],
}

/// Why a password is too weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Shorter than this many characters.
    TooShort(usize),
    /// Longer than this many characters.
    TooLong(usize),
    /// It has a control character, such as a tab or a line's end, that not every form can send.
    Unprintable,
    /// It is one that everybody tries first.
    Common,
    /// It is a repetition, a sequence or a row of keys.
    Pattern,
    /// It is made of the owner's name or address, or of the service's name.
    Personal,
    /// It is known from a breach.
    Breached,
}

impl Weakness {
    /// A name for it, by which a translation is found.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::TooShort(_) => "too-short",
            Self::TooLong(_) => "too-long",
            Self::Unprintable => "unprintable",
            Self::Common => "common",
            Self::Pattern => "pattern",
            Self::Personal => "personal",
            Self::Breached => "breached",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(least) => {
                write!(f, "Use at least {least} characters. Several words in a row are easy to remember.")
            }
            Self::TooLong(most) => write!(f, "Use at most {most} characters."),
            Self::Unprintable => f.write_str("Use characters that can be seen, and spaces."),
            Self::Common => f.write_str("This password is one of the first that anybody would try."),
            Self::Pattern => {
                f.write_str("This password is a repetition or a row of keys. Use words that do not belong together.")
            }
            Self::Personal => f.write_str("This password is made of your name, your address or our name."),
            Self::Breached => f.write_str("This password is known from a breach of another service."),
        }
    }
}

impl Rules {
    /// The rules with the block-list that is built in.
    #[must_use]
    pub const fn new() -> Self {
        Self { breach: None }
    }

    /// The rules with a breach file beside the block-list.
    #[must_use]
    pub const fn with_breach_file(file: BreachFile) -> Self {
        Self { breach: Some(file) }
    }

    /// The shortest password that is allowed.
    #[must_use]
    pub const fn least(second_factor: bool) -> usize {
        if second_factor { BESIDE } else { ALONE }
    }

    /// What is wrong with a password; nothing, if the list is empty. Reads a few pages of the breach file, where there is
    /// one; if that fails the failure is logged and the other rules stand.
    #[must_use]
    pub fn weaknesses(&self, password: &str, about: &About<'_>) -> Vec<Weakness> {
        let mut found = Vec::new();
        // What is far too long is not worth looking at.
        if password.len() > MOST * 8 {
            return vec![Weakness::TooLong(MOST)];
        }
        let text = normal(password);
        let least = Self::least(about.second_factor);
        let length = text.chars().count();
        if length < least {
            found.push(Weakness::TooShort(least));
        }
        if length > MOST || text.len() > super::LONGEST {
            found.push(Weakness::TooLong(MOST));
        }
        if text.chars().any(char::is_control) {
            found.push(Weakness::Unprintable);
        }
        let folded = zeroize::Zeroizing::new(text.to_lowercase());
        if is_common(&folded) {
            found.push(Weakness::Common);
        } else if is_pattern(&folded) {
            found.push(Weakness::Pattern);
        } else if is_personal(&folded, about.words) {
            found.push(Weakness::Personal);
        }
        if self.is_breached(&text) {
            found.push(Weakness::Breached);
        }
        found
    }

    fn is_breached(&self, password: &str) -> bool {
        let Some(file) = &self.breach else { return false };
        file.contains(password).unwrap_or_else(|error| {
            tracing::error!(%error, "the breach file cannot be read; passwords are checked against the block-list only");
            false
        })
    }
}

/// On the list as it stands, without its separators, with its repetitions taken away, or with padding taken off its ends.
fn is_common(folded: &str) -> bool {
    let chars: Vec<char> = folded.chars().collect();
    let unit: String = patterns::unit(&chars).iter().collect();
    let squeezed: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    [folded, &unit, &squeezed].into_iter().any(block_list::contains) || is_padded(folded) || is_padded(&unit)
}

/// A word of the list between digits and signs that add nothing: a run, a year, a few marks. Digits at random do add.
fn is_padded(text: &str) -> bool {
    let core = text.trim_matches(|c: char| !c.is_alphabetic());
    let padding = |part: &str| patterns::without_runs(&part.chars().collect::<Vec<_>>());
    let (before, after) = text.split_once(core).unwrap_or((text, ""));
    block_list::contains(core) && padding(before) + padding(after) <= PADDING
}

fn is_pattern(folded: &str) -> bool {
    let chars: Vec<char> = folded.chars().collect();
    patterns::unit(&chars).len() < LEFT || patterns::without_runs(&chars) < LEFT
}

/// Whether little is left when the words about the owner are taken out, and what stands between words and digits.
fn is_personal(folded: &str, words: &[&str]) -> bool {
    let mut pieces: Vec<String> = words
        .iter()
        .flat_map(|text| {
            let text = normal(text).to_lowercase();
            let whole: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            let parts = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
            parts.into_iter().chain([whole])
        })
        .filter(|piece| piece.chars().count() >= WORD)
        .collect();
    // The longest first, so that a part does not break up the whole.
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    let squeezed: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    let rest = pieces.iter().fold(squeezed.clone(), |rest, piece| rest.replace(piece.as_str(), ""));
    rest.len() < squeezed.len() && rest.chars().filter(|c| c.is_alphabetic()).count() < LEFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weak(password: &str) -> Vec<Weakness> {
        let words = ["Ada Lovelace", "ada.lovelace@analytical.example", "Wordbond"];
        Rules::new().weaknesses(password, &About { second_factor: false, words: &words })
    }

    #[test]
    fn fifteen_characters_alone_and_eight_beside_a_second_factor() {
        assert_eq!(weak("vKe72!pLm_qT9z"), [Weakness::TooShort(15)]);
        assert_eq!(weak("vKe72!pLm_qT9zx"), []);
        let beside = About { second_factor: true, words: &[] };
        assert_eq!(Rules::new().weaknesses("vKe72!p", &beside), [Weakness::TooShort(8)]);
        assert_eq!(Rules::new().weaknesses("vKe72!pL", &beside), []);
    }

    #[test]
    fn characters_are_counted_not_bytes_and_no_kind_is_asked_for() {
        assert_eq!(weak("žluťoučký kůň úpěl"), []);
        assert_eq!(weak("山川草木鳥獣虫魚空海風月花雪"), [Weakness::TooShort(15)]);
        assert_eq!(weak("quiet lamp orbit"), []);
        assert_eq!(weak(&"quiet lamp orbit harbour ".repeat(8)), [], "200 characters are allowed");
        assert_eq!(weak(&"quiet lamp orbit harbours ".repeat(8)), [Weakness::TooLong(200)]);
        assert_eq!(weak(&"x".repeat(1 << 20)), [Weakness::TooLong(200)]);
    }

    #[test]
    fn what_everybody_tries_is_refused_in_every_guise() {
        for password in [
            "passwordpassword",
            "Password1234567",
            "PASSWORD!!!!!!!!!!",
            "p a s s w o r d",
            "1234567890123456",
            "iloveyou1234567",
            "!!!!!!!sunshine!!!!!",
            "dragon123456789",
        ] {
            let found = weak(password);
            assert!(found.contains(&Weakness::Common) || found.contains(&Weakness::Pattern), "{password}: {found:?}");
        }
    }

    #[test]
    fn a_common_word_among_others_or_with_digits_at_random_is_none() {
        for password in ["sunshine739402618", "dragon lamp orbit", "my password is none of these"] {
            assert_eq!(weak(password), [], "{password}");
        }
    }

    #[test]
    fn patterns_are_refused() {
        for password in
            ["abcdefghijklmnop", "qwertyuiopasdfghjkl", "xkxkxkxkxkxkxkxk", "aaaaaaaaaaaaaaab", "zyxwvutsrqponmlk"]
        {
            let found = weak(password);
            assert!(found.contains(&Weakness::Pattern) || found.contains(&Weakness::Common), "{password}: {found:?}");
        }
    }

    #[test]
    fn the_owner_and_the_service_are_no_password() {
        for password in ["AdaLovelace2026!!", "ada.lovelace@analytical", "wordbond-2026-ada", "Lovelace Wordbond"] {
            assert_eq!(weak(password), [Weakness::Personal], "{password}");
        }
        assert_eq!(weak("lovelace tuned seven pianos"), [], "a name among other words is no weakness");
    }

    #[test]
    fn a_breach_file_is_asked() {
        use std::io::Write as _;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        // printf 'quiet lamp orbit' | sha1sum
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"quiet lamp orbit");
        let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        writeln!(file, "{hex}:3").unwrap();
        let rules = Rules::with_breach_file(BreachFile::open(file.path()).unwrap());
        assert_eq!(rules.weaknesses("quiet lamp orbit", &About::default()), [Weakness::Breached]);
        assert_eq!(rules.weaknesses("quiet lamp orbits", &About::default()), []);
    }

    #[test]
    fn tabs_and_line_ends_are_refused() {
        assert_eq!(weak("quiet lamp\torbit xy"), [Weakness::Unprintable]);
        assert_eq!(weak("quiet lamp orbit\r\n"), [Weakness::Unprintable]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_judged(text in any::<String>(), name in any::<String>()) {
            let found = Rules::new().weaknesses(&text, &About { second_factor: false, words: &[&name] });
            prop_assert!(!found.is_empty() || text.chars().count() >= 8);
        }

        #[test]
        fn random_words_pass(words in prop::collection::vec("[bcdfghjkmpqrstvwxz]{5}", 4)) {
            prop_assert_eq!(Rules::new().weaknesses(&words.join(" "), &About::default()), vec![]);
        }
    }
}
