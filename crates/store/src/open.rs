//! Opening the store: keys, server, roles, migrations, and the check of the house rules, in this order.

use crate::{
    Blobs, Role, StoreError,
    address::{Address, connect},
    blobs::BlobPlace,
    bootstrap, house,
    pools::Pools,
    scope::{Auditor, Identity, Scoped, System, operator_tenant},
    server::{Layout, Server, ServerConfig, layout::PORT},
};
use kernel::{AccountId, Actor, Clock, SystemClock, TenantId};
use sqlx::{PgConnection, PgPool};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicU64},
};
use vault::{KeyRing, RootSource, Subject};

/// The name of the database in the child server.
pub const DATABASE: &str = "wordbond";

/// How to open a store.
#[derive(Clone)]
pub struct Config {
    /// Where root key, key store and the child server's files lie.
    pub data_dir: PathBuf,
    /// A managed server's URL; `None` starts a child server.
    pub database: Option<String>,
    /// Where the child server's programs are; `None` looks for them.
    pub pg_bin: Option<PathBuf>,
    /// A second directory for the wrapped keys, best on another disk.
    pub key_mirror: Option<PathBuf>,
    /// Where the root key is.
    pub root: RootSource,
    /// Where blobs lie; `None` for the folder `blobs` in the data directory.
    pub blobs: Option<BlobPlace>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// `false` for rehearsals: the child server's commits need not survive a power cut.
    pub durable: bool,
}

impl Config {
    /// A child server with everything in `data_dir`.
    #[must_use]
    pub fn at(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            database: None,
            pg_bin: None,
            key_mirror: None,
            root: RootSource::default(),
            blobs: None,
            clock: Arc::new(SystemClock),
            durable: true,
        }
    }
}

/// Whether the database of these settings is one that has served before. Nothing is started or made for that.
async fn has_served(config: &Config) -> Result<bool, StoreError> {
    match &config.database {
        Some(url) => bootstrap::has_served(&Address::url(url)?).await,
        // Keys come before the server's own files.
        None => Ok(Layout::of(&config.data_dir).data().join("PG_VERSION").exists()),
    }
}

impl Config {
    fn keys(&self) -> Result<KeyRing, StoreError> {
        Ok(KeyRing::open_with(&self.data_dir, self.key_mirror.as_deref(), self.root.clone())?)
    }

    fn place(&self) -> BlobPlace {
        self.blobs.clone().unwrap_or_else(|| BlobPlace::Folder(self.data_dir.join("blobs")))
    }
}

/// The database, the keys and the objects of one system. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    address: Address,
    pools: Pools,
    keys: KeyRing,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
    server: Mutex<Option<Server>>,
    revocations: AtomicU64,
    recipients: OnceLock<Vec<String>>,
}

impl Store {
    /// Opens the keys, starts the child server where there is no URL, creates what is missing, brings the schema up to
    /// date, and checks the rules of the house.
    ///
    /// # Errors
    /// [`StoreError::House`] when a rule is broken: the system must not serve then. The keys come first, so that a lost
    /// root key touches nothing.
    pub async fn open(config: Config) -> Result<Self, StoreError> {
        if KeyRing::is_none_at(&config.data_dir, config.key_mirror.as_deref())? && has_served(&config).await? {
            return Err(StoreError::ForeignKeys("here are no keys, and the database holds what others have sealed"));
        }
        let (keys, blobs) = (config.keys()?, config.place());
        // A rotation that was cut short is gone on with before anything is wrapped under its older epoch.
        keys.resume()?;
        let (address, server) = match &config.database {
            Some(url) => (Address::url(url)?, None),
            None => {
                let server = start(&config).await?;
                (Address::socket(server.layout().socket_dir(), PORT, DATABASE), Some(server))
            }
        };
        bootstrap::prepare(&address, &keys).await?;
        Self::assemble(address, keys, &blobs, config.clock, server).await
    }

    /// Joins a system that another process serves from `config.data_dir`: starts nothing and changes nothing.
    ///
    /// # Errors
    /// When none runs.
    pub async fn attach(config: Config) -> Result<Self, StoreError> {
        let (keys, blobs) = (config.keys()?, Blobs::open(&config.place())?);
        let address = match &config.database {
            Some(url) => Address::url(url)?,
            None => Address::socket(Layout::of(&config.data_dir).socket_dir(), PORT, DATABASE),
        };
        let pools = Pools::new(&address, &keys)?;
        let store = Self::from(Inner {
            address,
            pools,
            keys,
            blobs,
            clock: config.clock,
            server: Mutex::new(None),
            revocations: AtomicU64::new(0),
            recipients: OnceLock::new(),
        });
        drop(store.auditor().await?);
        Ok(store)
    }

    /// Opens the database at `address` with keys that are open already: for scratch databases. Blobs lie beside the keys.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn at(address: Address, keys: KeyRing, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let blobs = BlobPlace::Folder(keys.beside("blobs"));
        Self::assemble(address, keys, &blobs, clock, None).await
    }

    async fn assemble(
        address: Address,
        keys: KeyRing,
        blobs: &BlobPlace,
        clock: Arc<dyn Clock>,
        server: Option<Server>,
    ) -> Result<Self, StoreError> {
        let blobs = Blobs::open(blobs)?;
        keys.create(operator_tenant(), Subject::Tenant)?;
        let pools = Pools::new(&address, &keys)?;
        let store = Self::from(Inner {
            address,
            pools,
            keys,
            blobs,
            clock,
            server: Mutex::new(server),
            revocations: AtomicU64::new(0),
            recipients: OnceLock::new(),
        });
        house::check(&store).await?;
        Ok(store)
    }

    /// A transaction within `tenant` on behalf of `actor`.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn scoped(&self, tenant: TenantId, actor: &Actor) -> Result<Scoped, StoreError> {
        self.scope_of(tenant, actor, None).await
    }

    /// A transaction within `tenant` on behalf of `actor`, with the rows of an account in scope too.
    pub(crate) async fn scope_of(
        &self,
        tenant: TenantId,
        actor: &Actor,
        account: Option<AccountId>,
    ) -> Result<Scoped, StoreError> {
        Scoped::begin(self.0.pools.of(Role::App)?, tenant, actor, account, &self.0.keys, &self.0.clock).await
    }

    /// A transaction of an account, outside any tenant: what it changes is told under the operator's, or under a tenant of
    /// the account's that it enters.
    pub(crate) async fn account_scope(&self, account: AccountId) -> Result<Scoped, StoreError> {
        self.scope_of(operator_tenant(), &self_actor(account), Some(account)).await
    }

    /// A transaction of the role that erases, on behalf of a job: under the operator's tenant, with the rows of an account in
    /// scope.
    pub(crate) async fn erasing(&self, account: Option<AccountId>) -> Result<Scoped, StoreError> {
        let job = Actor::Job { name: "rights".to_owned() };
        let pool = self.0.pools.of(Role::Eraser)?;
        Scoped::begin(pool, operator_tenant(), &job, account, &self.0.keys, &self.0.clock).await
    }

    /// Counts the times at which somebody's session or standing in a team ended or changed. What was read before the count
    /// went up may be outdated.
    pub(crate) fn revocations(&self) -> &AtomicU64 {
        &self.0.revocations
    }

    /// A pool of one connection, for whoever listens.
    pub(crate) fn listening(&self) -> Result<PgPool, StoreError> {
        crate::pools::single(&self.0.address.options(Role::App, &self.0.keys)?)
    }

    /// A transaction of the application without a tenant.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn system(&self) -> Result<System, StoreError> {
        System::begin(self.0.pools.of(Role::App)?).await
    }

    /// A transaction that may append to the ledger what the public may believe.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn recorder(&self) -> Result<System, StoreError> {
        System::begin(self.0.pools.of(Role::Recorder)?).await
    }

    /// A transaction that only reads, and no tenant's row.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn auditor(&self) -> Result<Auditor, StoreError> {
        Auditor::begin(self.0.pools.of(Role::Auditor)?).await
    }

    /// A connection of its own for the ledger's sealer, whose lock lives as long as the session.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn sealer(&self) -> Result<PgConnection, StoreError> {
        self.connect_as(Role::Sealer).await
    }

    /// A connection of its own in the given role, outside the pools and without a scope: for the probes, which attack
    /// with what each role can do.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect_as(&self, role: Role) -> Result<PgConnection, StoreError> {
        connect(&self.0.address.options(role, &self.0.keys)?).await
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    /// The objects.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Where the database is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The system's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Names whoever else is told of erasures. What was said first counts, for as long as the program runs.
    pub fn name_recipients(&self, names: Vec<String>) {
        // A second time is of no effect.
        let _ = self.0.recipients.set(names);
    }

    /// Whoever else is told of erasures, by name.
    #[must_use]
    pub fn recipients(&self) -> &[String] {
        self.0.recipients.get().map_or(&[], Vec::as_slice)
    }

    /// Closes every connection and stops the child server. What is dropped without this is stopped too, but not waited
    /// for in order.
    pub async fn close(&self) {
        self.0.pools.close().await;
        let server = self.0.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server
            && tokio::task::spawn_blocking(move || server.stop()).await.is_err()
        {
            tracing::error!("stopping PostgreSQL panicked");
        }
    }

    pub(crate) async fn dispatcher(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StoreError> {
        Ok(self.0.pools.of(Role::Dispatcher)?.begin_with("BEGIN").await?)
    }

    pub(crate) async fn identity_knowing(&self, lookup: &[u8; 32]) -> Result<Identity, StoreError> {
        Identity::knowing(self.0.pools.of(Role::Identity)?, lookup).await
    }
}

impl From<Inner> for Store {
    fn from(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.address.database()).finish()
    }
}

/// An account as the party on whose behalf a transaction runs: its own id stands where a person's does.
pub(crate) fn self_actor(account: AccountId) -> Actor {
    Actor::Person { id: account.uuid().into() }
}

async fn start(config: &Config) -> Result<Server, StoreError> {
    let server = ServerConfig {
        data_dir: config.data_dir.clone(),
        pg_bin: config.pg_bin.clone(),
        roles: Role::names(),
        durable: config.durable,
    };
    let started = tokio::task::spawn_blocking(move || Server::start(&server)).await;
    Ok(started.map_err(|_| StoreError::Unexpected("starting PostgreSQL panicked".to_owned()))??)
}
