//! What is served beside the page: accounts, the workspace of the profile, and the gate in front of an application. Built
//! once from the profile and the command line; the routes of all of it become one router.

use crate::{
    board::Board,
    cli::Up,
    mount,
    system::{self, Behind, System},
};
use accounts::{Accounts, FileOutbox, Mailer, mailer, provider, rights::recipients::Recipients};
use drawings::Drawings;
use identity::{
    Fetch, Hasher, Rules, jwt,
    passwords::{BreachFile, Params},
};
use ingress::{Caller, RouteTable, admin::Allowlist, gate::Later};
use kernel::{Clock, SystemClock};
use okrs::Okrs;
use outbound::{Dialler, Register, Trust};
use promises::{
    Profile, Promise,
    profile::{Value, Workspace},
};
use proxy::{Proxy, Upstream, Watch};
use std::{env, error::Error, path::Path, sync::Arc};
use store::sessions::Lifetimes;

type Failed = Box<dyn Error>;

/// How many passwords are hashed at the same time: each takes the profile's memory.
const HASHES_AT_ONCE: usize = 4;
/// Where people land who have signed in, when no workspace is served.
const NO_WORKSPACE: &str = "/account";

/// Where the service stands.
pub(crate) struct Address<'a> {
    /// The public address, without a slash at the end.
    pub(crate) url: &'a str,
    /// Its host.
    pub(crate) host: &'a str,
}

/// Puts the service together.
///
/// # Errors
/// An option cannot be used, or two routes collide.
pub(crate) fn build(
    system: &System,
    board: &Arc<Board>,
    address: &Address<'_>,
    arguments: &Up,
) -> Result<(ingress::Served, Accounts), Failed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let profile = &system.in_force.profile;
    let entries = provider::config::read(&system.data_dir)?;
    let dialler = dialler(system, address, arguments, &entries)?;
    let signer = signer(system)?;
    let fetch: Arc<dyn Fetch> = Arc::new(dialler.clone());
    let providers = provider::Providers::new(entries, &fetch, address.url);
    let secret = system.store.keys().derive("provider sessions");
    let tokens =
        provider::SessionTokens::new(providers.clone(), system.store.clone(), Arc::clone(&clock), secret.expose());
    let state = state(system, address, dialler.clone())?.with_provider(Arc::new(tokens));
    let workspace = profile.service.workspace;
    let settings = accounts::Settings {
        state: state.clone(),
        clock: Arc::clone(&clock),
        mailer: mailer(profile, address, arguments, &system.data_dir, dialler)?,
        hasher: hasher(profile)?,
        rules: Arc::new(rules(arguments)?),
        public_url: address.url.to_owned(),
        service: profile.service.name.clone(),
        home: home(workspace),
        items: items(workspace),
        providers,
        recipients: recipients(system, address, arguments, &signer)?,
        pace: accounts::PACE,
        show_outbox: arguments.smtp.is_none(),
    };
    let accounts = Accounts::new(settings);
    let mut table = ingress::routes(&state).merge(mount::routes(board, system.behind.is_none()));
    table = table.merge(accounts::routes(&accounts)).merge(products(workspace, &state, &accounts));
    if let Some(behind) = &system.behind {
        table = table.merge(proxied(behind, &state, signer).table());
    } else if !arguments.recipient.is_empty() {
        table = table.merge(proxy::keys(signer));
    }
    let list = accounts::team::roles::document(&table);
    let table = table.with(list);
    Ok((table.router(&state.gate())?, accounts))
}

/// The way out: the register's hosts, the service's own, the identity providers', the mail server's, and the recipients'.
fn dialler(
    system: &System,
    address: &Address<'_>,
    arguments: &Up,
    entries: &[provider::Entry],
) -> Result<Dialler, Failed> {
    let trust = Trust::public().with_folder(&system.data_dir.join("trust"))?;
    let mut hosts = provider::config::hosts(entries);
    hosts.push(address.host.to_owned());
    hosts.extend(arguments.smtp.as_ref().map(|smtp| smtp.host.clone()));
    hosts.extend(arguments.recipient.iter().map(|recipient| recipient.endpoint.host().to_owned()));
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    Ok(Dialler::new(Register::of(&system.in_force.profile, &hosts), trust))
}

fn state(system: &System, address: &Address<'_>, dialler: Dialler) -> Result<ingress::State, Failed> {
    let profile = &system.in_force.profile;
    let operator = ingress::operator::token(&system::operator_token(&system.data_dir))?;
    let lifetimes = lifetimes(profile);
    let state = ingress::State::new(system.store.clone(), dialler, operator).at(address.url);
    let state = state.with_lifetimes(lifetimes).with_admins(admins(profile));
    Ok(state.with_error_page(accounts::error_page(profile.service.name.clone())))
}

/// The administrators, from the variable that the profile names. A list that is not sound lets nobody in, and says why.
fn admins(profile: &Profile) -> Allowlist {
    let promised = promise(profile, "admin-allowlist").and_then(|promise| match promise.params.get("variable") {
        Some(Value::Text(name)) => Some(name.clone()),
        _ => None,
    });
    let variable = promised.unwrap_or_else(|| "ADMIN_EMAILS".to_owned());
    let value = env::var_os(&variable).map(|value| value.to_string_lossy().into_owned());
    let list = Allowlist::parse(value.as_deref());
    if let Some(why) = list.why_closed() {
        tracing::warn!(variable, why, "nobody is an administrator");
    }
    list
}

/// The first promise of the profile that a control stands behind.
pub(crate) fn promise<'a>(profile: &'a Profile, control: &str) -> Option<&'a Promise> {
    profile.promises.iter().find(|promise| promise.control.as_deref() == Some(control))
}

/// How long sessions live: as promised, or as the house has it.
pub(crate) fn lifetimes(profile: &Profile) -> Lifetimes {
    let promise = promise(profile, "session-expiry");
    let span = |name| promise.and_then(|promise| promise.span(name));
    let usual = ingress::LIFETIMES;
    Lifetimes { idle: span("idle").unwrap_or(usual.idle), absolute: span("absolute").unwrap_or(usual.absolute) }
}

/// Hashes as promised, or as the house has it.
fn hasher(profile: &Profile) -> Result<Hasher, Failed> {
    let usual = Params::LEAST;
    let params = promise(profile, "password-hash").map(|promise| &promise.params);
    let memory = match params.and_then(|params| params.get("memory")) {
        Some(Value::Size(bytes)) => u32::try_from(bytes / 1024)?,
        _ => usual.memory_kib(),
    };
    let passes = match params.and_then(|params| params.get("passes")) {
        Some(Value::Count(passes)) => u32::try_from(*passes)?,
        _ => usual.passes(),
    };
    Ok(Hasher::new(Params::new(memory, passes, usual.lanes())?, HASHES_AT_ONCE)?)
}

fn rules(arguments: &Up) -> Result<Rules, Failed> {
    let Some(file) = &arguments.breached_passwords else { return Ok(Rules::new()) };
    let file = BreachFile::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Rules::with_breach_file(file))
}

/// The mail server that was named, or a folder of files.
fn mailer(
    profile: &Profile,
    address: &Address<'_>,
    arguments: &Up,
    data_dir: &Path,
    dialler: Dialler,
) -> Result<Arc<dyn Mailer>, Failed> {
    let sender = arguments.mail_from.clone().or_else(|| profile.contacts.support.clone());
    let sender = sender.unwrap_or_else(|| format!("no-reply@{}", mail_host(address.host)));
    let from = mailer::From::new(&profile.service.name, &sender).map_err(|error| format!("{sender}: {error}"))?;
    Ok(match &arguments.smtp {
        Some(settings) => Arc::new(mailer::Smtp::new(settings.clone(), from, dialler)),
        None => Arc::new(FileOutbox::new(data_dir.join("outbox"), from)),
    })
}

/// A host that can stand behind the @ of an address: one of a workplace is none.
fn mail_host(host: &str) -> &str {
    if host.contains('.') && host.parse::<std::net::IpAddr>().is_err() { host } else { "localhost.example" }
}

const fn home(workspace: Option<Workspace>) -> &'static str {
    match workspace {
        Some(Workspace::Drawings) => "/drawings",
        Some(Workspace::Okrs) => "/objectives",
        None => NO_WORKSPACE,
    }
}

fn items(workspace: Option<Workspace>) -> Vec<ui::Item> {
    match workspace {
        Some(Workspace::Drawings) => drawings::nav(),
        Some(Workspace::Okrs) => okrs::nav(),
        None => Vec::new(),
    }
}

fn products(workspace: Option<Workspace>, state: &ingress::State, accounts: &Accounts) -> RouteTable {
    match workspace {
        Some(Workspace::Drawings) => drawings::routes(&Drawings::new(state, chrome(accounts))),
        Some(Workspace::Okrs) => okrs::routes(&Okrs::new(state, chrome(accounts))),
        None => RouteTable::default(),
    }
}

/// The frame that all pages have in common.
fn chrome(accounts: &Accounts) -> drawings::Chrome {
    let accounts = accounts.clone();
    Arc::new(move |session, token, path, page| {
        let accounts = accounts.clone();
        Box::pin(async move { accounts.page(session, token, path, page).await })
    })
}

/// Signs what is said about people to those beside us: identity tokens, and that somebody was erased.
fn signer(system: &System) -> Result<Arc<jwt::Signer>, Failed> {
    let seed = system.store.keys().derive("identity token");
    Ok(Arc::new(jwt::Signer::from_seed(seed.expose()).ok_or("the identity token's key cannot be made")?))
}

/// Whoever else is told of erasures, by the same issuer as that of identity tokens.
fn recipients(
    system: &System,
    address: &Address<'_>,
    arguments: &Up,
    signer: &Arc<jwt::Signer>,
) -> Result<Recipients, Failed> {
    let issuer = proxy::Settings::new(address.url, Arc::new(SystemClock))?;
    let recipients = Recipients::new(arguments.recipient.clone(), Arc::clone(signer), issuer.issuer())?;
    system.store.name_recipients(recipients.all().iter().map(|one| one.name.clone()).collect());
    Ok(recipients)
}

/// The gate in front of the application.
fn proxied(behind: &Behind, state: &ingress::State, signer: Arc<jwt::Signer>) -> Proxy {
    let upstream = Upstream::new(behind.place.clone(), outbound::upstream::Limits::default());
    let watch = Arc::new(Sessions(state.clone()));
    Proxy::new(upstream, signer, behind.settings.clone(), Some(watch))
}

/// Ends what outlives its request when the session ends.
struct Sessions(ingress::State);

impl Watch for Sessions {
    fn lives<'a>(&'a self, caller: &'a Caller) -> Later<'a, bool> {
        Box::pin(self.0.lives(caller))
    }
}
