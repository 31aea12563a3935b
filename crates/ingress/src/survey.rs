//! What a service answers, seen from outside: its pages and everything they link to at the same origin, the paths that its
//! API describes, and requests made up to end in errors. One survey serves every control that judges headers.

pub mod links;

mod plan;

use links::Link;
use outbound::{Answer, Site};
use plan::{Ask, Plan, Way};
use promises::Finding;
use std::time::Duration;
use tokio::{task::JoinSet, time::timeout};

/// How long a survey may take; what has not been asked by then is not asked.
const DEADLINE: Duration = Duration::from_secs(10);
/// How many requests are in flight.
const AT_ONCE: usize = 8;

/// One answer of the service.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whether it came over TLS; what came in the clear is a redirect at most.
    pub secure: bool,
    /// The method of the request.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// What came back.
    pub answer: Answer,
}

impl Seen {
    /// The request in a few words: `GET /trust (200)`. A long path is cut.
    #[must_use]
    pub fn name(&self) -> String {
        let cut: String = self.path.chars().take(60).collect();
        let dots = if cut.len() < self.path.len() { "…" } else { "" };
        let plain = if self.secure { "" } else { "plain " };
        format!("{plain}{} {cut}{dots} ({})", self.method, self.answer.status)
    }

    /// Whether the answer is a page that a browser would show.
    #[must_use]
    pub fn is_html(&self) -> bool {
        self.media_type().is_some_and(|kind| matches!(kind.as_str(), "text/html" | "application/xhtml+xml"))
    }

    /// The type of the content, without parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let kind = self.answer.header("content-type")?;
        Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// Every value of a header, in order; one that is not text is empty.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
    }

    /// What the answer links to, where it is a page, a feed or a style sheet.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        match self.media_type().as_deref() {
            Some("text/html" | "application/xhtml+xml" | "image/svg+xml") => links::in_markup(&self.answer.text()),
            Some("text/css") => links::in_style(&self.answer.text()),
            Some(kind) if kind.ends_with("xml") => links::in_markup(&self.answer.text()),
            _ => Vec::new(),
        }
    }
}

/// Every answer that was seen, and every request that got none.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The answers.
    pub seen: Vec<Seen>,
    /// The requests that got no answer, and why.
    pub missed: Vec<String>,
}

impl Survey {
    /// Walks the service. Nothing is changed there: the requests that are not reading carry no credentials and no content.
    pub async fn take(site: &Site) -> Self {
        let mut plan = Plan::new(site.url());
        let mut survey = Self { seen: Vec::new(), missed: Vec::new() };
        let walk = timeout(DEADLINE, survey.walk(site, &mut plan)).await;
        if walk.is_err() {
            survey.missed.push(format!("the survey was cut short after {} s", DEADLINE.as_secs()));
        }
        survey.seen.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
        survey
    }

    async fn walk(&mut self, site: &Site, plan: &mut Plan) {
        // The first request goes alone: where nothing answers, that is known at once, and the others share its connection.
        let mut flying = JoinSet::new();
        let mut at_once = 1;
        loop {
            while flying.len() < at_once {
                let Some(ask) = plan.next() else { break };
                flying.spawn(send(site.clone(), ask));
            }
            let Some(landed) = flying.join_next().await else { return };
            match landed {
                Ok(Ok(seen)) => {
                    if let Some(seen) = seen {
                        plan.learn(&seen);
                        self.seen.push(seen);
                    }
                    at_once = AT_ONCE;
                }
                Ok(Err(missed)) => {
                    self.missed.push(missed);
                    if self.seen.is_empty() {
                        return;
                    }
                }
                Err(_) => self.missed.push("a request crashed".to_owned()),
            }
        }
    }

    /// The page to open in a browser: the trust page, or the first page where there is none.
    #[must_use]
    pub fn page(&self) -> Option<&Seen> {
        let shown = |seen: &&Seen| seen.secure && seen.method == "GET" && seen.answer.status == 200 && seen.is_html();
        let at = |path: &str| self.seen.iter().filter(shown).find(|seen| seen.path == path);
        at("/trust").or_else(|| at("/")).or_else(|| self.seen.iter().find(shown))
    }

    /// Judges every answer that `applies` by `flaw`. A flaw breaks the promise whatever else went wrong; without one, a
    /// request that got no answer leaves the promise unjudged.
    pub fn judge(
        &self,
        what: &str,
        applies: impl Fn(&Seen) -> bool,
        flaw: impl Fn(&Seen) -> Option<String>,
    ) -> Finding {
        let judged: Vec<&Seen> = self.seen.iter().filter(|seen| applies(seen)).collect();
        let flaws: Vec<String> =
            judged.iter().filter_map(|seen| flaw(seen).map(|flaw| format!("{}: {flaw}", seen.name()))).collect();
        let errors = judged.iter().filter(|seen| seen.answer.status >= 400).count();
        let redirects = judged.iter().filter(|seen| (300..400).contains(&seen.answer.status)).count();
        let finding = match (flaws.first(), self.missed.first()) {
            (Some(first), _) if flaws.len() > 1 => {
                Finding::broke(format!("{first}, and {} more answers", flaws.len() - 1))
            }
            (Some(first), _) => Finding::broke(first.clone()),
            (None, Some(missed)) => Finding::failed(missed.clone()),
            (None, None) => Finding::held(format!(
                "{what} on all {} answers, {errors} errors and {redirects} redirects among them",
                judged.len()
            )),
        };
        let finding = flaws.into_iter().skip(1).take(9).fold(finding, |finding, flaw| finding.tried(flaw));
        finding
            .tried(format!(
                "looked for {what} on {} answers: pages and what they link to, API paths, made-up requests",
                judged.len()
            ))
            .covered("answers", judged.len())
            .covered("routes", routes(&judged))
    }
}

/// How many different paths there are among the answers.
fn routes(seen: &[&Seen]) -> usize {
    seen.iter().map(|seen| seen.path.as_str()).collect::<std::collections::BTreeSet<_>>().len()
}

async fn send(site: Site, ask: Ask) -> Result<Option<Seen>, String> {
    let headers: Vec<(&str, &str)> = ask.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = match ask.way {
        Way::Secure => site.send(ask.method, &ask.path, &headers, &[]).await,
        Way::Plain => site.plain_send(ask.method, &ask.path, &headers, &[]).await,
    };
    match (answer, ask.way) {
        (Ok(answer), way) => {
            Ok(Some(Seen { secure: way == Way::Secure, method: ask.method.to_owned(), path: ask.path, answer }))
        }
        (Err(error), Way::Secure) => {
            let path: String = ask.path.chars().take(60).collect();
            Err(format!("no answer to {} {path}: {error}", ask.method))
        }
        // Nobody needs to listen in the clear. Whoever does is judged.
        (Err(_), Way::Plain) => Ok(None),
    }
}
