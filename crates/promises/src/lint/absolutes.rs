//! Absolute words. «All» is a claim about everything, so the attack has to cover everything that it names. And words so
//! soft that no attack can ever fail.

use super::{
    Context, Lint, Severity, figures, looseness,
    sentences::{self, Word},
};
use crate::profile::{Kind, Promise};

const ABSOLUTE: [&str; 14] = [
    "all",
    "always",
    "any",
    "every",
    "everyone",
    "everything",
    "never",
    "no",
    "nobody",
    "none",
    "nothing",
    "only",
    "anyone",
    "anything",
];

/// Phrases that promise nothing anybody could see fail.
const SOFT: [&str; 19] = [
    "aim to",
    "appropriate",
    "as needed",
    "as soon as possible",
    "best effort",
    "best practices",
    "coming soon",
    "in progress",
    "industry standard",
    "industry-standard",
    "promptly",
    "reasonable",
    "regular",
    "regularly",
    "seriously",
    "state of the art",
    "state-of-the-art",
    "when published",
    "where possible",
];

pub(super) fn check(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    let words = sentences::words(&promise.words);
    let covers =
        promise.control.as_deref().and_then(|id| context.catalogue.get(id)).map_or(&[][..], |spec| spec.covers);
    let mut said: Vec<&str> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let from = words.get(index..).unwrap_or_default();
        // «every 5 minutes» is a figure.
        let counted =
            word.is("every") && words.get(index + 1).is_some_and(|next| figures::cardinal(next.text).is_some());
        let absolute_word = word.is_one_of(&ABSOLUTE) && !counted && !said.contains(&word.text);
        if absolute_word && !covers.iter().any(|phrase| lies_in(&words, index, phrase)) {
            said.push(word.text);
            let place = context.about(promise, Some(word.text), "words", "WB007", looseness(promise.kind));
            let (message, advice) = absolute(promise.kind, *word, covers);
            found.push(place.says(message, advice));
        }
        if let Some(phrase) =
            SOFT.iter().find(|phrase| starts_with(from, phrase)).filter(|_| promise.kind != Kind::Planned)
        {
            let place = context.about(promise, Some(word.text), "words", "WB015", Severity::Warning);
            found.push(
                place.says(format!("«{phrase}» is nothing that could be seen to fail"), "say what happens, and when"),
            );
        }
    }
}

fn absolute(kind: Kind, word: Word<'_>, covers: &[&str]) -> (String, String) {
    let word = word.text;
    if matches!(kind, Kind::Attested | Kind::Planned) {
        let message = format!("«{word}» rests on nothing that is attacked");
        return (message, "say it without the absolute word, unless the document says the same".to_owned());
    }
    let advice = match covers {
        [] => "say it without the absolute word: the control covers no such scope".to_owned(),
        covers => {
            format!("the control covers {}", covers.iter().map(|c| format!("«{c}»")).collect::<Vec<_>>().join(", "))
        }
    };
    (format!("«{word}» is more than the attack covers"), advice)
}

/// Whether the word at `index` is part of an occurrence of the phrase.
fn lies_in(words: &[Word<'_>], index: usize, phrase: &str) -> bool {
    let length = phrase.split(' ').count();
    (0..length).any(|back| {
        index.checked_sub(back).and_then(|at| words.get(at..)).is_some_and(|from| starts_with(from, phrase))
    })
}

/// Whether the words begin with a phrase, an ending `s` aside.
pub(super) fn starts_with(words: &[Word<'_>], phrase: &str) -> bool {
    let same = |word: &Word<'_>, wanted: &str| {
        let (word, wanted) = (word.text.to_lowercase(), wanted.to_lowercase());
        word.strip_suffix('s').unwrap_or(&word) == wanted.strip_suffix('s').unwrap_or(&wanted)
    };
    let mut at = words.iter();
    phrase.split(' ').all(|wanted| at.next().is_some_and(|word| same(word, wanted)))
}
