//! Controls `erase-clock` and `access-clock`: requests are answered in time.
//!
//! The clock is kept by [`store::rights`], the work is done by the jobs; this module asks as anybody would, waits for the
//! answer, and looks at every case there is: the worst open one, the worst closed one, and whether each is as the log says.

mod faults;

pub use faults::{ACCESS_FAULTS, ERASE_FAULTS};

use super::wire::Answered;
use crate::{
    Mail,
    attack::{Plant, Stop},
    errands::Errand,
};
use ingress::visitor::Visitor;
use jiff::SignedDuration;
use kernel::{Clock as _, Span, SystemClock};
use outbound::{Answer, Site};
use promises::{
    Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
    profile::Value,
};
use std::time::Duration;
use store::{
    Store,
    rights::{
        Kind,
        cases::Case,
        clocks::{self, Clocks},
        decide::{self, Decision},
        list,
    },
};
use tokio::time::sleep;
use uuid::Uuid;

/// How often a request is looked at, and how long that takes in all: a minute. What is slower is answered late by nobody's
/// standard, but not by a system that works.
const LOOKS: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);

/// How long the plant's data is held at most, should the attack be cut short.
const HELD: Span = Span::hours(1);

const fn within(about: &'static str) -> ParamSpec {
    ParamSpec { name: "within", kind: ParamKind::Span, default: None, about, stronger: Stronger::Less }
}

const BY: ParamSpec = ParamSpec {
    name: "by",
    kind: ParamKind::Word(&["product", "mail"]),
    default: Some("product"),
    about: "Which way the request comes: in the product, or by mail, which this build cannot attack.",
    stronger: Stronger::Neither,
};

const ABOUT: &str = "A request that is made in the product is a case with a clock: due within one calendar month by \
    Regulation 1182/71, extended once and with notice, standing while the person must answer or a law holds the data. The \
    probe asks by the page's form as somebody whom it plants, waits for the answer, and reads its receipt as anybody could. It then looks at \
    every case there is: the worst open and the worst closed one, whether each is as the log says (when it was opened, until \
    when it was due, whether it stood, how it ended), whether every request in the log has its case, whether every open one \
    has a job that carries it out, whether every recipient whom an erasure is to be told to has acknowledged it, is being told \
    within its time, or was given up by the operator with a reason that the receipt tells, whether every law that holds data was decided and has not been ended, and whether every \
    letter that tells a decision was handed over, waits, or was given up after days of trying: of a copy's case it decides \
    something itself. Time that the person took to answer does not count, and what a law holds back is counted apart. \
    Requests by mail need a mailbox and are not attacked: a promise about them stays Unproven.";

const CLOCK: ControlSpec = ControlSpec {
    id: "erase-clock",
    title: "Erasure requests on a clock",
    about: ABOUT,
    wing: "privacy",
    vantage: Vantage::Inside,
    params: &[within("From the request to the erasure from primary storage."), BY],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every request", "every requested erasure"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["12(3)", "17(1)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] },
};

/// Erasures on a clock.
pub const ERASE: ControlSpec = CLOCK;

/// Copies on a clock.
pub const ACCESS: ControlSpec = ControlSpec {
    id: "access-clock",
    title: "Access requests on a clock",
    params: &[within("From the request to the copy."), BY],
    covers: &["every request"],
    standards: Standards { gdpr: &["12(3)", "15(3)"], iso27001: &["5.34"], soc2: &["P5.1"], asvs: &[] },
    ..CLOCK
};

/// Attacks the clock of erasures.
pub async fn probe_erase(site: &Site, store: &Store, promise: &Promise) -> Finding {
    probe(site, store, promise, Kind::Erasure).await
}

/// Attacks the clock of copies.
pub async fn probe_access(site: &Site, store: &Store, promise: &Promise) -> Finding {
    probe(site, store, promise, Kind::Access).await
}

async fn probe(site: &Site, store: &Store, promise: &Promise, kind: Kind) -> Finding {
    if matches!(promise.params.get("by"), Some(Value::Text(way)) if way == "mail") {
        return Finding::nothing("requests by mail come with the desk: this build reads no mailbox");
    }
    let Some(within) = promise.span("within") else { return Finding::failed("the promise does not say within what") };
    attack(site, store, kind, within).await.unwrap_or_else(Stop::finding)
}

async fn attack(site: &Site, store: &Store, kind: Kind, within: Span) -> Result<Finding, Stop> {
    let plant = Plant::sow(site).await?;
    let mut visitor = enter(site, &plant).await?;
    let asked = ask(&mut visitor, &plant, kind).await?;
    let answered = wait(site, store, &asked).await?;
    let kinds: &[Kind] = if kind == Kind::Erasure { &[Kind::Erasure] } else { &[Kind::Access, Kind::Portability] };
    if kind != Kind::Erasure {
        decide(store, &plant, asked.case).await?;
    }
    let found = clocks::walk(store, kinds, within).await?;
    if kind != Kind::Erasure {
        // The plant leaves as it came.
        let leaves = ask(&mut visitor, &plant, Kind::Erasure).await?;
        wait(site, store, &leaves).await?;
    }
    if let Some(why) = wrong(&found, within) {
        return Err(Stop::Broke(why));
    }
    if !answered {
        return Err(Stop::Failed("a planted request was not answered within a minute".to_owned()));
    }
    let mut saw = format!(
        "a planted request was answered; of {} cases, {} of them open and {} held or waiting for the person, {} of these past their time because a law holds them, the slowest took {}, the oldest open one has waited {}, and the clock that stood the longest, for an answer or a law, did for {}",
        found.cases,
        found.open,
        found.waiting,
        found.held,
        words(found.worst_closed),
        words(found.worst_open),
        words(found.worst_stood)
    );
    if found.undelivered > 0 {
        saw.push_str(&format!(
            "; {} letters that tell decisions were given up, for no mail server took them",
            found.undelivered
        ));
    }
    if found.recipients > 0 {
        let Clocks { recipients, acknowledged, given_up, .. } = found;
        saw.push_str(&format!(
            "; of {recipients} recipients who are to be told of erasures {acknowledged} have acknowledged it, {given_up} were given up by the operator for reasons that the receipts tell, and the others are in time"
        ));
    } else if kind == Kind::Erasure {
        saw.push_str("; nobody else is named to be told of erasures");
    }
    Ok(Finding::held(saw)
        .tried("asked as somebody who was planted, and waited for the receipt")
        .tried("compared every case with the log and with the jobs that carry them out")
        .covered("cases", found.cases))
}

/// The first thing that is wrong with the clocks.
fn wrong(found: &Clocks, within: Span) -> Option<String> {
    let says = [
        (found.late, format!("took longer than {within}, or has by now")),
        (found.untold, "is not as the log says".to_owned()),
        (found.unheld, "would wait for a hold that the log does not know, or knows to be ended".to_owned()),
        (found.unsent, "was decided about, and the letter that says so went nowhere".to_owned()),
        (found.lost, "stands in the log and has no case".to_owned()),
        (found.stranded, "is open, and nothing carries it out".to_owned()),
        (found.undone, "is done, and its account is still there".to_owned()),
    ];
    if let Some((count, what)) = says.into_iter().find(|(count, _)| *count > 0) {
        return Some(format!("{count} of {} cases: it {what}", found.cases));
    }
    let Clocks { recipients, acknowledged, untaught, .. } = *found;
    (untaught > 0).then(|| {
        format!(
            "a recipient was not told in time: of {recipients} who are to be told of erasures {acknowledged} have acknowledged it, and {untaught} were not told, refused it, or are told by nothing"
        )
    })
}

/// A length of time, roughly.
fn words(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{} seconds", seconds.max(0)),
        seconds @ ..7_200 => format!("{} minutes", seconds / 60),
        seconds @ ..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

async fn enter(site: &Site, plant: &Plant) -> Result<Visitor, Stop> {
    let mut visitor = plant.enter(site).await?;
    let form = [("password", plant.password()), ("next", super::HOME)];
    let answer = visitor.post_form("/confirm", &form).await?;
    if answer.status == 303 { Ok(visitor) } else { Err(unexpected("confirming", &answer)) }
}

/// A request that was made: its case, and where its receipt is.
struct Made {
    case: Uuid,
    receipt: String,
}

/// Asks for something by the form on the page, as people do; other attacks ask as programs do. What shows the case names its
/// receipt.
async fn ask(visitor: &mut Visitor, plant: &Plant, kind: Kind) -> Result<Made, Stop> {
    let email = ("email", plant.email());
    let asked = match kind {
        Kind::Erasure => visitor.post_form("/account/data/erase", &[email]).await?,
        _ => visitor.post_form("/account/data/requests", &[("kind", kind.word()), email]).await?,
    };
    let place = asked.header("location").filter(|_| asked.status == 303).unwrap_or_default().to_owned();
    let Some(case) = place.rsplit('/').next().and_then(|id| id.parse().ok()) else {
        return Err(Stop::Broke(format!("a request by the page's form was answered with {}", asked.status)));
    };
    let shown = visitor.get(&place).await?;
    let text = shown.text();
    let receipt = text.split("href=\"/receipts/").nth(1).and_then(|rest| rest.split('"').next());
    match receipt {
        Some(id) if shown.status == 200 => Ok(Made { case, receipt: format!("/receipts/{id}") }),
        _ => Err(Stop::Broke(format!("a request was taken, and its page was answered with {}", shown.status))),
    }
}

/// Holds the plant's data for a law that there is not, and ends that at once: both are decisions that they are written of.
async fn decide(store: &Store, plant: &Plant, case: Uuid) -> Result<(), Stop> {
    let until = SystemClock.now().checked_add(HELD.signed()).map_err(|error| Stop::Failed(error.to_string()))?;
    let errand = Errand::Mail { mail: news(plant), typed: false };
    let text = serde_json::to_string(&errand).map_err(|error| Stop::Failed(error.to_string()))?;
    let letter = |_: &Case| Some(text.clone());
    // No administrator is planted: who decides is named by the account itself.
    let admin = plant.account(store).await?.id;
    let reason = "An attack of this service on itself";
    decide::hold(store, Decision { case, admin, reason, letter: Some(&letter) }, until).await?;
    decide::release(store, Decision { case, admin, reason, letter: None }).await?;
    Ok(())
}

fn news(plant: &Plant) -> Mail {
    Mail {
        to: plant.email().to_owned(),
        subject: "A decision that nobody took".to_owned(),
        paragraphs: vec!["This service attacks itself, to see whether its letters are sent.".to_owned()],
        link: None,
    }
}

/// Reads the receipt, as anybody may who knows it, until the request is answered, and says then that it was the probe's. Yields
/// whether it was answered.
async fn wait(site: &Site, store: &Store, made: &Made) -> Result<bool, Stop> {
    let mut stranger = Visitor::stranger(site).await;
    for _ in 0..LOOKS {
        let answer = stranger.get(&format!("/api{}", made.receipt)).await?;
        let read: Answered = answer.json().map_err(|_| unexpected("a receipt", &answer))?;
        if read.state == "done" {
            list::of_probe(store, made.case).await?;
            return Ok(true);
        }
        sleep(PAUSE).await;
    }
    Ok(false)
}

fn unexpected(what: &str, answer: &Answer) -> Stop {
    Stop::Failed(format!("{what} was answered with {}", answer.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_that_is_wrong_is_said() {
        let fine = Clocks { cases: 3, open: 1, waiting: 1, ..Clocks::default() };
        assert_eq!(wrong(&fine, Span::days(30)), None);
        let late = Clocks { late: 1, lost: 2, ..fine };
        assert_eq!(wrong(&late, Span::days(30)).unwrap(), "1 of 3 cases: it took longer than 30 days, or has by now");
        let missed = Clocks { recipients: 3, acknowledged: 1, untaught: 1, ..fine };
        assert!(
            wrong(&missed, Span::days(30)).unwrap().contains("of 3 who are to be told of erasures 1 have acknowledged")
        );
        assert_eq!(wrong(&Clocks { untaught: 0, ..missed }, Span::days(30)), None);
        assert!(wrong(&Clocks { undone: 1, ..fine }, Span::days(30)).unwrap().contains("still there"));
    }

    #[test]
    fn lengths_of_time_are_told_roughly() {
        let told = |seconds| words(SignedDuration::from_secs(seconds));
        assert_eq!(
            [told(-3), told(59), told(600), told(7_200), told(2_592_000)],
            ["0 seconds", "59 seconds", "10 minutes", "2 hours", "30 days"]
        );
    }
}
