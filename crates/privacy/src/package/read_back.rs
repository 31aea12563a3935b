//! A package that its owner brings back: what they wrote and uploaded is made again, and nothing is made twice.
//!
//! A package was in somebody's hands. What it says of sessions, logs or teams is not believed; only what the person could type
//! or upload is taken, through the same doors, and it becomes theirs alone.

mod arriving;
mod document;
mod goals;
mod rows;
mod tables;

pub use document::{NotRead, Piece, read};
pub use tables::{MOST, archive, table};

use super::File;
use goals::Goals;
use kernel::{AccountId, Actor, PersonId, TeamRole, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Scoped, Store, StoreError, accounts,
    copy::{self, Row},
    drawings::{self, Kind},
    notes,
};
use tokio::{sync::mpsc, task::spawn_blocking};
use uuid::Uuid;

/// How much of a package was made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Whether the name was set.
    pub name: bool,
    /// Notes that were written.
    pub notes: usize,
    /// Drawings that were uploaded.
    pub drawings: usize,
    /// Objectives that were written.
    pub objectives: usize,
    /// Key results that were added to them.
    pub key_results: usize,
    /// Key results in which the newest check-in was made again.
    pub check_ins: usize,
    /// What was there already.
    pub present: usize,
    /// What the file says and nobody could have typed or uploaded.
    pub refused: usize,
}

/// Whoever brings a package back: their account, and who they are in the team that it goes to.
#[derive(Clone, Copy, Debug)]
pub struct Bearer {
    /// The account.
    pub account: AccountId,
    /// The team.
    pub tenant: TenantId,
    /// Who they are in it.
    pub person: PersonId,
    /// What they may there.
    pub role: TeamRole,
    /// Whether they take the name too: the package may be somebody else's.
    pub takes_name: bool,
}

/// Why a package was not read to its end. What was made by then stays.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// It is none, or was cut off.
    #[error(transparent)]
    NotRead(#[from] NotRead),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a package as it arrives and makes again what it holds. What is there already is not made twice: a package that was cut
/// off may be sent again.
///
/// # Errors
/// [`Stopped`].
pub async fn import(store: &Store, bearer: Bearer, from: mpsc::Receiver<Vec<u8>>) -> Result<Done, Stopped> {
    let (to, mut pieces) = mpsc::channel(1);
    let reading =
        spawn_blocking(move || document::read(arriving::Arriving::new(from), |piece| to.blocking_send(piece).is_ok()));
    let mut reader = Reader::new(store, bearer).await?;
    while let Some(piece) = pieces.recv().await {
        // Where this ends early nobody takes pieces any more, and the reading ends too.
        reader.take(piece).await?;
    }
    let panicked = |_| StoreError::Unexpected("reading a package panicked".to_owned());
    reading.await.map_err(panicked)??;
    Ok(reader.finish().await?)
}

/// Makes again what a table or an archive brought.
///
/// # Errors
/// As [`import`].
pub async fn import_pieces(store: &Store, bearer: Bearer, pieces: Vec<Piece>) -> Result<Done, StoreError> {
    let mut reader = Reader::new(store, bearer).await?;
    for piece in pieces {
        reader.take(piece).await?;
    }
    reader.finish().await
}

/// Makes again what a package holds, piece by piece as it is read.
pub struct Reader {
    store: Store,
    bearer: Bearer,
    notes: BTreeSet<(String, String)>,
    /// By name and length.
    drawings: BTreeMap<(String, u64), Vec<Uuid>>,
    goals: Goals,
    done: Done,
}

impl Reader {
    /// Looks at what is there already.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn new(store: &Store, bearer: Bearer) -> Result<Self, StoreError> {
        let own = |table| copy::own(store, bearer.account, bearer.tenant, bearer.person, table);
        let text = |row: &Row, column: &str| row.get(column).and_then(|value| value.as_str()).map(str::to_owned);
        let note = |row: &Row| Some((text(row, "title")?, text(row, "body")?));
        let notes = own("wordbond.note").await?.iter().filter_map(note).collect();
        let mut drawings: BTreeMap<(String, u64), Vec<Uuid>> = BTreeMap::new();
        for row in &own("wordbond.drawing").await? {
            let name = row.get("label").and_then(|label| label.get("name")?.as_str().map(str::to_owned));
            let (size, id) = (row.get("size").and_then(Value::as_u64), text(row, "drawing_id"));
            if let (Some(name), Some(size), Some(Ok(id))) = (name, size, id.map(|id| id.parse())) {
                drawings.entry((name, size)).or_default().push(id);
            }
        }
        let (goals, done) = (Goals::default(), Done::default());
        Ok(Self { store: store.clone(), bearer, notes, drawings, goals, done })
    }

    /// Makes a piece again.
    ///
    /// # Errors
    /// When the database refuses for another reason than that the piece is not acceptable.
    pub async fn take(&mut self, piece: Piece) -> Result<(), StoreError> {
        let taken = match piece {
            Piece::Name(_) if !self.bearer.takes_name => Ok(()),
            Piece::Name(name) => self.name(&name).await,
            Piece::Note { title, text } => self.note(title, text).await,
            Piece::Drawing { file, content } => self.drawing(file, &content).await,
            Piece::Objective { id, parent, fields, archived } => self.objective((id, parent), fields, archived).await,
            Piece::KeyResult { id, objective, fields, archived } => {
                self.key_result((id, objective), fields, archived).await
            }
            Piece::CheckIn { key_result, new } => self.check_in(key_result, new).await,
            Piece::Incomplete => Err(StoreError::Invalid("something is missing".to_owned())),
        };
        match taken {
            Err(StoreError::Invalid(_)) => {
                self.done.refused += 1;
                Ok(())
            }
            other => other,
        }
    }

    /// Makes what was put away there. Yields how much was made.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn finish(mut self) -> Result<Done, StoreError> {
        self.put_away().await?;
        Ok(self.done)
    }

    async fn name(&mut self, name: &str) -> Result<(), StoreError> {
        let account = accounts::by_id(&self.store, self.bearer.account).await?.ok_or(StoreError::NotFound)?;
        if account.name == name.trim() {
            return Ok(());
        }
        accounts::set_name(&self.store, self.bearer.account, name).await?;
        self.done.name = true;
        Ok(())
    }

    async fn note(&mut self, title: String, text: String) -> Result<(), StoreError> {
        if !self.notes.insert((title.clone(), text.clone())) {
            self.done.present += 1;
            return Ok(());
        }
        let mut scoped = self.scoped().await?;
        notes::create(&mut scoped, &title, &text).await?;
        scoped.commit().await?;
        self.done.notes += 1;
        Ok(())
    }

    async fn drawing(&mut self, file: File, content: &[u8]) -> Result<(), StoreError> {
        let Some(kind) = Kind::parse(&file.kind).filter(|kind| fits(*kind, content)) else {
            return Err(StoreError::Invalid("the file is not what it says".to_owned()));
        };
        let name = file.name.trim().to_owned();
        let known = self.drawings.get(&(name.clone(), content.len() as u64)).cloned().unwrap_or_default();
        for id in known {
            if self.holds(id, content).await? {
                self.done.present += 1;
                return Ok(());
            }
        }
        let new = drawings::File { name: &name, kind, content };
        let id = drawings::upload(&self.store, self.bearer.tenant, &self.actor(), new).await?;
        self.drawings.entry((name, content.len() as u64)).or_default().push(id);
        self.done.drawings += 1;
        Ok(())
    }

    /// Whether a drawing has this content, compared chunk by chunk.
    async fn holds(&self, id: Uuid, content: &[u8]) -> Result<bool, StoreError> {
        let (_, mut reader) = drawings::reader(&self.store, self.scoped().await?, id).await?;
        let mut rest = content;
        while let Some(chunk) = reader.next().await? {
            match rest.strip_prefix(chunk.as_slice()) {
                Some(after) => rest = after,
                None => return Ok(false),
            }
        }
        Ok(rest.is_empty())
    }

    fn actor(&self) -> Actor {
        Actor::Person { id: self.bearer.person }
    }

    async fn scoped(&self) -> Result<Scoped, StoreError> {
        self.store.scoped(self.bearer.tenant, &self.actor()).await
    }
}

/// Whether content begins as its kind does: what an upload finds out by looking, too.
fn fits(kind: Kind, content: &[u8]) -> bool {
    let start = content.get(..4_096).unwrap_or(content);
    let has = |text: &str| String::from_utf8_lossy(start).contains(text);
    match kind {
        Kind::Png => start.starts_with(b"\x89PNG\r\n\x1a\n"),
        Kind::Jpeg => start.starts_with(&[0xff, 0xd8, 0xff]),
        Kind::Pdf => start.windows(5).any(|window| window == b"%PDF-"),
        Kind::Svg => has("<svg"),
        Kind::Dwg => start.starts_with(b"AC1"),
        Kind::Dxf => start.starts_with(b"AutoCAD Binary DXF") || has("SECTION"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_be_what_it_says() {
        assert!(fits(Kind::Png, b"\x89PNG\r\n\x1a\nrest") && !fits(Kind::Png, b"<html>"));
        assert!(fits(Kind::Svg, b"<?xml version='1.0'?><svg/>") && !fits(Kind::Jpeg, b"GIF89a"));
        assert!(fits(Kind::Dxf, b"  0\nSECTION\n") && fits(Kind::Dwg, b"AC1032") && !fits(Kind::Pdf, b""));
    }
}
