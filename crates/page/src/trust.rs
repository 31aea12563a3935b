//! The trust page.

use crate::{
    assets,
    document::{Document, RenderError},
    model::{Section, Snapshot},
    row::Row,
    words,
};
use askama::Template;
use promises::{Verdict, profile::Processor};

/// The trust page's template.
#[derive(Template)]
#[template(path = "trust.html")]
struct Page<'a> {
    page: &'a Snapshot,
    sections: Vec<Section<'a>>,
    alarms: Vec<&'a Row>,
    tally: Vec<Tally>,
    strip: Vec<Stripe>,
    register: Vec<Entry>,
}

/// One figure of the summary.
struct Tally {
    verdict: Verdict,
    count: u64,
    meaning: &'static str,
}

/// One verdict's share of the summary's bar, in thousandths of its width.
struct Stripe {
    slug: &'static str,
    x: u64,
    width: u64,
}

/// A sub-processor in words.
struct Entry {
    name: String,
    purpose: String,
    region: String,
    data: String,
    hosts: String,
    link: Option<String>,
}

/// Renders `/trust`.
///
/// # Errors
/// When the template engine fails.
pub fn render(snapshot: &Snapshot) -> Result<Document, RenderError> {
    Document::html(&Page {
        page: snapshot,
        sections: snapshot.sections(),
        alarms: snapshot.alarms(),
        tally: Verdict::ALL.map(|verdict| tally(snapshot, verdict)).into(),
        strip: strip(snapshot),
        register: snapshot.register.iter().map(entry).collect(),
    })
}

impl Page<'_> {
    /// The headline: the worst news first.
    fn headline(&self) -> String {
        let summary = &self.page.summary;
        let bad = summary.broken + summary.error;
        let total = summary.total();
        match (bad, summary.kept) {
            (0, 0) => "No promise is proven yet.".to_owned(),
            (0, 1) => format!("1 of {} withstood its last attack.", words::count(total, "promise")),
            (0, kept) => format!("{kept} of {total} promises withstood their last attack."),
            (1, _) if summary.broken == 1 => "1 promise is broken.".to_owned(),
            (_, _) if summary.error == 0 => format!("{} are broken.", words::count(summary.broken, "promise")),
            (_, _) if summary.broken == 0 => format!("{} failed.", words::count(summary.error, "probe")),
            _ => format!("{} broken, {} failed.", summary.broken, words::count(summary.error, "probe")),
        }
    }
}

fn tally(snapshot: &Snapshot, verdict: Verdict) -> Tally {
    let meaning = match verdict {
        Verdict::Kept => "the last attack failed to break it",
        Verdict::Broken => "the last attack broke it",
        Verdict::Error => "the probe itself failed",
        Verdict::Unproven => "no control, no attack, or none that is fresh",
        Verdict::Attested => "a person said so, until a date",
        Verdict::Planned => "on the roadmap, not yet true",
        Verdict::Waived => "set aside in public, until a date",
    };
    Tally { verdict, count: snapshot.summary.count(verdict), meaning }
}

fn strip(snapshot: &Snapshot) -> Vec<Stripe> {
    let total = snapshot.summary.total().max(1);
    let mut before = 0;
    let stripe = |verdict: Verdict| {
        let x = before * 1_000 / total;
        before += snapshot.summary.count(verdict);
        Stripe { slug: verdict.slug(), x, width: (before * 1_000 / total) - x }
    };
    Verdict::ALL.into_iter().map(stripe).filter(|stripe| stripe.width > 0).collect()
}

fn entry(processor: &Processor) -> Entry {
    Entry {
        name: words::plain(&processor.name),
        purpose: words::plain(&processor.purpose),
        region: processor.region.as_deref().map_or_else(|| "nobody has said where".to_owned(), words::plain),
        data: processor.data.iter().map(|class| class.word()).collect::<Vec<_>>().join(", "),
        hosts: words::plain(&processor.hosts.join(", ")),
        // Anything but https would let a profile put a script behind a click.
        link: processor.link.as_deref().filter(|link| link.starts_with("https://")).map(words::plain),
    }
}
