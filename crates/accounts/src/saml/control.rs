//! Control `saml`: nobody is signed in over SAML but by an answer that the team's own identity provider made for this
//! service, this browser and this moment, and signed with a key of its metadata.
//!
//! The enforcement is the crate `saml` and the routes beside this module.

mod acts;
mod faults;
mod plant;

pub use faults::FAULTS;
pub use plant::Plant;

use ::saml::idp::MakeError;
use ingress::visitor::VisitError;
use kernel::Span;
use outbound::{OutboundError, Site};
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use store::{Store, saml, told};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "saml",
    title: "SAML sign-in that refuses every forged answer",
    about: "Each team may name an identity provider. The probe makes a team through the public pages, with a provider whose \
            key it holds, and an invited person. An honest answer must sign that person in. Then more than eighty others are \
            posted, each of which must be refused and open no session: the eight known shapes of signature wrapping and their \
            kin, edited values, comments and entities, strangers' keys, weak algorithms and transforms, the certificate used \
            as a shared secret, answers that are expired, early, incomplete, or meant for another service, address or \
            request, and an answer that was presented before. Somebody who was not invited, or whose account was there \
            before and has not agreed, must not come in; an answer that nobody asked for must ask first; a provider that is \
            turned off, or whose key was replaced, must count no more. Last, the stored provider of every team must open \
            under that team's key, and be on or off as the team's log tells. The probe cannot see what a provider does that signs people in falsely itself.",
    wing: "accounts",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every forged answer", "all known signature wrapping", "every team"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["5.16", "5.17", "8.5"],
        soc2: &["CC6.1", "CC6.2"],
        asvs: &["6.8.1", "6.8.2", "6.8.3"],
    },
};

/// How an attack ends early.
enum Stop {
    /// The promise is broken.
    Broke(String),
    /// The probe could not go on.
    Failed(String),
}

impl From<VisitError> for Stop {
    fn from(error: VisitError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<OutboundError> for Stop {
    fn from(error: OutboundError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<MakeError> for Stop {
    fn from(error: MakeError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Attacks the promise on `plant`, a team of the probe's own that nobody else uses meanwhile.
pub async fn probe(site: &Site, store: &Store, plant: &Plant) -> Finding {
    match attack(site, store, plant).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(site: &Site, store: &Store, plant: &Plant) -> Result<Finding, Stop> {
    let mut scene = acts::Scene::set(site, plant).await?;
    let providers = saml::walk(store).await.map_err(|error| Stop::Failed(error.to_string()))?;
    if providers.foreign > 0 {
        let count = providers.foreign;
        return Err(Stop::Broke(format!("{count} teams have an identity provider that they did not set")));
    }
    let untold = told::walk(store).await.map_err(|error| Stop::Failed(error.to_string()))?.providers;
    if untold > 0 {
        return Err(Stop::Broke(format!(
            "{untold} teams have an identity provider on or off that they did not switch so"
        )));
    }
    scene.honest().await?;
    let forged = scene.forged().await?;
    scene.honest().await?;
    let strangers = scene.strangers().await?;
    scene.unasked().await?;
    let withdrawn = scene.withdrawn().await?;
    let refused = forged + strangers + withdrawn;
    let saw = format!(
        "honest answers sign in; {refused} others were refused; {} providers are their teams' own",
        providers.all
    );
    Ok(Finding::held(saw)
        .tried("signed an invited person in by an honest answer, before and after the attacks")
        .tried(format!("posted {forged} forged, misdirected and repeated answers with a good request and cookie"))
        .tried("vouched for somebody who was not invited, and for an owner who had not agreed")
        .tried("posted an answer that nobody had asked for, and went on only by the form that asks")
        .tried("turned the provider off, and replaced its key, and presented answers that had been good")
        .tried("opened the stored provider of every team under that team's key, and compared its state with the team's log")
        .covered("answers", refused)
        .covered("providers", providers.all))
}
