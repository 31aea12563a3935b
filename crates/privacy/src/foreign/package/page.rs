//! The page of a package: one file without scripts, for people.

use super::Summary;
use crate::foreign::map::Table;
use std::io::{self, Write};

/// More rows than this are in the JSON and CSV files only.
const MOST_ROWS: u64 = 500;

/// Longer texts are cut.
const LONGEST: usize = 2_000;

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1,h2{line-height:1.2}.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem}th,td{border:1px solid #8888;\
padding:.25rem .5rem;text-align:left;vertical-align:top;max-width:32rem;overflow-wrap:anywhere}th{position:sticky;top:0;background:Canvas}\
.none{opacity:.6}@media print{.scroll{overflow:visible}th{position:static}}";

pub(super) fn begin(out: &mut impl Write, made_at: &str, database: &str) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Your data</title><style>{STYLE}</style></head><body><h1>Your data</h1>\
         <p>Everything in the database <b>{}</b> that is yours, as of {}. The same is in <code>package.json</code> for programs, and \
         table by table in the <code>.csv</code> files.</p>\n",
        escaped(database),
        escaped(made_at)
    )
}

pub(super) fn table(out: &mut impl Write, table: &Table, columns: &[String]) -> io::Result<()> {
    write!(
        out,
        "<h2>{}</h2>\n<p>{}</p><div class=\"scroll\" tabindex=\"0\"><table><thead><tr>",
        escaped(&table.name.to_string()),
        escaped(&table.about)
    )?;
    for column in columns {
        write!(out, "<th scope=\"col\">{}</th>", escaped(column))?;
    }
    write!(out, "</tr></thead><tbody>")
}

/// One row; the `number` counts from 0.
pub(super) fn row(out: &mut impl Write, number: u64, texts: &[Option<String>]) -> io::Result<()> {
    if number >= MOST_ROWS {
        return Ok(());
    }
    write!(out, "\n<tr>")?;
    for text in texts {
        match text {
            None => write!(out, "<td class=\"none\">–</td>")?,
            Some(text) => {
                let shown: String = text.chars().take(LONGEST).collect();
                let more = if shown.len() < text.len() { " …" } else { "" };
                write!(out, "<td>{}{more}</td>", escaped(&shown))?;
            }
        }
    }
    write!(out, "</tr>")
}

pub(super) fn table_end(out: &mut impl Write, rows: u64, withheld: &[String]) -> io::Result<()> {
    writeln!(out, "</tbody></table></div>")?;
    let count = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    let more = if rows > MOST_ROWS {
        format!("; the first {MOST_ROWS} are shown here, all are in the files")
    } else {
        String::new()
    };
    write!(out, "<p>{count}{more}.")?;
    if !withheld.is_empty() {
        write!(
            out,
            " Not handed out, because they are secrets or hashes of secrets: {}.",
            escaped(&withheld.join(", "))
        )?;
    }
    writeln!(out, "</p>")
}

pub(super) fn end(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    if !summary.named.is_empty() {
        write!(out, "<h2>Where you are named</h2><p>Rows that are not yours point at you:</p><ul>")?;
        for place in &summary.named {
            write!(
                out,
                "<li>{} ({}): {}</li>",
                escaped(&place.table.to_string()),
                escaped(&place.columns.join(", ")),
                place.rows
            )?;
        }
        write!(out, "</ul>")?;
    }
    match &summary.mentioned {
        None => write!(out, "<p>Texts of others were not searched for your address.</p>")?,
        Some(places) if places.is_empty() => write!(out, "<p>No text of others names you.</p>")?,
        Some(places) => {
            write!(out, "<h2>Texts that name you</h2><ul>")?;
            for place in places {
                write!(
                    out,
                    "<li>{} ({}): {}</li>",
                    escaped(&place.table.to_string()),
                    escaped(&place.columns.join(", ")),
                    place.rows
                )?;
            }
            write!(out, "</ul>")?;
        }
    }
    writeln!(out, "</body></html>")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_text_and_never_markup() {
        let mut out = Vec::new();
        row(&mut out, 0, &[Some("<script>alert('x')</script>".to_owned()), None]).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains("<script") && out.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{out}");
        let mut later = Vec::new();
        row(&mut later, MOST_ROWS, &[Some("x".to_owned())]).unwrap();
        assert!(later.is_empty());
    }
}
