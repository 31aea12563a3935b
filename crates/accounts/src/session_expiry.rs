//! Control `session-expiry`: a session ends after idleness, at its greatest age, and at once when it is ended.
//!
//! The enforcement is [`store::sessions`] and the gate; this module attacks them.

mod faults;

pub use faults::FAULTS;

use crate::{
    Plant,
    attack::{Stop, is_in},
};
use ingress::{cookie, visitor::Visitor};
use kernel::{AccountId, Span};
use outbound::Site;
use promises::{
    Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
};
use std::time::Duration;
use store::{
    Store,
    sessions::{self, Lifetimes},
    told,
};
use tokio::time::sleep;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "session-expiry",
    title: "Sessions end by themselves",
    about: "A session ends when it was not used for the idle time, at its absolute age however much it is used, and at once when \
            it is ended. The probe signs in as somebody whom it planted: the cookie must be a new one at each sign-in and the \
            old one dead, a session that is ended from another browser must be dead at its next request, and leaving must end \
            the session and not only the cookie. Then it moves the times of its own sessions back, which is a rehearsal and \
            named so: past the idle time a session must be dead, and one that is used all the while must be dead past the \
            absolute age, both within two seconds, since an instance may remember a session for one. For every live session, not the planted ones alone, it looks for an end beyond the absolute age, \
            for times in the future, for uses of many that were noted at one instant, and whether it is, in its row and in the \
            index, that of the account and the key that the log tells of; and every API token must be that \
            person's, and end then, of whom and when the log tells. It cannot see a session that was copied out of a browser and is used within its time.",
    wing: "ingress",
    vantage: Vantage::Inside,
    params: &[
        ParamSpec {
            name: "idle",
            kind: ParamKind::Span,
            default: Some("12 hours"),
            about: "The longest time without a request.",
            stronger: Stronger::Less,
        },
        ParamSpec {
            name: "absolute",
            kind: ParamKind::Span,
            default: Some("30 days"),
            about: "The longest life.",
            stronger: Stronger::Less,
        },
    ],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every session", "all sessions"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["8.5"],
        soc2: &["CC6.1"],
        asvs: &["7.2.4", "7.3.1", "7.3.2", "7.4.1"],
    },
};

/// Past a limit by so much.
const BEYOND: Span = Span::minutes(2);
/// The most steps in which a session is aged while it is used.
const STEPS: u64 = 400;

/// Attacks the promise on `plant`.
pub async fn probe(site: &Site, store: &Store, plant: &Plant, promise: &Promise) -> Finding {
    attack(site, store, plant, promise).await.unwrap_or_else(Stop::finding)
}

async fn attack(site: &Site, store: &Store, plant: &Plant, promise: &Promise) -> Result<Finding, Stop> {
    let lifetimes = Lifetimes {
        idle: promise.span("idle").unwrap_or(Span::hours(12)),
        absolute: promise.span("absolute").unwrap_or(Span::days(30)),
    };
    let account = plant.account(store).await?.id;
    census(store, lifetimes).await?;
    let mut rehearsal = Rehearsal { site, store, plant, account, lifetimes, sessions: 0 };
    rehearsal.changes_at_sign_in().await?;
    rehearsal.ends_when_revoked().await?;
    rehearsal.ends_after_idleness().await?;
    rehearsal.ends_at_its_age().await?;
    let sessions = rehearsal.sessions;
    // Once more: the sessions that were begun meanwhile count too.
    let live = census(store, lifetimes).await?;
    let saw = format!(
        "{sessions} planted sessions ended when they should; none of {live} live sessions reaches beyond its age"
    );
    Ok(Finding::held(saw)
        .tried("signed in over a session, and used the cookie of the one before")
        .tried("ended sessions by leaving, from another browser, and all at once, and used their cookies again")
        .tried("rehearsal: moved a session's times back past the idle time")
        .tried("rehearsal: moved a session's times back past the absolute age while it was used")
        .tried("looked at the end and the times of every live session, and compared whose it is with every log")
        .covered("planted sessions", sessions)
        .covered("live sessions", usize::try_from(live).unwrap_or(usize::MAX)))
}

/// Every live session must end within the absolute age, and must have been used in the past.
async fn census(store: &Store, lifetimes: Lifetimes) -> Result<u64, Stop> {
    let census = sessions::census(store, lifetimes, store.clock().now()).await?;
    if census.beyond > 0 {
        let (beyond, all) = (census.beyond, census.sessions);
        return Err(Stop::Broke(format!("{beyond} of {all} live sessions would live beyond {}", lifetimes.absolute)));
    }
    if census.ahead > 0 {
        return Err(Stop::Broke(format!("{} live sessions were used in the future, so they never idle", census.ahead)));
    }
    if census.together > 0 {
        let together = census.together;
        return Err(Stop::Broke(format!(
            "{together} live sessions were noted as used at one instant, which no use does"
        )));
    }
    let told = told::walk(store).await?;
    if told.tokens > 0 {
        return Err(Stop::Broke(format!(
            "{} API tokens are somebody else's than any log tells, or good for longer",
            told.tokens
        )));
    }
    let strayed = told.sessions;
    if strayed > 0 {
        return Err(Stop::Broke(format!(
            "{strayed} live sessions lead into another account, or open to another key, than any log tells"
        )));
    }
    Ok(census.sessions)
}

struct Rehearsal<'a> {
    site: &'a Site,
    store: &'a Store,
    plant: &'a Plant,
    account: AccountId,
    lifetimes: Lifetimes,
    sessions: usize,
}

impl Rehearsal<'_> {
    /// A new session, seen to be one.
    async fn begin(&mut self) -> Result<Visitor, Stop> {
        let mut visitor = self.plant.enter(self.site).await?;
        self.sessions += 1;
        if self.lives(&mut visitor).await? {
            return Ok(visitor);
        }
        Err(Stop::Failed("a session that was just begun opens nothing".to_owned()))
    }

    async fn lives(&self, visitor: &mut Visitor) -> Result<bool, Stop> {
        Ok(is_in(&visitor.get("/account/sessions").await?))
    }

    /// Whether a session that was just made older still opens the account. That it is older comes about in the database, and an
    /// instance that hears of it a moment later may have remembered it until then, for a second at most.
    async fn outlives(&self, visitor: &mut Visitor) -> Result<bool, Stop> {
        for _ in 0..4 {
            if !self.lives(visitor).await? {
                return Ok(false);
            }
            sleep(Duration::from_millis(500)).await;
        }
        self.lives(visitor).await
    }

    /// A browser that holds nothing but the session cookie of another.
    fn copy(&self, of: &Visitor) -> Result<Visitor, Stop> {
        let token = of.cookie(cookie::SESSION).ok_or_else(|| Stop::Failed("no session cookie".to_owned()))?;
        let mut copy = Visitor::new(self.site);
        copy.hold(cookie::SESSION, token);
        Ok(copy)
    }

    async fn changes_at_sign_in(&mut self) -> Result<(), Stop> {
        let mut visitor = self.begin().await?;
        let mut old = self.copy(&visitor)?;
        let csrf = visitor.form_token("/account").await?;
        let form = [("email", self.plant.email()), ("password", self.plant.password()), ("csrf", &csrf)];
        visitor.post_form("/sign-in", &form).await?;
        self.sessions += 1;
        if visitor.cookie(cookie::SESSION) == old.cookie(cookie::SESSION) {
            return Err(Stop::Broke("signing in again did not change the session's cookie".to_owned()));
        }
        if self.lives(&mut old).await? {
            return Err(Stop::Broke("after signing in again the cookie of before still opens the account".to_owned()));
        }
        let mut left = self.copy(&visitor)?;
        visitor.post_form("/sign-out", &[]).await?;
        if self.lives(&mut left).await? {
            return Err(Stop::Broke("after leaving, the session's cookie still opens the account".to_owned()));
        }
        Ok(())
    }

    async fn ends_when_revoked(&mut self) -> Result<(), Stop> {
        let (mut here, mut there) = (self.begin().await?, self.begin().await?);
        here.post_form("/account/sessions/revoke-others", &[]).await?;
        if self.lives(&mut there).await? {
            return Err(Stop::Broke(
                "a session that was ended from another browser still opens the account".to_owned(),
            ));
        }
        if !self.lives(&mut here).await? {
            return Err(Stop::Failed("ending all other sessions ended this one too".to_owned()));
        }
        Ok(())
    }

    async fn ends_after_idleness(&mut self) -> Result<(), Stop> {
        let mut visitor = self.begin().await?;
        self.age(&visitor, self.lifetimes.idle).await?;
        self.age(&visitor, BEYOND).await?;
        if self.outlives(&mut visitor).await? {
            return Err(Stop::Broke(format!(
                "a session still opens the account after {} without use",
                self.lifetimes.idle
            )));
        }
        Ok(())
    }

    async fn ends_at_its_age(&mut self) -> Result<(), Stop> {
        let mut visitor = self.begin().await?;
        // Most of the idle time at a go, and used each time, so that only the age can end it.
        let (idle, absolute) = (self.lifetimes.idle.as_secs(), self.lifetimes.absolute.as_secs());
        let step = Span::seconds((idle / 10 * 9).max(absolute / STEPS).max(1));
        let mut aged = 0;
        while aged <= absolute + BEYOND.as_secs() {
            // Looking the session up is a use of it; a few times it is used at the public address too.
            if aged < step.as_secs() * 4 && !self.lives(&mut visitor).await? {
                return Ok(());
            }
            self.age(&visitor, step).await?;
            aged += step.as_secs();
        }
        if self.outlives(&mut visitor).await? {
            return Err(Stop::Broke(format!(
                "a session that is used still opens the account after {}",
                self.lifetimes.absolute
            )));
        }
        Ok(())
    }

    async fn age(&self, visitor: &Visitor, by: Span) -> Result<(), Stop> {
        let token = visitor.cookie(cookie::SESSION).ok_or_else(|| Stop::Failed("no session cookie".to_owned()))?;
        let session = sessions::find(self.store, token, self.lifetimes, self.store.clock().now()).await?;
        // One that is dead already needs no ageing.
        if let Some(session) = session {
            sessions::age(self.store, self.account, session.id, by).await?;
        }
        Ok(())
    }
}
