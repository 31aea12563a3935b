//! Finds programs on this machine.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Names of one and the same browser, as distributions install it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser: what `WORDBOND_CHROMIUM` names, or the first one on the search path.
pub(super) fn browser() -> Option<PathBuf> {
    let named = env::var_os("WORDBOND_CHROMIUM").map(PathBuf::from);
    named.filter(|path| path.is_file()).or_else(|| NAMES.iter().find_map(|name| on_path(name)))
}

/// A program on the search path.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
