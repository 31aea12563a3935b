//! Everything the pages say at one instant.

use crate::{Evidence, digest, row::Row, words};
use jiff::Timestamp;
use promises::{
    Catalogue, Profile, Verdict,
    profile::{Contacts, Processor, Service},
};
use serde::{Deserialize, Serialize};

/// What a snapshot is made from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The profile in force.
    pub profile: &'a Profile,
    /// Its text, byte for byte.
    pub profile_text: &'a str,
    /// SHA-256 of the text in hexadecimal, as the newest profile leaf has it.
    pub profile_hash: &'a str,
    /// The controls.
    pub catalogue: &'a Catalogue,
    /// **Every** sealed observation below `ledger.size`: a reader who finds one that is left out says so.
    pub evidence: &'a Evidence,
    /// The newest sabotage run, of whatever build.
    pub sabotage: Option<&'a Sabotage>,
    /// The profile leaves, oldest first.
    pub changes: &'a [Change],
    /// The ledger.
    pub ledger: &'a LedgerFacts,
    /// SHA-256 of the running executable, in hexadecimal.
    pub build: &'a str,
    /// The address that the world uses, without a slash at the end.
    pub public_url: &'a str,
    /// The present instant.
    pub now: Timestamp,
}

/// The ledger as a page names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerFacts {
    /// The checkpoint's origin line.
    pub origin: String,
    /// The verifier key in the form of C2SP signed-note.
    pub vkey: String,
    /// How many leaves the page rests on.
    pub checkpoint_size: u64,
}

/// A sabotage run, as its leaf has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sabotage {
    /// The build whose probes were tried.
    pub build: String,
    /// Faults that turned exactly the promises they declare to Broken, and were undone.
    pub caught: u64,
    /// Faults that bit and were not caught.
    pub missed: u64,
    /// Faults that could not be undone.
    pub not_undone: u64,
    /// The names of the faults that were not caught.
    pub survivors: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// A change of the profile, as its leaf has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The leaf.
    pub leaf: u64,
    /// SHA-256 of the profile's text from then on.
    pub hash: String,
    /// SHA-256 of the text before; `None` for the first.
    pub previous: Option<String>,
    /// When it came into force.
    pub at: Timestamp,
    /// What changed, a line each: promises added, removed, stronger, weaker, reworded.
    pub lines: Vec<String>,
}

/// How many promises stand at each verdict. All seven: nothing is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Green.
    pub kept: u64,
    /// The last attack broke it.
    pub broken: u64,
    /// No fresh evidence.
    pub unproven: u64,
    /// The probe failed.
    pub error: u64,
    /// A person said so.
    pub attested: u64,
    /// Not yet true.
    pub planned: u64,
    /// Set aside.
    pub waived: u64,
}

impl Summary {
    /// Counts verdicts.
    #[must_use]
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut summary = Self::default();
        for verdict in verdicts {
            *summary.slot(verdict) += 1;
        }
        summary
    }

    /// How many stand at that verdict.
    #[must_use]
    pub fn count(mut self, verdict: Verdict) -> u64 {
        *self.slot(verdict)
    }

    /// How many there are.
    #[must_use]
    pub fn total(self) -> u64 {
        Verdict::ALL.into_iter().map(|verdict| self.count(verdict)).sum()
    }

    const fn slot(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Kept => &mut self.kept,
            Verdict::Broken => &mut self.broken,
            Verdict::Error => &mut self.error,
            Verdict::Unproven => &mut self.unproven,
            Verdict::Attested => &mut self.attested,
            Verdict::Planned => &mut self.planned,
            Verdict::Waived => &mut self.waived,
        }
    }
}

/// Everything the pages say at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The service.
    pub service: Service,
    /// Where people turn to.
    pub contacts: Contacts,
    /// The sub-processors.
    pub register: Vec<Processor>,
    /// The profile's text, byte for byte.
    pub profile_text: String,
    /// Its SHA-256.
    pub profile_hash: String,
    /// SHA-256 of the running executable.
    pub build: String,
    /// The address that the world uses.
    pub public_url: String,
    /// When the snapshot was made.
    pub generated_at: Timestamp,
    /// The earliest instant at which something on the page changes by itself: a verdict that runs out, or midnight in UTC,
    /// when the history moves on by a day. A rendered page must not be served from then on.
    pub expires_at: Timestamp,
    /// The ledger.
    pub ledger: LedgerFacts,
    /// How many promises stand at each verdict.
    pub summary: Summary,
    /// The promises in the order of the page.
    pub rows: Vec<Row>,
    /// The newest sabotage run.
    pub sabotage: Option<Sabotage>,
    /// The profile's changes, newest first.
    pub changes: Vec<Change>,
}

/// Promises under one heading.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// The heading.
    pub title: String,
    /// The fragment that leads to it.
    pub anchor: String,
    /// Its promises.
    pub rows: Vec<&'a Row>,
    /// How many of them stand at each verdict.
    pub summary: Summary,
}

impl Snapshot {
    /// Judges every promise at `inputs.now`.
    #[must_use]
    pub fn new(inputs: &Inputs<'_>) -> Self {
        let Inputs { profile, profile_hash, catalogue, evidence, now, .. } = *inputs;
        let rows: Vec<Row> =
            profile.promises.iter().map(|promise| Row::new(promise, profile_hash, catalogue, evidence, now)).collect();
        let ends = rows.iter().filter_map(|row| row.until);
        Self {
            service: profile.service.clone(),
            contacts: profile.contacts.clone(),
            register: profile.register.clone(),
            profile_text: inputs.profile_text.to_owned(),
            profile_hash: profile_hash.to_owned(),
            build: inputs.build.to_owned(),
            public_url: inputs.public_url.to_owned(),
            generated_at: now,
            expires_at: ends.fold(midnight_after(now), Timestamp::min),
            ledger: inputs.ledger.clone(),
            summary: Summary::of(rows.iter().map(Row::verdict)),
            rows,
            sabotage: inputs.sabotage.cloned(),
            changes: inputs.changes.iter().rev().cloned().collect(),
        }
    }

    /// The row of that promise.
    #[must_use]
    pub fn row(&self, promise: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.promise.id == promise)
    }

    /// The observation at that leaf, if one of the rows still lists it.
    #[must_use]
    pub fn observation(&self, leaf: u64) -> Option<&promises::Recorded> {
        self.rows.iter().flat_map(|row| &row.recent).find(|recorded| recorded.leaf == leaf)
    }

    /// The service's name, safe to show.
    #[must_use]
    pub fn name(&self) -> String {
        words::plain(&self.service.name)
    }

    /// The newest observation that a row rests on.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.rows.iter().filter_map(|row| row.rests_on.as_ref()).map(|r| r.observation.about.observed_at).max()
    }

    /// The promises under their headings, in the order in which the profile first names them.
    #[must_use]
    pub fn sections(&self) -> Vec<Section<'_>> {
        let mut sections: Vec<Section<'_>> = Vec::new();
        for row in &self.rows {
            if let Some(section) = sections.iter_mut().find(|section| section.title == row.promise.section) {
                section.rows.push(row);
            } else {
                // A heading is free text, so that the fragment is a hash of it.
                let anchor = format!("section-{}", digest::short(row.promise.section.as_bytes()));
                let title = row.promise.section.clone();
                sections.push(Section { title, anchor, rows: vec![row], summary: Summary::default() });
            }
        }
        for section in &mut sections {
            section.title = words::plain(&section.title);
            section.summary = Summary::of(section.rows.iter().map(|row| row.verdict()));
        }
        sections
    }

    /// The rows that need somebody's attention now.
    #[must_use]
    pub fn alarms(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| matches!(row.verdict(), Verdict::Broken | Verdict::Error)).collect()
    }

    /// The sabotage run, if it was made with the running build: another build's probes prove nothing of this one's.
    #[must_use]
    pub fn own_sabotage(&self) -> Option<&Sabotage> {
        self.sabotage.as_ref().filter(|run| run.build == self.build)
    }
}

/// The next midnight in UTC.
fn midnight_after(now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    let next = (now.as_second().div_euclid(DAY) + 1) * DAY;
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}
