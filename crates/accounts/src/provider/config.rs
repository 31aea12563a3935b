//! Who may vouch for a sign-in: one file per provider in the folder `providers` of the data directory, which is the
//! operator's alone. A file that cannot be used keeps the service from starting, and says why: a provider that is half
//! read could be one that is half checked.

use serde::Deserialize;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// The folder below the data directory.
pub const FOLDER: &str = "providers";
/// Every name of a provider is shorter, since it stands in addresses.
const LONGEST_NAME: usize = 40;

/// What a provider is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Google: OpenID Connect, code flow.
    Google,
    /// Clerk: OpenID Connect, and session tokens that an application's own pages carry.
    Clerk,
    /// Any other issuer that publishes a discovery document.
    Generic,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its name in addresses: lower-case letters, digits and hyphens.
    pub name: String,
    /// Its name on the button.
    pub title: String,
    /// What it is like.
    pub kind: Kind,
    /// The issuer, as it stands in `iss` and as discovery begins: an https address.
    pub issuer: String,
    /// The client as which this service is registered there.
    pub client_id: String,
    /// The file that holds the client's secret, relative to the folder; without it the client is a public one.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// The parties whose session tokens are taken (`azp`); none takes no session tokens.
    #[serde(default)]
    pub session_parties: Vec<String>,
    /// Whether a button is shown. One without a button still takes sign-ins, as an issuer for checks does.
    #[serde(default = "shown")]
    pub button: bool,
}

const fn shown() -> bool {
    true
}

/// Why the providers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// The file, relative to the folder.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is not of the form, or says what cannot be.
    #[error("{file}: {why}")]
    Form {
        /// The file, relative to the folder.
        file: String,
        /// What is wrong.
        why: String,
    },
}

/// A provider with its secret.
#[derive(Clone)]
pub struct Entry {
    /// What the file says.
    pub config: Config,
    /// The client's secret.
    pub secret: Option<String>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Reads every provider of a data directory, in the order of the names of their files. A folder that is not there holds
/// none.
///
/// # Errors
/// A file cannot be read or used, or two files name the same provider.
pub fn read(data_dir: &Path) -> Result<Vec<Entry>, ConfigError> {
    let folder = data_dir.join(FOLDER);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut names = BTreeSet::new();
    let mut read = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).map_err(|source| ConfigError::File { file: name.clone(), source })?;
        let config = parse(&text).map_err(|why| ConfigError::Form { file: name.clone(), why })?;
        if !names.insert(config.name.clone()) {
            let why = format!("another file names the provider `{}` too", config.name);
            return Err(ConfigError::Form { file: name, why });
        }
        let secret = config.secret_file.as_ref().map(|secret| fs::read_to_string(folder.join(secret))).transpose();
        let secret = secret.map_err(|source| ConfigError::File { file: name, source })?;
        read.push(Entry { config, secret: secret.map(|text| text.trim().to_owned()) });
    }
    Ok(read)
}

/// The hosts of these providers, for the register of the way out.
#[must_use]
pub fn hosts(entries: &[Entry]) -> Vec<String> {
    let host = |entry: &Entry| {
        let rest = entry.config.issuer.strip_prefix("https://")?;
        let authority = rest.split('/').next()?;
        Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned())
    };
    entries.iter().filter_map(host).collect()
}

/// Reads one file. What cannot be is said in one sentence.
///
/// # Errors
/// The text is of another form.
pub fn parse(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if config.name.is_empty() || config.name.len() > LONGEST_NAME || !config.name.chars().all(fits) {
        return Err("name: lower-case letters, digits and hyphens are expected, at most 40".to_owned());
    }
    if config.title.trim().is_empty() || config.client_id.trim().is_empty() {
        return Err("title and client_id may not be empty".to_owned());
    }
    let rest = config.issuer.strip_prefix("https://").unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#' | '\\');
    if rest.is_empty() || rest.starts_with('/') || rest.contains(odd) {
        return Err("issuer: an https address without a query is expected".to_owned());
    }
    if config.session_parties.iter().any(|party| party.trim().is_empty() || party.contains('*')) {
        return Err("session_parties: each is an origin, written out".to_owned());
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"google\"\ntitle = \"Google\"\nkind = \"google\"\nissuer = \"https://accounts.google.com\"\nclient_id = \"x\"\n";

    #[test]
    fn what_cannot_be_is_refused_whole() {
        assert_eq!(parse(GOOD).map(|config| (config.kind, config.button)), Ok((Kind::Google, true)));
        for (from, to) in [
            ("\"google\"\ntitle", "\"Goo gle\"\ntitle"),
            ("\"google\"\ntitle", "\"\"\ntitle"),
            ("https://", "http://"),
            ("https://accounts.google.com", "https:///x"),
            ("https://accounts.google.com", "https://a@b"),
            ("client_id = \"x\"", "client_id = \" \""),
            ("client_id = \"x\"", "client_id = \"x\"\nskip_audience = true"),
            ("client_id = \"x\"", "client_id = \"x\"\nsession_parties = [\"*\"]"),
            ("kind = \"google\"", "kind = \"any\""),
        ] {
            assert!(parse(&GOOD.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_folder_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let providers = folder.path().join(FOLDER);
        fs::create_dir(&providers).unwrap();
        fs::write(providers.join("google.toml"), format!("{GOOD}secret_file = \"google.secret\"\n")).unwrap();
        assert!(matches!(read(folder.path()), Err(ConfigError::File { .. })), "the secret is missing");
        fs::write(providers.join("google.secret"), "hush\n").unwrap();
        let entries = read(folder.path()).unwrap();
        assert_eq!(entries.first().and_then(|entry| entry.secret.as_deref()), Some("hush"));
        assert!(!format!("{entries:?}").contains("hush"));
        assert_eq!(hosts(&entries), ["accounts.google.com"]);
        fs::write(providers.join("other.toml"), GOOD).unwrap();
        assert!(matches!(read(folder.path()), Err(ConfigError::Form { .. })), "the same name twice");
    }
}
