//! Does what was put off: jobs, once they are due. What the program could not do at once, or did not live to do, is done here.

use accounts::Accounts;
use std::time::Duration;
use store::{StoreError, jobs, mails};
use tokio::time::sleep;

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_secs(1);

/// Works for as long as it is not dropped. Several instances may do so at once.
pub(crate) async fn run(accounts: Accounts) {
    loop {
        match next(&accounts).await {
            Ok(true) => {}
            Ok(false) => sleep(LOOK).await,
            Err(error) => {
                tracing::error!(%error, "jobs could not be looked at");
                sleep(LOOK).await;
            }
        }
    }
}

/// Begins the job that has been due longest. Yields whether there was one.
async fn next(accounts: &Accounts) -> Result<bool, StoreError> {
    let store = accounts.store();
    let Some(turn) = accounts.turn().await else { return Ok(false) };
    let Some(lease) = jobs::lease(store).await? else { return Ok(false) };
    let (scoped, job) = jobs::begin(store, &lease).await?;
    drop(scoped);
    if job.kind == mails::KIND {
        let accounts = accounts.clone();
        tokio::spawn(async move { accounts.deliver(&lease, &job, turn).await });
    } else {
        tracing::error!(kind = job.kind, "no build of this age does such a job");
        jobs::retry(store, &lease).await?;
    }
    Ok(true)
}
