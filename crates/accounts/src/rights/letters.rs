//! What is written to whoever asked: that they did, each decision of the operator, and that it is done. The letters lie under
//! the account until they are handed over, and go with it. Of an erasure's end nobody can be told by mail: the first letter
//! says where the receipt stands.
//!
//! A letter of a decision is written in its transaction: it says what stands then, and is lost with nothing but it.
//!
//! What the operator wrote stands in no letter: it is read by whoever is signed in.

use super::{HOME, receipt_path, texts::EN};
use crate::{Accounts, Mail, errands::Errand, texts::fill, texts::mail::Letter};
use kernel::{AccountId, Timestamp};
use privacy::{
    case::{Case, Kind, State},
    work::{self, Done},
};
use store::{
    StoreError,
    jobs::{Job, Lease},
    rights::{cases, erase},
};

/// Whoever a letter goes to.
pub(super) struct Owner {
    account: AccountId,
    email: String,
}

impl Owner {
    pub(super) const fn new(account: AccountId, email: String) -> Self {
        Self { account, email }
    }

    /// Whose a case is, if they have an account still.
    pub(super) async fn of(accounts: &Accounts, case: &Case) -> Result<Option<Self>, StoreError> {
        let Some(account) = cases::whose(accounts.store(), case.id).await? else { return Ok(None) };
        let found = store::accounts::by_id(accounts.store(), account).await?;
        Ok(found.map(|found| Self::new(account, found.email)))
    }
}

/// What is written about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// They asked.
    Asked,
    /// They are asked something.
    Question,
    /// The clock goes on without their answer.
    Resumed,
    /// More time was taken.
    Extended,
    /// It was refused.
    Refused,
    /// An objection was granted.
    Granted,
    /// A law holds the data until then.
    Held(Timestamp),
    /// No law holds it any more.
    Released,
    /// It is answered.
    Answered,
}

impl News {
    const fn letter(self, kind: Kind) -> &'static Letter {
        const LETTERS: &super::texts::Letters = &EN.letters;
        match (self, kind) {
            (Self::Asked, Kind::Erasure) => &LETTERS.asked_erasure,
            (Self::Asked, _) => &LETTERS.asked,
            (Self::Question, _) => &LETTERS.question,
            (Self::Resumed, _) => &LETTERS.resumed,
            (Self::Extended, _) => &LETTERS.extended,
            (Self::Refused, _) => &LETTERS.refused,
            (Self::Granted, _) => &LETTERS.granted,
            (Self::Held(_), _) => &LETTERS.held,
            (Self::Released, _) => &LETTERS.released,
            (Self::Answered, _) => &LETTERS.answered,
        }
    }

    /// Where it leads: to what works without an account where the account may be gone by the time it is read.
    fn path(self, case: &Case) -> String {
        match self {
            Self::Asked | Self::Released => receipt_path(case),
            _ => format!("{HOME}/requests/{}", case.id),
        }
    }
}

/// Writes to whoever asked. `case` as it is by now.
pub(super) async fn write(accounts: &Accounts, to: &Owner, case: &Case, news: News) {
    accounts.post(to.account, mail(accounts, to, case, news)).await;
}

/// A letter as it waits to be handed over, for whoever writes it together with what it tells.
pub(super) fn kept(accounts: &Accounts, to: &Owner, case: &Case, news: News) -> Option<String> {
    let errand = Errand::Mail { mail: mail(accounts, to, case, news), typed: false };
    serde_json::to_string(&errand).inspect_err(|error| tracing::error!(%error, "a letter was not written")).ok()
}

fn mail(accounts: &Accounts, to: &Owner, case: &Case, news: News) -> Mail {
    let letter = news.letter(case.kind);
    let day = super::texts::last_day(if let News::Held(until) = news { until } else { case.due_at });
    let values =
        [("service", accounts.settings().service.as_str()), ("what", EN.kind(case.kind)), ("day", day.as_str())];
    Mail {
        to: to.email.clone(),
        subject: fill(letter.subject, &values),
        paragraphs: letter.paragraphs.iter().map(|paragraph| fill(paragraph, &values)).collect(),
        link: Some((letter.link.to_owned(), accounts.link(&news.path(case)))),
    }
}

impl Accounts {
    /// Does a job, if it is about a case, and writes to whoever asked once it is answered.
    ///
    /// # Errors
    /// Whatever stopped it; the caller gives it back, to be tried again.
    pub async fn work(&self, lease: &Lease, job: &Job) -> Result<Done, StoreError> {
        let open =
            if [cases::ANSWER, erase::ERASE].contains(&job.kind.as_str()) { self.open_case(job).await? } else { None };
        let done = work::run(self.store(), lease).await?;
        if let Some(case) = open
            && let Err(error) = self.tell_change(&case).await
        {
            // The job is done, and is not done again for the sake of a letter.
            tracing::error!(%error, "nobody was told what became of a request");
        }
        Ok(done)
    }

    async fn open_case(&self, job: &Job) -> Result<Option<Case>, StoreError> {
        let Some(case) = job.ids.first() else { return Ok(None) };
        Ok(cases::by_id(self.store(), *case).await?.filter(|case| case.state == State::Open))
    }

    /// Writes what a job made of a case that was open, where its person still has an address.
    async fn tell_change(&self, before: &Case) -> Result<(), StoreError> {
        let Some(case) = cases::by_id(self.store(), before.id).await? else { return Ok(()) };
        let news = match (case.state, case.held_until) {
            (State::Done, _) => News::Answered,
            (State::Paused, _) => News::Question,
            (State::Open, Some(until)) if before.held_until.is_none() => News::Held(until),
            _ => return Ok(()),
        };
        if let Some(owner) = Owner::of(self, &case).await? {
            write(self, &owner, &case, news).await;
        }
        Ok(())
    }
}
