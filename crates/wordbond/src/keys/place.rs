//! Where keys and blobs lie, as it is said on the command line and remembered beside a running system.

use super::{Failed, transit::Transit};
use clap::Args;
use outbound::{Dialler, Register, Trust};
use promises::Profile;
use serde::{Deserialize, Serialize};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{BlobPlace, blobs::Credentials};
use vault::{Passphrase, RootSource, Seal};

/// Where the keys are. Paths and addresses only, no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeysAt {
    /// The root key, instead of root.key in the data directory
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_key: Option<PathBuf>,
    /// A file whose first line opens a sealed root key; by default what the service manager hands over
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// A second folder for the wrapped keys, best on another disk
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_mirror: Option<PathBuf>,
    /// A key of a Vault server that keeps the root key, as https://host:8200/v1/transit/keys/NAME
    #[arg(long, value_name = "URL", conflicts_with_all = ["root_key", "passphrase_file"], requires = "root_keeper_token_file")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_keeper: Option<String>,
    /// The file with the token for it
    #[arg(long, value_name = "FILE", requires = "root_keeper")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_keeper_token_file: Option<PathBuf>,
    /// A further root certificate to believe there, in PEM
    #[arg(long, value_name = "FILE", requires = "root_keeper")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_keeper_ca: Option<PathBuf>,
}

impl KeysAt {
    /// The file in the data directory that says where the keys are, for commands beside a stopped system too.
    const FILE: &str = "keys.json";

    /// What the system was last started with.
    pub(super) fn remembered(data_dir: &Path) -> Result<Option<Self>, Failed> {
        let file = data_dir.join(Self::FILE);
        match fs::read(&file) {
            Ok(text) => {
                serde_json::from_slice(&text).map(Some).map_err(|error| format!("{}: {error}", file.display()).into())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", file.display()).into()),
        }
    }

    /// Remembers what the system starts with. Yields the mirror that it knew and does without from now on.
    pub(crate) fn start(&self, data_dir: &Path) -> io::Result<Option<PathBuf>> {
        // What cannot be read is written anew: the command line of now is what counts.
        let before = Self::remembered(data_dir).ok().flatten().and_then(|before| before.key_mirror);
        let now = self.or(None);
        now.remember(data_dir)?;
        Ok(before.filter(|mirror| now.key_mirror.as_ref() != Some(mirror)))
    }

    /// Remembers it, past the end of the process too.
    pub(super) fn remember(&self, data_dir: &Path) -> io::Result<()> {
        let staged = data_dir.join(".keys.json.new");
        fs::write(&staged, serde_json::to_vec_pretty(self)?)?;
        fs::rename(staged, data_dir.join(Self::FILE))
    }

    /// What was said; what was not, as it is remembered. A root key in a file and one that somebody else keeps are two ways:
    /// of the one that was not said, nothing is remembered. Paths are made absolute: who remembers them may stand elsewhere.
    pub(crate) fn or(&self, remembered: Option<&Self>) -> Self {
        let known = remembered.cloned().unwrap_or_default();
        let (says_file, says_keeper) =
            (self.root_key.is_some() || self.passphrase_file.is_some(), self.root_keeper.is_some());
        let in_file = |said: Option<&Path>, known: Option<PathBuf>| absolute(said).or(known.filter(|_| !says_keeper));
        let kept = |said: Option<&Path>, known: Option<PathBuf>| absolute(said).or(known.filter(|_| !says_file));
        Self {
            root_key: in_file(self.root_key.as_deref(), known.root_key),
            passphrase_file: in_file(self.passphrase_file.as_deref(), known.passphrase_file).or_else(credential),
            key_mirror: absolute(self.key_mirror.as_deref()).or(known.key_mirror),
            root_keeper: self.root_keeper.clone().or(known.root_keeper.filter(|_| !says_file)),
            root_keeper_token_file: kept(self.root_keeper_token_file.as_deref(), known.root_keeper_token_file),
            root_keeper_ca: kept(self.root_keeper_ca.as_deref(), known.root_keeper_ca),
        }
    }

    /// The same once the root key is sealed with the passphrase in that file, or with none.
    pub(super) fn sealed_with(self, file: Option<&Path>) -> Self {
        Self { passphrase_file: absolute(file), ..self }
    }

    /// Who keeps the root key. With a profile, a keeper's host must be in its register; without one, as for a command of the
    /// operator's own, the host that the command names is the register.
    pub(crate) fn source(
        &self,
        next: Option<Option<Passphrase>>,
        profile: Option<&Profile>,
    ) -> Result<RootSource, Failed> {
        let Some(url) = &self.root_keeper else {
            let passphrase = self.passphrase_file.as_deref().map(Passphrase::from_file).transpose()?;
            return Ok(RootSource::File { path: self.root_key.clone(), seal: Seal { passphrase, next } });
        };
        let file = self.root_keeper_token_file.as_deref().ok_or("--root-keeper needs --root-keeper-token-file")?;
        let token = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let trust = match &self.root_keeper_ca {
            Some(ca) => crate::system::trust(Some(ca))?,
            None => Trust::public(),
        };
        let transit = Transit::new(url, token.trim(), |host| {
            let register = profile.map_or_else(|| Register::only(host), |profile| Register::of(profile, &[]));
            Dialler::new(register, trust)
        })?;
        Ok(RootSource::Keeper(Arc::new(transit)))
    }
}

/// Where blobs are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BlobsAt {
    /// Where files lie: a folder, s3://BUCKET?endpoint=https://HOST&region=NAME, or gs://BUCKET; by default a folder of the
    /// data directory
    #[arg(long, value_name = "PLACE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blobs: Option<String>,
}

impl BlobsAt {
    /// The same with a folder made absolute.
    pub(crate) fn settled(&self) -> Self {
        let blobs = self.blobs.as_deref().map(|place| {
            if place.contains("://") {
                return place.to_owned();
            }
            absolute(Some(Path::new(place))).map_or_else(|| place.to_owned(), |path| path.display().to_string())
        });
        Self { blobs }
    }

    /// The place. A bucket's host must be in the profile's register.
    pub(crate) fn place(&self, profile: &Profile, data_dir: &Path) -> Result<Option<BlobPlace>, Failed> {
        let Some(place) = &self.blobs else { return Ok(None) };
        if !place.contains("://") {
            return Ok(Some(BlobPlace::Folder(place.into())));
        }
        let trust = Trust::public().with_folder(&data_dir.join("trust"))?;
        let dialler = Dialler::new(Register::of(profile, &[]), trust);
        Ok(Some(BlobPlace::Bucket { url: place.clone(), dialler, credentials: Credentials::from_environment() }))
    }
}

fn absolute(path: Option<&Path>) -> Option<PathBuf> {
    path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// What a service manager such as systemd hands over under this name.
fn credential() -> Option<PathBuf> {
    let file = Path::new(&env::var_os("CREDENTIALS_DIRECTORY")?).join("wordbond-passphrase");
    file.is_file().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_it_is_remembered() {
        let path = |name: &str| Some(PathBuf::from(name));
        let known = KeysAt { key_mirror: path("/m"), passphrase_file: path("/p"), ..KeysAt::default() };
        assert_eq!(KeysAt::default().or(Some(&known)), known);
        let said = KeysAt { root_key: path("/r"), ..KeysAt::default() };
        assert_eq!(said.or(Some(&known)), KeysAt { root_key: path("/r"), ..known.clone() });
        let said = KeysAt { passphrase_file: path("/q"), key_mirror: path("/n"), ..KeysAt::default() };
        assert_eq!(said.or(Some(&known)), said);
        // A keeper and a file are never mixed.
        let kept = KeysAt {
            root_keeper: Some("https://v.example/v1/transit/keys/w".to_owned()),
            root_keeper_token_file: path("/t"),
            ..KeysAt::default()
        };
        assert_eq!(kept.or(Some(&known)), KeysAt { key_mirror: path("/m"), ..kept.clone() });
        let said = KeysAt { root_key: path("/r"), ..KeysAt::default() };
        assert_eq!(said.or(Some(&kept)), said);
        assert_eq!(KeysAt::default().or(Some(&kept)), kept);
    }

    #[test]
    fn a_start_without_the_mirror_of_before_says_so_once() {
        let data = tempfile::tempdir().unwrap();
        let mirrored = KeysAt { key_mirror: Some("/m".into()), ..KeysAt::default() };
        assert_eq!(mirrored.start(data.path()).unwrap(), None);
        assert_eq!(KeysAt::remembered(data.path()).unwrap().unwrap().key_mirror, mirrored.key_mirror);
        assert_eq!(KeysAt::default().start(data.path()).unwrap(), mirrored.key_mirror);
        assert_eq!(KeysAt::default().start(data.path()).unwrap(), None);
        fs::write(data.path().join(KeysAt::FILE), "{").unwrap();
        assert!(KeysAt::remembered(data.path()).is_err(), "it is not taken for nothing");
        assert_eq!(mirrored.start(data.path()).unwrap(), None);
    }
}
