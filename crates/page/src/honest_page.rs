//! Control `honest-page`: nothing on the page claims more than fresh evidence allows.
//!
//! The enforcement is this crate's shape: a row's verdict comes from [`promises::judge`] and from nowhere else, and a
//! rendered page ends with the first of its verdicts. The probe is [`crate::verify`], which any visitor can run.

use crate::verify::{VerifyError, verify};
use kernel::{Clock, Span};
use outbound::Site;
use promises::{
    Catalogue, Fault, Finding, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling, On},
};
use std::path::Path;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "honest-page",
    title: "No line claims more than fresh evidence allows",
    about: "Verdicts are computed from observations and the clock; nothing can set one by hand. The probe reads the whole \
            ledger from outside, checks every leaf against the signed checkpoint, recomputes every verdict, makes the page \
            itself from what it read, and compares it with the page that is served, to programs and to browsers. It finds a \
            verdict that was painted over, an observation that was edited, deleted or left out, a page or ledger that was \
            frozen, and a promise that was taken off the page. It cannot see inputs that whoever controls the host forged \
            before they were observed, nor a second history shown to somebody else: that takes witnesses.",
    wing: "page",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(5),
    freshness: Span::minutes(15),
    covers: &["no line", "nothing overclaims", "every line", "every verdict"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &["5(2)"], iso27001: &["5.35", "5.36"], soc2: &["CC4.1", "CC2.3"], asvs: &[] },
};

/// The words of verdicts, as they stand on the page.
const KEPT: &str = "<b class=\"word\">Kept</b>";
const UNPROVEN: &str = "<b class=\"word\">Unproven</b>";
const ATTESTED: &str = "<b class=\"word\">Attested</b>";

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "verdict-painted-over",
        about: "Between the service and its readers, verdicts are painted over: Unproven as Kept, and Kept as Attested.",
        breaks: &["honest-page"],
        spares_plants: false,
        make: Make::Middle(&[
            Meddling::Replace(On::Path("/trust"), "data-verdict=\"kept\"", "data-verdict=\"attested\""),
            Meddling::Replace(On::Path("/trust"), KEPT, ATTESTED),
            Meddling::Replace(On::Path("/trust"), "data-verdict=\"unproven\"", "data-verdict=\"kept\""),
            Meddling::Replace(On::Path("/trust"), UNPROVEN, KEPT),
        ]),
        bites: Bites::Altered,
    },
    Fault {
        id: "verdict-word-painted-over",
        about: "Only the word that people read is changed; what programs read stays.",
        breaks: &["honest-page"],
        spares_plants: false,
        make: Make::Middle(&[
            Meddling::Replace(On::Path("/trust"), KEPT, ATTESTED),
            Meddling::Replace(On::Path("/trust"), UNPROVEN, KEPT),
        ]),
        bites: Bites::Altered,
    },
    Fault {
        id: "verdict-forged-for-programs",
        about: "Only what programs read is changed: /trust.json says kept where the page says Unproven, and attested for Kept.",
        breaks: &["honest-page"],
        spares_plants: false,
        make: Make::Middle(&[
            Meddling::Replace(On::Path("/trust.json"), "\"verdict\": \"kept\"", "\"verdict\": \"attested\""),
            Meddling::Replace(On::Path("/trust.json"), "\"verdict\": \"unproven\"", "\"verdict\": \"kept\""),
        ]),
        bites: Bites::Altered,
    },
    Fault {
        id: "assurance-added",
        about: "A sentence of the page is rewritten to assure more than the ledger supports; every verdict stays.",
        breaks: &["honest-page"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Replace(
            On::Path("/trust"),
            "No line can say more than fresh evidence allows.",
            "Everything below holds, always.",
        )]),
        bites: Bites::Body("/trust", "Everything below holds, always."),
    },
    Fault {
        id: "page-frozen",
        about: "A cache keeps showing the page of this moment, whatever is observed from now on.",
        breaks: &["honest-page"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Freeze(On::Path("/trust"))]),
        bites: Bites::Altered,
    },
    Fault {
        id: "observation-edited",
        about: "The oldest sealed observation is edited in the database.",
        breaks: &["honest-page", "audit-log"],
        spares_plants: true,
        make: Make::Sql { make: EDIT, undo: EDIT },
        bites: Bites::Sql(
            "SELECT substring(t.hashes FROM (1 + 32 * (e.idx % 256))::int FOR 32) <> sha256('\\x00'::bytea || e.body)
             FROM ledger.entry AS e JOIN ledger.tile AS t ON t.level = 0 AND t.n = e.idx / 256
             WHERE e.idx = (SELECT min(idx) FROM ledger.entry WHERE kind = 'observation')",
        ),
    },
];

/// Flips the lowest bit of one byte; done twice, nothing has changed.
const EDIT: &str = "ALTER TABLE ledger.entry DISABLE TRIGGER entry_update;
    UPDATE ledger.entry SET body = set_byte(body, 60, get_byte(body, 60) # 1)
    WHERE idx = (SELECT min(idx) FROM ledger.entry WHERE kind = 'observation');
    ALTER TABLE ledger.entry ENABLE TRIGGER entry_update";

/// How many objections a finding quotes.
const QUOTED: usize = 3;

/// Attacks the promise: reads everything and believes nothing. `memory` is where the operator's own attacks remember what
/// they saw, so that a history that was written anew is found. Who has one attacks what this build made: there, a page of
/// which only the rows could be compared proves nothing.
pub async fn probe(site: &Site, catalogue: &Catalogue, memory: Option<&Path>, _promise: &Promise) -> Finding {
    let report = match verify(site, catalogue, memory, kernel::SystemClock.now()).await {
        Ok(report) => report,
        Err(VerifyError::Answer { path, status: 404 }) => {
            return Finding::nothing(format!("there is no {path} to judge"));
        }
        Err(error) => return Finding::failed(error.to_string()),
    };
    let quoted: Vec<&str> = report.objections.iter().take(QUOTED).map(String::as_str).collect();
    let finding = if report.is_honest() && memory.is_some() && report.another_version {
        Finding::nothing("the page is not of this build's making, so only its rows could be compared")
    } else if report.is_honest() {
        Finding::held(format!(
            "{} lines recomputed from {} observations: all agree",
            report.promises, report.observations
        ))
    } else {
        let more = report.objections.len().saturating_sub(QUOTED);
        let more = if more == 0 { String::new() } else { format!("; and {more} more objections") };
        Finding::broke(format!("{}{more}", quoted.join("; ")))
    };
    finding
        .tried("read the whole ledger and checked every leaf against the signed checkpoint")
        .tried("recomputed every verdict from the observations with a clock of its own")
        .tried("made every page from the ledger and compared it with the one that programs and browsers get, and its style")
        .tried("looked for runs without an observation, and for newer observations than the page shows")
        .covered("promises", usize::try_from(report.promises).unwrap_or(usize::MAX))
        .covered("leaves", usize::try_from(report.size).unwrap_or(usize::MAX))
}
