//! Names that nobody has used before, in syllables as names have them, so that what is planted looks like anything else.

use uuid::Uuid;

/// A word with a capital.
#[must_use]
pub fn word() -> String {
    const ONSETS: [&str; 16] = ["b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z"];
    const RHYMES: [&str; 16] =
        ["a", "e", "i", "o", "u", "an", "en", "in", "on", "ar", "er", "or", "al", "el", "as", "is"];
    let random = Uuid::new_v4().into_bytes();
    let syllable = |byte: &u8| {
        let onset = ONSETS.get(usize::from(byte >> 4)).copied().unwrap_or_default();
        let rhyme = RHYMES.get(usize::from(byte & 15)).copied().unwrap_or_default();
        format!("{onset}{rhyme}")
    };
    let mut word: String = random.iter().take(4).map(syllable).collect();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// So many words.
#[must_use]
pub fn words(count: usize) -> String {
    (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// Somebody who is about to sign up.
#[derive(Clone)]
pub struct Somebody {
    /// Their name.
    pub name: String,
    /// Their address, in a domain that is reserved for examples.
    pub email: String,
    /// Their password.
    pub password: String,
    /// What their team is called.
    pub team: String,
}

impl Somebody {
    /// Somebody whom nobody knows yet.
    #[must_use]
    pub fn new() -> Self {
        let (first, last) = (word(), word());
        let email = format!("{}.{}@{}.example", first.to_lowercase(), last.to_lowercase(), word().to_lowercase());
        // Words and the bits of an id: more than 100 bits that no list holds.
        let password = format!("{} {}", words(2), Uuid::new_v4().simple());
        Self { name: format!("{first} {last}"), email, password, team: words(2) }
    }
}

impl Default for Somebody {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Somebody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Somebody(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_made_twice() {
        let (one, other) = (Somebody::new(), Somebody::new());
        assert!(one.email != other.email && one.password != other.password && one.password.len() > 40);
        assert_eq!(words(3).split(' ').count(), 3);
        assert!(word().chars().next().is_some_and(char::is_uppercase));
    }
}
