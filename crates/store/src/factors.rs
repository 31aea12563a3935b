//! Second factors: one-time passwords, passkeys, and recovery codes for when both are lost.

mod census;
mod passkeys;
mod recovery;
mod totp;

pub use census::{FactorCensus, census};
pub use passkeys::{Passkey, account_of_passkey, add_passkey, passkeys, remove_passkey, used_passkey};
pub use recovery::{recovery_codes_left, set_recovery_codes, use_recovery_code};
pub use totp::{Totp, add_totp, remove_totp, totp, use_totp_step};

use crate::{Scoped, StoreError, accounts::account_place, tenancy::text, time::At};
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vault::{Place, Sealed};

/// What is sealed of a factor, in hexadecimal: a text, as everything else that is sealed.
#[derive(Serialize, Deserialize)]
struct Secret {
    /// Of a passkey: by which it is found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    credential: String,
    secret: String,
}

impl Secret {
    fn new(credential: &[u8], secret: &[u8]) -> Self {
        Self { credential: hex(credential), secret: hex(secret) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, StoreError> {
    let unreadable = || StoreError::Unexpected("a factor that this build cannot read".to_owned());
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2).ok_or_else(unreadable)?, 16).map_err(|_| unreadable()))
        .collect()
}

fn place(account: AccountId, id: Uuid, column: &'static str, version: u64) -> Place {
    account_place(account, "factor", column, id, version)
}

/// Writes a factor of the account in scope.
async fn insert(
    scoped: &mut Scoped,
    account: AccountId,
    kind: &str,
    secret: &Secret,
    label: &str,
) -> Result<Uuid, StoreError> {
    text("label", label, 100)?;
    let (id, keys, now) = (Uuid::now_v7(), scoped.keys().clone(), At(scoped.now()));
    const SQL: &str = "INSERT INTO wordbond.factor (account_id, factor_id, kind, secret, label, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id)
        .bind(kind)
        .bind(Sealed::seal(&keys, &place(account, id, "secret", 1), secret)?.as_bytes())
        .bind(Sealed::seal(&keys, &place(account, id, "label", 1), &label.trim().to_owned())?.as_bytes())
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| if StoreError::is_dangling(&error) { StoreError::NotFound } else { error.into() })?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_back() {
        for bytes in [&b""[..], &[0, 1, 254, 255]] {
            assert_eq!(unhex(&hex(bytes)).unwrap(), bytes);
        }
        assert!(unhex("0").is_err() && unhex("zz").is_err() && unhex("éé").is_err());
    }
}
