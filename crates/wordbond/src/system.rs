//! The running system as probes meet it: its public address, the operator's credentials, its database.

use crate::board::InForce;
use kernel::SystemClock;
use outbound::{Operator, OutboundError, Site, Trust, upstream::Place};
use promises::Catalogue;
use proxy::OpenPath;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use store::Store;

/// A running system with everything that an attack from inside or outside needs.
#[derive(Clone)]
pub(crate) struct System {
    /// Its public address, as the world sees it.
    pub(crate) site: Site,
    /// The operator's credentials.
    pub(crate) operator: Operator,
    /// Its database.
    pub(crate) store: Store,
    /// Where it keeps its data.
    pub(crate) data_dir: PathBuf,
    /// What it promises.
    pub(crate) in_force: Arc<InForce>,
    /// The controls of this build.
    pub(crate) catalogue: Arc<Catalogue>,
    /// SHA-256 of the executable that attacks.
    pub(crate) build: String,
    /// The application behind the gate, where there is one.
    pub(crate) behind: Option<Behind>,
}

/// An application behind the gate.
#[derive(Clone)]
pub(crate) struct Behind {
    /// Where it is.
    pub(crate) place: Place,
    /// How the gate is set up.
    pub(crate) settings: proxy::Settings,
}

impl Behind {
    /// The application at `place`, behind the gate at `url`, with these beginnings of paths that need no session.
    pub(crate) fn at(place: Place, open: Vec<OpenPath>, url: &str) -> Result<Self, proxy::SettingsError> {
        Ok(Self { place, settings: proxy::Settings::new(url, Arc::new(SystemClock))?.open(open) })
    }
}

/// The file of the operator's token.
pub(crate) fn operator_token(data_dir: &Path) -> PathBuf {
    data_dir.join("operator.token")
}

/// The operator's credentials from the data directory.
pub(crate) fn operator(data_dir: &Path) -> io::Result<Operator> {
    fs::read_to_string(operator_token(data_dir)).map(Operator::new)
}

/// Whose certificates are believed at the public address: the world's, and the development authority where there is one.
pub(crate) fn trust(ca: Option<&Path>) -> Result<Trust, OutboundError> {
    let Some(ca) = ca else { return Ok(Trust::public()) };
    let pem = fs::read_to_string(ca).map_err(|error| OutboundError::Root(format!("{}: {error}", ca.display())))?;
    Trust::public().with_pem(&pem)
}

/// Where commands of this person remember things (XDG base directories: state); `None` where there is no home to remember in.
pub(crate) fn state() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")))?;
    Some(state.join("wordbond"))
}
