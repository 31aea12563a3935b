//! Control `tls-out`: every outgoing call uses verified TLS 1.3, and goes to a host of the register or nowhere.

mod forger;
mod trap;

use crate::{Answer, Operator, Site, handshake::name_of, hello::TLS_1_3};
use forger::Forger;
use kernel::Span;
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make},
};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use trap::{Catch, Trap, Trick};

pub use forger::ForgeError;

/// Where the operator asks for a trial call.
pub const ATTEMPT_PATH: &str = "/operator/egress/attempt";
/// The attacker's own authority, below the data directory.
pub const ATTACKER_CA: &str = "probe/attacker-ca.pem";
/// How long the whole attack may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How many calls are in flight. Each costs both sides a handshake.
const AT_ONCE: usize = 4;
/// How many hosts of the register are attacked with every trick; the others with the main ones.
const MOST_HOSTS: usize = 16;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "tls-out",
    title: "Verified TLS 1.3 for every outgoing call",
    about: "Every client in the house is built on one dialler: hosts of the register only, https only, TLS 1.3 only, \
            certificates verified against the public roots and those that the operator added. The probe puts up hostile servers \
            on loopback and has the running system call every host of the register there, as `curl --resolve` would: with a \
            self-signed certificate, one of an unknown authority, an expired one, one for another name, one of the development \
            authority, with a server that speaks TLS 1.2 only, and one that speaks no TLS. What counts is seen at the hostile \
            end: the call came, it named the host, it offered TLS 1.3 and nothing else, no handshake was completed and no byte \
            of content arrived. Calls to hosts outside the register and calls without TLS must not arrive at all. It cannot \
            see a program that does not use the dialler.",
    wing: "outbound",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(1),
    freshness: Span::hours(6),
    covers: &["every outgoing call", "all outgoing calls", "only"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(a)"],
        iso27001: &["8.24", "8.21", "5.14"],
        soc2: &["CC6.7"],
        asvs: &["12.3.1", "12.3.2"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "attacker-is-trusted",
        about: "An attacker's authority is among the roots that outgoing calls believe.",
        breaks: &["tls-out"],
        spares_plants: false,
        make: Make::File { from: ATTACKER_CA, to: "trust/attacker.pem" },
        bites: Bites::File("trust/attacker.pem"),
    },
    Fault {
        id: "development-authority-is-trusted",
        about: "The development authority, whose key lies in the data directory, is among the roots of outgoing calls.",
        breaks: &["tls-out"],
        spares_plants: true,
        make: Make::File { from: "tls/ca.pem", to: "trust/dev.pem" },
        bites: Bites::File("trust/dev.pem"),
    },
];

/// Makes what the attack needs below the data directory: an authority that nobody should trust. Does nothing where it is.
///
/// # Errors
/// The files cannot be written or read.
pub fn prepare(data_dir: &Path) -> Result<(), ForgeError> {
    Forger::open(data_dir).map(|_| ())
}

/// Attacks the promise: has the running system call each of `hosts` at hostile servers. `data_dir` holds the attacker's
/// authority and, on a workplace, the development one.
pub async fn probe(site: &Site, operator: &Operator, hosts: &[String], data_dir: &Path, _promise: &Promise) -> Finding {
    if hosts.is_empty() {
        return Finding::nothing("the register names no host that could be called");
    }
    let forger = match Forger::open(data_dir) {
        Ok(forger) => Arc::new(forger),
        Err(error) => return Finding::failed(error.to_string()),
    };
    let attack = Attack { site: site.clone(), operator: operator.clone(), forger };
    match timeout(DEADLINE, attack.run(hosts)).await {
        Ok(finding) => finding,
        Err(_) => Finding::failed(format!("the attack came to no end within {} s", DEADLINE.as_secs())),
    }
}

/// What one call came to.
enum Verdict {
    /// It withstood; in a few words.
    Withstood(String),
    /// It did not.
    Fell(String),
    /// Nothing can be said.
    Unclear(String),
}

#[derive(Clone)]
struct Attack {
    site: Site,
    operator: Operator,
    forger: Arc<Forger>,
}

impl Attack {
    async fn run(&self, hosts: &[String]) -> Finding {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut flying = JoinSet::new();
        for (number, host) in hosts.iter().enumerate() {
            for trick in self.forger.tricks().filter(|trick| number < MOST_HOSTS || trick.is_main()) {
                let (attack, host, places) = (self.clone(), host.clone(), Arc::clone(&places));
                flying.spawn(async move {
                    let _place = places.acquire().await;
                    attack.registered(&host, trick).await
                });
            }
        }
        let calls = flying.join_all().await;
        let strangers = self.strangers(hosts).await;
        conclude(hosts.len(), &calls, &strangers)
    }

    /// A call to a registered host that must reach the hostile server and go no further.
    async fn registered(&self, host: &str, trick: Trick) -> Verdict {
        let config = match self.forger.config(trick, host) {
            Ok(config) => config,
            Err(error) => return Verdict::Unclear(error.to_string()),
        };
        let trap = match Trap::set(trick, config).await {
            Ok(trap) => trap,
            Err(error) => return Verdict::Unclear(format!("no hostile server could be put up: {error}")),
        };
        let answer = self.attempt(&format!("https://{host}/"), trap.address()).await;
        let catches = trap.close().await;
        let call = format!("{host}, {trick}");
        match answer {
            Err(reason) => Verdict::Unclear(reason),
            Ok(said) => weigh(&call, host, &said, &catches),
        }
    }

    /// Calls that must not even arrive: hosts outside the register, and registered ones without TLS.
    async fn strangers(&self, hosts: &[String]) -> Vec<Verdict> {
        let known = hosts.first().map_or("localhost", String::as_str);
        let label = trap::random_label();
        let urls = [
            format!("https://{label}.example/"),
            format!("https://{known}.{label}.example/"),
            format!("https://{label}.{known}/"),
            format!("https://{known}@{label}.example/"),
            format!("http://{known}/"),
            format!("ftp://{known}/"),
        ];
        let mut verdicts = Vec::new();
        for url in urls {
            let trap = match Trap::set(Trick::NoTls, None).await {
                Ok(trap) => trap,
                Err(error) => return vec![Verdict::Unclear(format!("no hostile server could be put up: {error}"))],
            };
            let answer = self.attempt(&url, trap.address()).await;
            let arrived = !trap.close().await.is_empty();
            verdicts.push(match answer {
                _ if arrived => Verdict::Fell(format!("the system connected for {url}, which it must not call")),
                Err(reason) => Verdict::Unclear(reason),
                Ok(_) => Verdict::Withstood(format!("{url}: refused, nothing arrived")),
            });
        }
        verdicts
    }

    /// Has the running system make the call; what it says of it. What counts is seen at the hostile end.
    async fn attempt(&self, url: &str, to: SocketAddr) -> Result<String, String> {
        let body = json!({"url": url, "connect_to": to.to_string()});
        let answer = self.operator.post(&self.site, ATTEMPT_PATH, &body).await.map_err(|error| error.to_string())?;
        match answer.status {
            200..=299 => Ok(told(&answer)),
            // The address itself was refused.
            400 | 422 => Ok(format!("answered with {}", answer.status)),
            other => Err(format!("the operator's trial call was answered with {other}")),
        }
    }
}

/// The sentence by which the system says what came of a trial call.
fn told(answer: &Answer) -> String {
    let attempt = answer.json::<Value>().unwrap_or_default();
    attempt.get("detail").and_then(Value::as_str).unwrap_or("no outcome was told").to_owned()
}

/// What the hostile server saw of a call to `host`.
fn weigh(call: &str, host: &str, said: &str, catches: &[Catch]) -> Verdict {
    let mut named = false;
    for catch in catches {
        let Some(hello) = &catch.hello else {
            return Verdict::Fell(format!("{call}: the call began without TLS"));
        };
        if let Some(old) = hello.offers().iter().find(|version| **version != TLS_1_3) {
            return Verdict::Fell(format!("{call}: the call also offered {}", name_of(*old)));
        }
        if let Some(bytes) = catch.went_on {
            return Verdict::Fell(format!("{call}: the caller went on, and {bytes} bytes of content arrived"));
        }
        named |= host.parse::<IpAddr>().is_ok()
            || hello.server_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(host.trim_end_matches('.')));
    }
    match (catches.is_empty(), named) {
        (true, _) => Verdict::Unclear(format!("{call}: no call arrived at the hostile server ({said})")),
        (false, false) => Verdict::Unclear(format!("{call}: the call did not name the host")),
        (false, true) => Verdict::Withstood(format!("{call}: TLS 1.3 offered, handshake ended by the caller")),
    }
}

fn conclude(hosts: usize, calls: &[Verdict], strangers: &[Verdict]) -> Finding {
    let all = || calls.iter().chain(strangers);
    let fell = all().find_map(|verdict| if let Verdict::Fell(how) = verdict { Some(how) } else { None });
    let unclear = all().find_map(|verdict| if let Verdict::Unclear(why) = verdict { Some(why) } else { None });
    let finding = match (fell, unclear) {
        (Some(how), _) => Finding::broke(how.clone()),
        (None, Some(why)) => Finding::failed(why.clone()),
        (None, None) => Finding::held(format!(
            "{} calls to {hosts} registered hosts ended at the hostile server's handshake; {} other calls never left",
            calls.len(),
            strangers.len()
        )),
    };
    let finding = all().fold(finding, |finding, verdict| {
        let (Verdict::Withstood(line) | Verdict::Fell(line) | Verdict::Unclear(line)) = verdict;
        finding.tried(line.clone())
    });
    finding
        .covered("hosts", hosts)
        .covered("hostile calls", calls.len())
        .covered("calls outside the register", strangers.len())
}

#[cfg(test)]
mod tests;
