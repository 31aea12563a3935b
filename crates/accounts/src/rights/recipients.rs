//! Telling whoever else holds a person's data that they are erased: a Security Event Token (RFC 8417) with the event
//! `account-purged` of OpenID RISC, about the subject that identity tokens of the gate name (RFC 9493), pushed as RFC 8935 says.
//!
//! It holds the account's id, and nothing else about anybody. It is the same, byte for byte, each time that it is sent: what says
//! whether a recipient has seen it already is its `jti`.

use crate::Accounts;
use identity::jwt::{CannotSign, Signer};
use jiff::SignedDuration;
use outbound::{Answer, Dialler, push::Endpoint};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};
use store::{
    StoreError,
    jobs::{self, Job, Lease},
    rights::recipients::{self, Open, Told},
};
use tokio::sync::Semaphore;

/// What is pushed (RFC 8417 section 7.2).
const MEDIA: &str = "application/secevent+jwt";
/// What marks the token as one (RFC 8417 section 2.3).
const TYPE: &str = "secevent+jwt";
/// The event (OpenID RISC 1.0 section 2.2).
const PURGED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-purged";

/// The longest name.
const LONGEST: usize = 40;
/// The largest answer that is looked into: all that may be in it is why a token is refused.
const LARGEST: usize = 16 * 1024;
/// How many recipients are told at the same time, and how long the others rest.
const AT_ONCE: usize = 4;
/// See [`AT_ONCE`].
const RESTS: SignedDuration = SignedDuration::from_secs(2);

/// Somebody who is told, as the operator names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// What they are called, on receipts and as the token's audience.
    pub name: String,
    /// Where it is pushed to.
    pub endpoint: Endpoint,
}

impl FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, url)) = text.split_once('=') else {
            return Err(format!("`{text}` is no recipient; expected one such as crm=https://crm.example/events"));
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > LONGEST || name.starts_with('-') || !name.chars().all(plain) {
            return Err(format!(
                "`{name}` is no name of a recipient: lower-case letters, digits and hyphens, at most {LONGEST}, and no hyphen first"
            ));
        }
        let endpoint = url.parse().map_err(|error| format!("{error}"));
        Ok(Self { name: name.to_owned(), endpoint: endpoint? })
    }
}

/// Whoever is told, and how tokens for them are signed.
#[derive(Clone, Default)]
pub struct Recipients(Option<Arc<Inner>>);

struct Inner {
    all: Vec<Recipient>,
    signer: Arc<Signer>,
    issuer: String,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().iter().map(|one| &one.name)).finish()
    }
}

impl Recipients {
    /// Nobody is told.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// These are told. `signer` and `issuer` are those of the gate's identity tokens.
    ///
    /// # Errors
    /// Two have one name; the text says which.
    pub fn new(all: Vec<Recipient>, signer: Arc<Signer>, issuer: &str) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        if let Some(twice) = all.iter().find(|one| !names.insert(one.name.as_str())) {
            return Err(format!("two recipients are called `{}`", twice.name));
        }
        Ok(Self(Some(Arc::new(Inner {
            all,
            signer,
            issuer: issuer.to_owned(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }))))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Recipient] {
        self.0.as_ref().map_or(&[], |inner| inner.all.as_slice())
    }

    /// Tells a recipient. One that is named no more is waited for until the step's time is over.
    async fn tell(&self, dialler: &Dialler, open: &Open) -> Result<Heard, StoreError> {
        let named = self.0.as_ref().and_then(|inner| {
            let recipient = inner.all.iter().find(|one| one.name == open.step.recipient)?;
            Some((recipient, inner.token(open)))
        });
        let Some((recipient, token)) = named else { return Ok(Heard::Again("it is named no more".to_owned())) };
        let token = token.map_err(|error| StoreError::Unexpected(error.to_string()))?;
        Ok(match recipient.endpoint.push(dialler, MEDIA, token.into_bytes()).await {
            Ok(answer) => Heard::of(&answer),
            Err(error) => Heard::Again(error.to_string()),
        })
    }
}

impl Inner {
    /// The token of a step: the same each time, since all that is in it is as the erasure left it.
    fn token(&self, open: &Open) -> Result<String, CannotSign> {
        let claims = json!({
            "iss": self.issuer,
            "jti": open.step.id,
            "iat": open.step.begun_at.as_second(),
            "aud": open.step.recipient,
            "sub_id": { "format": "iss_sub", "iss": self.issuer, "sub": open.account.to_string() },
            "events": { PURGED: {} },
        });
        self.signer.sign_as(TYPE, &claims)
    }
}

/// What a recipient said (RFC 8935 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    /// It has it.
    Acknowledged,
    /// It does not take it.
    Refused(String),
    /// Neither: it is told again.
    Again(String),
}

/// Why a token is refused.
#[derive(Deserialize)]
struct Refused {
    err: String,
}

impl Heard {
    fn of(answer: &Answer) -> Self {
        match (answer.status, why(answer)) {
            (202, _) => Self::Acknowledged,
            (400, Some(why)) => Self::Refused(why),
            (status, _) => Self::Again(format!("it answered {status}")),
        }
    }
}

/// The code with which a token is refused. Of what a stranger wrote, nothing else is kept or shown.
fn why(answer: &Answer) -> Option<String> {
    if answer.body.len() > LARGEST {
        return None;
    }
    let code = answer.json::<Refused>().ok()?.err;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let known = (1..=60).contains(&code.len()) && code.chars().all(plain);
    Some(if known { code } else { "a code that is none".to_owned() })
}

impl Accounts {
    /// Does the job of a step, aside: a recipient that is slow keeps nothing else waiting. What fails is done again later.
    ///
    /// # Errors
    /// The job could not be given back.
    pub async fn tell_aside(&self, lease: Lease, job: Job) -> Result<(), StoreError> {
        let turns = self.settings().recipients.0.as_ref().map(|inner| Arc::clone(&inner.turns));
        let turn = turns.map(|turns| turns.try_acquire_owned());
        if matches!(turn, Some(Err(_))) {
            return jobs::put_off(self.store(), &lease, self.now() + RESTS).await;
        }
        let accounts = self.clone();
        tokio::spawn(async move {
            let done = accounts.tell_recipient(&lease, &job).await;
            drop(turn);
            let Err(error) = done else { return };
            tracing::error!(%error, attempts = lease.attempts, "a recipient could not be told of an erasure");
            if let Err(error) = jobs::retry(accounts.store(), &lease).await {
                tracing::warn!(%error, "the job of a recipient could not be given back");
            }
        });
        Ok(())
    }

    /// Tells a recipient of an erasure, and notes what became of it.
    ///
    /// # Errors
    /// The database failed, or somebody else has the job by now.
    pub async fn tell_recipient(&self, lease: &Lease, job: &Job) -> Result<(), StoreError> {
        let store = self.store();
        let Some(open) = recipients::open(store, job).await? else { return recipients::over(store, lease).await };
        let step = &open.step;
        if step.due_at <= self.now() {
            tracing::error!(recipient = step.recipient, "a recipient could not be told of an erasure in time");
            return recipients::ended(store, lease, step, Told::Expired, None).await;
        }
        match self.settings().recipients.tell(self.settings().state.dialler(), &open).await? {
            Heard::Acknowledged => recipients::ended(store, lease, step, Told::Acknowledged, None).await,
            Heard::Refused(why) => {
                tracing::error!(recipient = step.recipient, why, "a recipient refuses to be told of an erasure");
                recipients::ended(store, lease, step, Told::Refused, Some(&why)).await
            }
            Heard::Again(why) => {
                let due = recipients::again(store, lease, step, &why).await?;
                tracing::warn!(recipient = step.recipient, why, %due, "a recipient was not told of an erasure yet");
                Ok(())
            }
        }
    }
}
