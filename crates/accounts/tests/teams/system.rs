//! A service with teams, providers and administrators.

use accounts::{
    Accounts, Mail, Mailer, Settings,
    mailer::Sending,
    provider::{
        Providers, SessionTokens, config,
        loopback::{self, LoopbackIssuer},
        planting::{self, Browser, Vouched},
    },
    team::roles,
};
use identity::{Fetch, Hasher, Rules, passwords::Params};
use ingress::{Doors, RouteTable, State, Tls, admin::Allowlist, serve};
use kernel::{Clock, SystemClock};
use outbound::{Dialler, Register, Site, Trust};
use std::{path::Path, sync::Arc};
use testkit::ScratchDb;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// The administrator of these tests.
pub(crate) const ADMIN: &str = "ada@admin.example";

/// Throws mails away.
struct Nowhere;

impl Mailer for Nowhere {
    fn send(&self, _: Mail) -> Sending<'_> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct System {
    pub(crate) db: ScratchDb,
    pub(crate) site: Site,
    pub(crate) table: RouteTable,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl System {
    pub(crate) async fn open() -> Self {
        let db = ScratchDb::new().await;
        let folder = tempfile::tempdir().unwrap();
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
        let tokens = SessionTokens::new(providers.clone(), db.store().clone(), Arc::clone(&clock), &[7; 32]);
        let state = State::new(db.store().clone(), dialler, "wbo_a-token-of-the-operator")
            .at(&url)
            .with_admins(Allowlist::parse(Some(ADMIN)))
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
            pace: accounts::PACE,
            show_outbox: false,
        });
        let table = ingress::routes(&state).merge(accounts::routes(&accounts));
        let list = roles::document(&table);
        let table = table.with(list);
        let router = table.clone().router(&state.gate()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let edge = ingress::Settings::new(&url).unwrap();
        let running = tokio::spawn(async move {
            let doors = Doors { main, plain: None };
            let _ = serve(doors, router, tls, edge, async { drop(stopped.await) }).await;
        });
        let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
        Self { db, site, table, folder, stop: Some(stop), running }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn issuer(&self) -> LoopbackIssuer {
        LoopbackIssuer::open(self.data_dir()).await.unwrap()
    }

    /// Somebody with a proven address and a team of their own, signed in.
    pub(crate) async fn somebody(&self, issuer: &LoopbackIssuer, email: Option<&str>) -> (Browser, Vouched) {
        let mut who = Vouched::stranger();
        if let Some(email) = email {
            email.clone_into(&mut who.email);
        }
        let mut browser = Browser::new(&self.site);
        planting::sign_up(&mut browser, issuer, &who, "A team").await.unwrap();
        (browser, who)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        self.running.abort();
    }
}
