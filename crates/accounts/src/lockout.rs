//! Guessing is slowed down without locking the owner out. What is counted is counted by address typed, whether or not it is
//! anybody's, so that the count tells nothing. A browser that its owner signed in with before has a count of its own: nobody
//! else can use it up.

use crate::Accounts;
use axum::http::HeaderMap;
use ingress::{cookie, peer::Peer, problem::Answer};
use kernel::{AccountId, Span};
use std::time::Duration;
use store::{limits, limits::Quota, one_time};

/// Attempts for one address typed, from one network.
const HERE: Quota = Quota { burst: 20, per: Span::minutes(15) };
/// Attempts for one address typed, from everywhere. Emptied, it gives one attempt every eighteen seconds, so that nobody waits
/// longer than that for a turn of their own.
const EVERYWHERE: Quota = Quota { burst: 50, per: Span::minutes(15) };
/// Codes for one account.
const CODES: Quota = Quota { burst: 10, per: Span::minutes(15) };
/// Wrong passwords and codes in a row, after which only known browsers may try: NIST SP 800-63B-4 section 3.2.2.
pub(crate) const MOST_FAILURES: u32 = 100;
/// What the cookie of a known browser is for.
pub(crate) const KNOWN: &str = one_time::KNOWN;
/// How long a browser is known.
pub(crate) const KNOWN_FOR: Span = Span::days(180);

/// An attempt that was counted.
pub(crate) struct Counted {
    keys: Vec<([u8; 32], Quota)>,
    /// How much a right attempt gives back.
    back: u32,
    /// Whether the browser is one that the account's owner signed in with before.
    pub(crate) known: bool,
}

/// Whether an attempt may be made.
pub(crate) enum Turn {
    /// It may.
    Yes(Counted),
    /// Not before this time has passed.
    Later(Duration),
}

/// Counts an attempt with a password.
pub(crate) async fn password(
    accounts: &Accounts,
    email: &str,
    account: Option<AccountId>,
    peer: Peer,
    headers: &HeaderMap,
) -> Answer<Turn> {
    let store = accounts.store();
    let email = email.trim().to_lowercase();
    if let Some(cookie) = known(accounts, account, headers).await? {
        return draw(accounts, vec![(limits::key(store, "known browser", cookie.as_bytes()), HERE)], true, 1).await;
    }
    let mut here = email.clone().into_bytes();
    here.extend_from_slice(peer.network().bytes());
    let keys = vec![
        (limits::key(store, "password from here", &here), HERE),
        (limits::key(store, "password", email.as_bytes()), EVERYWHERE),
    ];
    draw(accounts, keys, false, 1).await
}

/// Counts an attempt with a code, or with a password by somebody who is signed in.
pub(crate) async fn code(accounts: &Accounts, account: AccountId) -> Answer<Turn> {
    let key = limits::key(accounts.store(), "code", account.uuid().as_bytes());
    // A right one ends the row of wrong ones: whoever has the factor is not guessing.
    draw(accounts, vec![(key, CODES)], false, CODES.burst).await
}

/// Whether the browser is one that the account's owner signed in with before.
pub(crate) async fn is_known(accounts: &Accounts, account: AccountId, headers: &HeaderMap) -> Answer<bool> {
    Ok(known(accounts, Some(account), headers).await?.is_some())
}

/// The cookie, if it is one of this account's.
async fn known<'h>(accounts: &Accounts, account: Option<AccountId>, headers: &'h HeaderMap) -> Answer<Option<&'h str>> {
    let Some(token) = cookie::get(headers, cookie::KNOWN) else { return Ok(None) };
    let taken = one_time::peek(accounts.store(), token, KNOWN).await?;
    let owner = taken.and_then(|taken| taken.account);
    Ok((owner.is_some() && owner == account).then_some(token))
}

async fn draw(accounts: &Accounts, keys: Vec<([u8; 32], Quota)>, known: bool, back: u32) -> Answer<Turn> {
    let mut wait = None;
    for (key, quota) in &keys {
        let drawn = limits::draw(accounts.store(), key, 1, *quota, accounts.now()).await?;
        if drawn.granted == 0 {
            wait = wait.max(Some(drawn.reset_in));
        }
    }
    Ok(wait.map_or_else(|| Turn::Yes(Counted { keys, back, known }), Turn::Later))
}

impl Counted {
    /// The attempt was right: it does not count.
    pub(crate) async fn forget(self, accounts: &Accounts) -> Answer<()> {
        for (key, quota) in &self.keys {
            limits::give_back(accounts.store(), key, self.back, *quota).await?;
        }
        Ok(())
    }
}

/// How long, in words.
pub(crate) fn wait_words(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
