//! The sealer: gives entries their places, grows the tree, signs checkpoints.
//!
//! One transaction does all three, so a crash at any point leaves either the old checkpoint or the new one. The signature is
//! made inside that transaction and can be read only after its commit: a signature that nobody could read cannot fork the
//! log. Three things keep two sealers apart: a session lock, the key on a checkpoint's size, and that the same connection
//! holds the lock and the transaction, so losing one loses the other.
//!
//! One thing a database cannot tell by itself: that it is an old copy of itself, restored. A sealer that remembers (see
//! [`Sealer::remembering`]) keeps the last checkpoint in a file of its own and signs nothing that does not extend it.
//!
//! Order. Entries that are visible together are placed by the commit time of their transactions, then in the order in which a
//! transaction appended them. A transaction that commits while the sealer works is placed after what the sealer saw. So no
//! entry is skipped, however long its transaction took; numbering by a sequence would skip those that commit late.

use crate::{
    checkpoint::{Checkpoint, seconds},
    error::LedgerError,
    file,
    merkle::{Hash, empty_root},
    note::SigningKey,
    tile::{FULL, Frontier, Tile, decode_tile, hashes_at},
};
use jiff::SignedDuration;
use kernel::Clock;
use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use std::{collections::HashMap, future::Future, path::PathBuf, pin::pin, sync::Arc, time::Duration};

/// The advisory lock that a sealer holds for as long as its session lasts: «wordbond» in ASCII.
const LOCK: i64 = 0x776f_7264_626f_6e64;

/// The channel on which a new size is announced.
pub const CHANNEL: &str = "ledger_sealed";

/// The most entries that are sealed in one transaction.
const BATCH: i64 = 32_768;

/// How long the sealer rests when there was little to seal.
const REST: Duration = Duration::from_millis(100);

/// How long it waits before it asks again for a lock that another holds.
const LOCK_REST: Duration = Duration::from_secs(1);

/// What one round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The number of leaves after it.
    pub size: u64,
    /// How many of them it added.
    pub added: u64,
    /// Whether it signed a checkpoint.
    pub signed: bool,
}

/// Seals the log of one key.
pub struct Sealer {
    key: SigningKey,
    clock: Arc<dyn Clock>,
    heartbeat: SignedDuration,
    memory: Option<PathBuf>,
    /// The right edge after the last round; forgotten whenever a round fails.
    edge: Option<(Frontier, Hash)>,
    /// The newest checkpoint as the last round that had nothing to do found it, verified.
    quiet: Option<Newest>,
}

impl Sealer {
    /// A sealer that signs with `key`, and again after `heartbeat` where nothing new came: as often as the newest checkpoint
    /// must be fresh.
    #[must_use]
    pub fn new(key: SigningKey, clock: Arc<dyn Clock>, heartbeat: Duration) -> Self {
        let heartbeat = SignedDuration::try_from(heartbeat).unwrap_or(SignedDuration::MAX);
        Self { key, clock, heartbeat, memory: None, edge: None, quiet: None }
    }

    /// Keeps the last checkpoint in this file too, which must lie outside of the database and its backups.
    #[must_use]
    pub fn remembering(self, memory: PathBuf) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// Seals until `shutdown` is done. Waits for its turn while another session seals. `conn` is of the role
    /// `wordbond_sealer`; losing it ends the run.
    ///
    /// # Errors
    /// If the database refuses or is gone, and when [`LedgerError::Altered`]: then somebody must look.
    pub async fn run(
        &mut self,
        conn: &mut PgConnection,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), LedgerError> {
        let mut shutdown = pin!(shutdown);
        while !lock(conn).await? {
            tokio::select! { () = &mut shutdown => return Ok(()), () = tokio::time::sleep(LOCK_REST) => {} }
        }
        // A round is never cut short: a shutdown is looked at between rounds.
        loop {
            let round = self.seal_once(conn).await?;
            let rest = if round.added >= BATCH.unsigned_abs() { Duration::ZERO } else { REST };
            tokio::select! { biased; () = &mut shutdown => break, () = tokio::time::sleep(rest) => {} }
        }
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(conn).await?;
        Ok(())
    }

    /// One round: seals what has been committed, up to a limit, and signs if that changed the tree or the heartbeat is due.
    /// The caller sees to it that no other session seals; if one does, this fails and changes nothing.
    ///
    /// # Errors
    /// If the database refuses, or does not hold what was signed.
    pub async fn seal_once(&mut self, conn: &mut PgConnection) -> Result<Round, LedgerError> {
        let now = seconds(self.clock.now());
        // As a rule nothing has come. One question then does for a round.
        if let Some(last) = self.quiet.take()
            && now.duration_since(last.at) < self.heartbeat
            && is_quiet(conn, &last).await?
        {
            let size = last.size;
            self.quiet = Some(last);
            return Ok(Round { size, added: 0, signed: false });
        }
        // Taken out first: if the round fails, what it grew is forgotten and read again.
        let edge = self.edge.take();
        // A checkpoint that was served must survive a crash, whatever the server's default is.
        let mut tx = conn.begin_with("BEGIN; SET LOCAL synchronous_commit = on").await?;
        let last = newest(&mut tx, &self.key).await?;
        let (mut frontier, root) = match edge {
            Some((frontier, root)) if frontier.size() == last.size && root == last.root => (frontier, root),
            _ => {
                self.check_memory(&mut tx, &last).await?;
                load(&mut tx, &last).await?
            }
        };
        let entries = unsealed(&mut tx).await?;
        let due = last.note.is_none() || now.duration_since(last.at) >= self.heartbeat;
        if entries.is_empty() && !due {
            tx.rollback().await?;
            self.edge = Some((frontier, root));
            let size = last.size;
            self.quiet = Some(last);
            return Ok(Round { size, added: 0, signed: false });
        }
        for (_, hash) in &entries {
            frontier.push(*hash);
        }
        let root = if entries.is_empty() { root } else { frontier.root() };
        // Time in the log does not run backwards, whatever the clock does.
        let at = now.max(last.at);
        let checkpoint = Checkpoint { origin: self.key.name().to_owned(), size: frontier.size(), root, at };
        place(&mut tx, last.size, &entries).await?;
        grow(&mut tx, frontier.take_changed()).await?;
        let note = checkpoint.sign(&self.key)?;
        publish(&mut tx, &checkpoint, &note).await?;
        tx.commit().await?;
        if let Some(memory) = &self.memory {
            file::write(memory, note.as_bytes())?;
        }
        let added = u64::try_from(entries.len()).unwrap_or_default();
        self.edge = Some((frontier, root));
        Ok(Round { size: checkpoint.size, added, signed: true })
    }

    /// Refuses a database that does not contain what this sealer signed last.
    async fn check_memory(&self, conn: &mut PgConnection, last: &Newest) -> Result<(), LedgerError> {
        let Some(note) = self.memory.as_deref().map(file::read).transpose()?.flatten() else { return Ok(()) };
        let known = Checkpoint::open(&note, self.key.verifier())
            .map_err(|cause| LedgerError::OtherKey { key: self.key.verifier().to_string(), cause })?;
        let size = i64::try_from(known.size).unwrap_or(i64::MAX);
        let query = sqlx::query_scalar("SELECT root FROM ledger.checkpoint WHERE size = $1").bind(size);
        let root: Option<Vec<u8>> = query.fetch_optional(conn).await?;
        if last.size < known.size || root.as_deref() != Some(&known.root) {
            let (size, at) = (known.size, known.at);
            return Err(LedgerError::Altered(format!("it lacks the checkpoint at size {size} of {at}")));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("key", &self.key).field("heartbeat", &self.heartbeat).finish_non_exhaustive()
    }
}

/// Takes the lock if nobody has it. Also checks what sealing in order needs of the server.
async fn lock(conn: &mut PgConnection) -> Result<bool, LedgerError> {
    const SQL: &str = "SELECT current_setting('track_commit_timestamp') = 'on' AS kept";
    let kept: bool = sqlx::query_scalar(SQL).fetch_one(&mut *conn).await?;
    if !kept {
        return Err(LedgerError::NoCommitTimes);
    }
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(conn).await?)
}

/// The newest checkpoint; before the first, the empty tree without a note.
struct Newest {
    size: u64,
    root: Hash,
    at: jiff::Timestamp,
    note: Option<String>,
}

async fn newest(conn: &mut PgConnection, key: &SigningKey) -> Result<Newest, LedgerError> {
    const SQL: &str = "SELECT size, root, note FROM ledger.checkpoint ORDER BY size DESC LIMIT 1";
    let Some(row) = sqlx::query(SQL).fetch_optional(conn).await? else {
        return Ok(Newest { size: 0, root: empty_root(), at: jiff::Timestamp::MIN, note: None });
    };
    let note: String = row.try_get("note")?;
    // It must be by this key: a log does not change its key without its readers knowing.
    let signed = Checkpoint::open(&note, key.verifier())
        .map_err(|cause| LedgerError::OtherKey { key: key.verifier().to_string(), cause })?;
    let (size, root): (i64, Vec<u8>) = (row.try_get("size")?, row.try_get("root")?);
    if u64::try_from(size) != Ok(signed.size) || root != signed.root {
        return Err(LedgerError::Altered(format!("the checkpoint at size {size} does not say what its note says")));
    }
    Ok(Newest { size: signed.size, root: signed.root, at: signed.at, note: Some(note) })
}

/// Whether the newest checkpoint is still this one, byte by byte, and nothing waits for its place.
async fn is_quiet(conn: &mut PgConnection, last: &Newest) -> Result<bool, LedgerError> {
    const SQL: &str = "SELECT size, root, note, EXISTS (SELECT FROM ledger.entry WHERE idx IS NULL) AS waits
        FROM ledger.checkpoint ORDER BY size DESC LIMIT 1";
    let Some(row) = sqlx::query(SQL).fetch_optional(conn).await? else { return Ok(false) };
    let (size, root, note): (i64, &[u8], &str) = (row.try_get("size")?, row.try_get("root")?, row.try_get("note")?);
    let same = u64::try_from(size) == Ok(last.size) && root == last.root && Some(note) == last.note.as_deref();
    Ok(same && !row.try_get::<bool, _>("waits")?)
}

/// Reads the right edge of the tree, and refuses one that is not what was signed.
async fn load(conn: &mut PgConnection, last: &Newest) -> Result<(Frontier, Hash), LedgerError> {
    const SQL: &str = "SELECT level::int4 AS level, n, hashes FROM ledger.tile t
        WHERE (level, n) IN (SELECT * FROM unnest($1::int2[], $2::int8[]))";
    let edge: Vec<(i16, i64)> = (0..8_u8)
        .map(|level| {
            (i16::from(level), i64::try_from(hashes_at(level, last.size) / u64::from(FULL)).unwrap_or(i64::MAX))
        })
        .collect();
    let (levels, numbers): (Vec<i16>, Vec<i64>) = edge.into_iter().unzip();
    let rows = sqlx::query(SQL).bind(levels).bind(numbers).fetch_all(conn).await?;
    let mut tiles = HashMap::new();
    for row in &rows {
        let (level, n): (i32, i64) = (row.try_get("level")?, row.try_get("n")?);
        tiles.insert((level, n), row.try_get::<Vec<u8>, _>("hashes")?);
    }
    let tile = |tile: Tile| {
        let n = i64::try_from(tile.n()).ok()?;
        decode_tile(tiles.get(&(i32::from(tile.level()), n))?)
    };
    let frontier = Frontier::load(last.size, tile)
        .ok_or_else(|| LedgerError::Altered(format!("a tile at the edge of size {} is missing or cut", last.size)))?;
    if frontier.root() != last.root {
        return Err(LedgerError::Altered(format!("the tiles do not lead to the root signed at size {}", last.size)));
    }
    Ok((frontier, last.root))
}

/// What has been committed and has no place yet, in the order of the module's description. The server hashes: entries of
/// any number and length leave the sealer's memory flat.
async fn unsealed(conn: &mut PgConnection) -> Result<Vec<(i64, Hash)>, LedgerError> {
    const SQL: &str = r"SELECT id, sha256('\x00'::bytea || body) AS hash FROM ledger.entry WHERE idx IS NULL
        ORDER BY coalesce(pg_xact_commit_timestamp(xact::xid), '-infinity'), id LIMIT $1";
    let rows = sqlx::query(SQL).bind(BATCH).fetch_all(conn).await?;
    let entry = |row: &PgRow| -> Result<(i64, Hash), LedgerError> {
        let hash: Vec<u8> = row.try_get("hash")?;
        let hash = hash.try_into().map_err(|_| LedgerError::Altered("a SHA-256 hash has another length".to_owned()))?;
        Ok((row.try_get("id")?, hash))
    };
    rows.iter().map(entry).collect()
}

async fn place(conn: &mut PgConnection, size: u64, entries: &[(i64, Hash)]) -> Result<(), LedgerError> {
    const SQL: &str = "UPDATE ledger.entry e SET idx = $1 + u.n - 1
        FROM unnest($2::int8[]) WITH ORDINALITY u(id, n) WHERE e.id = u.id";
    if entries.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = entries.iter().map(|(id, _)| *id).collect();
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let placed = sqlx::query(SQL).bind(size).bind(&ids).execute(conn).await?.rows_affected();
    if usize::try_from(placed) == Ok(entries.len()) {
        Ok(())
    } else {
        Err(LedgerError::Altered(format!("{placed} of {} entries could be placed", entries.len())))
    }
}

async fn grow(conn: &mut PgConnection, tiles: Vec<(u8, u64, Vec<u8>)>) -> Result<(), LedgerError> {
    const SQL: &str = "INSERT INTO ledger.tile (level, n, hashes)
        SELECT * FROM unnest($1::int2[], $2::int8[], $3::bytea[])
        ON CONFLICT (level, n) DO UPDATE SET hashes = EXCLUDED.hashes";
    if tiles.is_empty() {
        return Ok(());
    }
    let levels: Vec<i16> = tiles.iter().map(|(level, ..)| i16::from(*level)).collect();
    let numbers: Vec<i64> = tiles.iter().map(|(_, n, _)| i64::try_from(*n).unwrap_or(i64::MAX)).collect();
    let hashes: Vec<Vec<u8>> = tiles.into_iter().map(|(.., hashes)| hashes).collect();
    sqlx::query(SQL).bind(levels).bind(numbers).bind(hashes).execute(conn).await?;
    Ok(())
}

async fn publish(conn: &mut PgConnection, checkpoint: &Checkpoint, note: &str) -> Result<(), LedgerError> {
    // The update applies to a heartbeat. A different root at a size that was signed before is refused by the trigger.
    const SQL: &str = "WITH published AS (
            INSERT INTO ledger.checkpoint (size, root, note, at) VALUES ($1, $2, $3, $4::timestamptz)
            ON CONFLICT (size) DO UPDATE SET note = EXCLUDED.note, at = EXCLUDED.at
            WHERE checkpoint.root = EXCLUDED.root RETURNING size)
        SELECT pg_notify('ledger_sealed', size::text) FROM published";
    let size = i64::try_from(checkpoint.size).unwrap_or(i64::MAX);
    let query = sqlx::query(SQL).bind(size).bind(checkpoint.root.to_vec()).bind(note).bind(checkpoint.at.to_string());
    if query.fetch_all(conn).await?.is_empty() {
        return Err(LedgerError::Altered(format!("another root was signed at size {size}")));
    }
    Ok(())
}
