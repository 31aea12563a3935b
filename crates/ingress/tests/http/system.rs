//! The whole of this crate over a real database, with a sealed ledger served beside it.

use crate::house::House;
use axum::{extract::Path, http::StatusCode};
use ingress::{Failure, Policy, Route, RouteTable, State, problem::internal};
use kernel::{Problem, SystemClock};
use ledger::{Sealer, SigningKey};
use outbound::{Answer, Dialler, Operator, Register, Trust};
use serde_json::{Value, json};
use std::{future::pending, sync::Arc, time::Duration};
use store::Store;
use testkit::ScratchDb;
use tokio::task::JoinHandle;

/// The operator's token.
pub(crate) const OPERATOR: &str = "wbo_a-token-that-only-the-operator-of-this-test-knows";

pub(crate) struct System {
    pub(crate) house: House,
    pub(crate) operator: Operator,
    pub(crate) db: ScratchDb,
    sealing: JoinHandle<()>,
}

/// A person as the API made them.
pub(crate) struct Person {
    pub(crate) tenant: String,
    pub(crate) id: String,
    pub(crate) token: String,
}

impl System {
    pub(crate) async fn open() -> Self {
        let db = ScratchDb::new().await;
        let dialler = Dialler::new(Register::only("example.com"), Trust::none());
        let state = State::new(db.store().clone(), dialler, OPERATOR);
        let key = SigningKey::from_seed("test/ledger", &[7; 32]).unwrap();
        let table = ingress::routes(&state).merge(ledger_routes(db.store(), key.verifier().to_string()));
        let house = House::serving(table, state.gate(), |_| {}).await;
        let sealing = seal(db.store().clone(), key);
        Self { house, operator: Operator::new(OPERATOR), db, sealing }
    }

    /// A request with a token and JSON.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(body.as_ref().map(|_| ("content-type", "application/json")));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.house.site.send(method, path, &headers, body.as_bytes()).await.unwrap()
    }

    /// A team with its first person.
    pub(crate) async fn team(&self, name: &str) -> Person {
        let body = json!({"name": name, "person": {"name": "Ada", "email": "ada@example.com"}});
        person(&self.call("POST", "/api/tenants", "", Some(body)).await)
    }

    /// Somebody who joins the team of `of`.
    pub(crate) async fn join(&self, of: &Person, email: &str) -> Person {
        person(&self.call("POST", "/api/people", &of.token, Some(json!({"name": "Bob", "email": email}))).await)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.sealing.abort();
    }
}

fn person(answer: &Answer) -> Person {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let joined: Value = answer.json().unwrap();
    let text = |key: &str| joined[key].as_str().unwrap().to_owned();
    Person { tenant: text("tenant"), id: text("person"), token: text("token") }
}

fn seal(store: Store, key: SigningKey) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut session = store.sealer().await.unwrap();
        let mut sealer = Sealer::new(key, Arc::new(SystemClock), Duration::from_secs(5));
        sealer.run(&mut session, pending::<()>()).await.unwrap();
    })
}

fn ledger_routes(store: &Store, vkey: String) -> RouteTable {
    let store = store.clone();
    let file = async move |Path(path): Path<String>| {
        let mut reader = store.auditor().await.map_err(internal)?;
        let bytes = ledger::serve(reader.conn(), &path).await.map_err(internal)?;
        bytes.ok_or_else(|| Failure::from(Problem::not_found())).map(|bytes| (StatusCode::OK, bytes))
    };
    RouteTable::new([
        Route::get("/ledger/vkey", Policy::PAGE, move || {
            let vkey = vkey.clone();
            async move { vkey }
        }),
        Route::get("/ledger/{*path}", Policy::PAGE, move |path| {
            let file = file.clone();
            async move { file(path).await }
        }),
    ])
}
