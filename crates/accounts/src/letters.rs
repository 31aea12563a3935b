//! Mails about accounts: which words, which link, to whom.

use crate::{
    Accounts, Mail,
    texts::{MAIL, fill, mail::Letter},
};
use kernel::AccountId;
use store::StoreError;

/// What is written about.
pub(crate) enum Topic<'a> {
    /// The address of a new account must be confirmed; with the token.
    Verify(&'a str),
    /// Somebody signed up with an address that has an account.
    Known,
    /// A new password was asked for; with the token.
    Reset(&'a str),
    /// The password is another now.
    PasswordChanged,
    /// A hundred wrong passwords.
    Locked,
    /// A new address must be confirmed; with the token.
    EmailConfirm(&'a str),
    /// The new address has an account.
    EmailTaken,
    /// To the old address: a change was asked for.
    EmailAsked,
    /// To the old address: it is not used any more.
    EmailChanged,
    /// The operator ended every session, for this reason.
    SessionsEnded(&'a str),
    /// A factor was added.
    FactorAdded(&'a str),
    /// A factor was removed.
    FactorRemoved(&'a str),
    /// A recovery code was used.
    RecoveryUsed,
    /// New recovery codes were made.
    RecoveryMade,
    /// A provider may sign in now.
    Linked(&'a str),
    /// A provider may sign in no more.
    Unlinked(&'a str),
}

impl Topic<'_> {
    fn letter(&self) -> &'static Letter {
        match self {
            Self::Verify(_) => &MAIL.verify,
            Self::Known => &MAIL.known,
            Self::Reset(_) => &MAIL.reset,
            Self::PasswordChanged => &MAIL.password_changed,
            Self::Locked => &MAIL.locked,
            Self::EmailConfirm(_) => &MAIL.email_confirm,
            Self::EmailTaken => &MAIL.email_taken,
            Self::EmailAsked => &MAIL.email_asked,
            Self::EmailChanged => &MAIL.email_changed,
            Self::SessionsEnded(_) => &MAIL.sessions_ended,
            Self::FactorAdded(_) => &MAIL.factor_added,
            Self::FactorRemoved(_) => &MAIL.factor_removed,
            Self::RecoveryUsed => &MAIL.recovery_used,
            Self::RecoveryMade => &MAIL.recovery_made,
            Self::Linked(_) => &MAIL.linked,
            Self::Unlinked(_) => &MAIL.unlinked,
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Verify(token) => format!("/verify-email?token={token}"),
            Self::Reset(token) => format!("/reset?token={token}"),
            Self::EmailConfirm(token) => format!("/account/email/confirm?token={token}"),
            Self::Known | Self::EmailTaken => "/sign-in".to_owned(),
            Self::PasswordChanged | Self::Locked => "/forgot".to_owned(),
            Self::EmailChanged => "/trust#contact".to_owned(),
            _ => "/account/security".to_owned(),
        }
    }

    fn what(&self) -> &str {
        match self {
            Self::SessionsEnded(what)
            | Self::FactorAdded(what)
            | Self::FactorRemoved(what)
            | Self::Linked(what)
            | Self::Unlinked(what) => what,
            _ => "",
        }
    }
}

/// Writes to the owner of an account.
pub(crate) async fn to_owner(accounts: &Accounts, account: AccountId, topic: &Topic<'_>) -> Result<(), StoreError> {
    if let Some(owner) = store::accounts::by_id(accounts.store(), account).await? {
        accounts.tell(owner.id, &owner.email, topic).await;
    }
    Ok(())
}

/// The mail about it.
pub(crate) fn about(accounts: &Accounts, to: &str, topic: &Topic<'_>) -> Mail {
    let letter = topic.letter();
    let values = [("service", accounts.settings().service.as_str()), ("what", topic.what())];
    Mail {
        to: to.to_owned(),
        subject: fill(letter.subject, &values),
        paragraphs: letter.paragraphs.iter().map(|paragraph| fill(paragraph, &values)).collect(),
        link: Some((letter.link.to_owned(), accounts.link(&topic.path()))),
    }
}
