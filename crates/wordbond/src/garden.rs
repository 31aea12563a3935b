//! What probes plant for themselves and use again: one file per control in the operator's folder, so that each round does not
//! leave new people behind. What is remembered can only be had from there; nothing the application can read marks it.

use promises::{Finding, Outcome};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The plants of one control.
pub(crate) struct Garden<T> {
    file: PathBuf,
    /// What was planted.
    pub(crate) plant: T,
}

impl<T: Serialize + DeserializeOwned> Garden<T> {
    /// The plants of an earlier round, or those that `sow` makes now. `sow` is not begun where there are any.
    ///
    /// # Errors
    /// Nothing could be planted: a probe that cannot get in as anybody could has failed.
    pub(crate) async fn of<E: fmt::Display>(
        data_dir: &Path,
        control: &str,
        sow: impl Future<Output = Result<T, E>>,
    ) -> Result<Self, Finding> {
        let file = data_dir.join("probe").join(format!("{control}.json"));
        if let Some(plant) = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(Self { file, plant });
        }
        let plant = sow.await.map_err(|error| Finding::failed(error.to_string()))?;
        Ok(Self { file, plant })
    }

    /// Remembers what may be used again. An attack that could not be made may owe that to what it stood on: the next round
    /// plants anew.
    pub(crate) fn after(self, finding: Finding) -> Finding {
        let kept = match finding.outcome() {
            Outcome::Failed | Outcome::Nothing => forget(&self.file),
            _ => remember(&self.file, &self.plant),
        };
        match kept {
            Ok(()) => finding,
            Err(error) => Finding::failed(format!("the plants cannot be remembered: {error}")),
        }
    }
}

/// The file holds credentials: the operator's alone, and replaced as a whole.
pub(crate) fn remember(file: &Path, plant: &impl Serialize) -> io::Result<()> {
    let staged = file.with_extension("new");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&staged)?;
    out.write_all(&serde_json::to_vec(plant)?)?;
    fs::rename(staged, file)
}

fn forget(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sow(word: &str) -> Result<String, String> {
        Ok(word.to_owned())
    }

    #[tokio::test]
    async fn what_grew_is_used_again_and_what_failed_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let first = Garden::of(folder.path(), "x", sow("first")).await.unwrap();
        assert_eq!(first.after(Finding::held("fine").covered("x", 1)).outcome(), Outcome::Held);
        let second = Garden::of(folder.path(), "x", sow("second")).await.unwrap();
        assert_eq!(second.plant, "first");
        assert_eq!(second.after(Finding::failed("withered")).outcome(), Outcome::Failed);
        assert_eq!(Garden::of(folder.path(), "x", sow("third")).await.unwrap().plant, "third");
        let refused = Garden::<String>::of(folder.path(), "y", async { Err("no form") }).await;
        assert_eq!(refused.map(|_| ()).unwrap_err().outcome(), Outcome::Failed);
    }
}
