//! A service with accounts, and what it mailed.

use accounts::{Accounts, Mail, Mailer, Settings, mailer::Sending};
use identity::{Hasher, Rules, passwords::Params};
use ingress::{Doors, State, Tls, serve, visitor::Visitor};
use kernel::{SystemClock, Timestamp};
use outbound::{Answer, Dialler, Register, Site, Trust};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::ScratchDb;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::sleep};

/// The operator's token.
pub(crate) const OPERATOR: &str = "wbo_a-token-that-only-the-operator-of-this-test-knows";

/// Keeps what it is given.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<Mail>>>);

impl Mailer for Kept {
    fn send(&self, mail: Mail) -> Sending<'_> {
        self.0.lock().unwrap().push(mail);
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct System {
    pub(crate) db: ScratchDb,
    pub(crate) site: Site,
    pub(crate) accounts: Accounts,
    mails: Kept,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl System {
    pub(crate) async fn open() -> Self {
        let db = ScratchDb::new().await;
        let folder = tempfile::tempdir().unwrap();
        let (tls, _) = Tls::development(folder.path(), &[], Timestamp::now()).unwrap();
        let pem = std::fs::read_to_string(tls.ca().unwrap()).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", main.local_addr().unwrap().port());
        let dialler = Dialler::new(Register::only("example.com"), Trust::none());
        let state =
            State::new(db.store().clone(), dialler, OPERATOR).at(&url).with_error_page(accounts::error_page("Leide"));
        let mails = Kept::default();
        let accounts = Accounts::new(settings(&state, &mails, &url));
        let table = ingress::routes(&state).merge(accounts::routes(&accounts));
        let router = table.router(&state.gate()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let edge = ingress::Settings::new(&url).unwrap();
        let running = tokio::spawn(async move {
            let doors = Doors { main, plain: Some(plain) };
            let _ = serve(doors, router, tls, edge, async { drop(stopped.await) }).await;
        });
        let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
        Self { db, site, accounts, mails, stop: Some(stop), running, _folder: folder }
    }

    /// Somebody at a fresh browser.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(&self.site)
    }

    /// Lets a session's last confirmation lie further back than it may for what is dangerous.
    pub(crate) async fn stale(&self, visitor: &Visitor) {
        let (store, token) = (self.db.store(), visitor.cookie(ingress::cookie::SESSION).unwrap());
        let session = store::sessions::find(store, token, self.accounts.lifetimes(), self.accounts.now()).await;
        let session = session.unwrap().unwrap();
        store::sessions::age(store, session.account, session.id, kernel::Span::minutes(11)).await.unwrap();
    }

    /// The newest mail to somebody whose subject contains the word; it comes after the answer.
    pub(crate) async fn mail(&self, to: &str, word: &str) -> Mail {
        for _ in 0..100 {
            let found = self
                .mails
                .0
                .lock()
                .unwrap()
                .iter()
                .rev()
                .find(|mail| mail.to == to && mail.subject.contains(word))
                .cloned();
            if let Some(mail) = found {
                return mail;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail about `{word}`: {:?}", self.subjects(to));
    }

    /// What was mailed to somebody.
    pub(crate) fn subjects(&self, to: &str) -> Vec<String> {
        self.mails.0.lock().unwrap().iter().filter(|mail| mail.to == to).map(|mail| mail.subject.clone()).collect()
    }

    /// The path of the link in a mail.
    pub(crate) async fn link(&self, to: &str, word: &str) -> String {
        let (_, url) = self.mail(to, word).await.link.unwrap();
        url.strip_prefix(self.site.url()).unwrap().to_owned()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        self.running.abort();
    }
}

fn settings(state: &State, mails: &Kept, url: &str) -> Settings {
    Settings {
        state: state.clone(),
        clock: Arc::new(SystemClock),
        mailer: Arc::new(mails.clone()),
        hasher: Hasher::new(Params::LEAST, 2).unwrap(),
        rules: Arc::new(Rules::new()),
        public_url: url.to_owned(),
        service: "Leide".to_owned(),
        home: "/account",
        items: vec![ui::Item::new("/account", "Account")],
        providers: accounts::provider::Providers::none(),
        show_outbox: false,
    }
}

/// Where an answer leads.
pub(crate) fn to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap()
}

/// The token in a link.
pub(crate) fn token(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}
