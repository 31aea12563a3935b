//! How fast blobs are sealed and opened: in memory alone, and through a folder as they are stored. Prints one line of JSON.
//!
//! ```text
//! bench_blobs --folder DIR [--megabytes 5120] [--seconds 3]
//! ```
//!
//! What is stored is made as it goes, and what is read is compared with it, a megabyte at a time: neither is ever in memory as
//! a whole.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]

use kernel::{PersonId, TenantId};
use serde_json::{Value, json};
use std::{
    error::Error,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};
use store::blobs::{Blobs, Reader, Staged, Writer};
use uuid::Uuid;
use vault::{
    KeyRing, Place, Sealed, Subject,
    stream::{HEADER, Opener, Sealer},
};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const MEGABYTE: usize = 1024 * 1024;

/// What the command line says.
struct Asked {
    folder: PathBuf,
    megabytes: u64,
    seconds: u64,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Fallible<Self> {
        let mut asked = Self { folder: PathBuf::new(), megabytes: 5 * 1024, seconds: 3 };
        while let (Some(name), value) = (words.next(), words.next()) {
            let value = value.ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--folder" => asked.folder = value.into(),
                "--megabytes" => asked.megabytes = value.parse()?,
                "--seconds" => asked.seconds = value.parse()?,
                _ => return Err(format!("{name} is unknown").into()),
            }
        }
        if asked.folder.as_os_str().is_empty() { Err("--folder is missing".into()) } else { Ok(asked) }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Asked::read(std::env::args().skip(1)) {
        Ok(asked) => measure(&asked).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench_blobs: {error}");
            ExitCode::from(2)
        }
    }
}

async fn measure(asked: &Asked) -> Fallible<Value> {
    let keys = KeyRing::open(&asked.folder, None)?;
    let (tenant, person) = (TenantId::new(), PersonId::new());
    keys.create(tenant, Subject::Person(person))?;
    let place = place(tenant, person);
    let span = Duration::from_secs(asked.seconds);
    let (seal, open) = in_memory(&keys, &place, span)?;
    let (fields_per_second, stat_share) = fields(&keys, &place, span)?;
    let blobs = Blobs::folder(&asked.folder.join("blobs"))?;
    let (staged, store) = stored(&blobs, &keys, (tenant, person), asked.megabytes).await?;
    // Stored past the page cache, it is read from the disk the first time.
    let first = loaded(&blobs, &keys, &staged).await?;
    let again = loaded(&blobs, &keys, &staged).await?;
    Ok(json!({
        "seal_bytes_per_second": seal, "open_bytes_per_second": open, "megabytes": asked.megabytes,
        "store_bytes_per_second": store.clock, "store_bytes_per_worked_second": store.worked,
        "load_bytes_per_second": first.clock, "load_bytes_per_worked_second": first.worked,
        "load_again_bytes_per_second": again.clock, "load_again_bytes_per_worked_second": again.worked,
        "fields_per_second": fields_per_second, "look_at_key_share": stat_share,
    }))
}

fn place(tenant: TenantId, person: PersonId) -> Place {
    Place {
        tenant,
        subject: Subject::Person(person),
        table: "blob",
        column: "content",
        row: Uuid::now_v7(),
        version: 1,
    }
}

/// Values of sixteen megabytes over and over, a megabyte at a time, as blobs are written and read. The buffers are used again,
/// as those of `openssl speed` are, so that it is the cipher that is measured and not the memory.
fn in_memory(keys: &KeyRing, place: &Place, span: Duration) -> Fallible<(f64, f64)> {
    let plain = vec![0x5a; MEGABYTE];
    let mut sealed = Vec::with_capacity(2 * MEGABYTE);
    let seal = rate(span, || {
        let mut sealer = Sealer::begin(keys, place, &mut sealed)?;
        for _ in 0..16 {
            sealed.clear();
            sealer.push(&plain, &mut sealed)?;
        }
        let length = sealer.finish(&mut sealed)?;
        sealed.clear();
        Ok(length)
    })?;
    let mut sealer = Sealer::begin(keys, place, &mut sealed)?;
    sealer.push(&plain, &mut sealed)?;
    sealer.push(&plain, &mut sealed)?;
    sealer.finish(&mut sealed)?;
    let opener = Opener::new(keys, place, "bench", sealed.get(..HEADER).ok_or("no header")?, sealed.len() as u64)?;
    let needed = opener.needed(&(0..MEGABYTE as u64));
    let portion = sealed.get(usize::try_from(needed.start)?..usize::try_from(needed.end)?).ok_or("no body")?;
    let mut out = Vec::with_capacity(2 * MEGABYTE);
    let open = rate(span, || {
        out.clear();
        opener.open(0, portion, &mut out)?;
        Ok(out.len() as u64)
    })?;
    Ok((seal, open))
}

/// A field of fifty bytes, opened again and again; and the share of that which looking at the key's file takes.
fn fields(keys: &KeyRing, place: &Place, span: Duration) -> Fallible<(f64, f64)> {
    let sealed = Sealed::seal(keys, place, &"x".repeat(50))?;
    let opened = rate(span, || sealed.open(keys, place).map(|_| 1).map_err(Into::into))?;
    let file = keys.beside("keys").join(format!("tenant/{}/{}", place.tenant, subject(place)));
    let looked = rate(span, || Ok(u64::from(std::fs::metadata(&file)?.len() > 0)))?;
    Ok((opened, opened / looked))
}

fn subject(place: &Place) -> String {
    match place.subject {
        Subject::Person(person) => person.to_string(),
        Subject::Tenant => "tenant".to_owned(),
    }
}

/// How long this thread has been at work, in seconds: `openssl speed` counts the same, so that other work on the machine
/// touches neither figure.
fn worked() -> Fallible<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no time of this thread")?.parse::<f64>()? / 1e9)
}

/// How long all threads together have been at work, in seconds, in the kernel too.
fn all_worked() -> Fallible<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(')').ok_or("no times of this process")?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Units a second of work.
fn rate(span: Duration, mut once: impl FnMut() -> Fallible<u64>) -> Fallible<f64> {
    let (begun, before, mut units) = (Instant::now(), worked()?, 0.0);
    while begun.elapsed() < span {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let done = once()? as f64;
        units += done;
    }
    Ok(units / (worked()? - before))
}

/// Bytes a second.
struct Pace {
    clock: f64,
    worked: f64,
}

/// What is being timed: since when, and how much had been worked by then.
struct Begun(Instant, f64);

impl Begun {
    fn now() -> Fallible<Self> {
        Ok(Self(Instant::now(), all_worked()?))
    }

    fn pace(&self, bytes: u64) -> Fallible<Pace> {
        let clock = per_second(bytes, self.0.elapsed().as_secs_f64());
        Ok(Pace { clock, worked: per_second(bytes, all_worked()? - self.1) })
    }
}

/// One blob, stored.
async fn stored(
    blobs: &Blobs,
    keys: &KeyRing,
    (tenant, person): (TenantId, PersonId),
    megabytes: u64,
) -> Fallible<(Staged, Pace)> {
    let mut piece = piece();
    let begun = Begun::now()?;
    let mut writer = Writer::to(blobs, keys, tenant, person)?;
    for number in 0..megabytes {
        mark(&mut piece, number);
        writer.push(&piece).await?;
    }
    let staged = writer.finish().await?;
    let pace = begun.pace(staged.size)?;
    Ok((staged, pace))
}

/// The same, read from one end to the other and compared.
async fn loaded(blobs: &Blobs, keys: &KeyRing, staged: &Staged) -> Fallible<Pace> {
    let mut piece = piece();
    let begun = Begun::now()?;
    let mut reader = Reader::of(blobs, keys, staged.blob).await?;
    let (mut number, mut length) = (0, 0);
    while let Some(part) = reader.next().await? {
        mark(&mut piece, number);
        if *part != piece {
            return Err(format!("the megabyte {number} is not what was stored").into());
        }
        length += part.len() as u64;
        number += 1;
    }
    if length != staged.size {
        return Err(format!("{length} bytes were read and {} stored", staged.size).into());
    }
    begun.pace(length)
}

fn piece() -> Vec<u8> {
    (0..=255_u8).cycle().take(MEGABYTE).collect()
}

/// So that no two pieces are the same.
fn mark(piece: &mut [u8], number: u64) {
    for (to, from) in piece.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn per_second(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / seconds
}
