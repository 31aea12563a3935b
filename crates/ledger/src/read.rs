//! Serving the log from the database: the files of <https://c2sp.org/tlog-tiles>, and receipts.

use crate::{
    error::LedgerError,
    leaf::Leaf,
    merkle::Hash,
    note::VerifierKey,
    proof::{Plan, Receipt},
    tile::{Bundle, FULL, Resource, Tile, decode_tile, encode_bundle},
};
use sqlx::{Connection, PgConnection};
use std::collections::HashMap;

/// The bytes of a file of the log, by the path after the log's prefix: `checkpoint`, `tile/0/000`, `tile/entries/000.p/5`.
/// `None` if the path is none, or the log has no such file (yet). A partial tile or bundle stays to be had after it has
/// grown, so that a reader who began with an older checkpoint can go on.
///
/// # Errors
/// If the database refuses.
pub async fn serve(conn: &mut PgConnection, path: &str) -> Result<Option<Vec<u8>>, LedgerError> {
    match path.parse() {
        Ok(Resource::Checkpoint) => Ok(checkpoint(conn).await?.map(String::into_bytes)),
        Ok(Resource::Tile(tile)) => serve_tile(conn, tile).await,
        Ok(Resource::Bundle(bundle)) => serve_bundle(conn, bundle).await,
        Err(_) => Ok(None),
    }
}

/// The newest checkpoint as a signed note; `None` before the first.
///
/// # Errors
/// If the database refuses.
pub async fn checkpoint(conn: &mut PgConnection) -> Result<Option<String>, LedgerError> {
    const SQL: &str = "SELECT note FROM ledger.checkpoint ORDER BY size DESC LIMIT 1";
    Ok(sqlx::query_scalar(SQL).fetch_optional(conn).await?)
}

/// The origin under which the log began, which is the name its key must keep; `None` before the first checkpoint. It is
/// read, not verified: it tells a starting system which name to take when its address has changed.
///
/// # Errors
/// If the database refuses.
pub async fn origin(conn: &mut PgConnection) -> Result<Option<String>, LedgerError> {
    Ok(checkpoint(conn).await?.and_then(|note| note.lines().next().map(str::to_owned)))
}

/// The entry at an index; `None` if none is sealed there.
///
/// # Errors
/// If the database refuses.
pub async fn entry(conn: &mut PgConnection, index: u64) -> Result<Option<Vec<u8>>, LedgerError> {
    let Ok(index) = i64::try_from(index) else { return Ok(None) };
    Ok(sqlx::query_scalar("SELECT body FROM ledger.entry WHERE idx = $1").bind(index).fetch_optional(conn).await?)
}

/// The sealed leaves from an index on that are public in full, at most `most` of them, in order; commitments to audit events
/// are passed over. Entries that are no leaf are passed over too: whoever verifies the log finds them.
///
/// # Errors
/// If the database refuses.
pub async fn public_leaves(conn: &mut PgConnection, from: u64, most: u32) -> Result<Vec<(u64, Leaf)>, LedgerError> {
    const SQL: &str = "SELECT idx, body FROM ledger.entry WHERE idx >= $1 AND kind <> 'audit' ORDER BY idx LIMIT $2";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(SQL).bind(from).bind(i64::from(most)).fetch_all(conn).await?;
    let leaf = |(index, body): (i64, Vec<u8>)| Some((u64::try_from(index).ok()?, Leaf::from_bytes(&body).ok()?));
    Ok(rows.into_iter().filter_map(leaf).collect())
}

/// How many leaves the newest checkpoint covers; 0 before the first.
///
/// # Errors
/// If the database refuses.
pub async fn size(conn: &mut PgConnection) -> Result<u64, LedgerError> {
    let size: Option<i64> = sqlx::query_scalar("SELECT max(size) FROM ledger.checkpoint").fetch_one(conn).await?;
    Ok(size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default())
}

/// The receipt of the entry at an index under the newest checkpoint; `None` if none is sealed there. It is checked before
/// it is given out.
///
/// # Errors
/// If the database refuses, or holds something else than was signed.
pub async fn receipt(conn: &mut PgConnection, index: u64, key: &VerifierKey) -> Result<Option<Receipt>, LedgerError> {
    // Everything from one state of the log. A caller who is in a transaction already has such a state, or wants to be
    // told that it has not: then the receipt does not check.
    let mut tx = if conn.is_in_transaction() {
        conn.begin().await?
    } else {
        conn.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?
    };
    let (Some(note), Some(entry)) = (checkpoint(&mut tx).await?, entry(&mut tx, index).await?) else {
        return Ok(None);
    };
    let size = crate::checkpoint::Checkpoint::open(&note, key)?.size;
    let Some(plan) = Plan::inclusion(index, size) else { return Ok(None) };
    let mut tiles: HashMap<Tile, Vec<Hash>> = HashMap::new();
    for tile in plan.tiles() {
        let bytes = serve_tile(&mut tx, tile).await?;
        let hashes = bytes.as_deref().and_then(decode_tile);
        tiles.insert(tile, hashes.ok_or_else(|| LedgerError::Altered(format!("{tile} is missing")))?);
    }
    let hashes = plan.hashes(|tile| tiles.get(&tile).map(Vec::as_slice));
    let hashes = hashes.ok_or_else(|| LedgerError::Altered("a tile is cut".to_owned()))?;
    let receipt = Receipt { index, extra: None, hashes, checkpoint: note };
    receipt.check(&entry, key)?;
    Ok(Some(receipt))
}

pub(crate) async fn serve_tile(conn: &mut PgConnection, tile: Tile) -> Result<Option<Vec<u8>>, LedgerError> {
    const SQL: &str = "SELECT substring(hashes FROM 1 FOR $3) FROM ledger.tile
        WHERE level = $1 AND n = $2 AND octet_length(hashes) >= $3";
    let Ok(n) = i64::try_from(tile.n()) else { return Ok(None) };
    let query = sqlx::query_scalar(SQL).bind(i16::from(tile.level())).bind(n).bind(i32::from(tile.width()) * 32);
    Ok(query.fetch_optional(conn).await?)
}

pub(crate) async fn serve_bundle(conn: &mut PgConnection, bundle: Bundle) -> Result<Option<Vec<u8>>, LedgerError> {
    const SQL: &str = "SELECT body FROM ledger.entry WHERE idx >= $1 AND idx < $1 + $2 ORDER BY idx";
    let first = bundle.n().checked_mul(u64::from(FULL)).and_then(|first| i64::try_from(first).ok());
    let Some(first) = first.filter(|first| *first <= i64::MAX - i64::from(FULL)) else { return Ok(None) };
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar(SQL).bind(first).bind(i64::from(bundle.width())).fetch_all(conn).await?;
    if bodies.len() < usize::from(bundle.width()) {
        return Ok(None);
    }
    Ok(Some(encode_bundle(bodies.iter().map(Vec::as_slice))?))
}
