//! What is to be written to somebody: kept, sealed, before anything is answered, and done by a job. A mail server that is away,
//! slow or out of sorts delays a mail; nothing but time, or the end of its account, stops it.
//!
//! Links are made when their mail is: no token waits anywhere, and its time begins when it is sent.

use crate::{
    Accounts, Mail,
    letters::{self, Topic},
    profile, reset, sign_up,
};
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use store::{
    StoreError,
    jobs::{self, Job, Lease},
    mails::{self, Fate},
};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// What is to be written.
#[derive(Serialize, Deserialize)]
pub(crate) enum Errand {
    /// This. `typed` where somebody typed the address, who need not be its owner.
    Mail {
        /// The mail.
        mail: Mail,
        /// Whether it counts.
        typed: bool,
    },
    /// That a new account's address must be confirmed.
    Verify {
        /// The account.
        account: Uuid,
        /// Its address.
        email: String,
    },
    /// How to choose a new password, if there is an account.
    Reset {
        /// What somebody typed.
        email: String,
    },
    /// That an account's new address must be confirmed.
    NewAddress {
        /// The account.
        account: Uuid,
        /// What somebody typed.
        email: String,
    },
}

impl Errand {
    /// Whether what is written about an account holds a link that opens something.
    const fn opens(&self) -> bool {
        !matches!(self, Self::Mail { .. })
    }
}

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mail(#[from] crate::MailError),
}

impl Accounts {
    /// Keeps an errand about an account, or about nobody's, and does it as soon as the answer is on its way. What cannot be
    /// kept is logged, without its addressee.
    pub(crate) async fn errand(&self, account: Option<AccountId>, errand: &Errand) {
        let turn = self.turn_now();
        let text = match serde_json::to_string(errand) {
            Ok(text) => text,
            Err(error) => return tracing::error!(%error, "a mail was not written"),
        };
        match mails::put(self.store(), account, &text, mails::KEEP, errand.opens(), turn.is_some()).await {
            Ok(leased) => {
                if let Some(((lease, job), turn)) = leased.zip(turn) {
                    let accounts = self.clone();
                    tokio::spawn(async move { accounts.deliver(&lease, &job, turn).await });
                }
            }
            Err(error) => tracing::error!(%error, "a mail was not written"),
        }
    }

    /// Does the job of a mail, and gives it back where that fails: it is due again after a pause that grows.
    pub async fn deliver(&self, lease: &Lease, job: &Job, turn: OwnedSemaphorePermit) {
        let done = match self.handed_over(lease, job).await {
            Ok(fate) => mails::done(self.store(), lease, job, fate).await,
            Err(error) => {
                tracing::warn!(%error, attempts = lease.attempts, "a mail was not handed over; it is tried again");
                jobs::retry(self.store(), lease).await.map(drop)
            }
        };
        drop(turn);
        if let Err(error) = done {
            tracing::warn!(%error, "the job of a mail could not be ended");
        }
    }

    async fn handed_over(&self, lease: &Lease, job: &Job) -> Result<Fate, Undone> {
        let Some(waiting) = mails::read(self.store(), job).await? else { return Ok(Fate::GivenUp) };
        if waiting.expires_at <= self.now() {
            tracing::error!(attempts = lease.attempts, "a mail was given up: it could not be handed over in time");
            return Ok(Fate::GivenUp);
        }
        // A build that cannot read it would not read it later either.
        let Ok(errand) = serde_json::from_str::<Errand>(&waiting.text) else { return Ok(Fate::GivenUp) };
        if let Some(mail) = self.letter(errand, lease.attempts <= 1).await? {
            self.settings().mailer.send(mail).await?;
        }
        Ok(Fate::HandedOver)
    }

    /// The mail of an errand, where there is one to send. What somebody typed counts once, at the first attempt.
    async fn letter(&self, errand: Errand, first: bool) -> Result<Option<Mail>, StoreError> {
        Ok(match errand {
            Errand::Mail { mail, typed } => (!typed || !first || self.may_write(&mail.to).await).then_some(mail),
            Errand::Verify { account, email } => sign_up::verification(self, account.into(), &email, first).await?,
            Errand::Reset { email } => reset::letter(self, &email, first).await?,
            Errand::NewAddress { account, email } => profile::letter(self, account.into(), &email, first).await?,
        })
    }

    /// Writes to somebody about their account.
    pub(crate) async fn tell(&self, account: AccountId, to: &str, topic: &Topic<'_>) {
        self.post(account, letters::about(self, to, topic)).await;
    }

    /// Writes to an address that somebody typed.
    pub(crate) async fn tell_typed(&self, to: &str, topic: &Topic<'_>) {
        self.post_typed(letters::about(self, to, topic)).await;
    }

    /// Keeps a mail about an account, under its key, and sends it after the answer, so that no answer tells by its time how long
    /// that took. What still waits when the account is erased goes with it.
    pub async fn post(&self, account: AccountId, mail: Mail) {
        self.errand(Some(account), &Errand::Mail { mail, typed: false }).await;
    }

    /// As [`Self::post`], to an address that somebody typed, who need have no account.
    pub(crate) async fn post_typed(&self, mail: Mail) {
        self.errand(None, &Errand::Mail { mail, typed: true }).await;
    }
}
