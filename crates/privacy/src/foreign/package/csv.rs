//! Lines of a table, as RFC 4180 has them.

/// One line. What a spreadsheet would take for a formula gets an apostrophe in front, as spreadsheets themselves write text;
/// numbers stay numbers.
pub(super) fn line<'a>(fields: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut out = fields.map(|field| one(field.unwrap_or_default())).collect::<Vec<_>>().join(",");
    out.push_str("\r\n");
    out
}

fn one(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err();
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = [Some("a"), None, Some("b,c"), Some("say \"hi\"\n"), Some("=1+1"), Some("-3.5"), Some("@x")];
        assert_eq!(line(fields.into_iter()), "a,,\"b,c\",\"say \"\"hi\"\"\n\",'=1+1,-3.5,'@x\r\n");
    }
}
