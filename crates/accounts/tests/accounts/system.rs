//! A service with accounts, and what it mailed.

use accounts::{
    Accounts, Mail, MailError, Mailer, Settings,
    mailer::Sending,
    rights::recipients::{Recipient, Recipients},
};
use identity::{Hasher, Rules, jwt::Signer, passwords::Params};
use ingress::{Doors, State, Tls, admin::Allowlist, serve, visitor::Visitor};
use jiff::SignedDuration;
use kernel::{Clock, SystemClock, Timestamp};
use outbound::{Answer, Dialler, Register, Site, Trust};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use testkit::ScratchDb;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::sleep};

/// The operator's token.
pub(crate) const OPERATOR: &str = "wbo_a-token-that-only-the-operator-of-this-test-knows";

/// Of which the key is made that signs what recipients are told.
pub(crate) const SEED: [u8; 32] = [7; 32];

/// The address of the operator's administrator.
pub(crate) const ADMIN: &str = "grace@admin.example";

/// Keeps what it is given, except while it is away.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<Mail>>>, Arc<AtomicBool>);

impl Mailer for Kept {
    fn send(&self, mail: Mail) -> Sending<'_> {
        let away = self.1.load(Ordering::SeqCst);
        if !away {
            self.0.lock().unwrap().push(mail);
        }
        Box::pin(async move { if away { Err(MailError::Unreachable("away".to_owned())) } else { Ok(()) } })
    }
}

/// At which steps answers leave here: longer than their work takes with hashes as light as these, and no longer.
const PACE: Duration = Duration::from_millis(50);

/// The system's clock, put forward.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicI64>);

impl Ahead {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct System {
    pub(crate) db: ScratchDb,
    /// The clock of everything in it.
    pub(crate) clock: Ahead,
    pub(crate) site: Site,
    pub(crate) accounts: Accounts,
    mails: Kept,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl System {
    pub(crate) async fn open() -> Self {
        Self::telling(Vec::new()).await
    }

    /// A service that tells these recipients of erasures.
    pub(crate) async fn telling(recipients: Vec<Recipient>) -> Self {
        let clock = Ahead::default();
        let db = ScratchDb::with_clock(Arc::new(clock.clone())).await;
        let folder = tempfile::tempdir().unwrap();
        let (tls, _) = Tls::development(folder.path(), &[], Timestamp::now()).unwrap();
        let pem = std::fs::read_to_string(tls.ca().unwrap()).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", main.local_addr().unwrap().port());
        let known = recipients.first().map_or("example.com", |one| one.endpoint.host());
        let dialler = Dialler::new(Register::only(known), Trust::none());
        let state = State::new(db.store().clone(), dialler, OPERATOR)
            .at(&url)
            .with_admins(Allowlist::parse(Some(ADMIN)))
            .with_error_page(accounts::error_page("Leide"));
        let mails = Kept::default();
        db.store().name_recipients(recipients.iter().map(|one| one.name.clone()).collect());
        let signer = Arc::new(Signer::from_seed(&SEED).unwrap());
        let recipients = Recipients::new(recipients, signer, &url).unwrap();
        let accounts = Accounts::new(Settings { recipients, ..settings(&state, &mails, &url, &clock) });
        let table = ingress::routes(&state).merge(accounts::routes(&accounts));
        let router = table.router(&state.gate()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let edge = ingress::Settings::new(&url).unwrap();
        let running = tokio::spawn(async move {
            let doors = Doors { main, plain: Some(plain) };
            let _ = serve(doors, router, tls, edge, async { drop(stopped.await) }).await;
        });
        let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
        Self { db, clock, site, accounts, mails, stop: Some(stop), running, _folder: folder }
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

    /// The mail server goes away, or comes back.
    pub(crate) fn mail_is_away(&self, away: bool) {
        self.mails.1.store(away, Ordering::SeqCst);
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

/// Hashes that cost little: what is attacked here is everything around them.
pub(crate) fn light() -> Params {
    Params::new(1_024, 1, 1).unwrap()
}

fn settings(state: &State, mails: &Kept, url: &str, clock: &Ahead) -> Settings {
    Settings {
        state: state.clone(),
        clock: Arc::new(clock.clone()),
        mailer: Arc::new(mails.clone()),
        hasher: Hasher::new(light(), 2).unwrap(),
        rules: Arc::new(Rules::new()),
        public_url: url.to_owned(),
        service: "Leide".to_owned(),
        home: "/account",
        items: vec![ui::Item::new("/account", "Account")],
        providers: accounts::provider::Providers::none(),
        recipients: Recipients::none(),
        pace: PACE,
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
