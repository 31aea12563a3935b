//! A stand-in for a provider's database server: reached by URL over TLS 1.3, with a password, by a role that may create roles
//! and owns one database. Several instances of a system can share it.

use crate::{
    scratch_db::ScratchDir,
    superuser::{execute, number},
};
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};
use std::{
    fs, io,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    time::{Duration, Instant},
};
use store::{
    Server, ServerConfig,
    server::{Layout, SUPERUSER, process},
};
use tokio::time::sleep;

const RULES: &str = "local all all peer map=wordbond\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
const ROLE: &str = "boot";
const DATABASE: &str = "held";
/// How long the server may take to come back with its settings.
const RESTART: Duration = Duration::from_secs(30);

/// The server. Dropped, it is gone with its data.
#[derive(Debug)]
pub struct Managed {
    // Dropped first: its files lie in the directory.
    _server: Server,
    dir: ScratchDir,
    port: u16,
    password: String,
}

impl Managed {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// It does not come to serve.
    pub async fn start() -> io::Result<Self> {
        let dir = ScratchDir::new()?;
        let config = ServerConfig { data_dir: dir.path().to_owned(), pg_bin: None, roles: Vec::new(), durable: false };
        let server = tokio::task::spawn_blocking(move || Server::start(&config)).await.map_err(io::Error::other)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let password = uuid::Uuid::new_v4().simple().to_string();
        let managed = Self { dir, _server: server.map_err(io::Error::other)?, port, password };
        managed.write_certificate()?;
        let layout = managed.layout();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\nssl_min_protocol_version = 'TLSv1.3'\ntrack_commit_timestamp = on\n"
        );
        fs::write(layout.data().join("postgresql.auto.conf"), settings)?;
        fs::write(layout.hba(), RULES)?;
        managed.restart().await?;
        let login = format!("CREATE ROLE {ROLE} LOGIN CREATEROLE PASSWORD '{}'", managed.password);
        execute(managed.connect("postgres").await?, &login).await?;
        execute(managed.connect("postgres").await?, &format!("CREATE DATABASE {DATABASE} OWNER {ROLE}")).await?;
        Ok(managed)
    }

    /// What an instance is given as `--database`.
    #[must_use]
    pub fn url(&self) -> String {
        let ca = self.dir.path().join("ca.pem");
        let (port, password) = (self.port, &self.password);
        format!(
            "postgres://{ROLE}:{password}@localhost:{port}/{DATABASE}?sslmode=verify-full&sslrootcert={}",
            ca.display()
        )
    }

    /// The number that a question is answered with, asked by the superuser.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn count(&self, question: &str) -> io::Result<i64> {
        number(self.connect(DATABASE).await?, question).await
    }

    /// Runs statements as the superuser.
    ///
    /// # Errors
    /// They fail.
    pub async fn run(&self, statements: &str) -> io::Result<()> {
        execute(self.connect(DATABASE).await?, statements).await
    }

    fn layout(&self) -> Layout {
        Layout::of(self.dir.path())
    }

    async fn connect(&self, database: &str) -> io::Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass().socket(self.layout().socket_dir()).port(self.port);
        options.username(SUPERUSER).database(database).connect().await.map_err(io::Error::other)
    }

    fn write_certificate(&self) -> io::Result<()> {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(io::Error::other)?;
        fs::write(self.dir.path().join("ca.pem"), pair.cert.pem())?;
        let data = self.layout().data();
        let owner = fs::metadata(&data)?;
        for (name, text) in [("server.crt", pair.cert.pem()), ("server.key", pair.signing_key.serialize_pem())] {
            let path = data.join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            chown(&path, Some(owner.uid()), Some(owner.gid()))?;
        }
        Ok(())
    }

    /// Its supervisor starts it again when it ends by itself.
    async fn restart(&self) -> io::Result<()> {
        let layout = self.layout();
        let gone = || io::Error::other("the managed server is not there");
        let pid = process::running(&layout).ok_or_else(gone)?;
        let id = rustix::process::Pid::from_raw(pid).ok_or_else(gone)?;
        rustix::process::kill_process(id, rustix::process::Signal::INT)?;
        let end = Instant::now() + RESTART;
        while !process::noted(&layout).is_some_and(|(new, ready)| ready && new != pid) {
            if Instant::now() > end {
                return Err(io::Error::other("the managed server does not come back"));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
