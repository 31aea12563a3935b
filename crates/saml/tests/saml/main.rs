//! The service provider's side of SAML, attacked.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod accept;
mod canonical;
mod forged;
mod judges;
mod reader;
mod soup;
mod talk;

use kernel::Timestamp;
use saml::idp::{Answer, Idp};
use saml::{Expect, IdpMetadata, Sp};

/// One service, one provider, one request.
pub(crate) struct Scene {
    pub(crate) sp: Sp,
    pub(crate) idp: Idp,
    pub(crate) metadata: IdpMetadata,
    pub(crate) answer: Answer,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(Idp::new("https://idp.example/metadata", "https://idp.example/sso").unwrap())
    }

    pub(crate) fn with(idp: Idp) -> Self {
        let sp = Sp {
            entity_id: "https://sp.example/saml/metadata".to_owned(),
            acs_url: "https://sp.example/saml/acs".to_owned(),
        };
        let metadata = IdpMetadata::parse(&idp.metadata(), now()).unwrap();
        let answer = Answer {
            acs_url: sp.acs_url.clone(),
            audience: sp.entity_id.clone(),
            in_response_to: Some("_request".to_owned()),
            email: "ada@example.com".to_owned(),
            now: now(),
            since: now(),
        };
        Self { sp, idp, metadata, answer }
    }

    pub(crate) fn expect(&self) -> Expect<'_> {
        Expect { idp: &self.metadata, in_response_to: self.answer.in_response_to.as_deref(), now: now() }
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}
