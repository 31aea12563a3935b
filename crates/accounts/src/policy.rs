//! The policies of this crate's routes, by what they are for.

use ingress::{Auth, Limit, Policy};

/// The largest form here: names, addresses, a password, a code.
const FORM: usize = 8 * 1024;
/// The largest answer of an authenticator.
const CREDENTIAL: usize = 64 * 1024;

/// A page that anybody may see.
pub(crate) const OPEN_PAGE: Policy = Policy::page(Auth::Visitor);
/// A form by which passwords or one-time links are tried, or mails are sent.
pub(crate) const SIGN_IN_FORM: Policy = Policy::form(Auth::Visitor, FORM).limited(Limit::SIGN_IN);
/// The page that asks for the second factor.
pub(crate) const SECOND_PAGE: Policy = Policy::page(Auth::Pending);
/// The form that takes it.
pub(crate) const SECOND_FORM: Policy = Policy::form(Auth::Pending, FORM).limited(Limit::SIGN_IN);
/// Leaving, with or without the second factor.
pub(crate) const LEAVE: Policy = Policy::form(Auth::Pending, FORM);
/// A page of one's own account.
pub(crate) const OWN_PAGE: Policy = Policy::page(Auth::Account);
/// A form of one's own account.
pub(crate) const OWN_FORM: Policy = Policy::form(Auth::Account, FORM);
/// A form of one's own account by which a password or code is tried, or a mail is sent.
pub(crate) const OWN_GUESS: Policy = Policy::form(Auth::Account, FORM).limited(Limit::SIGN_IN);
/// A form of one's own account for what is dangerous.
pub(crate) const OWN_FRESH: Policy = Policy::form(Auth::Account, FORM).fresh();
/// A call by the script for passkeys, before anybody is signed in.
pub(crate) const OPEN_CALL: Policy = Policy::call(Auth::Visitor, CREDENTIAL).limited(Limit::SIGN_IN);
/// The same by whoever adds a passkey.
pub(crate) const OWN_CALL: Policy = Policy::call(Auth::Account, CREDENTIAL).fresh();
/// The same by whoever confirms that it is them.
pub(crate) const CONFIRM_CALL: Policy = Policy::call(Auth::Account, CREDENTIAL).limited(Limit::SIGN_IN);
