//! Where is searched.

use crate::{StoreError, server::Layout};
use sqlx::{PgConnection, Row as _};
use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    path::{Path, PathBuf},
};

/// What lies in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Rows.
    Table,
    /// B-trees: keys.
    BTree,
    /// Inverted indexes.
    Gin,
    /// Any other index.
    OtherIndex,
    /// Long values, cut into pieces and perhaps compressed.
    LongValues,
    /// What the planner keeps of columns.
    Statistics,
    /// Other files of the database: maps of free room, states of transactions, catalogues of other databases.
    Database,
    /// The write-ahead log.
    Wal,
    /// Temporary files of the database.
    Temporary,
    /// Files without a name that a process still holds open.
    Deleted,
    /// Logs of the database.
    Log,
    /// Wrapped keys.
    Keys,
    /// Stored objects.
    Objects,
    /// Mails of a system without a mail server.
    Mails,
    /// Whatever else lies in the data directory.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "tables",
            Self::BTree => "B-trees",
            Self::Gin => "inverted indexes",
            Self::OtherIndex => "other indexes",
            Self::LongValues => "long values",
            Self::Statistics => "statistics",
            Self::Database => "other files of the database",
            Self::Wal => "write-ahead log",
            Self::Temporary => "temporary files",
            Self::Deleted => "deleted files that are still open",
            Self::Log => "logs of the database",
            Self::Keys => "key store",
            Self::Objects => "stored objects",
            Self::Mails => "mails",
            Self::Other => "other files",
        })
    }
}

impl Kind {
    /// Whether it is the database's.
    #[must_use]
    pub const fn is_database(self) -> bool {
        !matches!(self, Self::Keys | Self::Objects | Self::Mails | Self::Other)
    }

    /// Whether the database alone writes there, in forms of its own: whatever its files begin with is no sign of a packer.
    pub(super) const fn is_packed_by_nobody(self) -> bool {
        matches!(
            self,
            Self::Table
                | Self::BTree
                | Self::Gin
                | Self::OtherIndex
                | Self::LongValues
                | Self::Statistics
                | Self::Wal
                | Self::Temporary
        )
    }
}

/// Where to search.
#[derive(Clone, Debug)]
pub struct Places {
    data_dir: PathBuf,
    layout: Layout,
    more: Vec<(Kind, PathBuf)>,
    relations: HashMap<PathBuf, Kind>,
    /// The kinds to which a search is limited.
    only: Option<Vec<Kind>>,
}

/// A file: its kind, its path, and the path that may be shown.
pub(super) type Place = (Kind, PathBuf, PathBuf);

impl Places {
    /// Everything in the data directory of a system, and in that of its child server where it lies elsewhere. The folder
    /// `probe` is left out: it is the attackers' own memory, with the plain names of those whom they planted.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        let data_dir = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        let layout = Layout::of(&data_dir);
        Self { data_dir, layout, more: Vec::new(), relations: HashMap::new(), only: None }
    }

    /// Another directory: a key store's mirror, an object store elsewhere.
    #[must_use]
    pub fn and(mut self, kind: Kind, directory: &Path) -> Self {
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        if !self.more.iter().any(|(_, known)| *known == directory) {
            self.more.push((kind, directory));
        }
        self
    }

    /// The directories of keys and objects, wherever they are.
    pub(super) fn directories(&self) -> &[(Kind, PathBuf)] {
        &self.more
    }

    /// These kinds and no others.
    #[must_use]
    pub fn only(mut self, kinds: &[Kind]) -> Self {
        self.only = Some(kinds.to_vec());
        self
    }

    /// The child server's places.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Learns what the files of the connected database hold.
    pub(super) async fn name_relations(&mut self, conn: &mut PgConnection) -> Result<(), StoreError> {
        const SQL: &str =
            "SELECT pg_relation_filepath(c.oid),
                c.relname IN ('pg_statistic', 'pg_statistic_ext_data')
                    OR c.oid IN (SELECT reltoastrelid FROM pg_class WHERE relname IN ('pg_statistic', 'pg_statistic_ext_data')),
                c.relkind::text, coalesce(a.amname::text, '')
            FROM pg_class AS c LEFT JOIN pg_am AS a ON a.oid = c.relam WHERE pg_relation_filepath(c.oid) IS NOT NULL";
        for row in sqlx::query(SQL).fetch_all(conn).await? {
            let (path, statistics): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
            let (relation, method): (String, String) = (row.try_get(2)?, row.try_get(3)?);
            let kind = match (relation.as_str(), method.as_str()) {
                _ if statistics => Kind::Statistics,
                ("i", "btree") => Kind::BTree,
                ("i", "gin") => Kind::Gin,
                ("i", _) => Kind::OtherIndex,
                ("t", _) => Kind::LongValues,
                _ => Kind::Table,
            };
            self.relations.insert(self.layout.data().join(path), kind);
        }
        Ok(())
    }

    /// Every file, each once.
    pub(super) fn files(&self) -> Result<Vec<Place>, StoreError> {
        let mut found: BTreeMap<PathBuf, Kind> = BTreeMap::new();
        for root in [self.data_dir.as_path(), self.layout.base()] {
            let mut take = |path: PathBuf| {
                let kind = self.kind(&path);
                found.insert(path, kind);
            };
            walk(root, &mut take, &|path| self.is_left_out(path))?;
        }
        for (kind, root) in &self.more {
            let mut take = |path: PathBuf| {
                found.insert(path, *kind);
            };
            walk(root, &mut take, &|_| false)?;
        }
        let mut files: Vec<Place> =
            found.into_iter().map(|(path, kind)| (kind, path.clone(), self.shown(path))).collect();
        files.extend(self.deleted());
        files.retain(|(kind, ..)| self.only.as_ref().is_none_or(|only| only.contains(kind)));
        Ok(files)
    }

    /// Every file that has a name: its path, and the path that may be shown.
    pub(crate) fn paths(&self) -> Result<Vec<(PathBuf, PathBuf)>, StoreError> {
        let files = self.files()?.into_iter().filter(|(kind, ..)| *kind != Kind::Deleted);
        Ok(files.map(|(_, path, shown)| (path, shown)).collect())
    }

    /// What the probes keep to come back with, and nothing else that somebody puts beside it: their memories, the key with which
    /// they forge, the provider that they play, and the empty logs of a rehearsal.
    fn is_left_out(&self, path: &Path) -> bool {
        let Ok(inside) = path.strip_prefix(self.data_dir.join("probe")) else { return false };
        let mut parts = inside.components().map(|part| part.as_os_str().to_string_lossy());
        let (first, deeper) = (parts.next().unwrap_or_default(), parts.next().is_some());
        let is_memory = (first.ends_with(".json") || first.ends_with(".new")) && !deeper && !path.is_dir();
        let is_rehearsal =
            first.starts_with("logs-") && path.metadata().is_ok_and(|file| file.is_file() && file.len() == 0);
        is_memory || is_rehearsal || first == "issuer" || first.starts_with("attacker-ca.")
    }

    fn shown(&self, path: PathBuf) -> PathBuf {
        let below = path.strip_prefix(&self.data_dir).or_else(|_| path.strip_prefix(self.layout.base()));
        below.map(Path::to_owned).unwrap_or(path)
    }

    fn kind(&self, path: &Path) -> Kind {
        let data = self.layout.data();
        if let Ok(inside) = path.strip_prefix(&data) {
            let has = |name: &str| inside.components().any(|part| part.as_os_str() == name);
            return match () {
                () if inside.starts_with("pg_wal") => Kind::Wal,
                () if has("pgsql_tmp") => Kind::Temporary,
                // Later segments and other forks: 16385.1, 16385_fsm.
                () => self.relations.get(&main_fork(path)).copied().unwrap_or(Kind::Database),
            };
        }
        if path.starts_with(self.layout.base()) {
            let is_log = path.starts_with(self.layout.base().join("log")) || named(path).contains(".log");
            return if is_log { Kind::Log } else { Kind::Database };
        }
        match path.strip_prefix(&self.data_dir).ok().and_then(|inside| inside.components().next()) {
            Some(first) if first.as_os_str() == "keys" => Kind::Keys,
            Some(first) if first.as_os_str() == "blobs" => Kind::Objects,
            Some(first) if first.as_os_str() == "outbox" => Kind::Mails,
            _ => Kind::Other,
        }
    }

    /// Files of ours that have no name any more, through the processes that hold them.
    fn deleted(&self) -> Vec<Place> {
        let mut found = Vec::new();
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            // What belongs to others cannot be looked at, and does not hold ours.
            for open in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
                let Ok(target) = fs::read_link(open.path()) else { continue };
                let name = target.to_string_lossy();
                let Some(name) = name.strip_suffix(" (deleted)") else { continue };
                let path = Path::new(name);
                let is_ours = path.starts_with(&self.data_dir) || path.starts_with(self.layout.base());
                if is_ours && !self.is_left_out(path) {
                    found.push((Kind::Deleted, open.path(), self.shown(path.to_owned())));
                }
            }
        }
        found
    }
}

fn named(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn main_fork(path: &Path) -> PathBuf {
    let name = named(path);
    path.with_file_name(name.split(['.', '_']).next().unwrap_or_default())
}

/// Every ordinary file below a directory. Links to directories are followed: they are the database's own, to other disks.
fn walk(root: &Path, take: &mut impl FnMut(PathBuf), left_out: &impl Fn(&Path) -> bool) -> Result<(), StoreError> {
    let cannot = |error: std::io::Error| {
        StoreError::Unexpected(format!("{} cannot be listed: {}", root.display(), error.kind()))
    };
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(error)),
    };
    for entry in entries {
        let path = entry.map_err(cannot)?.path();
        if left_out(&path) {
            continue;
        }
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => walk(&path, take, left_out)?,
            Ok(meta) if meta.is_file() => take(path),
            // Sockets, and what has gone meanwhile.
            _ => {}
        }
    }
    Ok(())
}
