//! Mail: plain text beside simple HTML, no tracking, no pictures. Where it goes is the [`Mailer`]'s business.

mod outbox;
mod smtp;
mod write;

pub use outbox::{FileOutbox, Received};
pub use smtp::{Smtp, SmtpSettings};
pub use write::From;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use std::pin::Pin;

/// One message to one person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom: one address.
    pub to: String,
    /// What it is about. One line.
    pub subject: String,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
    /// What to press: the words, and an absolute address of ours.
    pub link: Option<(String, String)>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Address, text and link are the addressee's.
        f.debug_struct("Mail").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A message was not taken. It says nothing about the addressee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The addressee or the text cannot be written as a mail.
    #[error("the mail cannot be written: {0}")]
    Form(&'static str),
    /// The folder cannot be written.
    #[error("the outbox cannot be written: {0}")]
    Outbox(String),
    /// No connection to the mail server.
    #[error("the mail server is not reached: {0}")]
    Unreachable(String),
    /// The mail server refused.
    #[error("the mail server refused with code {0}")]
    Refused(String),
}

/// A future that somebody else runs.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// Sends mail.
pub trait Mailer: Send + Sync + 'static {
    /// Hands a message over. Done when somebody else has taken responsibility for it.
    fn send(&self, mail: Mail) -> Sending<'_>;

    /// What was sent lately, where it can be shown: in development only.
    fn sent(&self) -> Option<Vec<Received>> {
        None
    }

    /// Deletes what was sent so long ago that no link in it need be there any more.
    fn tidy(&self, _now: Timestamp) {}
}
