//! Words of a promise, with what stands around them.

/// One word: letters, digits and what joins them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// It begins a sentence, or follows a mark after which a capital letter says nothing.
    pub(super) first: bool,
    /// The clause it belongs to, counted from 0.
    pub(super) clause: usize,
}

impl Word<'_> {
    pub(super) fn is(self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_one_of(self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

/// Splits a text into words. A percent sign is a word of its own.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let (mut first, mut clause) = (true, 0);
    let mut rest = text;
    while let Some(head) = rest.chars().next() {
        if head.is_alphanumeric() {
            let (word, next) = rest.split_at(length(rest));
            let joins = ["and", "but", "while"].iter().any(|joint| word.eq_ignore_ascii_case(joint));
            clause += usize::from(joins);
            words.push(Word { text: word, first, clause });
            first = false;
            rest = next;
            continue;
        }
        let (mark, next) = rest.split_at(head.len_utf8());
        match head {
            '%' => words.push(Word { text: mark, first: false, clause }),
            '.' | '!' | '?' | ':' => (first, clause) = (true, clause + 1),
            ';' | ',' | '–' | '—' => clause += 1,
            '«' | '"' | '(' | '“' => first = true,
            _ => {}
        }
        rest = next;
    }
    words
}

/// The length of the word at the beginning: a mark inside belongs to it when a letter or digit follows.
fn length(text: &str) -> usize {
    let mut end = 0;
    let mut marks = text.char_indices().peekable();
    while let Some((at, c)) = marks.next() {
        let joint = matches!(c, '-' | '.' | '/' | '_' | '\'' | '’' | '@' | '+' | ',');
        let goes_on = marks.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        // A comma joins digits only, as in 1,000.
        let comma = c == ',' && !(text.get(..at).is_some_and(|t| t.ends_with(|d: char| d.is_ascii_digit())) && goes_on);
        if c.is_alphanumeric() || (joint && goes_on && !comma) {
            end = at + c.len_utf8();
        } else {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_where_people_would() {
        let text = "Backups (daily) are kept 30 days; X-Frame-Options DENY. «Only» 95 % of e-mail, and 1,000 more.";
        let split: Vec<&str> = words(text).iter().map(|word| word.text).collect();
        assert_eq!(
            split.join("|"),
            "Backups|daily|are|kept|30|days|X-Frame-Options|DENY|Only|95|%|of|e-mail|and|1,000|more"
        );
        let clauses: Vec<usize> = words("a b; c, d and e. f").iter().map(|word| word.clause).collect();
        assert_eq!(clauses, [0, 0, 1, 2, 3, 3, 4]);
    }
}
