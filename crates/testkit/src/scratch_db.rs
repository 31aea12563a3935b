//! Databases for tests: real PostgreSQL, a fresh copy of a prepared template each, gone afterwards.
//!
//! A test process has one server, without fsync, which ends with its last database. With `WORDBOND_TEST_PG` set to the
//! socket directory of a running one (the example `scratch_pg` serves it) all processes share that.

use kernel::{Clock, SystemClock};
use sqlx::{Connection as _, PgConnection};
use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};
use store::{Address, Role, Server, ServerConfig, Store, StoreError, bootstrap, server::layout::PORT};
use tempfile::TempDir;
use uuid::Uuid;
use vault::KeyRing;

/// Keeps two processes from making the template at the same time: «template» in ASCII.
const TEMPLATE_LOCK: i64 = 0x7465_6d70_6c61_7465;

/// A directory for a whole system, gone afterwards. Unlike that of `tempfile` alone it can be passed through by the
/// user that the child server runs as.
#[derive(Debug)]
pub struct ScratchDir(TempDir);

impl ScratchDir {
    /// A fresh one.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn new() -> std::io::Result<Self> {
        let open = fs::Permissions::from_mode(0o755);
        // Not TMPDIR: it may be long, and lie below a directory that only its owner enters.
        tempfile::Builder::new().prefix("wb-").permissions(open).tempdir_in("/tmp").map(Self)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A database of its own, opened as a store, with keys of its own.
#[derive(Debug)]
pub struct ScratchDb {
    store: Store,
    name: String,
    // Dropped in this order: the keys, then the server, unless another database uses it.
    _keys: TempDir,
    server: Arc<SharedServer>,
}

impl ScratchDb {
    /// A fresh database under the system's clock.
    ///
    /// # Panics
    /// When there is no server to be had: a test that needs a database must not pass without one.
    pub async fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock)).await
    }

    /// A fresh database under the given clock.
    ///
    /// # Panics
    /// As [`ScratchDb::new`].
    #[expect(clippy::panic, reason = "a test without a database must not pass")]
    pub async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        match Self::try_new(clock).await {
            Ok(db) => db,
            Err(error) => panic!("no scratch database: {error}"),
        }
    }

    /// A fresh database on a server of its own, for what changes roles: those are the whole server's, and no other test
    /// must see them changed.
    ///
    /// # Panics
    /// As [`ScratchDb::new`].
    #[expect(clippy::panic, reason = "a test without a database must not pass")]
    pub async fn alone() -> Self {
        let made = async { Self::on(Arc::new(SharedServer::start()?), Arc::new(SystemClock)).await };
        match made.await {
            Ok(db) => db,
            Err(error) => panic!("no scratch database: {error}"),
        }
    }

    async fn try_new(clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::on(SharedServer::get()?, clock).await
    }

    async fn on(server: Arc<SharedServer>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let dir = tempfile::tempdir().map_err(unexpected)?;
        let keys = KeyRing::open(dir.path(), None)?;
        let template = server.template(&keys).await?;
        let name = format!("scratch_{}", Uuid::new_v4().simple());
        bootstrap::copy_database(&server.address("postgres"), &template, &name).await?;
        let store = Store::at(server.address(&name), keys, clock).await?;
        Ok(Self { store, name, _keys: dir, server })
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// A second store on the same database with the same keys, as another instance would have.
    ///
    /// # Errors
    /// When a rule of the house is broken by now.
    pub async fn another(&self) -> Result<Store, StoreError> {
        Store::at(self.store.address().clone(), self.store.keys().clone(), Arc::clone(self.store.clock())).await
    }

    /// A connection as the server's superuser, for what is done from outside: faults, and independent looks.
    ///
    /// # Errors
    /// When the server is gone.
    pub async fn superuser(&self) -> Result<PgConnection, StoreError> {
        connect(self.store.address()).await
    }

    /// Runs statements as the server's superuser: a fault is made or undone.
    ///
    /// # Panics
    /// When they fail: a test whose fault was not made must not pass.
    #[expect(clippy::panic, reason = "a test whose fault was not made must not pass")]
    pub async fn as_superuser(&self, statements: &'static str) {
        let done = async {
            let mut connection = self.superuser().await?;
            sqlx::raw_sql(statements).execute(&mut connection).await?;
            Ok::<(), StoreError>(connection.close().await?)
        };
        if let Err(error) = done.await {
            panic!("the statements were not run: {error}");
        }
    }

    /// Whether a question, as SQL that yields one boolean, is answered with yes to the superuser.
    ///
    /// # Panics
    /// When it cannot be answered.
    #[expect(clippy::panic, reason = "a test whose fault was not looked at must not pass")]
    pub async fn is_so(&self, question: &'static str) -> bool {
        let asked = async {
            let mut connection = self.superuser().await?;
            let answer: bool = sqlx::query_scalar(question).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<bool, StoreError>(answer)
        };
        match asked.await {
            Ok(answer) => answer,
            Err(error) => panic!("the question was not answered: {error}"),
        }
    }
}

impl Drop for ScratchDb {
    fn drop(&mut self) {
        if self.server.is_last() {
            return;
        }
        // A thread of its own, because this may be dropped inside a runtime.
        let (address, name) = (self.server.address("postgres"), self.name.clone());
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(unexpected)?.block_on(bootstrap::drop_database(&address, &name))
        });
        drop(done.join());
    }
}

/// The server that databases of this process are on.
#[derive(Debug)]
struct SharedServer {
    socket: PathBuf,
    // `None` when it is somebody else's.
    own: Option<(Server, ScratchDir)>,
}

static SERVER: Mutex<Weak<SharedServer>> = Mutex::new(Weak::new());

impl SharedServer {
    fn get() -> Result<Arc<Self>, StoreError> {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(match given() {
            Some(socket) => Self { socket: socket.into(), own: None },
            None => Self::start()?,
        });
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    fn start() -> Result<Self, StoreError> {
        let dir = ScratchDir::new().map_err(unexpected)?;
        let server = serve(dir.path())?;
        Ok(Self { socket: server.layout().socket_dir().to_owned(), own: Some((server, dir)) })
    }

    fn address(&self, database: &str) -> Address {
        Address::socket(&self.socket, PORT, database)
    }

    /// Whether the server goes with the database that is being dropped, which then need not be removed from it.
    fn is_last(self: &Arc<Self>) -> bool {
        self.own.is_some() && Arc::strong_count(self) == 1
    }

    /// The name of the prepared database, made when it is first asked for.
    async fn template(&self, keys: &KeyRing) -> Result<String, StoreError> {
        let name = format!("template_{}", bootstrap::fingerprint());
        let mut conn = connect(&self.address("postgres")).await?;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut conn).await?;
        let ready: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
                .bind(&name)
                .fetch_one(&mut conn)
                .await?;
        if !ready {
            bootstrap::prepare(&self.address(&name), keys).await?;
            // The mark that it is complete.
            sqlx::query("UPDATE pg_database SET datistemplate = true WHERE datname = $1")
                .bind(&name)
                .execute(&mut conn)
                .await?;
        }
        conn.close().await?;
        Ok(name)
    }
}

/// A server for rehearsals below `dir`: what it commits would not survive a power cut.
///
/// # Errors
/// When none can be started.
pub fn serve(dir: &Path) -> Result<Server, StoreError> {
    let config = ServerConfig { data_dir: dir.to_owned(), pg_bin: None, roles: Role::names(), durable: false };
    Ok(Server::start(&config)?)
}

fn given() -> Option<OsString> {
    std::env::var_os("WORDBOND_TEST_PG").filter(|dir| !dir.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "what is done from outside needs a way in of its own")]
async fn connect(address: &Address) -> Result<PgConnection, StoreError> {
    Ok(PgConnection::connect_with(&address.bootstrap()).await?)
}

fn unexpected(error: std::io::Error) -> StoreError {
    StoreError::Unexpected(error.to_string())
}
