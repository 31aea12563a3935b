//! One pool of connections per role.

use crate::{Role, StoreError, address::Address};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{collections::BTreeMap, time::Duration};
use vault::KeyRing;

/// How long a caller waits for a free connection before it hears that the database is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(120);

/// The pools. Connections are opened when first needed.
#[derive(Clone, Debug)]
pub(crate) struct Pools(BTreeMap<Role, PgPool>);

/// A pool of one connection, opened when first needed.
pub(crate) fn single(options: &PgConnectOptions) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    Ok(pool.connect_lazy_with(options.clone()))
}

impl Pools {
    pub(crate) fn new(address: &Address, keys: &KeyRing) -> Result<Self, StoreError> {
        let pool = |role: Role| {
            let options =
                PgPoolOptions::new().max_connections(role.connections()).acquire_timeout(PATIENCE).idle_timeout(IDLE);
            #[expect(clippy::disallowed_methods, reason = "this is the door")]
            Ok((role, options.connect_lazy_with(address.options(role, keys)?)))
        };
        Role::ALL.into_iter().map(pool).collect::<Result<_, StoreError>>().map(Self)
    }

    pub(crate) fn of(&self, role: Role) -> Result<&PgPool, StoreError> {
        self.0.get(&role).ok_or_else(|| StoreError::Unexpected(format!("no pool for {role}")))
    }

    pub(crate) async fn close(&self) {
        for pool in self.0.values() {
            pool.close().await;
        }
    }
}
