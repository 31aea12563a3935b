//! `wordbond keys`: what keys there are, whether they open, and their rotation, beside a running system or a stopped one.

mod place;
mod transit;
mod upkeep;

pub(crate) use place::{BlobsAt, KeysAt};
pub(crate) use upkeep::upkeep;

use crate::{
    check,
    cli::DataDir,
    output::{json, say},
    running::Ready,
};
use clap::{Args, Subcommand};
use kernel::{Clock as _, SystemClock, Timestamp};
use serde::Serialize;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};
use store::key_census::{self, KeyCensus};
use vault::{KeyRing, Passphrase, key_ring::Inventory};

type Failed = Box<dyn Error>;

/// `wordbond keys`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Keys {
    #[command(flatten)]
    which: Which,
    /// What to do; counts them when not given
    #[command(subcommand)]
    what: Option<What>,
}

/// Whose keys.
#[derive(Clone, Debug, Args)]
struct Which {
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    at: KeysAt,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Count epochs and keys
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Open every key, and compare keys with their owners where the system runs
    Check {
        #[command(flatten)]
        which: Which,
    },
    /// Begin a new epoch and move every key to it; data stays as it is
    Rotate {
        #[command(flatten)]
        which: Which,
        /// Exchange the root key instead
        #[arg(long)]
        root: bool,
        /// Seal the new root key with the first line of this file
        #[arg(long, value_name = "FILE", requires = "root")]
        new_passphrase_file: Option<PathBuf>,
        /// Do not seal the new root key
        #[arg(long, requires = "root", conflicts_with = "new_passphrase_file")]
        without_passphrase: bool,
    },
}

/// What is done, without whose keys.
enum Deed {
    List,
    Check,
    Rotate { root: bool, next: Option<Next> },
}

/// With what the next root key is sealed, where that changes.
#[derive(Clone)]
struct Next {
    file: Option<PathBuf>,
    passphrase: Option<Passphrase>,
}

impl Deed {
    const fn next(&self) -> Option<&Next> {
        match self {
            Self::Rotate { next, .. } => next.as_ref(),
            Self::List | Self::Check => None,
        }
    }
}

impl Keys {
    fn split(self) -> Result<(Which, Deed), Failed> {
        Ok(match self.what {
            None => (self.which, Deed::List),
            Some(What::List { which }) => (which, Deed::List),
            Some(What::Check { which }) => (which, Deed::Check),
            Some(What::Rotate { which, root, new_passphrase_file, without_passphrase }) => {
                let passphrase = new_passphrase_file.as_deref().map(Passphrase::from_file).transpose()?;
                let next = Next { file: new_passphrase_file, passphrase };
                let changes = without_passphrase || next.file.is_some();
                (which, Deed::Rotate { root, next: changes.then_some(next) })
            }
        })
    }
}

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Keys) -> Result<u8, Failed> {
    let (which, deed) = arguments.split()?;
    let data_dir = &which.data.data_dir;
    // Whoever mistypes the folder must not be given new keys.
    if !has_keys(data_dir) {
        return Err(
            format!("there are no keys in {}: name the system's folder with --data-dir", data_dir.display()).into()
        );
    }
    let data_dir = fs::canonicalize(data_dir)?;
    let running = Ready::find(&data_dir).ok();
    let known = match &running {
        Some(ready) => Some(ready.keys.clone()),
        None => KeysAt::remembered(&data_dir)?,
    };
    let at = which.at.or(known.as_ref());
    whole(&at, known.as_ref(), matches!(deed, Deed::Rotate { root: true, .. }))?;
    if deed.next().is_some() && running.is_some() {
        // Every key moves to an epoch that only the new passphrase opens: the system could read nothing from then on.
        let why = "the system runs and knows only the passphrase of now: stop it, run this again, and start it with the new one";
        return Err(why.into());
    }
    let next = deed.next().map(|next| next.passphrase.clone());
    let keys = KeyRing::open_with(&data_dir, at.key_mirror.as_deref(), at.source(next, None)?)?;
    match deed {
        Deed::List => list(&keys, which.json),
        Deed::Rotate { root, next } => {
            let code = rotate(&keys, root, which.json)?;
            if let Some(next) = next {
                at.sealed_with(next.file.as_deref()).remember(&data_dir)?;
            }
            Ok(code)
        }
        Deed::Check => check_all(&keys, &data_dir, running.as_ref(), which.json).await,
    }
}

/// Every folder of keys that is known takes part: one that did not would be wrapped under a root key that is gone.
fn whole(at: &KeysAt, known: Option<&KeysAt>, root: bool) -> Result<(), Failed> {
    if let Some(mirror) = at.key_mirror.as_deref().filter(|mirror| !mirror.join("check").is_file()) {
        let why = "is no mirror of these keys: see that its disk is there; only `wordbond up --key-mirror` begins one";
        return Err(format!("{} {why}. Nothing was changed", mirror.display()).into());
    }
    match known.and_then(|known| known.key_mirror.as_deref()) {
        Some(mirror) if root && at.key_mirror.as_deref() != Some(mirror) => Err(format!(
            "the mirror {} would be left out, and open with nothing: start the system with another one first. \
             Nothing was changed",
            mirror.display()
        )
        .into()),
        _ => Ok(()),
    }
}

fn has_keys(data_dir: &Path) -> bool {
    fs::read_dir(data_dir.join("keys"))
        .is_ok_and(|entries| entries.flatten().any(|entry| !entry.file_name().to_string_lossy().starts_with('.')))
}

fn list(keys: &KeyRing, as_json: bool) -> Result<u8, Failed> {
    let found = keys.inventory()?;
    if as_json {
        json(&found);
    } else {
        describe(&found);
    }
    Ok(0)
}

fn describe(found: &Inventory) {
    say(format!("root key    {}", found.root));
    say(format!("mirror      {}", found.mirror.as_deref().unwrap_or("none: a lost key folder is a lost system")));
    for epoch in &found.epochs {
        let began = Timestamp::from_second(epoch.began).unwrap_or_default();
        let days = (SystemClock.now() - began).get_hours() / 24;
        say(format!("epoch {:<5} {} keys, begun {began} ({days} days ago)", epoch.number, epoch.keys));
    }
    if found.epochs.len() > 1 {
        say("            a rotation is under way, or was cut short: `wordbond keys rotate` ends it");
    }
    say(format!("people      {} (accounts and memberships)", found.people));
    say(format!("teams       {}", found.teams));
    say(format!("secrets     {}", found.secrets));
    say(format!("destroyed   {}", found.destroyed));
}

#[derive(Serialize)]
struct Done {
    epoch: u32,
    keys: usize,
    ended: usize,
    root: bool,
}

fn rotate(keys: &KeyRing, root: bool, as_json: bool) -> Result<u8, Failed> {
    keys.resume()?;
    if root {
        keys.rotate_root()?;
    }
    // With a new root key alone, a thief of the old one who also has the old files would still open them; so both change.
    let rotated = keys.rotate()?;
    let done = Done { epoch: rotated.epoch, keys: rotated.keys, ended: rotated.ended, root };
    if as_json {
        json(&done);
        return Ok(0);
    }
    if root {
        say("exchanged the root key; make a copy of it where no thief of this machine finds it");
    }
    say(format!("epoch {} holds {} keys; {} ended", done.epoch, done.keys, done.ended));
    Ok(0)
}

#[derive(Serialize)]
struct Checked {
    /// Keys that do not open.
    damaged: Vec<String>,
    /// Keys compared with their owners; only where the system runs.
    census: Option<KeyCensus>,
}

async fn check_all(keys: &KeyRing, data_dir: &Path, running: Option<&Ready>, as_json: bool) -> Result<u8, Failed> {
    let damaged = keys.damaged()?;
    let census = match running {
        Some(ready) => {
            let system = check::attach(data_dir, ready).await?;
            let found = key_census::census(&system.store, SystemClock.now()).await;
            system.store.close().await;
            Some(found?)
        }
        None => None,
    };
    let checked = Checked { damaged, census };
    let wrong = checked.damaged.len()
        + checked.census.as_ref().map_or(0, |census| census.without_owner.len() + census.without_key.len());
    if as_json {
        json(&checked);
    } else {
        checked.damaged.iter().for_each(|name| say(format!("does not open       {name}")));
        match &checked.census {
            Some(census) => {
                census.without_owner.iter().for_each(|name| say(format!("without its owner   {name}")));
                census.without_key.iter().for_each(|name| say(format!("without its key     {name}")));
            }
            None => say("the system does not run, so keys were not compared with their owners"),
        }
        say(if wrong == 0 { "every key opens".to_owned() } else { format!("{wrong} findings") });
    }
    Ok(u8::from(wrong > 0))
}
