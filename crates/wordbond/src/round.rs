//! One round of attacks: which promises, in which order, sharing what can be shared, each with a deadline.

use crate::{catalogue, system::System};
use promises::{Finding, Promise};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::OnceCell, task::JoinSet, time::timeout};

/// How long one probe may take. One that takes longer has failed: Error, never Kept.
const DEADLINE: Duration = Duration::from_secs(40);

/// What the probes of one round share, so that twenty promises do not start twenty browsers.
pub(crate) struct Round {
    /// The system under attack.
    pub(crate) system: Arc<System>,
    survey: OnceCell<Result<ingress::survey::Survey, String>>,
    plants: OnceCell<Result<crate::plants::Plants, String>>,
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
    /// A round against the system.
    pub(crate) fn new(system: Arc<System>) -> Arc<Self> {
        Arc::new(Self { system, survey: OnceCell::new(), plants: OnceCell::new() })
    }

    /// What the site answers from outside; taken once.
    pub(crate) async fn survey(&self) -> Result<&ingress::survey::Survey, Finding> {
        let take = || async { ingress::survey::Survey::take(&self.system.site).await.map_err(|error| error.to_string()) };
        self.survey.get_or_init(take).await.as_ref().map_err(Finding::failed)
    }

    /// People and tenants that the round plants through the public routes; once.
    pub(crate) async fn plants(&self) -> Result<&crate::plants::Plants, Finding> {
        let plant = || async { crate::plants::Plants::grow(&self.system).await.map_err(|error| error.to_string()) };
        self.plants.get_or_init(plant).await.as_ref().map_err(Finding::failed)
    }

    /// Attacks each promise that has a control in this build and hands over each finding as it comes. Those that judge
    /// what the others recorded come last.
    pub(crate) async fn attack(self: &Arc<Self>, promises: Vec<Promise>, mut found: impl AsyncFnMut(Attacked)) {
        let (last, first): (Vec<_>, Vec<_>) = promises.into_iter().partition(catalogue::comes_last);
        for wave in [first, last] {
            let mut running = JoinSet::new();
            for promise in wave {
                let round = Arc::clone(self);
                running.spawn(async move { round.one(promise).await });
            }
            while let Some(attacked) = running.join_next().await {
                match attacked {
                    Ok(attacked) => found(attacked).await,
                    Err(error) => tracing::error!(%error, "an attack was lost"),
                }
            }
        }
    }

    async fn one(self: Arc<Self>, promise: Promise) -> Attacked {
        let begun = Instant::now();
        let (round, target) = (Arc::clone(&self), promise.clone());
        // A task of its own, so that a probe that panics takes nothing with it.
        let mut probe = tokio::spawn(async move { catalogue::probe(&round, &target).await });
        let finding = match timeout(DEADLINE, &mut probe).await {
            Ok(Ok(finding)) => finding,
            Ok(Err(_)) => Finding::failed("the probe crashed"),
            Err(_) => {
                probe.abort();
                Finding::failed(format!("the probe did not end within {} s", DEADLINE.as_secs()))
            }
        };
        Attacked { promise, finding, took: begun.elapsed() }
    }
}
