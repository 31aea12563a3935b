//! A workspace over a real database, behind a real edge.

use ingress::{Answer, Doors, FormToken, LiveSession, RouteTable, Settings, State, Tls, gate::Later, serve};
use kernel::Timestamp;
use outbound::{Answer as Said, Dialler, Register, Site, Trust};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};
use std::sync::{Arc, Once};
use testkit::ScratchDb;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use ui::{Page, Shell};

/// What a workspace takes as its frame.
type Chrome = Arc<
    dyn for<'a> Fn(Option<&'a LiveSession>, &'a FormToken, &'a str, &'a Page) -> Later<'a, Answer<String>>
        + Send
        + Sync,
>;

pub(crate) struct System {
    pub(crate) site: Site,
    pub(crate) db: ScratchDb,
    pem: String,
    _stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

/// A person as the API made them.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
}

fn chrome() -> Chrome {
    Arc::new(|_, _, path, page| {
        Box::pin(async move {
            let shell = Shell { service: "Test".to_owned(), path: path.to_owned(), nav: None };
            page.render(&shell).map_err(ingress::problem::internal)
        })
    })
}

impl System {
    /// The service with the routes that `workspace` adds.
    pub(crate) async fn open(workspace: impl FnOnce(&State, Chrome) -> RouteTable) -> Self {
        static ONE: Once = Once::new();
        ONE.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
        let db = ScratchDb::new().await;
        let folder = tempfile::tempdir().unwrap();
        let (tls, _) = Tls::development(folder.path(), &[], Timestamp::now()).unwrap();
        let pem = std::fs::read_to_string(tls.ca().unwrap()).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", main.local_addr().unwrap().port());
        let dialler = Dialler::new(Register::only("example.com"), Trust::none());
        let state = State::new(db.store().clone(), dialler, "wbo_a-token").at(&url);
        let table = ingress::routes(&state).merge(workspace(&state, chrome()));
        let document = ingress::openapi::document(&table).to_json().unwrap();
        assert!(document.contains("\"openapi\""), "the document can be made");
        let router = table.router(&state.gate()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let doors = Doors { main, plain: None };
        tokio::spawn(serve(doors, router, tls, Settings::new(&url).unwrap(), async {
            let _ = stopped.await;
        }));
        let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
        Self { site, db, pem, _stop: stop, _folder: folder }
    }

    /// A connection on which a test speaks HTTP itself, bit by bit.
    pub(crate) async fn dial(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = self.site.connect().await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// A request with a token.
    pub(crate) async fn send(&self, who: &Person, method: &str, path: &str, kind: &str, body: &[u8]) -> Said {
        self.send_with(who, method, path, &[("content-type", kind)], body).await
    }

    pub(crate) async fn send_with(
        &self,
        who: &Person,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Said {
        let bearer = format!("Bearer {}", who.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        self.site.send(method, path, &all, body).await.unwrap()
    }

    /// A GET with a token.
    pub(crate) async fn get(&self, who: &Person, path: &str) -> Said {
        self.send(who, "GET", path, "", b"").await
    }

    /// A call with JSON.
    pub(crate) async fn json(&self, who: &Person, method: &str, path: &str, body: Value) -> Said {
        self.send(who, method, path, "application/json", body.to_string().as_bytes()).await
    }

    /// A form as a browser sends it, with the token of a program: pages take both.
    pub(crate) async fn form(&self, who: &Person, path: &str, fields: &[(&str, &str)]) -> Said {
        let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.send(who, "POST", path, "application/x-www-form-urlencoded", body.join("&").as_bytes()).await
    }

    /// A team with its first person.
    pub(crate) async fn team(&self, name: &str) -> Person {
        let body = json!({"name": name, "person": {"name": "Ada <Lovelace>", "email": "ada@example.com"}});
        let kind = [("content-type", "application/json")];
        let answer = self.site.send("POST", "/api/tenants", &kind, body.to_string().as_bytes()).await.unwrap();
        person(&answer)
    }

    /// Somebody who joins the team of `of`, in a role.
    pub(crate) async fn join(&self, of: &Person, name: &str, role: &str) -> Person {
        let email = format!("{}@example.com", name.to_lowercase());
        let person = person(&self.json(of, "POST", "/api/people", json!({"name": name, "email": email})).await);
        let mut root = self.db.superuser().await.unwrap();
        let sql = "UPDATE wordbond.person SET role = $1 WHERE person_id = $2::text::uuid";
        sqlx::query(sql).bind(role).bind(&person.id).execute(&mut root).await.unwrap();
        person
    }

    /// The actions in the log of the team.
    pub(crate) async fn told(&self, who: &Person) -> Vec<String> {
        let trail: Value = self.get(who, "/api/audit").await.json().unwrap();
        let events = trail["events"].as_array().unwrap();
        events.iter().filter_map(|event| event["action"].as_str().map(str::to_owned)).collect()
    }
}

fn person(answer: &Said) -> Person {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let joined: Value = answer.json().unwrap();
    let text = |key: &str| joined[key].as_str().unwrap().to_owned();
    Person { id: text("person"), token: text("token") }
}
