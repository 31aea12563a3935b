//! `wordbond up`: everything together, until somebody says stop.

use crate::{
    board::{Board, Parts},
    build, catalogue, check,
    cli::Up,
    keys, nightly,
    output::{Line, Report, complain, say},
    recorder,
    running::{Postgres, Ready, process_start},
    schedule, service,
    signals::{stopped, stopping},
    system::{self, Behind, System},
    worker,
};
use ingress::{Doors, Ended, Settings, Tls};
use kernel::{Clock, SystemClock, Timestamp};
use ledger::{Leaf, Sealer, SigningKey, VerifierKey};
use outbound::{Site, Trust, tls_out};
use promises::{Catalogue, Profile, diff};
use std::{
    collections::BTreeMap,
    error::Error,
    fs, io,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Address, Config, Store, instances, jobs, observations, profiles};
use tokio::{net::TcpListener, sync::watch, task::AbortHandle, time::sleep};
use uuid::Uuid;

type Failed = Box<dyn Error>;

/// How often an instance says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often the board looks whether something was sealed.
const LOOK: Duration = Duration::from_millis(250);
/// How long the sealer rests before it tries again after a failure.
const SEALER_REST: Duration = Duration::from_secs(1);

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Up) -> Result<u8, Failed> {
    let begun = Instant::now();
    let stop = stopping()?;
    let data_dir = prepare(&arguments.data.data_dir)?;
    let catalogue = Arc::new(catalogue::catalogue());
    let profile_file =
        fs::canonicalize(&arguments.profile).map_err(|e| format!("{}: {e}", arguments.profile.display()))?;
    let in_force = Arc::new(check::read_profile(&profile_file, &catalogue)?);
    let place = Place::of(&arguments, &in_force.profile)?;
    // Bound before anything else is begun: a port that is taken is the commonest mistake.
    let doors = doors(&arguments).await?;
    let tls = certificate(&arguments, &data_dir, &place)?;
    tls_out::prepare(&data_dir)?;
    accounts::provider::loopback::prepare(&data_dir)?;

    // Made on the first start; everything that acts as the operator reads it.
    ingress::operator::token(&system::operator_token(&data_dir))?;
    let store = open(&arguments, &data_dir, &in_force.profile).await?;
    if let Some(mirror) = arguments.keys.start(&data_dir)? {
        complain(format!("the mirror {} takes no part any more: it was not named", mirror.display()));
    }
    let key = signing_key(&store, &place).await?;
    let system = Arc::new(System {
        site: Site::new(&place.url, system::trust(tls.ca())?)?,
        operator: system::operator(&data_dir)?,
        store: store.clone(),
        data_dir: data_dir.clone(),
        in_force: Arc::clone(&in_force),
        catalogue: Arc::clone(&catalogue),
        build: build::hash()?,
        behind: behind(&arguments, &place)?,
    });
    let instance = announce(&system, arguments.listen.to_string()).await?;
    let board = Arc::new(Board::set_up(parts(&system, key.verifier(), &place)).await?);
    // Beside the database and not in it: a restored older database must not be sealed into a second history.
    let sealer = Sealer::new(key, Arc::new(SystemClock), heartbeat(&in_force.profile, &catalogue))
        .remembering(data_dir.join("ledger.head"));
    let sealing = tokio::spawn(seal(store.clone(), sealer, stop.clone()));
    let address = service::Address { url: &place.url, host: &place.host };
    let (router, accounts) = service::build(&system, &board, &address, &arguments)?;
    let settings = Settings { trusted: arguments.trusted_proxy.clone(), ..Settings::new(&place.url)? };
    let edge = tokio::spawn(ingress::serve(doors, router, tls.clone(), settings, stopped(stop.clone())));
    let watching = tokio::spawn(watch_ledger(Arc::clone(&board), stop.clone()));
    let mut endless = vec![
        tokio::spawn(worker::run(accounts.clone())).abort_handle(),
        tokio::spawn(schedule::sweep(store.clone(), accounts.clone())).abort_handle(),
    ];
    let beating = tokio::spawn(beat(store.clone(), instance.clone(), stop.clone()));

    let ready = ready(&arguments, &place, &profile_file, &tls, &store)?;
    ready.write(&data_dir)?;
    greet(&place, &tls, begun);
    // Attacks go on against a door that closes as soon as somebody says stop: what they would see then is nobody's fault.
    let attacked = tokio::select! {
        attacked = first_round(&system) => Some(attacked),
        () = stopped(stop.clone()) => None,
    };
    if let Some(attacked) = attacked {
        board.refresh().await?;
        let kept = nightly::keep(&system.in_force.profile);
        endless.extend([
            tokio::spawn(nightly::run(store.clone(), data_dir.clone(), kept)).abort_handle(),
            tokio::spawn(keys::upkeep(store.clone(), arguments.key_epoch)).abort_handle(),
            tokio::spawn(schedule::run(Arc::clone(&system), Arc::clone(&board), attacked)).abort_handle(),
        ]);
        stopped(stop).await;
    }
    say("stopping: finishing what is in flight");
    endless.iter().for_each(AbortHandle::abort);
    if let Ok(Ended::Cut(connections)) = edge.await? {
        complain(format!("{connections} connections had to be cut"));
    }
    let _ = tokio::join!(watching, beating, sealing);
    instances::leave(&store, instance.id).await?;
    Ready::remove(&data_dir);
    store.close().await;
    Ok(0)
}

/// The application behind the gate, where one was named.
fn behind(arguments: &Up, place: &Place) -> Result<Option<Behind>, Failed> {
    let Some(upstream) = &arguments.upstream else { return Ok(None) };
    let mut behind = Behind::at(upstream.clone(), arguments.upstream_open.clone(), &place.url)?;
    if let Some(limit) = arguments.upstream_limit {
        behind.settings = behind.settings.limited(limit);
    }
    Ok(Some(behind))
}

/// Where the service stands.
struct Place {
    /// The public address, without a slash at the end.
    url: String,
    /// Its host.
    host: String,
    /// The name of the ledger and its key.
    ledger: String,
}

impl Place {
    fn of(arguments: &Up, profile: &Profile) -> Result<Self, Failed> {
        let own = format!("https://localhost:{}", arguments.listen.port());
        let url = arguments.public_url.clone().or_else(|| profile.service.public_url.clone()).unwrap_or(own);
        let site = Site::new(&url, Trust::none())?;
        let ledger = format!("{}/ledger", site.url().trim_start_matches("https://"));
        Ok(Self { url: site.url().to_owned(), host: site.host().to_owned(), ledger })
    }
}

fn prepare(data_dir: &Path) -> Result<PathBuf, Failed> {
    fs::create_dir_all(data_dir).map_err(|error| format!("{}: {error}", data_dir.display()))?;
    let data_dir = fs::canonicalize(data_dir)?;
    if let Ok(other) = Ready::find(&data_dir) {
        return Err(format!(
            "a system already runs there (process {}): stop it, or choose another --data-dir",
            other.pid
        )
        .into());
    }
    Ready::remove(&data_dir);
    Ok(data_dir)
}

async fn doors(arguments: &Up) -> Result<Doors, Failed> {
    let bind = async |address| {
        TcpListener::bind(address)
            .await
            .map_err(|error| format!("{address} cannot be listened on: {error}; choose another address"))
    };
    let plain = match arguments.listen_http {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    Ok(Doors { main: bind(arguments.listen).await?, plain })
}

fn certificate(arguments: &Up, data_dir: &Path, place: &Place) -> Result<Tls, Failed> {
    let now = SystemClock.now();
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        return Ok(Tls::files(certificate, key, now)?);
    }
    let (tls, created) = Tls::development(data_dir, &[&place.host], now)?;
    if let Some(created) = created {
        say(format!("made a development certificate authority; let your browser trust {}", created.ca.display()));
    }
    Ok(tls)
}

async fn open(arguments: &Up, data_dir: &Path, profile: &Profile) -> Result<Store, Failed> {
    let mut config = Config::at(data_dir);
    config.database.clone_from(&arguments.database);
    config.pg_bin.clone_from(&arguments.pg_bin);
    let keys = arguments.keys.or(None);
    config.root = keys.source(None, Some(profile))?;
    config.key_mirror = keys.key_mirror;
    config.blobs = arguments.blobs.settled().place(profile, data_dir)?;
    Ok(Store::open(config).await?)
}

/// The ledger's key. Its name is the address under which the log began, and stays when the service moves.
async fn signing_key(store: &Store, place: &Place) -> Result<SigningKey, Failed> {
    let begun_as = ledger::read::origin(store.auditor().await?.conn()).await?;
    let seed = store.keys().signing_seed("ledger")?;
    Ok(SigningKey::from_seed(begun_as.as_deref().unwrap_or(&place.ledger), seed.expose())?)
}

/// Tells the ledger what starts here, and what has changed since the last profile.
async fn announce(system: &System, address: String) -> Result<instances::Instance, Failed> {
    let (store, in_force, at) = (&system.store, &system.in_force, SystemClock.now());
    let previous = profiles::newest(store).await?;
    if previous.as_ref().is_none_or(|(hash, _)| *hash != in_force.hash) {
        let changes = match &previous {
            // Somebody put other words in the place of what was promised: a diff with those would hide a weakening.
            Some((hash, text)) if build::hash_of(text) != *hash => {
                vec![format!("the text of the profile before is lost: what is kept of it does not hash to {hash}")]
            }
            previous => changes(previous.as_ref().map(|(_, text)| text.as_str()), &in_force.profile, &system.catalogue),
        };
        let previous = previous.map(|(hash, _)| hash);
        let leaf = Leaf::Profile { hash: in_force.hash.clone(), previous, at, changes };
        profiles::change(store, &in_force.hash, &in_force.text, &leaf).await?;
    }
    if matches!(store.address(), Address::Socket { .. }) {
        // The child server belongs to one instance at a time, so whoever else is noted there was killed.
        for gone in instances::alive(store, Timestamp::UNIX_EPOCH).await? {
            instances::leave(store, gone.id).await?;
        }
        jobs::release_all(store).await?;
    }
    let id = Uuid::new_v4();
    let (build, profile) = (system.build.clone(), in_force.hash.clone());
    let start = Leaf::Start { build: build.clone(), profile: profile.clone(), at, instance: id.to_string() };
    observations::append(store, &start).await?;
    let instance = instances::Instance { id, build, profile, address };
    instances::heartbeat(store, &instance).await?;
    Ok(instance)
}

/// The public diff of the profile, a line each.
fn changes(previous: Option<&str>, now: &Profile, catalogue: &Catalogue) -> Vec<String> {
    let Some(text) = previous else { return vec![format!("first profile: {} promises", now.promises.len())] };
    match Profile::parse(text, catalogue) {
        Ok(before) => diff(&before, now, catalogue).iter().map(ToString::to_string).collect(),
        // The language of an older build may differ from this one's; then only the texts can be compared, by anyone.
        Err(_) => vec!["the previous profile is in an older form of the language; compare the texts".to_owned()],
    }
}

/// How often a checkpoint is signed anew where nothing happens: thrice within the shortest freshness.
fn heartbeat(profile: &Profile, catalogue: &Catalogue) -> Duration {
    let built = profile.promises.iter().filter(|p| p.control.as_deref().is_some_and(|id| catalogue.is_built(id)));
    let shortest = built.map(|promise| promise.freshness.as_secs()).min().unwrap_or(900);
    Duration::from_secs((shortest / 3).clamp(1, 300))
}

/// Seals for as long as the system serves. What stops it is said, and tried again: an unsealed ledger makes the page go
/// stale, never green.
async fn seal(store: Store, mut sealer: Sealer, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let ended = match store.sealer().await {
            Ok(mut session) => sealer.run(&mut session, stopped(stop.clone())).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = ended {
            tracing::error!(error, "the ledger is not sealed");
            tokio::select! { () = stopped(stop.clone()) => {}, () = sleep(SEALER_REST) => {} }
        }
    }
}

fn parts(system: &System, key: &VerifierKey, place: &Place) -> Parts {
    Parts {
        store: system.store.clone(),
        in_force: Arc::clone(&system.in_force),
        catalogue: Arc::clone(&system.catalogue),
        key: key.clone(),
        build: system.build.clone(),
        public_url: place.url.clone(),
        clock: Arc::new(SystemClock),
    }
}

async fn watch_ledger(board: Arc<Board>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = board.refresh().await {
            tracing::error!(%error, "the page could not be brought up to date");
        }
        tokio::select! { () = stopped(stop.clone()) => {}, () = sleep(LOOK) => {} }
    }
}

async fn beat(store: Store, instance: instances::Instance, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! { () = stopped(stop.clone()) => return, () = sleep(HEARTBEAT) => {} }
        if let Err(error) = instances::heartbeat(&store, &instance).await {
            tracing::error!(%error, "this instance cannot say that it is alive");
        }
    }
}

fn ready(arguments: &Up, place: &Place, profile: &Path, tls: &Tls, store: &Store) -> io::Result<Ready> {
    let pid = std::process::id();
    Ok(Ready {
        app: place.url.clone(),
        page: format!("{}/trust", place.url),
        ca: tls.ca().map(fs::canonicalize).transpose()?,
        pg: match store.address() {
            Address::Socket { dir, port, .. } => Some(Postgres { socket: dir.clone(), port: *port }),
            Address::Url { .. } => None,
        },
        pid,
        profile: profile.to_owned(),
        managed: arguments.database.is_some(),
        upstream: arguments.upstream.as_ref().map(ToString::to_string),
        upstream_open: arguments.upstream_open.iter().map(ToString::to_string).collect(),
        keys: arguments.keys.or(None),
        blobs: arguments.blobs.settled(),
        started: process_start(pid).unwrap_or_default(),
    })
}

fn greet(place: &Place, tls: &Tls, begun: Instant) {
    say(format!("app         {}", place.url));
    say(format!("trust page  {}/trust", place.url));
    if let Some(ca) = tls.ca() {
        say(format!("authority   {} (for curl --cacert and browsers on this machine)", ca.display()));
    }
    say(format!("serving after {:.1} s; attacking it now", begun.elapsed().as_secs_f64()));
}

/// Attacks everything once and prints it; yields when each promise was attacked.
async fn first_round(system: &Arc<System>) -> BTreeMap<String, Instant> {
    let coloured = io::stdout().is_terminal();
    let promises = &system.in_force.profile.promises;
    let attacked = match recorder::attack(system, promises, |line: &Line| say(line.text(coloured))).await {
        Ok(lines) => lines,
        Err(error) => {
            complain(format!("the attacks could not be recorded: {error}"));
            Vec::new()
        }
    };
    let report = Report::of(check::lines(system, promises, &attacked));
    for line in report.promises.iter().filter(|line| attacked.iter().all(|done| done.id != line.id)) {
        say(line.text(coloured));
    }
    say(report.summary_text());
    let now = Instant::now();
    attacked.into_iter().map(|line| (line.id, now)).collect()
}
