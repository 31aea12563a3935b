//! Writing a proposed map, with the reasons as comments.

use super::{Guess, Sketch, links::Links};
use crate::foreign::map::{Link, Rule, UNCLASSIFIED};
use kernel::DataClass;
use std::fmt::Write as _;
use store::foreign::{Table, TableName};

const INTRODUCTION: &str = "# A map of the database, proposed by `wordbond map discover`. Read it, correct it, complete it; `wordbond map lint` says
# what is left. After each `#` stands how sure a proposal is, and why.
#
# class     system      says nothing about a person
#           pseudonym   an id that stands for a person
#           credential  a secret or a hash of one: never handed out
#           personal    about a person
#           content     what people wrote or made
# owned_by  a row belongs to whom it points at through one of these
# cleared   emptied where they point at a row that goes
# points_at says nothing about whose a row is
# on_erase  delete, anonymise (with [table.anonymise]: null, random, random@ or =text), keep (with keep_reason), refresh
# mentions  what is done with a text that names the person: redact, keep; nothing said, nothing may be left
";

/// The whole map.
pub(super) fn map(sketch: &Sketch<'_>) -> String {
    let mut out = INTRODUCTION.to_owned();
    subject(sketch, &mut out);
    for (name, table) in &sketch.catalogue.tables {
        one(sketch, name, table, &mut out);
    }
    out
}

/// Indexes that would serve an erasure.
pub(super) fn indexes(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let mut out = "\n# Indexes that an erasure would use, and that are not there:\n".to_owned();
    for command in commands {
        push(&mut out, &format!("# {command}\n"));
    }
    out
}

fn push(out: &mut String, text: &str) {
    out.push_str(text);
}

fn quoted(text: &str) -> String {
    // A basic string of TOML escapes as JSON does.
    serde_json::to_string(text).unwrap_or_default()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.map(|item| quoted(&item)).collect::<Vec<_>>().join(", "))
}

fn subject(sketch: &Sketch<'_>, out: &mut String) {
    let guesses = sketch.guesses.get(&sketch.root);
    let personal = |wanted: fn(&str) -> bool| {
        let of = guesses.into_iter().flatten();
        of.filter(move |(name, guess)| guess.class == Some(DataClass::Personal) && wanted(&name.to_lowercase()))
            .map(|(name, _)| name.clone())
    };
    let is_mail = |name: &str| name.contains("mail");
    let identifies = |name: &str| {
        ["mail", "username", "user_name", "login", "nickname", "phone", "mobile"].iter().any(|word| name.contains(word))
    };
    let _ = write!(
        out,
        "\n[subject]\ntable = {}\nkey = {}\nemail = {}\nidentifiers = {}\n",
        quoted(&sketch.root.to_string()),
        quoted(&sketch.key),
        list(personal(is_mail)),
        list(personal(identifies)),
    );
}

fn one(sketch: &Sketch<'_>, name: &TableName, table: &Table, out: &mut String) {
    let none = Links::default();
    let links = sketch.links.get(name).unwrap_or(&none);
    let _ = write!(out, "\n[[table]]\nname = {}\n", quoted(&name.to_string()));
    for (word, links) in [("owned_by", &links.owned_by), ("cleared", &links.cleared), ("points_at", &links.points_at)] {
        write_links(word, links, out);
    }
    if let Some((rule, why)) = &links.rule {
        let _ = writeln!(out, "on_erase = {:<14} # {why}", quoted(word(*rule)));
    }
    let guesses = sketch.guesses.get(name);
    let keeps = links.rule.as_ref().is_some_and(|(rule, _)| matches!(rule, Rule::Keep));
    let guess = |column: &str| guesses.and_then(|of| of.get(column));
    let named: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|column| keeps && guess(column).is_some_and(|guess| guess.mentions))
        .collect();
    if !named.is_empty() {
        let items: Vec<String> = named.iter().map(|column| format!("{} = \"redact\"", quoted(column))).collect();
        let _ = writeln!(out, "mentions = {{ {} }} # texts that name e-mail addresses", items.join(", "));
    }
    push(out, "[table.columns]\n");
    for column in &table.columns {
        if let Some(guess) = guess(&column.name) {
            write_column(&column.name, guess, out);
        }
    }
}

fn write_links(word: &str, links: &[(Link, String)], out: &mut String) {
    match links {
        [] => {}
        [(link, why)] => {
            let _ = writeln!(out, "{word} = [{}] # {why}", quoted(&link.to_string()));
        }
        several => {
            let _ = writeln!(out, "{word} = [");
            for (link, why) in several {
                let _ = writeln!(out, "    {}, # {why}", quoted(&link.to_string()));
            }
            push(out, "]\n");
        }
    }
}

fn write_column(name: &str, guess: &Guess, out: &mut String) {
    let class = match guess.class {
        Some(class) if guess.is_sure() => class.word(),
        _ => UNCLASSIFIED,
    };
    let probably = match guess.class {
        Some(class) if !guess.is_sure() => format!("perhaps {class}: "),
        _ => String::new(),
    };
    let name = if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        name.to_owned()
    } else {
        quoted(name)
    };
    let _ = writeln!(
        out,
        "{:<44} # {:.2} {probably}{}",
        format!("{name} = {}", quoted(class)),
        guess.confidence,
        guess.reason
    );
}

fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::Delete => "delete",
        Rule::Anonymise => "anonymise",
        Rule::Keep => "keep",
        Rule::Refresh => "refresh",
    }
}
