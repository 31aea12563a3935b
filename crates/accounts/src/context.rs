//! What every page of this crate stands on.

use crate::mailer::{Mailer, Received};
use identity::{Hasher, Rules, passkeys::RelyingParty};
use ingress::{FormToken, gate::Visitor, problem::Answer, session::LiveSession};
use kernel::{Clock, Span, Timestamp};
use privacy::deadline::Calendar;
use std::{sync::Arc, time::Duration};
use store::{
    Store,
    limits::{self, Quota},
    sessions::Lifetimes,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use ui::{Item, Page};

/// How many mails are handed over at the same time; more wait.
const SENDING: usize = 8;
/// How many mails an address gets because somebody typed it, who need not be its owner: no form fills somebody's inbox.
const TYPED: Quota = Quota { burst: 10, per: Span::hours(1) };

/// How the accounts of a service are set up.
#[derive(Clone)]
pub struct Settings {
    /// The gate and everything it stands on.
    pub state: ingress::State,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Sends what people are told by mail.
    pub mailer: Arc<dyn Mailer>,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Which passwords are too weak.
    pub rules: Arc<Rules>,
    /// The address under which the service is known, without a trailing slash: links in mails begin with it, and passkeys
    /// belong to its host.
    pub public_url: String,
    /// The service's name, as people know it.
    pub service: String,
    /// Where to after signing in: `/drawings`, `/objectives`.
    pub home: &'static str,
    /// The navigation of whoever is signed in: what the products offer, and the team's pages.
    pub items: Vec<Item>,
    /// The providers that may vouch for a sign-in.
    pub providers: crate::provider::Providers,
    /// Whoever else is told of erasures.
    pub recipients: crate::rights::recipients::Recipients,
    /// At which steps answers leave that must not tell by their time what was found: [`crate::PACE`].
    pub pace: Duration,
    /// Shows the outbox to the operator, where the mailer keeps one. In development only.
    pub show_outbox: bool,
}

/// What every page of this crate stands on. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    settings: Settings,
    sending: Arc<Semaphore>,
    party: RelyingParty,
    calendar: Calendar,
}

impl Accounts {
    /// Accounts as these settings say.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let host = host_of(&settings.public_url);
        let party = RelyingParty::new(host, &settings.public_url, &settings.service);
        Self(Arc::new(Inner {
            settings,
            sending: Arc::new(Semaphore::new(SENDING)),
            party,
            calendar: Calendar::house(),
        }))
    }

    /// By which calendar people are answered.
    #[must_use]
    pub(crate) fn calendar(&self) -> &Calendar {
        &self.0.calendar
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.0.settings.state.store()
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }

    /// How long sessions live.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        self.0.settings.state.lifetimes()
    }

    /// An absolute address for a mail: the public address and a path of ours.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0.settings.public_url)
    }

    /// A turn to hand a mail over, where one is free.
    pub(crate) fn turn_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.sending).try_acquire_owned().ok()
    }

    /// The next turn to hand a mail over.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Closed only with the program.
        Arc::clone(&self.0.sending).acquire_owned().await.ok()
    }

    /// The whole page, with the head that whoever is signed in sees.
    ///
    /// # Errors
    /// The database failed.
    pub async fn page(
        &self,
        session: Option<&LiveSession>,
        token: &FormToken,
        path: &str,
        page: &Page,
    ) -> Answer<String> {
        crate::chrome::page(self, session, token, path, page).await
    }

    pub(crate) fn party(&self) -> &RelyingParty {
        &self.0.party
    }

    /// Whether one more mail may go to an address that somebody typed. Where that cannot be counted, it may not.
    pub(crate) async fn may_write(&self, to: &str) -> bool {
        let key = limits::key(self.store(), "mail", to.trim().to_lowercase().as_bytes());
        match limits::draw(self.store(), &key, 1, TYPED, self.now()).await {
            Ok(drawn) => drawn.granted > 0,
            Err(error) => {
                tracing::error!(%error, "a mail was not written, since mails cannot be counted");
                false
            }
        }
    }

    /// What was sent lately, in development.
    pub(crate) fn outbox(&self) -> Option<Vec<Received>> {
        self.0.settings.show_outbox.then(|| self.0.settings.mailer.sent()).flatten()
    }
}

/// The session of a visitor, if they are signed in with all factors.
pub(crate) fn signed_in(visitor: &Visitor) -> Option<&LiveSession> {
    visitor.0.as_ref().filter(|session| !session.pending)
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    // Passkeys have no addresses in brackets: a name is a name.
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("public_url", &self.0.settings.public_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_cut_out_of_an_address() {
        for url in ["https://leide.example", "https://leide.example:8443", "https://leide.example:8443/x"] {
            assert_eq!(host_of(url), "leide.example");
        }
    }
}
