//! The package as JSON. It is written piece by piece: sections first, then each file with its content in base64, so that no
//! more than a chunk of a file is in memory.

use super::{FORMAT, File, KeptBack, Package, Reach, SCHEMA_VERSION, Section, files};
use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{AccountId, Timestamp};
use serde::Serialize;
use store::{Store, StoreError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// What is given, piece by piece. An error ends it: half a package is none.
pub type Pieces = mpsc::Receiver<Result<Vec<u8>, StoreError>>;

/// How many pieces wait for whoever reads them.
const WAITING: usize = 4;

#[derive(Serialize)]
struct Head<'a> {
    format: &'static str,
    schema_version: u32,
    id: Uuid,
    made_at: Timestamp,
    reach: Reach,
    account: AccountId,
    sections: &'a [Section],
    kept_back: &'a [KeptBack],
}

/// The package as JSON.
#[must_use]
pub fn json(store: &Store, package: Package) -> Pieces {
    let (to, pieces) = mpsc::channel(WAITING);
    let store = store.clone();
    tokio::spawn(async move {
        if let Err(error) = write(&store, &package, &mut Sink(&to)).await {
            // Whoever has gone away is not told.
            let _ = to.send(Err(error)).await;
        }
    });
    pieces
}

/// Takes pieces of a text.
pub(super) trait Take {
    async fn take(&mut self, piece: &[u8]) -> Result<(), StoreError>;
}

struct Sink<'a>(&'a mpsc::Sender<Result<Vec<u8>, StoreError>>);

impl Take for Sink<'_> {
    async fn take(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        self.0.send(Ok(piece.to_vec())).await.map_err(|_| gone())
    }
}

pub(super) fn gone() -> StoreError {
    StoreError::Unexpected("whoever asked for a package has gone away".to_owned())
}

pub(super) fn unwritable(_: impl std::error::Error) -> StoreError {
    StoreError::Unexpected("a package that cannot be written".to_owned())
}

pub(super) async fn write(store: &Store, package: &Package, to: &mut impl Take) -> Result<(), StoreError> {
    let head = Head {
        format: FORMAT,
        schema_version: SCHEMA_VERSION,
        id: package.id,
        made_at: package.made_at,
        reach: package.reach,
        account: package.account,
        sections: &package.sections,
        kept_back: &package.kept_back,
    };
    let head = serde_json::to_vec(&head).map_err(unwritable)?;
    to.take(head.strip_suffix(b"}").unwrap_or(&head)).await?;
    to.take(b",\"files\":[").await?;
    for (at, one) in package.files.iter().enumerate() {
        file(store, at, one, to).await?;
    }
    to.take(b"]}\n").await
}

async fn file(store: &Store, at: usize, file: &File, to: &mut impl Take) -> Result<(), StoreError> {
    let head = serde_json::to_vec(file).map_err(unwritable)?;
    let mut begin = if at == 0 { Vec::new() } else { b",".to_vec() };
    begin.extend_from_slice(head.strip_suffix(b"}").unwrap_or(&head));
    begin.extend_from_slice(b",\"content\":\"");
    to.take(&begin).await?;
    let mut content = files::content(store, file).await?;
    let (mut sum, mut rest) = (Context::new(&SHA256), Vec::new());
    while let Some(chunk) = content.next().await? {
        sum.update(&chunk);
        rest.extend_from_slice(&chunk);
        // Three bytes are four letters: what is left over waits for the next chunk.
        let left = rest.split_off(rest.len() - rest.len() % 3);
        to.take(STANDARD.encode(&rest).as_bytes()).await?;
        rest = left;
    }
    let sum: String = sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    to.take(format!("{}\",\"sha256\":\"{sum}\"}}", STANDARD.encode(&rest)).as_bytes()).await
}
