//! Codes: of an authenticator app, or recovery codes. Each works once.

use crate::{
    Accounts,
    letters::Topic,
    lockout::{self, MOST_FAILURES, Turn},
};
use axum::http::HeaderMap;
use identity::{recovery, totp::Secret};
use ingress::problem::{Answer, internal};
use kernel::AccountId;
use std::time::Duration;
use store::{
    accounts::{self, Account},
    factors,
};

/// What came of a code.
pub(crate) enum Checked {
    /// It was right, and has been used up.
    Right,
    /// It was wrong, or was used before.
    Wrong,
    /// Too many were tried.
    Later(Duration),
    /// A hundred wrong ones in a row: only browsers that the owner is known by may go on, until a new password by mail.
    Shut,
}

/// Tries a code of somebody who has a second factor. Wrong ones are counted in one row with wrong passwords, and only a right
/// one ends it: NIST SP 800-63B-4 section 3.2.2 allows a hundred.
pub(crate) async fn check(accounts: &Accounts, account: &Account, code: &str, headers: &HeaderMap) -> Answer<Checked> {
    let counted = match lockout::code(accounts, account.id).await? {
        Turn::Yes(counted) => counted,
        Turn::Later(wait) => return Ok(Checked::Later(wait)),
    };
    if account.failures >= MOST_FAILURES && !lockout::is_known(accounts, account.id, headers).await? {
        return Ok(Checked::Shut);
    }
    let right = totp(accounts, account.id, code).await? || recovery_code(accounts, account, code).await?;
    if !right {
        if accounts::failed(accounts.store(), account.id).await? == MOST_FAILURES {
            accounts.tell(account.id, &account.email, &Topic::Locked).await;
        }
        return Ok(Checked::Wrong);
    }
    counted.forget(accounts).await?;
    if account.failures > 0 {
        accounts::succeeded(accounts.store(), account.id).await?;
    }
    Ok(Checked::Right)
}

async fn totp(accounts: &Accounts, account: AccountId, code: &str) -> Answer<bool> {
    let Some(factor) = factors::totp(accounts.store(), account).await? else { return Ok(false) };
    let Some(secret) = Secret::from_bytes(&factor.secret) else {
        return Err(internal("a stored authenticator key has another length"));
    };
    let Some(step) = secret.verify(code, accounts.now(), None) else { return Ok(false) };
    let step = u64::try_from(step).map_err(internal)?;
    Ok(factors::use_totp_step(accounts.store(), account, factor.id, step).await?)
}

async fn recovery_code(accounts: &Accounts, account: &Account, code: &str) -> Answer<bool> {
    let Some(normal) = recovery::normal(code) else { return Ok(false) };
    let used = factors::use_recovery_code(accounts.store(), account.id, &digest(account.id, &normal)).await?;
    if used {
        accounts.tell(account.id, &account.email, &Topic::RecoveryUsed).await;
    }
    Ok(used)
}

/// What the store is given of a recovery code. It keeps a hash of that under a key of its own, so that this one need not be
/// secret; it only keeps the codes of one account apart from those of another.
pub(crate) fn digest(account: AccountId, normal: &str) -> [u8; 32] {
    recovery::digest(b"wordbond recovery codes of v0001", account.uuid().as_bytes(), normal)
}

/// Makes ten new recovery codes; earlier ones stop working.
pub(crate) async fn new_recovery_codes(accounts: &Accounts, account: AccountId) -> Answer<Vec<String>> {
    let codes = recovery::codes().map_err(internal)?;
    let normal = |code: &String| recovery::normal(code).ok_or_else(|| internal("a recovery code that cannot be read"));
    let digests: Result<Vec<[u8; 32]>, _> =
        codes.iter().map(|code| normal(code).map(|code| digest(account, &code))).collect();
    factors::set_recovery_codes(accounts.store(), account, &digests?).await?;
    Ok(codes)
}
