//! The page as the reader makes it, beside the page as it was given.

use super::{Published, Shown, VerifyReport, read};
use crate::{
    assets,
    document::RenderError,
    model::{Inputs, LedgerFacts, Snapshot},
    promise,
    reading::Court,
    trust, wire,
    wire::Trust,
};
use jiff::Timestamp;
use ledger::{Leaf, VerifierKey};
use promises::{Catalogue, Profile};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// What a page is made from.
pub(super) struct Source<'a> {
    pub(super) published: &'a Published,
    pub(super) profile: &'a Profile,
    pub(super) hash: &'a str,
    pub(super) catalogue: &'a Catalogue,
    pub(super) key: &'a VerifierKey,
    pub(super) leaves: &'a [(u64, Leaf)],
    pub(super) trust: &'a Trust,
    /// What was made already: the pages of one service are mostly of one moment.
    pub(super) made: RefCell<BTreeMap<(Timestamp, u64), Rc<Snapshot>>>,
}

impl Source<'_> {
    /// The page that the leaves below `size` support at an instant.
    fn snapshot(&self, generated_at: Timestamp, size: u64) -> Rc<Snapshot> {
        let mut made = self.made.borrow_mut();
        Rc::clone(made.entry((generated_at, size)).or_insert_with(|| Rc::new(self.make(generated_at, size))))
    }

    fn make(&self, generated_at: Timestamp, size: u64) -> Snapshot {
        let court = Court { profile: self.profile, catalogue: self.catalogue, public_url: &self.trust.public_url };
        let reading = read(court, self.leaves, size);
        let ledger =
            LedgerFacts { origin: self.key.name().to_owned(), vkey: self.key.to_string(), checkpoint_size: size };
        Snapshot::new(&Inputs {
            profile: self.profile,
            profile_text: &self.published.promises,
            profile_hash: self.hash,
            catalogue: self.catalogue,
            evidence: &reading.evidence,
            sabotage: reading.sabotage.as_ref(),
            changes: &reading.changes,
            ledger: &ledger,
            // The ledger's word for it, not the page's.
            build: reading.build.as_deref().unwrap_or_default(),
            public_url: &self.trust.public_url,
            now: generated_at,
        })
    }

    /// Compares `/trust.json` field by field.
    pub(super) fn compare_json(&self, report: &mut VerifyReport) {
        let given = self.trust;
        let own = self.profile.service.public_url.as_deref().map(|url| url.trim_end_matches('/'));
        if given.public_url != self.published.url && own != Some(&given.public_url) {
            report.object(format!("the page is about {}, and you asked {}", given.public_url, self.published.url));
        }
        let mine = wire::trust(&self.snapshot(given.generated_at, given.ledger.checkpoint_size));
        for line in &mine.promises {
            match given.promises.iter().find(|other| other.id == line.id) {
                None => report.object(format!("/trust.json leaves out the promise {}", line.id)),
                Some(other) if other.verdict != line.verdict || other.leaf != line.leaf => report.object(format!(
                    "/trust.json says {} of {} by leaf {}; its ledger supports {} by leaf {}",
                    other.verdict,
                    line.id,
                    leaf(other.leaf),
                    line.verdict,
                    leaf(line.leaf)
                )),
                Some(other) if other != line => {
                    report.object(format!(
                        "/trust.json says something else about {} than its ledger and promises",
                        line.id
                    ));
                }
                Some(_) => {}
            }
        }
        let invented = given.promises.iter().filter(|line| mine.promises.iter().all(|other| other.id != line.id));
        let invented: Vec<String> = invented.map(|line| line.id.clone()).collect();
        if !invented.is_empty() {
            report.object(format!("/trust.json has promises that nobody made: {}", invented.join(", ")));
        }
        if given.summary != mine.summary {
            report.object("the summary of /trust.json does not count its own promises");
        }
        if *given != mine && report.is_honest() {
            report.object("/trust.json differs from what its ledger and promises yield");
        }
    }

    /// Compares the page itself: each row by the attributes that carry its verdict, and every byte where the page was made
    /// by the reader's own version.
    pub(super) fn compare_html(&self, name: &str, html: &str, report: &mut VerifyReport) -> Result<(), RenderError> {
        let Some((generated_at, size)) = facts(html) else {
            report.object(format!("{name} does not say when it was made and on how many leaves it rests"));
            return Ok(());
        };
        let snapshot = self.snapshot(generated_at, size);
        let mut rows = rows(html);
        for row in &snapshot.rows {
            let id = row.promise.id.as_str();
            let at: Vec<usize> =
                rows.iter().enumerate().filter(|(_, given)| given.promise == id).map(|(at, _)| at).collect();
            let [at] = at.as_slice() else {
                report.object(format!("{name} shows {id} {} times", at.len()));
                continue;
            };
            let given = rows.remove(*at);
            let mine = row.verdict();
            if given.verdict != mine.slug() || given.word != mine.word() {
                report.object(format!(
                    "{name} says {} ({}) of {id}; its ledger supports {mine}",
                    given.word, given.verdict
                ));
            }
            if given.leaf != row.rests_on.as_ref().map_or_else(String::new, |r| r.leaf.to_string()) {
                report
                    .object(format!("{name} cites leaf {} for {id}, which is not the newest it rests on", given.leaf));
            }
        }
        for row in rows {
            report.object(format!("{name} shows a promise that nobody made: {}", row.promise));
        }
        if !html.contains(assets::style()) {
            report.another_version = true;
            report
                .notes
                .push(format!("{name} was made by another version: its rows were compared, not its every word"));
        } else if trust::render(&snapshot)?.body != html.as_bytes() && report.is_honest() {
            report.object(format!("{name} differs from what its ledger and promises yield"));
        }
        Ok(())
    }

    /// Compares the page of one promise: every byte, where the reader's own version made it, else the verdict it carries.
    pub(super) fn compare_detail(&self, id: &str, html: &str, report: &mut VerifyReport) -> Result<(), RenderError> {
        let Some((generated_at, size)) = facts(html) else {
            report.object(format!("the page of {id} does not say when it was made and on how many leaves it rests"));
            return Ok(());
        };
        let snapshot = self.snapshot(generated_at, size);
        let mine = snapshot.row(id).map(|row| row.verdict().slug());
        if attribute(html, "data-verdict") != mine {
            report.object(format!("the page of {id} does not carry the verdict that its ledger supports"));
        } else if html.contains(assets::style())
            && promise::render(&snapshot, id)?.is_none_or(|document| document.body != html.as_bytes())
        {
            report.object(format!("the page of {id} differs from what its ledger and promises yield"));
        }
        Ok(())
    }

    /// Compares the style sheet and the drawings: with another style a page could show what it does not say.
    pub(super) fn compare_assets(&self, report: &mut VerifyReport) {
        for (path, given) in &self.published.assets {
            let mine = assets::find(path).map(|document| document.body.as_slice());
            if !report.another_version && given.as_deref() != mine {
                report.object(format!("{path} is not the file that its name stands for"));
            }
        }
    }

    /// Each document with when it was made, on how many leaves it rests by its own word, and what that makes it say.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let json = ("/trust.json", self.trust.generated_at, self.trust.ledger.checkpoint_size);
        let html =
            self.published.html.iter().filter_map(|(name, html)| facts(html).map(|(at, size)| (*name, at, size)));
        let shown = |(name, generated_at, size)| {
            let snapshot = self.snapshot(generated_at, size);
            let verdicts = snapshot.rows.iter().map(|row| (row.promise.id.clone(), row.verdict())).collect();
            Shown { name, generated_at, size, verdicts }
        };
        std::iter::once(json).chain(html).map(shown).collect()
    }
}

fn leaf(leaf: Option<u64>) -> String {
    leaf.map_or_else(|| "none".to_owned(), |leaf| leaf.to_string())
}

/// When a page was made and on how many leaves it rests.
fn facts(html: &str) -> Option<(Timestamp, u64)> {
    Some((attribute(html, "data-generated-at")?.parse().ok()?, attribute(html, "data-checkpoint-size")?.parse().ok()?))
}

/// A row as it was given.
struct GivenRow {
    promise: String,
    verdict: String,
    leaf: String,
    word: String,
}

/// Every row of a page: each begins with the attribute that names its promise.
fn rows(html: &str) -> Vec<GivenRow> {
    let mut rows = Vec::new();
    for part in html.split("data-promise=\"").skip(1) {
        let word =
            part.split_once("<b class=\"word\">").and_then(|(_, rest)| rest.split_once('<')).map(|(word, _)| word);
        rows.push(GivenRow {
            promise: part.split('"').next().unwrap_or_default().to_owned(),
            verdict: attribute(part, "data-verdict").unwrap_or_default().to_owned(),
            leaf: attribute(part, "data-leaf").unwrap_or_default().to_owned(),
            word: word.unwrap_or_default().to_owned(),
        });
    }
    rows
}

/// The value of the first attribute of that name.
fn attribute<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    html.split_once(&format!("{name}=\""))?.1.split('"').next()
}
