//! An outbox of files, for development: nothing leaves the machine.

use super::{From, Mail, MailError, Mailer, Sending};
use kernel::{Span, Timestamp};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// How many messages are shown, and kept.
const KEPT: usize = 200;

/// For how long: as long as the links live that lead into accounts. A token does not lie in clear for longer.
const FOR: Span = Span::days(1);

/// Writes each message into a folder that only this user may read.
#[derive(Clone, Debug)]
pub struct FileOutbox {
    folder: PathBuf,
    from: From,
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The file's name.
    pub name: String,
    /// The message, as it would have been sent.
    pub text: String,
}

impl FileOutbox {
    /// An outbox in this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, from: From) -> Self {
        Self { folder: folder.into(), from }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.from.write(mail)?.formatted();
        let refused = |error: std::io::Error| MailError::Outbox(error.kind().to_string());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(refused)?;
        // Names are in the order of time.
        let path = self.folder.join(format!("{}.eml", Uuid::now_v7()));
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(refused)?;
        file.write_all(&message).map_err(refused)?;
        for old in self.names().iter().skip(KEPT) {
            let _ = fs::remove_file(self.folder.join(old));
        }
        Ok(())
    }

    /// Deletes the files that were written before `limit`.
    fn delete_before(&self, limit: Timestamp) {
        for name in self.names() {
            let path = self.folder.join(name);
            let written = fs::metadata(&path).and_then(|about| about.modified()).ok();
            if written.and_then(|written| Timestamp::try_from(written).ok()).is_some_and(|written| written < limit) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The files' names, newest first.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".eml")).collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names
    }
}

impl Mailer for FileOutbox {
    fn send(&self, mail: Mail) -> Sending<'_> {
        let outbox = self.clone();
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || outbox.write(&mail)).await;
            written.unwrap_or_else(|_| Err(MailError::Outbox("the program is ending".to_owned())))
        })
    }

    fn sent(&self) -> Option<Vec<Received>> {
        let read = |name: String| {
            let text = fs::read_to_string(self.folder.join(&name)).ok()?;
            Some(Received { name, text })
        };
        Some(self.names().into_iter().filter_map(read).collect())
    }

    fn tidy(&self, now: Timestamp) {
        if let Ok(limit) = now.checked_sub(FOR.signed()) {
            self.delete_before(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Clock as _, SystemClock};

    #[tokio::test]
    async fn what_is_old_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = FileOutbox::new(folder.path(), From::new("x", "x@example.com").unwrap());
        let mail = Mail { to: "a@example.com".into(), subject: "s".into(), paragraphs: vec![], link: None };
        outbox.send(mail.clone()).await.unwrap();
        let now = SystemClock.now();
        outbox.tidy(now);
        assert_eq!(outbox.names().len(), 1, "it is new");
        let old = outbox.names().remove(0);
        let file = fs::File::options().write(true).open(folder.path().join(&old)).unwrap();
        let long_ago = now.checked_sub(Span::hours(25).signed()).unwrap();
        file.set_modified(long_ago.into()).unwrap();
        outbox.send(mail).await.unwrap();
        outbox.tidy(now);
        assert!(outbox.names().len() == 1 && !outbox.names().contains(&old));
    }

    #[tokio::test]
    async fn what_is_sent_is_in_the_outbox() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = FileOutbox::new(folder.path().join("outbox"), From::new("x", "x@example.com").unwrap());
        assert_eq!(outbox.sent(), Some(Vec::new()));
        for subject in ["first", "second"] {
            let mail = Mail { to: "a@example.com".into(), subject: subject.into(), paragraphs: vec![], link: None };
            outbox.send(mail).await.unwrap();
        }
        let sent = outbox.sent().unwrap();
        let subjects: Vec<bool> = sent.iter().map(|mail| mail.text.contains("Subject: second")).collect();
        assert_eq!(subjects, [true, false]);
    }
}
