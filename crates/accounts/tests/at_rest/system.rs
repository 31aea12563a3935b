//! A service with a database server of its own, whose files can be read.

use accounts::{
    Accounts, Mail, Mailer, Settings,
    mailer::Sending,
    provider::{Providers, SessionTokens, config, loopback},
};
use identity::{Fetch, Hasher, Rules, passwords::Params};
use ingress::{Doors, State, Tls, serve};
use kernel::{Clock, SystemClock};
use outbound::{Dialler, Register, Site, Trust};
use sqlx::{ConnectOptions as _, Connection as _};
use std::{path::Path, sync::Arc};
use store::{
    Config, Store, StoreError,
    jobs::{self, Lease},
    mails,
};
use testkit::ScratchDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// Throws mails away.
struct Nowhere;

impl Mailer for Nowhere {
    fn send(&self, _: Mail) -> Sending<'_> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct System {
    pub(crate) store: Store,
    pub(crate) site: Site,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    working: JoinHandle<()>,
    folder: ScratchDir,
    /// Where wrapped keys lie a second time, outside the data directory.
    mirror: ScratchDir,
}

impl System {
    pub(crate) async fn open() -> Self {
        let (folder, mirror) = (ScratchDir::new().unwrap(), ScratchDir::new().unwrap());
        let key_mirror = Some(mirror.path().to_owned());
        let config = Config { durable: false, key_mirror, ..Config::at(folder.path()) };
        let store = Store::open(config).await.unwrap();
        let (tls, _) = Tls::development(folder.path(), &[], SystemClock.now()).unwrap();
        let pem = std::fs::read_to_string(tls.ca().unwrap()).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", main.local_addr().unwrap().port());
        loopback::prepare(folder.path()).unwrap();
        let trust = Trust::none().with_folder(&folder.path().join("trust")).unwrap();
        let dialler = Dialler::new(Register::only("localhost"), trust);
        let fetch: Arc<dyn Fetch> = Arc::new(dialler.clone());
        let providers = Providers::new(config::read(folder.path()).unwrap(), &fetch, &url);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let tokens = SessionTokens::new(providers.clone(), store.clone(), Arc::clone(&clock), &[7; 32]);
        let state = State::new(store.clone(), dialler, "wbo_a-token-of-the-operator")
            .at(&url)
            .with_provider(Arc::new(tokens))
            .with_error_page(accounts::error_page("Leide"));
        let accounts = Accounts::new(Settings {
            state: state.clone(),
            clock,
            mailer: Arc::new(Nowhere),
            hasher: Hasher::new(Params::LEAST, 2).unwrap(),
            rules: Arc::new(Rules::new()),
            public_url: url.clone(),
            service: "Leide".to_owned(),
            home: "/account",
            items: Vec::new(),
            providers,
            recipients: accounts::rights::recipients::Recipients::none(),
            show_outbox: false,
            pace: accounts::PACE,
        });
        let table = ingress::routes(&state).merge(accounts::routes(&accounts));
        let router = table.router(&state.gate()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let edge = ingress::Settings::new(&url).unwrap();
        let running = tokio::spawn(async move {
            let doors = Doors { main, plain: None };
            let _ = serve(doors, router, tls, edge, async { drop(stopped.await) }).await;
        });
        let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
        let working = tokio::spawn(work(store.clone()));
        Self { store, site, stop: Some(stop), running, working, folder, mirror }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn mirror(&self) -> &Path {
        self.mirror.path()
    }

    /// Runs statements as the server's superuser.
    pub(crate) async fn as_superuser(&self, statements: &'static str) {
        let mut superuser = self.store.address().bootstrap().connect().await.unwrap();
        sqlx::raw_sql(statements).execute(&mut superuser).await.unwrap();
        superuser.close().await.unwrap();
    }

    /// Whether the superuser answers yes.
    pub(crate) async fn is_so(&self, question: &'static str) -> bool {
        let mut superuser = self.store.address().bootstrap().connect().await.unwrap();
        let answer = sqlx::query_scalar(question).fetch_one(&mut superuser).await.unwrap();
        superuser.close().await.unwrap();
        answer
    }

    pub(crate) async fn close(mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        self.running.abort();
        self.working.abort();
        self.store.close().await;
    }
}

/// Does the jobs about people's rights, as a system does. Mails are thrown away.
async fn work(store: Store) {
    loop {
        while let Ok(Some(lease)) = jobs::lease(&store).await {
            if one(&store, &lease).await.is_err() {
                // What fails is given back, and due again.
                let _ = jobs::retry(&store, &lease).await;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn one(store: &Store, lease: &Lease) -> Result<(), StoreError> {
    let (scoped, job) = jobs::begin(store, lease).await?;
    drop(scoped);
    if job.kind == mails::KIND {
        return mails::done(store, lease, &job, mails::Fate::HandedOver).await;
    }
    privacy::work::run(store, lease).await.map(drop)
}
