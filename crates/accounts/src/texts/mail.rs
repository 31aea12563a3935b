//! The mails.

/// One mail: what it is about, its paragraphs, and what its link says.
pub(crate) struct Letter {
    pub(crate) subject: &'static str,
    pub(crate) paragraphs: &'static [&'static str],
    pub(crate) link: &'static str,
}

/// The words of the mails.
pub(crate) struct MailTexts {
    pub(crate) verify: Letter,
    pub(crate) known: Letter,
    pub(crate) reset: Letter,
    pub(crate) password_changed: Letter,
    pub(crate) locked: Letter,
    pub(crate) email_confirm: Letter,
    pub(crate) email_taken: Letter,
    pub(crate) email_asked: Letter,
    pub(crate) email_changed: Letter,
    pub(crate) sessions_ended: Letter,
    pub(crate) factor_added: Letter,
    pub(crate) factor_removed: Letter,
    pub(crate) recovery_used: Letter,
    pub(crate) recovery_made: Letter,
    pub(crate) linked: Letter,
    pub(crate) unlinked: Letter,
}

/// English.
pub(crate) const EN: MailTexts = MailTexts {
    verify: Letter {
        subject: "Confirm your address for {service}",
        paragraphs: &[
            "Somebody, most likely you, created an account at {service} with this address.",
            "The link works for one day. If it was not you, do nothing: without it the address stays unconfirmed.",
        ],
        link: "Confirm the address",
    },
    known: Letter {
        subject: "You already have an account at {service}",
        paragraphs: &[
            "Somebody, most likely you, tried to create an account at {service} with this address, which has one already.",
            "Sign in as usual. If you do not remember your password, choose a new one from the sign-in page.",
        ],
        link: "Sign in",
    },
    reset: Letter {
        subject: "Choose a new password for {service}",
        paragraphs: &[
            "Somebody, most likely you, asked for a new password for your account at {service}.",
            "The link works once, for one hour. If it was not you, do nothing: your password stays as it is.",
        ],
        link: "Choose a new password",
    },
    password_changed: Letter {
        subject: "Your password at {service} was changed",
        paragraphs: &[
            "The password of your account at {service} was changed just now.",
            "If it was not you, choose a new password at once and look at where you are signed in.",
        ],
        link: "Choose a new password",
    },
    locked: Letter {
        subject: "Somebody is guessing your password at {service}",
        paragraphs: &[
            "There were a hundred wrong attempts to sign in to your account at {service}. Browsers that you have not used before cannot sign in to it now.",
            "Choose a new password to lift this. Browsers that you have signed in with before are not affected.",
        ],
        link: "Choose a new password",
    },
    email_confirm: Letter {
        subject: "Confirm your new address for {service}",
        paragraphs: &[
            "Somebody, most likely you, wants to use this address for an account at {service}.",
            "The link works once, for one hour. If it was not you, do nothing.",
        ],
        link: "Use this address",
    },
    email_taken: Letter {
        subject: "This address has an account at {service}",
        paragraphs: &[
            "Somebody, most likely you, wanted to use this address for another account at {service}. It has an account already, so nothing was changed.",
        ],
        link: "Sign in",
    },
    email_asked: Letter {
        subject: "A new address for your account at {service}",
        paragraphs: &[
            "Somebody, most likely you, asked to change the address of your account at {service}. Nothing changes until the new address is confirmed.",
            "If it was not you, change your password and end all other sessions.",
        ],
        link: "Look at your account",
    },
    email_changed: Letter {
        subject: "The address of your account at {service} was changed",
        paragraphs: &[
            "Your account at {service} has a new address, and this one is not used any more.",
            "If it was not you, answer to our support at once.",
        ],
        link: "Get help",
    },
    factor_added: Letter {
        subject: "A second factor was added at {service}",
        paragraphs: &[
            "A second factor was added to your account at {service}: {what}.",
            "If it was not you, change your password and look at your second factors.",
        ],
        link: "Look at your account",
    },
    factor_removed: Letter {
        subject: "A second factor was removed at {service}",
        paragraphs: &[
            "A second factor was removed from your account at {service}: {what}.",
            "If it was not you, change your password and look at your second factors.",
        ],
        link: "Look at your account",
    },
    sessions_ended: Letter {
        subject: "You were signed out everywhere at {service}",
        paragraphs: &[
            "Those who run {service} ended all your sessions. Nothing else of your account was changed. Their reason: {what}",
            "Sign in again to go on. If you see something there that was not you, change your password.",
        ],
        link: "Look at your account",
    },
    recovery_used: Letter {
        subject: "A recovery code was used at {service}",
        paragraphs: &[
            "One of your recovery codes was used for your account at {service}. It does not work again.",
            "If it was not you, change your password and make new recovery codes.",
        ],
        link: "Look at your account",
    },
    recovery_made: Letter {
        subject: "New recovery codes were made at {service}",
        paragraphs: &[
            "New recovery codes were made for your account at {service}. The earlier ones do not work any more.",
            "If it was not you, change your password and look at your second factors.",
        ],
        link: "Look at your account",
    },
    linked: Letter {
        subject: "Another way to sign in was added at {service}",
        paragraphs: &[
            "Your account at {service} can be opened by signing in with {what} now.",
            "If it was not you, unlink it, change your password and end all other sessions.",
        ],
        link: "Look at your account",
    },
    unlinked: Letter {
        subject: "A way to sign in was removed at {service}",
        paragraphs: &[
            "Your account at {service} is not opened by signing in with {what} any more.",
            "If it was not you, change your password and look at your account.",
        ],
        link: "Look at your account",
    },
};
