//! The way back: a document, or an archive with one, that somebody sends.

use super::{
    archive,
    document::{Document, NotRead},
};
use crate::{Okrs, frame::writer, people::People};
use ingress::Caller;
use std::borrow::Cow;
use store::{
    StoreError,
    objectives::{self, Imported, Refusal},
};

/// The largest file that is taken, and the largest document within an archive.
pub(crate) const LARGEST: usize = 32 * 1024 * 1024;

/// The document in a file; else why there is none, in words that repeat nothing of it.
pub(crate) fn parse(file: &[u8]) -> Result<Document, String> {
    let text = if file.starts_with(b"PK") {
        Cow::Owned(archive::document(file, LARGEST).ok_or("this archive has no export of objectives")?)
    } else {
        Cow::Borrowed(file)
    };
    serde_json::from_slice(&text).map_err(|error| {
        format!(
            "this is no export of objectives: something else was expected at line {}, column {}",
            error.line(),
            error.column()
        )
    })
}

/// Reads a document back into the caller's workspace.
pub(crate) async fn import(app: &Okrs, caller: Caller, document: Document) -> Result<Imported, Refusal> {
    let mut scoped = app.store().scoped(caller.tenant, &caller.actor()).await?;
    let members = People::read(&mut scoped).await?;
    let owners = document.owners(members.iter());
    let everything = document.into_everything().map_err(|NotRead(why)| StoreError::Invalid(why.to_owned()))?;
    let done = objectives::import(&mut scoped, writer(caller), everything, &owners).await?;
    scoped.commit().await?;
    Ok(done)
}
