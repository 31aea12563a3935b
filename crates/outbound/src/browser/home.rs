//! The files of one browser: a profile that nothing has used before, and a store of the certificates it believes.

use super::{BrowserError, find};
use crate::Trust;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

/// How long one call of the certificate tool may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A home of its own for one browser, removed with it.
#[derive(Debug)]
pub(super) struct Home(TempDir);

impl Home {
    /// A fresh home whose browser believes what `trust` adds to the public roots.
    pub(super) async fn new(trust: &Trust) -> Result<Self, BrowserError> {
        let home = tempfile::Builder::new().prefix("browser-").tempdir().map_err(|error| file(&error))?;
        let home = Self(home);
        if !trust.added().is_empty() {
            home.believe(trust).await?;
        }
        Ok(home)
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The browser's profile.
    pub(super) fn profile(&self) -> PathBuf {
        self.0.path().join("profile")
    }

    async fn believe(&self, trust: &Trust) -> Result<(), BrowserError> {
        let certutil = find::on_path("certutil").ok_or(BrowserError::NoCertutil)?;
        let store = self.path().join(".pki/nssdb");
        std::fs::create_dir_all(&store).map_err(|error| file(&error))?;
        let store = format!("sql:{}", store.display());
        run(&certutil, &["-d", &store, "-N", "--empty-password"]).await?;
        for (number, certificate) in trust.added().iter().enumerate() {
            let path = self.path().join(format!("root-{number}.der"));
            std::fs::write(&path, certificate).map_err(|error| file(&error))?;
            let name = format!("root-{number}");
            let path = path.display().to_string();
            // `C,,`: trusted to issue server certificates, and for nothing else.
            run(&certutil, &["-d", &store, "-A", "-t", "C,,", "-n", &name, "-i", &path]).await?;
        }
        Ok(())
    }
}

async fn run(program: &Path, arguments: &[&str]) -> Result<(), BrowserError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match timeout(PATIENCE, command.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(BrowserError::Start(format!("certutil ended with {status}"))),
        Ok(Err(error)) => Err(BrowserError::Start(format!("certutil: {error}"))),
        Err(_) => Err(BrowserError::Silent("certutil".to_owned())),
    }
}

fn file(error: &std::io::Error) -> BrowserError {
    BrowserError::Start(format!("its files cannot be made: {error}"))
}
