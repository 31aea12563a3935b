//! What became of the letters that tell decisions: each was handed over, waits, or was given up after days of trying; one of which
//! none of this is so is lost, and whoever asked was told nothing.

use crate::{
    StoreError,
    mails::{self, Fate},
    rights::decide::LETTER,
};
use ledger::audit::Event;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What the log says of letters.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// Those of which it does not say what became of them, with the case of each.
    open: BTreeMap<Uuid, Uuid>,
    /// The cases of those that were given up.
    given_up: Vec<Uuid>,
}

impl Letters {
    /// Goes on with the next event.
    pub(super) fn take(&mut self, event: &Event) {
        let target = |kind: &str| {
            event.targets.iter().find_map(|target| target.strip_prefix(kind)?.strip_prefix(':')?.parse::<Uuid>().ok())
        };
        let Some(case) = target("case") else { return };
        if let Some(mail) = event.context.get(LETTER).and_then(|id| id.parse().ok()) {
            self.open.insert(mail, case);
        }
        if event.action == mails::ENDED
            && let Some(mail) = target("mail")
            && self.open.remove(&mail).is_some()
            && event.context.get("state").is_some_and(|state| state == Fate::GIVEN_UP)
        {
            self.given_up.push(case);
        }
    }

    /// How many are lost of these cases: nothing became of them, and no job has them in hand.
    pub(super) fn lost(&self, cases: &BTreeSet<Uuid>, waiting: &BTreeSet<Uuid>) -> usize {
        self.open.iter().filter(|(mail, case)| cases.contains(case) && !waiting.contains(mail)).count()
    }

    /// How many of these cases were given up.
    pub(super) fn given_up(&self, cases: &BTreeSet<Uuid>) -> usize {
        self.given_up.iter().filter(|case| cases.contains(case)).count()
    }
}

/// The letters that a job has in hand which will come up.
pub(super) async fn waiting(conn: &mut PgConnection) -> Result<BTreeSet<Uuid>, StoreError> {
    const SQL: &str = "SELECT m.mail_id FROM wordbond.mail AS m
        JOIN wordbond.job AS j ON j.kind = $1 AND j.ids = ARRAY[m.account_id, m.mail_id]
        JOIN wordbond.ticket AS t USING (tenant_id, job_id)
        WHERE m.case_id IS NOT NULL";
    let found: Vec<Uuid> = sqlx::query_scalar(SQL).bind(mails::KIND).fetch_all(conn).await?;
    Ok(found.into_iter().collect())
}
