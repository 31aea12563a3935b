//! How fast the ledger is: durable appends from several clients at once while a sealer keeps up, and a whole log read and
//! checked from files. Prints one line of JSON.
//!
//! ```text
//! bench_ledger [--app URL --sealer URL] [--clients 8] [--seconds 10] [--leaves 1000000]
//! ```
//!
//! The URLs are of a scratch database with the ledger's schema, as the roles `wordbond_recorder` and `wordbond_sealer`; without
//! them only reading is measured. Each append is a transaction of its own, as an audit event would make it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]
#![expect(
    clippy::disallowed_methods,
    reason = "it measures the ledger alone, on a scratch database, without the store"
)]

use ledger::{Checkpoint, Leaf, Sealer, SigningKey, merkle::leaf_hash, read_all, tile, verify::Directory};
use serde_json::{Map, Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    error::Error,
    fs,
    path::Path,
    process::ExitCode,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What the command line says.
struct Asked {
    app: Option<PgConnectOptions>,
    sealer: Option<PgConnectOptions>,
    clients: u32,
    seconds: u64,
    leaves: u64,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Fallible<Self> {
        let mut asked = Self { app: None, sealer: None, clients: 8, seconds: 10, leaves: 1_000_000 };
        while let (Some(name), value) = (words.next(), words.next()) {
            let value = value.ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--app" => asked.app = Some(PgConnectOptions::from_str(&value)?),
                "--sealer" => asked.sealer = Some(PgConnectOptions::from_str(&value)?),
                "--clients" => asked.clients = value.parse()?,
                "--seconds" => asked.seconds = value.parse()?,
                "--leaves" => asked.leaves = value.parse()?,
                _ => return Err(format!("{name} is unknown").into()),
            }
        }
        Ok(asked)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench_ledger: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Fallible<Value> {
    let asked = Asked::read(std::env::args().skip(1))?;
    let mut figures = Map::new();
    if let (Some(app), Some(sealer)) = (&asked.app, &asked.sealer) {
        appends(app, sealer, &asked, &mut figures).await?;
    }
    reading(asked.leaves, &mut figures).await?;
    Ok(Value::Object(figures))
}

fn key() -> Fallible<SigningKey> {
    Ok(SigningKey::from_seed("localhost/bench", &[1; 32])?)
}

/// A leaf as long as most: an audit event's commitment.
fn event(n: u64) -> Fallible<Leaf> {
    let commitment = ledger::audit::commit(&n.to_string(), &ledger::audit::Salt([0; 32]));
    Ok(Leaf::Audit { commitment, at: jiff::Timestamp::UNIX_EPOCH })
}

async fn appends(
    app: &PgConnectOptions,
    sealer: &PgConnectOptions,
    asked: &Asked,
    figures: &mut Map<String, Value>,
) -> Fallible<()> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut conn = PgConnection::connect_with(sealer).await?;
    let mut sealer = Sealer::new(key()?, Arc::new(kernel::SystemClock), Duration::from_secs(60));
    let sealing = tokio::spawn(async move { sealer.run(&mut conn, async { stopped.await.unwrap_or_default() }).await });
    let mut counting = PgConnection::connect_with(app).await?;
    let before = unsealed(&mut counting).await?;
    let (began, end) = (Instant::now(), Instant::now() + Duration::from_secs(asked.seconds));
    let clients: Vec<_> = (0..asked.clients).map(|_| tokio::spawn(client(app.clone(), end))).collect();
    let mut appended = 0;
    for client in clients {
        appended += client.await??;
    }
    let took = began.elapsed().as_secs_f64();
    let behind = unsealed(&mut counting).await?;
    let ended = Instant::now();
    while unsealed(&mut counting).await? > before && ended.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    figures.insert("clients".to_owned(), json!(asked.clients));
    figures.insert("appends".to_owned(), json!(appended));
    figures.insert("appends_per_s".to_owned(), json!(per_second(appended, took)));
    figures.insert("unsealed_at_end".to_owned(), json!(behind));
    figures.insert("seconds_to_seal_the_rest".to_owned(), json!(ended.elapsed().as_secs_f64()));
    stop.send(()).map_err(|()| "the sealer ended early")?;
    sealing.await??;
    Ok(())
}

async fn client(options: PgConnectOptions, end: Instant) -> Fallible<u64> {
    let mut conn = PgConnection::connect_with(&options).await?;
    let mut appended = 0;
    while Instant::now() < end {
        ledger::append(&mut conn, &event(appended)?).await?;
        appended += 1;
    }
    Ok(appended)
}

async fn unsealed(conn: &mut PgConnection) -> Fallible<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM ledger.entry WHERE idx IS NULL").fetch_one(conn).await?)
}

/// Writes a log of so many leaves as files, then reads and checks it.
async fn reading(leaves: u64, figures: &mut Map<String, Value>) -> Fallible<()> {
    let dir = tempfile::tempdir()?;
    write_log(dir.path(), leaves)?;
    let began = Instant::now();
    let log = read_all(Directory(dir.path().to_owned()), key()?.verifier(), None).await?;
    let took = began.elapsed().as_secs_f64();
    figures.insert("verified_leaves".to_owned(), json!(log.checkpoint.size));
    figures.insert("verify_s".to_owned(), json!(took));
    figures.insert("verified_leaves_per_s".to_owned(), json!(per_second(log.checkpoint.size, took)));
    Ok(())
}

fn write_log(dir: &Path, leaves: u64) -> Fallible<()> {
    let mut frontier = tile::Frontier::default();
    let mut n = 0;
    for bundle in tile::bundles_of(leaves) {
        let entries = (n..n + u64::from(bundle.width())).map(|n| Ok(event(n)?.to_bytes()?));
        let entries = entries.collect::<Fallible<Vec<Vec<u8>>>>()?;
        entries.iter().for_each(|entry| frontier.push(leaf_hash(entry)));
        n += u64::from(bundle.width());
        write(dir, &bundle.to_string(), &tile::encode_bundle(entries.iter().map(Vec::as_slice))?)?;
    }
    for (level, n, bytes) in frontier.take_changed() {
        let width = u16::try_from(bytes.len() / 32)?;
        let tile = tile::Tile::new(level, n, width).ok_or("no such tile")?;
        write(dir, &tile.to_string(), &bytes)?;
    }
    let (key, at) = (key()?, jiff::Timestamp::UNIX_EPOCH);
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: leaves, root: frontier.root(), at };
    write(dir, "checkpoint", checkpoint.sign(&key)?.as_bytes())
}

fn write(dir: &Path, path: &str, bytes: &[u8]) -> Fallible<()> {
    let path = dir.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}

/// A rate, whole.
fn per_second(count: u64, seconds: f64) -> u64 {
    let millis = Duration::from_secs_f64(seconds).as_millis().max(1);
    u64::try_from(u128::from(count) * 1_000 / millis).unwrap_or(u64::MAX)
}
