//! Tables as CSV (RFC 4180): CRLF between records, quotes where they are needed, and no text that a spreadsheet would run
//! as a formula.

use std::{fmt::Write as _, iter::Peekable, str::Chars};

/// The media type.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text that people wrote. Where it begins like a formula, or with an apostrophe, it gets an apostrophe in front: a
    /// spreadsheet then shows it as text, and whoever reads it back takes exactly one away ([`text`]).
    Text(String),
    /// What this program wrote: ids, words, days, instants.
    Word(String),
    /// A number.
    Number(f64),
    /// Nothing.
    Empty,
}

impl Cell {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A word, an id, an instant.
    #[must_use]
    pub fn word(word: impl ToString) -> Self {
        Self::Word(word.to_string())
    }

    /// The word, or nothing.
    #[must_use]
    pub fn maybe(word: Option<impl ToString>) -> Self {
        word.map_or(Self::Empty, |word| Self::word(word))
    }
}

/// How formulas begin in one spreadsheet or another, with the wide forms of East Asian keyboards. After a tab or a line end
/// some of them look at the next character.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A table: one record for the heads, one for each row.
#[must_use]
pub fn table<R: IntoIterator<Item = Cell>>(heads: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut out = String::new();
    record(&mut out, heads.iter().map(|head| Cell::word(*head)));
    for row in rows {
        record(&mut out, row);
    }
    out
}

fn record(out: &mut String, cells: impl IntoIterator<Item = Cell>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        match cell {
            Cell::Text(text) if is_risky(&text) => quoted(out, &format!("'{text}")),
            Cell::Text(text) | Cell::Word(text) => quoted(out, &text),
            // Writing to a string cannot fail.
            Cell::Number(number) => write!(out, "{number}").unwrap_or_default(),
            Cell::Empty => {}
        }
    }
    out.push_str("\r\n");
}

fn is_risky(text: &str) -> bool {
    // Spreadsheets skip blanks before a formula.
    let first = text.trim_start_matches(' ').chars().next();
    text.starts_with('\'') || first.is_some_and(|first| FORMULA.contains(&first))
}

fn quoted(out: &mut String, text: &str) {
    // An empty text is not the same as nothing.
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// The text of a cell as it was before it was made safe. What nobody made safe stays: an apostrophe before anything else is the
/// writer's own.
#[must_use]
pub fn text(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_risky(rest)).unwrap_or(cell)
}

/// Reads a table back: its records, without telling quoted from plain cells.
///
/// # Errors
/// The number of the record in which a quote does not close, or stands where none may.
pub fn parse(table: &str) -> Result<Vec<Vec<String>>, usize> {
    Records::of(table).collect()
}

/// The records of a table, one after the other: whoever reads what others send may stop. After an error there is none.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: Peekable<Chars<'a>>,
    number: usize,
}

impl<'a> Records<'a> {
    /// Those of this table.
    #[must_use]
    pub fn of(table: &'a str) -> Self {
        Self { rest: table.chars().peekable(), number: 0 }
    }

    fn record(&mut self) -> Result<Option<Vec<String>>, ()> {
        let (mut record, mut cell) = (Vec::new(), String::new());
        let (mut quoted, mut begun) = (false, false);
        while let Some(c) = self.rest.next() {
            match c {
                '"' if quoted && self.rest.peek() == Some(&'"') => {
                    self.rest.next();
                    cell.push('"');
                }
                '"' if quoted => quoted = false,
                '"' if cell.is_empty() && !begun => (quoted, begun) = (true, true),
                '"' => return Err(()),
                ',' if !quoted => {
                    record.push(std::mem::take(&mut cell));
                    begun = false;
                }
                '\r' if !quoted && self.rest.peek() == Some(&'\n') => {}
                '\n' if !quoted => {
                    record.push(cell);
                    return Ok(Some(record));
                }
                other => cell.push(other),
            }
        }
        if quoted {
            return Err(());
        }
        if begun || !cell.is_empty() || !record.is_empty() {
            record.push(cell);
            return Ok(Some(record));
        }
        Ok(None)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<String>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.number;
        self.number += 1;
        let read = self.record();
        if read.is_err() {
            self.rest = "".chars().peekable();
        }
        read.map_err(|()| number).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_is_written_as_the_standard_says() {
        let rows = [
            vec![Cell::text("plain"), Cell::Number(-1.5), Cell::Empty],
            vec![Cell::text("a,\"b\"\r\nc"), Cell::Number(1e15), Cell::word("2026-11-22")],
        ];
        let expected = "a,b,c\r\nplain,-1.5,\r\n\"a,\"\"b\"\"\r\nc\",1000000000000000,2026-11-22\r\n";
        assert_eq!(table(&["a", "b", "c"], rows), expected);
    }

    #[test]
    fn no_text_is_a_formula() {
        for risky in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u{ff1d}1", "'=1"] {
            let written = table(&["x"], [[Cell::text(risky)]]);
            let records = parse(&written).unwrap();
            let cell = &records[1][0];
            assert!(cell.starts_with('\''), "{risky:?} became {cell:?}");
            assert_eq!(text(cell), risky);
        }
        assert_eq!(table(&["x"], [[Cell::text("1-2=x")]]), "x\r\n1-2=x\r\n");
        assert_eq!(text("'Tis the season"), "'Tis the season", "nobody put that there");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(parse("a,\"b").unwrap_err(), 0);
        assert_eq!(parse("a\r\nb\"c\r\n").unwrap_err(), 1);
        assert_eq!(parse("").unwrap(), Vec::<Vec<String>>::new());
    }

    proptest! {
        #[test]
        fn a_table_is_read_back_as_it_was(rows in proptest::collection::vec(proptest::collection::vec(any::<String>(), 3), 0..8)) {
            let cells = rows.iter().map(|row| row.iter().map(Cell::text).collect::<Vec<_>>());
            let records = parse(&table(&["a", "b", "c"], cells)).unwrap();
            let read: Vec<Vec<&str>> = records.iter().skip(1).map(|row| row.iter().map(|cell| text(cell)).collect()).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn numbers_are_read_back(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let records = parse(&table(&["n"], [[Cell::Number(number)]])).unwrap();
            prop_assert_eq!(records[1][0].parse::<f64>().unwrap(), number);
        }

        #[test]
        fn no_cell_of_text_begins_like_a_formula(value in any::<String>()) {
            let records = parse(&table(&["a"], [[Cell::text(value)]])).unwrap();
            let first = records[1][0].trim_start_matches(' ').chars().next();
            prop_assert!(first.is_none_or(|first| !FORMULA.contains(&first)));
        }

        #[test]
        fn reading_never_fails_badly(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
