//! One round of attacks: which promises, in which order, sharing what can be shared, each with a deadline.

use crate::{catalogue, plants::Plants, system::System};
use outbound::{
    Site,
    browser::{Browser, BrowserError},
};
use promises::{Catalogue, Finding, Promise};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, OnceCell, mpsc},
    task::JoinSet,
    time::timeout,
};

/// How long one probe may take. One that takes longer has failed: Error, never Kept.
const DEADLINE: Duration = Duration::from_secs(90);

/// What the probes of one round share, so that twenty promises do not start twenty browsers.
pub(crate) struct Round {
    /// The public address.
    pub(crate) site: Site,
    /// The controls of this build.
    pub(crate) catalogue: Arc<Catalogue>,
    /// What only the operator has; `None` for an attack from outside alone.
    inside: Option<Arc<System>>,
    survey: OnceCell<ingress::survey::Survey>,
    browser: OnceCell<Result<Browser, BrowserError>>,
    plants: OnceCell<Result<Plants, String>>,
    /// What slow attacks found that several promises stand on.
    found: Mutex<BTreeMap<String, Finding>>,
}

/// What an attack found and how long it took.
pub(crate) struct Attacked {
    /// The promise.
    pub(crate) promise: Promise,
    /// What was found.
    pub(crate) finding: Finding,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Round {
    /// A round against a running system, from outside and inside.
    pub(crate) fn inside(system: Arc<System>) -> Arc<Self> {
        let (site, catalogue) = (system.site.clone(), Arc::clone(&system.catalogue));
        Arc::new(Self {
            site,
            catalogue,
            inside: Some(system),
            survey: OnceCell::new(),
            browser: OnceCell::new(),
            plants: OnceCell::new(),
            found: Mutex::default(),
        })
    }

    /// A round against somebody's service, from outside only.
    pub(crate) fn outside(site: Site, catalogue: Arc<Catalogue>) -> Arc<Self> {
        Arc::new(Self {
            site,
            catalogue,
            inside: None,
            survey: OnceCell::new(),
            browser: OnceCell::new(),
            plants: OnceCell::new(),
            found: Mutex::default(),
        })
    }

    /// What the site answers from outside; taken once.
    pub(crate) async fn survey(&self) -> &ingress::survey::Survey {
        self.survey.get_or_init(|| ingress::survey::Survey::take(&self.site)).await
    }

    /// A real browser; started once.
    pub(crate) async fn browser(&self) -> Result<&Browser, BrowserError> {
        self.browser.get_or_init(|| Browser::start(&self.site)).await.as_ref().map_err(Clone::clone)
    }

    /// The operator's side, or the finding that it is missing.
    pub(crate) fn system(&self) -> Result<&Arc<System>, Finding> {
        self.inside.as_ref().ok_or_else(|| Finding::nothing("this attack needs the operator's credentials"))
    }

    /// People and tenants that the round plants through the public routes; once.
    pub(crate) async fn plants(&self) -> Result<&Plants, Finding> {
        let system = self.system()?;
        let grow = || async { Plants::grow(system).await.map_err(|error| error.to_string()) };
        self.plants.get_or_init(grow).await.as_ref().map_err(Finding::failed)
    }

    /// What the attack of that name finds; made once a round.
    pub(crate) async fn once(&self, name: &str, attack: impl Future<Output = Finding>) -> Finding {
        let mut found = self.found.lock().await;
        if let Some(finding) = found.get(name) {
            return finding.clone();
        }
        let finding = attack.await;
        found.insert(name.to_owned(), finding.clone());
        finding
    }

    /// Attacks each of the promises and hands over what was found as it comes. Those that judge what the others recorded
    /// begin when all others have ended.
    pub(crate) fn attack(self: Arc<Self>, promises: Vec<Promise>) -> mpsc::Receiver<Attacked> {
        let (found, findings) = mpsc::channel(1);
        let (last, first): (Vec<_>, Vec<_>) = promises.into_iter().partition(catalogue::comes_last);
        tokio::spawn(async move {
            for wave in [first, last] {
                let mut running: JoinSet<Attacked> =
                    wave.into_iter().map(|promise| Arc::clone(&self).one(promise)).collect();
                while let Some(attacked) = running.join_next().await {
                    match attacked {
                        Ok(attacked) => drop(found.send(attacked).await),
                        Err(error) => tracing::error!(%error, "an attack was lost"),
                    }
                }
            }
        });
        findings
    }

    async fn one(self: Arc<Self>, promise: Promise) -> Attacked {
        let begun = Instant::now();
        let (round, target) = (Arc::clone(&self), promise.clone());
        let finding = guard(DEADLINE, async move { catalogue::probe(&round, &target).await }).await;
        Attacked { promise, finding, took: begun.elapsed() }
    }
}

/// What a probe found, whatever it does: one that panics or hangs has failed.
async fn guard(deadline: Duration, probe: impl Future<Output = Finding> + Send + 'static) -> Finding {
    // A task of its own, so that a probe that panics takes nothing with it.
    let mut task = tokio::spawn(probe);
    match timeout(deadline, &mut task).await {
        Ok(Ok(finding)) => finding,
        Ok(Err(_)) => Finding::failed("the probe crashed"),
        Err(_) => {
            task.abort();
            Finding::failed(format!("the probe did not end within {} s", deadline.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promises::Outcome;

    #[tokio::test]
    async fn a_probe_that_crashes_or_hangs_has_failed_and_kept_nothing() {
        let held = guard(DEADLINE, async { Finding::held("fine").covered("routes", 1) }).await;
        assert_eq!(held.outcome(), Outcome::Held);
        let crashed = guard(DEADLINE, async { panic!("a bug in a probe") }).await;
        assert_eq!(crashed, Finding::failed("the probe crashed"));
        let hung = guard(Duration::from_millis(20), std::future::pending()).await;
        assert_eq!(hung.outcome(), Outcome::Failed);
    }
}
