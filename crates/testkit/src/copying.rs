//! A careless agent: whatever appears in a folder is copied to another one at once, and never removed there.

use crate::walk;
use flate2::{Compression, write::GzEncoder};
use promises::fault::Form;
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// The agent at work. Ending it removes what it has copied; dropped, it stops.
#[derive(Debug)]
pub struct Copying {
    to: PathBuf,
    is_over: Arc<AtomicBool>,
    agent: Option<JoinHandle<()>>,
}

impl Copying {
    /// Copies what is there already, and from then on what comes.
    ///
    /// # Errors
    /// When the first copy cannot be made.
    pub fn begin(from: &Path, to: &Path, form: Form) -> io::Result<Self> {
        copy_new(from, to, form)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, source, target) = (Arc::clone(&is_over), from.to_owned(), to.to_owned());
        let agent = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // What is removed while it is read is missed, as by any agent.
                drop(copy_new(&source, &target, form));
                thread::sleep(LOOK);
            }
        });
        Ok(Self { to: to.to_owned(), is_over, agent: Some(agent) })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the copies cannot be removed.
    pub fn end(mut self) -> io::Result<()> {
        self.stop().map_err(|_| io::Error::other("the copying agent panicked"))?;
        fs::remove_dir_all(&self.to)
    }

    fn stop(&mut self) -> thread::Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        self.agent.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        // What it copies into may be gone already, and must not come back.
        let _ = self.stop();
    }
}

/// Copies every file below `from` that is not below `to` yet.
fn copy_new(from: &Path, to: &Path, form: Form) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for path in walk::files(from)? {
        let target = to.join(path.strip_prefix(from).map_err(io::Error::other)?);
        if target.exists() {
            continue;
        }
        let Some(bytes) = walk::read(&path)? else { continue };
        target.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(target, formed(&bytes, form)?)?;
    }
    Ok(())
}

fn formed(bytes: &[u8], form: Form) -> io::Result<Vec<u8>> {
    match form {
        Form::AsItIs => Ok(bytes.to_vec()),
        Form::Digits => Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()),
        Form::Packed => {
            let mut packer = GzEncoder::new(Vec::new(), Compression::default());
            packer.write_all(bytes)?;
            packer.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_copied_and_stays_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("keys"), folder.path().join("attic"));
        fs::create_dir_all(from.join("team")).unwrap();
        fs::write(from.join("team/early"), "1").unwrap();
        let copying = Copying::begin(&from, &to, Form::AsItIs).unwrap();
        fs::write(from.join("team/late"), "2").unwrap();
        while !to.join("team/late").exists() {
            thread::sleep(LOOK);
        }
        fs::remove_file(from.join("team/late")).unwrap();
        assert_eq!(fs::read_to_string(to.join("team/early")).unwrap(), "1");
        assert!(to.join("team/late").exists());
        copying.end().unwrap();
        assert!(!to.exists());
        let copying = Copying::begin(&from, &to, Form::Digits).unwrap();
        assert_eq!(fs::read_to_string(to.join("team/early")).unwrap(), "31");
        copying.end().unwrap();
    }
}
