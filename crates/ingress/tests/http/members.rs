//! A service with accounts, small but real: sign-up, sign-in, a page with forms, over a real database, behind a proxy that
//! can be told to meddle.

use crate::{house::House, system::OPERATOR};
use axum::{
    extract::State as On,
    http::{Method, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use ingress::{
    AccountCaller, Allowlist, Answer, Auth, Caller, Form, FormToken, Limit, Policy, Route, RouteTable, Settings, State,
    Upload, Visitor, cookie, html, see_other,
};
use kernel::{AccountId, Permission, Problem};
use outbound::{Dialler, Register, Site, Trust};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use store::{
    accounts::{self, NewAccount},
    sessions::{self, NewSession, Strength},
};
use testkit::{Middle, ScratchDb, middle::public_port};

/// Address → password, account.
type Known = Arc<Mutex<HashMap<String, (String, AccountId)>>>;

#[derive(Clone)]
struct Accounts {
    state: State,
    known: Known,
}

/// The service, its public address, and the proxy in front.
pub(crate) struct Members {
    pub(crate) house: House,
    pub(crate) site: Site,
    pub(crate) middle: Middle,
    pub(crate) db: ScratchDb,
    pub(crate) state: State,
    known: Known,
}

#[derive(Deserialize)]
struct SignUp {
    name: String,
    email: String,
    password: String,
    team: String,
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

impl Members {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let db = ScratchDb::new().await;
        let dialler = Dialler::new(Register::only("example.com"), Trust::none());
        let (door, public) = public_port().await.unwrap();
        let url = format!("https://localhost:{}", public.port());
        let state = State::new(db.store().clone(), dialler, OPERATOR)
            .at(&url)
            .with_admins(Allowlist::parse(Some("admin@example.com")))
            .with_error_page(|problem: &Problem| format!("<!doctype html><title>{}</title>", problem.title));
        let known = Known::default();
        let accounts = Accounts { state: state.clone(), known: Arc::clone(&known) };
        let table = ingress::routes(&state).merge(routes(&accounts));
        let house = House::serving(table, state.gate(), change).await;
        let site = Site::new(&url, house.site.trust().clone()).unwrap();
        let middle = Middle::open(door, &house.tls_folder(), house.site.clone()).unwrap();
        Self { house, site, middle, db, state, known }
    }

    /// The account behind an address.
    pub(crate) fn account(&self, email: &str) -> AccountId {
        self.known.lock().unwrap()[email].1
    }

    /// A session of that account, as a cookie's value.
    pub(crate) async fn session(&self, email: &str, strength: Strength, pending: bool) -> String {
        open(&self.state, self.account(email), strength, pending).await.expose().to_owned()
    }
}

async fn open(state: &State, account: AccountId, strength: Strength, pending: bool) -> store::tenancy::Token {
    let teams = store::team::memberships(state.store(), account).await.unwrap();
    let new = NewSession {
        account,
        tenant: teams.first().map(|team| team.tenant),
        strength,
        pending,
        device: "a test",
        lifetimes: state.lifetimes(),
        proved_at: None,
    };
    sessions::open(state.store(), new).await.unwrap().token
}

fn routes(accounts: &Accounts) -> RouteTable {
    let form = Policy::form(Auth::Visitor, 4_096).limited(Limit::SIGN_IN);
    let own = Auth::Person(Permission::OwnAccount);
    RouteTable::new([
        Route::get_with("/sign-up", Policy::page(Auth::Visitor), form_page, accounts),
        Route::post_with("/sign-up", form, sign_up, accounts),
        Route::get_with("/sign-in", Policy::page(Auth::Visitor), form_page, accounts),
        Route::post_with("/sign-in", form, sign_in, accounts),
        Route::get_with("/sign-in/second", Policy::page(Auth::Pending), form_page, accounts),
        Route::get_with("/account", Policy::page(Auth::Account), account_page, accounts),
        Route::post_with("/account/profile", Policy::form(Auth::Account, 4_096), done, accounts),
        Route::post_with("/account/danger", Policy::form(Auth::Account, 4_096).fresh(), done, accounts),
        Route::post_with("/team/file", Policy::form(own, 3 << 20), file, accounts),
        Route::get_with("/admin", Policy::page(Auth::Admin), admin, accounts),
        Route::get("/", Policy::PAGE, async || {
            html("<!doctype html><title>a page</title><link rel=stylesheet href=/style.css>")
        }),
        Route::new(Method::GET, "/who", Policy::page(Auth::Visitor), who),
        Route::new(Method::GET, "/few", Policy::page(Auth::Visitor).limited(Limit::SIGN_IN), who),
    ])
}

async fn form_page(token: FormToken) -> Response {
    html(format!("<!doctype html><form method=post><input type=\"hidden\" name=\"csrf\" value=\"{token}\"></form>"))
}

async fn account_page(caller: AccountCaller, token: FormToken) -> Response {
    let hidden = format!("<input type=\"hidden\" name=\"csrf\" value=\"{token}\">");
    let form = |action: &str| format!("<form method=post action={action}>{hidden}</form>");
    let forms = ["/account/profile", "/account/danger", "/team/file"].map(form).concat();
    html(format!("<!doctype html><title>{:?}</title>{forms}", caller.strength))
}

async fn sign_up(On(accounts): On<Accounts>, Form(new): Form<SignUp>) -> Answer<Response> {
    let SignUp { name, email, password, team } = new;
    let account = NewAccount { name: &name, email: &email, password_hash: None, team: &team, verified: true };
    let signed = accounts::sign_up(accounts.state.store(), account).await?;
    accounts.known.lock().unwrap().insert(email, (password, signed.account));
    Ok(html("<!doctype html><title>check your mail</title>"))
}

async fn sign_in(On(accounts): On<Accounts>, Form(form): Form<SignIn>) -> Answer<Response> {
    let known = accounts.known.lock().unwrap().get(&form.email).cloned();
    let Some((_, account)) = known.filter(|(password, _)| *password == form.password) else {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    };
    let token = open(&accounts.state, account, Strength::Password, false).await;
    let mut response = see_other("/account");
    response.headers_mut().append(SET_COOKIE, cookie::set(cookie::SESSION, token.expose(), None));
    Ok(response)
}

async fn done() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn file(caller: Caller, upload: Upload) -> String {
    format!("{} {}", caller.role, upload.part("file").map_or(0, |part| part.data.len()))
}

async fn admin(caller: AccountCaller) -> String {
    caller.account.to_string()
}

async fn who(Visitor(session): Visitor, caller: Option<Caller>) -> String {
    format!("{} {}", session.is_some(), caller.is_some())
}
