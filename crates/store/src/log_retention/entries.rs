//! Entries of logs, by their times.

use super::{day_of, logs, unexpected};
use crate::{StoreError, server::Layout};
use kernel::Timestamp;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::IpAddr,
    path::Path,
};

/// The longest part of an entry that is looked at.
const LONGEST: usize = 16 * 1024;

/// What all logs hold.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Times of entries, and in which files.
    times: BTreeMap<Timestamp, Vec<String>>,
    count: usize,
    /// Names that were refused at the door, and tables that nobody has.
    refused: Vec<String>,
    /// Files with something that looks like an address, and of what kind.
    addresses: Vec<(String, &'static str)>,
}

impl Entries {
    /// Reads every log of the server.
    pub(super) fn read(layout: &Layout) -> Result<Self, StoreError> {
        let mut entries = Self::default();
        for path in logs(&layout.logs())?.into_iter().chain([layout.log(), layout.log().with_extension("log.1")]) {
            entries.file(&path)?;
        }
        Ok(entries)
    }

    fn file(&mut self, path: &Path) -> Result<(), StoreError> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unexpected(path, &error)),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for line in BufReader::new(file).split(b'\n') {
            let line = line.map_err(|error| unexpected(path, &error))?;
            let line = String::from_utf8_lossy(line.get(..line.len().min(LONGEST)).unwrap_or_default()).into_owned();
            if let Some(at) = time_of(&line) {
                let files = self.times.entry(at).or_default();
                if !files.contains(&name) {
                    files.push(name.clone());
                }
            }
            self.count += 1;
            self.refused.extend(refused(&line).map(str::to_owned));
            if let Some(what) = address(&line)
                && !self.addresses.contains(&(name.clone(), what))
            {
                self.addresses.push((name.clone(), what));
            }
        }
        Ok(())
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The oldest entry before `limit`, in any file but that one.
    pub(super) fn older_than(&self, limit: Timestamp, but: Option<&str>) -> Option<Timestamp> {
        let old = |files: &Vec<String>| files.iter().any(|file| Some(file.as_str()) != but);
        self.times.range(..limit).find(|(_, files)| old(files)).map(|(at, _)| *at)
    }

    pub(super) fn any_between(&self, from: Timestamp, until: Timestamp) -> bool {
        self.times.range(from..until).next().is_some()
    }

    pub(super) fn has_refused(&self, name: &str) -> bool {
        self.refused.iter().any(|refused| refused == name)
    }

    pub(super) fn addresses(&self) -> &[(String, &'static str)] {
        &self.addresses
    }
}

/// The first entry before `limit` in a file that may be a log. `None` where there is none, or no file any more.
pub(super) fn before(path: &Path, limit: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unexpected(path, &error)),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(|error| unexpected(path, &error))?;
        let begins = String::from_utf8_lossy(line.get(..line.len().min(TIME)).unwrap_or_default());
        if let Some(at) = time_of(&begins).filter(|at| *at < limit) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Whether a file begins as a log does, whatever it is called.
pub(super) fn begins_as_log(path: &Path) -> bool {
    let mut begins = [0; TIME];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut begins));
    read.is_ok() && time_of(&String::from_utf8_lossy(&begins)).is_some()
}

/// How many bytes of an entry say when it was.
const TIME: usize = 27;

/// The time at which an entry begins: `2026-11-22 10:44:33.123 UTC`.
fn time_of(line: &str) -> Option<Timestamp> {
    let (time, rest) = line.split_at_checked(23)?;
    if !rest.starts_with(" UTC") {
        return None;
    }
    let (date, time) = time.split_once(' ')?;
    format!("{date}T{time}Z").parse().ok()
}

/// The name in the entry about somebody who was not let in, either not believed, or believed and not known; and in the entry
/// about a table of the application's that nobody has.
fn refused(line: &str) -> Option<&str> {
    let (_, rest) = ["authentication failed for user \"", "FATAL:  role \"", "ERROR:  relation \"wordbond."]
        .iter()
        .find_map(|said| line.split_once(said))?;
    rest.split('"').next()
}

/// Whether a word is an address of mail, or of a network other than this machine's own.
fn address(line: &str) -> Option<&'static str> {
    let words = line.split(|c: char| c.is_whitespace() || "\"'()[]<>,;=".contains(c)).filter(|word| word.len() > 4);
    words.map(|word| word.trim_matches(['.', ':'])).find_map(|word| {
        let is_mail = word.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.split('.').filter(|part| !part.is_empty()).count() > 1
        });
        if is_mail {
            return Some("an address of mail");
        }
        let host = word.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(word, |(host, _)| host);
        let is_network = [word, host]
            .iter()
            .any(|word| word.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified()));
        is_network.then_some("an address of a network")
    })
}

/// Takes lines from before `limit` out of a log to which the server only adds. With `dry` it only counts.
pub(super) fn trim(path: &Path, limit: Timestamp, dry: bool) -> Result<usize, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(unexpected(path, &error)),
    };
    let (mut old, mut kept, mut is_old) = (0, Vec::new(), false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        // A line without a time belongs to the one before it.
        if let Some(at) = time_of(&String::from_utf8_lossy(line)) {
            is_old = at < limit;
        }
        if is_old {
            old += 1;
        } else {
            kept.extend_from_slice(line);
        }
    }
    if old > 0 && !dry {
        let rewrite = || {
            // In place: the server holds the file open, and goes on at its end wherever that is.
            let mut file = fs::OpenOptions::new().write(true).open(path)?;
            file.set_len(0)?;
            file.write_all(&kept)
        };
        rewrite().map_err(|error: std::io::Error| unexpected(path, &error))?;
    }
    Ok(old)
}

/// The first name in the folder that is of that day.
pub(super) fn has_day(folder: &Path, day: jiff::civil::Date) -> Result<bool, StoreError> {
    Ok(logs(folder)?.iter().any(|path| day_of(path) == Some(day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_a_time_and_perhaps_a_name() {
        let line = "2026-11-22 10:44:33.123 UTC [7] wb FATAL:  Peer authentication failed for user \"mark\"";
        assert_eq!(time_of(line), Some("2026-11-22T10:44:33.123Z".parse().unwrap()));
        assert_eq!(refused(line), Some("mark"));
        assert_eq!(refused("2026-11-22 10:44:33.123 UTC [7] FATAL:  role \"mark\" does not exist"), Some("mark"));
        for none in ["", "\tDETAIL", "2026-11-22 10:44:33.123 CET [7]", "ä2026-11-22 10:44:33.123"] {
            assert_eq!(time_of(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_are_told_from_what_only_looks_like_them() {
        for line in ["for ada@example.org,", "(email)=(ada@mail.example.org)"] {
            assert_eq!(address(line), Some("an address of mail"), "{line}");
        }
        for line in ["host=192.0.2.7 port", "from 203.0.113.9:4711", "[2001:db8::1]:443"] {
            assert_eq!(address(line), Some("an address of a network"), "{line}");
        }
        for line in [
            "2026-11-22 10:44:33.123 UTC [7] LOG:  starting PostgreSQL 15.20 on x86_64 (Debian 15.20-1) gcc 12.2.0, 64-bit",
            "listening on Unix socket \"/tmp/x/.s.PGSQL.54320\"",
            "checkpoint complete: wrote 12 buffers (0.3%); distance=4, lsn=0/15A2B30",
            "at 127.0.0.1:80 @ noon user@host",
        ] {
            assert_eq!(address(line), None, "{line}");
        }
    }

    #[test]
    fn old_lines_are_taken_out_and_the_file_stays_the_same_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let old = "2026-01-01 00:00:00.000 UTC [1] LOG:  old\n\tits second line\n";
        let young = "2026-03-01 00:00:00.000 UTC [1] LOG:  young\n\tits second line\n";
        fs::write(&path, format!("{old}{young}")).unwrap();
        let mut held = fs::OpenOptions::new().append(true).open(&path).unwrap();
        let limit = "2026-02-01T00:00:00Z".parse().unwrap();
        assert_eq!(trim(&path, limit, true).unwrap(), 2);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{old}{young}"));
        assert_eq!(trim(&path, limit, false).unwrap(), 2);
        held.write_all(b"more\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{young}more\n"));
        assert_eq!(trim(&path, limit, false).unwrap(), 0);
        assert_eq!(trim(&folder.path().join("none"), limit, false).unwrap(), 0);
    }
}
