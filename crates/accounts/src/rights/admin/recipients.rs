//! Whoever else is told of an erasure, as the operator sees it: how far that has come, and what was said last. What was refused, or
//! ran out, is tried again once the operator has seen to it.

use super::HOME;
use crate::{Accounts, rights::texts::EN};
use axum::{extract::State, response::Response};
use ingress::{Form, Ids, gate::AccountCaller, problem::Answer, see_other};
use serde::Deserialize;
use store::{
    StoreError,
    rights::recipients::{self, Step, Told},
};
use ui::{Act, Cell, Section, Table};
use uuid::Uuid;

/// The recipients of a case; nothing where there are none.
pub(super) fn section(steps: &[Step], csrf: &str) -> Option<Section> {
    let head = [EN.recipient, EN.state_head, EN.told_at, EN.tried, EN.tried_until, EN.said, EN.tell_again];
    let mut table = Table::new(EN.recipients, head);
    for step in steps {
        let again = matches!(step.state, Told::Refused | Told::Expired).then(|| {
            Act::new(format!("{HOME}/{}/tell", step.case), csrf, EN.tell_again)
                .about(&step.recipient)
                .with("recipient", &step.recipient)
        });
        table = table.row([
            Cell::text(&step.recipient),
            Cell::text(EN.told_state(step.state)),
            step.told_at.map_or_else(|| Cell::text(EN.told_never), Cell::moment),
            Cell::text(step.attempts.to_string()),
            Cell::moment(step.due_at),
            Cell::text(step.said.as_deref().unwrap_or_default()),
            Cell::part(again),
        ]);
    }
    (!steps.is_empty()).then(|| Section::new(EN.recipients).add(table))
}

/// Which recipient.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Which {
    recipient: String,
}

/// POST /admin/cases/{id}/tell.
pub(super) async fn again(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    Ids(id): Ids<Uuid>,
    Form(which): Form<Which>,
) -> Answer<Response> {
    match recipients::retry(accounts.store(), id, &which.recipient, caller.0.account).await {
        // Where there is nothing to try again, the page shows how far it has come.
        Ok(()) | Err(StoreError::Invalid(_)) => Ok(see_other(&format!("{HOME}/{id}"))),
        Err(other) => Err(other.into()),
    }
}
