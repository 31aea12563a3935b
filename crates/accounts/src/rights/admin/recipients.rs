//! Whoever else is told of an erasure, as the operator sees it: how far that has come, and what was said last. What was refused, or
//! ran out, is tried again once the operator has seen to it; whoever cannot be told at all is given up, with a reason.

use super::{HOME, Wrong};
use crate::{Accounts, rights::texts::EN, team::view::Viewer};
use axum::{extract::State, response::Response};
use ingress::{Form, Ids, gate::AccountCaller, problem::Answer, see_other};
use serde::Deserialize;
use store::{
    StoreError,
    rights::recipients::{self, GivingUp, Step, Told},
};
use ui::{Act, Cell, Field, Form as Sheet, Section, Table, Tone};
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
            Cell::text(step.reason.as_deref().or(step.said.as_deref()).unwrap_or_default()),
            Cell::part(again),
        ]);
    }
    (!steps.is_empty()).then(|| Section::new(EN.recipients).add(table))
}

/// Those whom nobody has to be told of any more are left out.
pub(super) fn waiting(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| !step.state.is_over())
}

/// The form that gives a recipient up, with what was typed there before.
pub(super) fn sheet(step: &Step, csrf: &str, wrong: Option<&NotGivenUp>) -> Sheet {
    let wrong = wrong.filter(|wrong| wrong.typed.recipient == step.recipient);
    let id = |field: &str| format!("{field}-give-up-{}", step.recipient);
    let reason = Field::text("reason", EN.reason)
        .id(id("reason"))
        .hint(EN.give_up_hint)
        .error(wrong.map(|wrong| wrong.words.as_str()))
        .value(wrong.map_or("", |wrong| wrong.typed.reason.as_str()))
        .longest(500);
    let everywhere = wrong.is_some_and(|wrong| wrong.typed.is_everywhere());
    Sheet::post(format!("{HOME}/{}/give-up", step.case), csrf, EN.give_up)
        .title(format!("{}: {}", EN.give_up, step.recipient))
        .lead(EN.give_up_lead)
        .tone(Tone::Danger)
        .field(Field::hidden("recipient", &step.recipient))
        .field(reason)
        .field(Field::check("everywhere", EN.give_up_everywhere, everywhere).id(id("everywhere")))
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

/// Which recipient is given up, and why.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Why {
    recipient: String,
    reason: String,
    everywhere: String,
}

impl Why {
    fn is_everywhere(&self) -> bool {
        self.everywhere == "yes"
    }
}

/// Why a recipient was not given up, and what was typed.
pub(super) struct NotGivenUp {
    typed: Why,
    words: String,
}

/// POST /admin/cases/{id}/give-up.
pub(super) async fn give_up(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    let giving = GivingUp {
        case: (!why.is_everywhere()).then_some(id),
        recipient: &why.recipient,
        admin: caller.0.account,
        reason: &why.reason,
    };
    match recipients::give_up(accounts.store(), giving).await {
        // Where there is nothing to give up, the page shows how far it has come.
        Ok(_) | Err(StoreError::NotFound) => Ok(see_other(&format!("{HOME}/{id}"))),
        Err(StoreError::Invalid(words)) => {
            super::render(&accounts, &viewer, id, Some(Wrong::Recipient(NotGivenUp { typed: why, words }))).await
        }
        Err(other) => Err(other.into()),
    }
}
