//! The ledger as anybody reads it.

use super::Stop;
use ledger::{Fetch, FetchError, Log, VerifierKey, VerifyError};
use outbound::Site;

/// The ledger of a service, over HTTPS.
struct Remote(Site);

impl Fetch for Remote {
    async fn fetch(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        match self.0.get(&format!("/ledger/{path}")).await {
            Ok(answer) if answer.status == 200 => Ok(answer.body),
            Ok(answer) if answer.status == 404 => Err(FetchError::Missing),
            Ok(answer) => Err(FetchError::Failed(format!("answered with {}", answer.status))),
            Err(error) => Err(FetchError::Failed(error.to_string())),
        }
    }
}

/// Reads and verifies the whole ledger under the key that the service publishes. That the key stays the same is the affair
/// of `honest-page`, and of every visitor who kept a checkpoint.
pub(super) async fn read(site: &Site) -> Result<Log, Stop> {
    let key = site.get("/ledger/vkey").await?;
    let key: VerifierKey =
        key.text().trim().parse().map_err(|_| Stop::Failed("/ledger/vkey holds no key".to_owned()))?;
    ledger::read_all(Remote(site.clone()), &key, None).await.map_err(|error| match error {
        VerifyError::Fetch { cause: FetchError::Failed(why), path } => Stop::Failed(format!("/ledger/{path}: {why}")),
        VerifyError::Failed(why) => Stop::Failed(why),
        misfit => Stop::Broke(format!("the ledger does not verify: {misfit}")),
    })
}
