//! Invitations to an address: each team finds them through its own index.

use super::footprint::teams;
use crate::{
    Scoped, Store, StoreError, audit,
    sign_in::{self, Kind},
    team::nobody,
};
use kernel::{AccountId, PersonId};
use sqlx::Row as _;
use uuid::Uuid;

/// Deletes every invitation to an address, open or not, in every team there is. Yields how many.
///
/// # Errors
/// When the database refuses; what is done by then stays done, and may be begun again.
pub async fn to_address(store: &Store, account: AccountId, email: &str) -> Result<u64, StoreError> {
    let (mut gone, mut after) = (0, None);
    loop {
        let page = teams(store, after).await?;
        let Some(last) = page.last() else { return Ok(gone) };
        after = Some(*last);
        let mut scoped = store.erasing(Some(account)).await?;
        for tenant in page {
            // A team that goes at this instant has no key any more, and no invitations.
            let Ok(index) = store.keys().blind_index(tenant) else { continue };
            scoped.move_to(tenant).await?;
            gone += in_team(&mut scoped, &index.email(email)).await?;
        }
        scoped.commit().await?;
    }
}

/// Deletes those of the scope's team to an address, by its index there. Yields how many.
pub(crate) async fn in_team(scoped: &mut Scoped, index: &[u8; 32]) -> Result<u64, StoreError> {
    let tenant = scoped.tenant();
    const SQL: &str = "DELETE FROM wordbond.invitation WHERE tenant_id = $1 AND email_index = $2
        RETURNING invitation_id, invited_by";
    scoped.own_rows_of(nobody().person()).await?;
    let rows = sqlx::query(SQL).bind(tenant.uuid()).bind(index.as_slice()).fetch_all(scoped.conn()).await?;
    for row in &rows {
        let (id, by): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
        // What leads to it is its maker's.
        scoped.own_rows_of(Some(PersonId::from(by))).await?;
        sign_in::remove(scoped, Kind::Invitation, &[id]).await?;
        scoped.own_rows_of(nobody().person()).await?;
        audit::note(scoped, "invitation.erase", &[format!("invitation:{id}")], &[]).await?;
    }
    Ok(rows.len() as u64)
}
