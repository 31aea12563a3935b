//! A managed server: one that is reached by URL over TLS, by a role that is no superuser.

use super::{link, scoped, team};
use promises::Outcome;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
};
use store::{
    Config, Server, ServerConfig, Store, StoreError, notes, scope_sql,
    server::{Layout, SUPERUSER},
    tls_database,
};
use testkit::ScratchDir;
use vault::KeyRing;

const TLS_ONLY: &str = "local all all peer map=wordbond\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// A stand-in for a provider's server: TLS 1.3 only, passwords only, and a role that may create roles and owns a database.
struct Managed {
    // Dropped first: its files lie in the directory.
    _server: Server,
    dir: ScratchDir,
    port: u16,
}

impl Managed {
    async fn start() -> Self {
        let dir = ScratchDir::new().unwrap();
        let config = ServerConfig { data_dir: dir.path().to_owned(), pg_bin: None, roles: Vec::new(), durable: false };
        let server = Server::start(&config).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let managed = Self { dir, _server: server, port };
        managed.write_certificate();
        managed.set("TLSv1.3", TLS_ONLY).await;
        let options = PgConnectOptions::new_without_pgpass().socket(managed.layout().socket_dir()).port(port);
        #[expect(clippy::disallowed_methods, reason = "the provider's side of it")]
        let mut root = PgConnection::connect_with(&options.username(SUPERUSER).database("postgres")).await.unwrap();
        root.execute("CREATE ROLE boot LOGIN CREATEROLE PASSWORD 'swordfish'").await.unwrap();
        root.execute(AssertSqlSafe("CREATE DATABASE held OWNER boot".to_owned())).await.unwrap();
        managed
    }

    fn layout(&self) -> Layout {
        Layout::of(self.dir.path())
    }

    fn write_certificate(&self) {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(self.dir.path().join("ca.pem"), pair.cert.pem()).unwrap();
        let data = self.layout().data();
        let owner = fs::metadata(&data).unwrap();
        for (name, text) in [("server.crt", pair.cert.pem()), ("server.key", pair.signing_key.serialize_pem())] {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }

    async fn set(&self, least: &str, rules: &str) {
        let data = self.layout().data();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nssl = on\nssl_min_protocol_version = '{least}'\n",
            self.port
        );
        fs::write(data.join("postgresql.auto.conf"), settings).unwrap();
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        link::restart(&self.layout()).await;
    }

    fn url(&self) -> String {
        let ca = self.dir.path().join("ca.pem");
        format!(
            "postgres://boot:swordfish@localhost:{}/held?sslmode=verify-full&sslrootcert={}",
            self.port,
            ca.display()
        )
    }
}

async fn open(dir: &Path, url: String) -> Result<Store, store::StoreError> {
    Store::open(Config { database: Some(url), ..Config::at(dir) }).await
}

#[tokio::test]
async fn a_managed_server_serves_by_url_and_its_link_is_attacked() {
    let managed = Managed::start().await;
    let room = ScratchDir::new().unwrap();
    let store = open(room.path(), managed.url()).await.unwrap();
    let ada = team(&store, "T").await;
    let mut tx = scoped(&store, &ada).await;
    let id = notes::create(&mut tx, "a", "b").await.unwrap();
    tx.commit().await.unwrap();
    // Opened once more, with the passwords that were kept.
    store.close().await;
    let store = open(room.path(), managed.url()).await.unwrap();
    assert_eq!(notes::get(&mut scoped(&store, &ada).await, id).await.unwrap().text, "b");
    let scope = scope_sql::probe(&store, &link::promise()).await;
    assert!(matches!(scope.outcome(), Outcome::Nothing), "one person has no colleague: {scope:?}");

    let attack = async || tls_database::probe(&store, Path::new("/nonexistent"), &link::promise()).await;
    let finding = attack().await;
    assert_eq!(finding.outcome(), Outcome::Held, "{finding:?}");
    for (least, rules, word) in
        [("TLSv1.2", TLS_ONLY.to_owned(), "TLS 1.2"), ("TLSv1.3", TLS_ONLY.replace("hostssl", "host"), "plain text")]
    {
        managed.set(least, &rules).await;
        let finding = attack().await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{word}: {finding:?}");
        assert!(finding.saw().contains(word), "{finding:?}");
        managed.set("TLSv1.3", TLS_ONLY).await;
        let finding = attack().await;
        assert_eq!(finding.outcome(), Outcome::Held, "{word} undone: {finding:?}");
    }
    store.close().await;

    // Whoever lost the keys is told so: none are made in their place, and those of another system change no password.
    let empty = ScratchDir::new().unwrap();
    let lost = open(empty.path(), managed.url()).await;
    assert!(matches!(lost, Err(StoreError::ForeignKeys(_))), "{:?}", lost.err());
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "something was made");
    drop(KeyRing::open(empty.path(), None).unwrap());
    let wrong = open(empty.path(), managed.url()).await;
    assert!(matches!(wrong, Err(StoreError::ForeignKeys(_))), "{:?}", wrong.err());
    let store = open(room.path(), managed.url()).await.unwrap();
    assert_eq!(notes::get(&mut scoped(&store, &ada).await, id).await.unwrap().text, "b");
    store.close().await;
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_refused() {
    let managed = Managed::start().await;
    let room = ScratchDir::new().unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(managed.dir.path().join("ca.pem"), other.cert.pem()).unwrap();
    let error = open(room.path(), managed.url()).await.unwrap_err().to_string();
    assert!(!error.contains("swordfish"), "a password is shown: {error}");
    let by_number = managed.url().replace("localhost", "127.0.0.1");
    assert!(open(room.path(), by_number).await.is_err());
}
