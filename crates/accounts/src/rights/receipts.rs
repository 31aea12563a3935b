//! Receipts: for whoever knows their address, signed in or not.

use super::{overview::place, state_of, texts::EN, wire::ShownReceipt};
use crate::{Accounts, team::view::Viewer};
use axum::{Json as Reply, extract::State, http::StatusCode, response::Response};
use ingress::{Ids, problem::Answer};
use kernel::Problem;
use privacy::{
    case::{Case, Kind},
    receipt::Receipt,
};
use store::rights::{
    cases,
    recipients::{self, Step},
};
use ui::{Cell, Facts, Page, Prose, Section, Table};
use uuid::Uuid;

async fn find(accounts: &Accounts, token: Uuid) -> Answer<(Case, Option<u64>, Vec<Step>)> {
    let case = cases::by_receipt(accounts.store(), token).await?.ok_or_else(Problem::not_found)?;
    let leaf = cases::leaf(accounts.store(), &case).await?;
    let steps = recipients::of_case(accounts.store(), case.id).await?;
    Ok((case, leaf, steps))
}

/// GET /receipts/{token}.
pub(super) async fn show(State(accounts): State<Accounts>, viewer: Viewer, Ids(token): Ids<Uuid>) -> Answer<Response> {
    let (case, leaf, steps) = find(&accounts, token).await?;
    let mut facts = Facts::new()
        .fact(EN.what, EN.kind(case.kind))
        .fact(EN.state_head, state_of(&case))
        .html(EN.asked, ui::moment(case.opened_at))
        .html(EN.due, ui::moment(case.due_at));
    if let Some(closed) = case.closed_at {
        facts = facts.html(EN.closed, ui::moment(closed));
        facts = facts.fact(EN.leaf, leaf.map_or_else(|| EN.unsealed.to_owned(), |leaf| leaf.to_string()));
    }
    let mut page = Page::new(EN.receipt).lead(EN.receipt_lead);
    if let Some(receipt) = case.closed_at.and_then(|_| Receipt::of(&case)) {
        if case.kind == Kind::Erasure {
            facts = facts.fact(EN.keys, receipt.keys.to_string()).fact(EN.searched, receipt.searched.to_string());
        }
        page = page.add(facts).add(counts(EN.rows_of(case.kind), &receipt.rows));
        let kept = (!receipt.kept.is_empty()).then(|| counts(EN.receipt_kept, &receipt.kept));
        page = page.add(kept);
    } else {
        page = page.add(facts);
    }
    let page = page.add(told(&steps));
    viewer.show(&accounts, "/receipts", StatusCode::OK, &page).await
}

/// Whoever else is told of an erasure, and how far that has come; nothing where nobody is.
fn told(steps: &[Step]) -> Option<Section> {
    let mut table = Table::new(EN.recipients, [EN.recipient, EN.state_head, EN.told_at]);
    for step in steps {
        let state = step.reason.as_deref().map_or_else(
            || Cell::text(EN.told_state(step.state)),
            |why| Cell::text(format!("{}: {why}", EN.told_state(step.state))),
        );
        let when = step.told_at.map_or_else(|| Cell::text(EN.told_never), Cell::moment);
        table = table.row([Cell::text(&step.recipient), state, when]);
    }
    (!steps.is_empty()).then(|| Section::new(EN.recipients).add(Prose::new(EN.recipients_lead)).add(table))
}

fn counts(title: &str, rows: &store::rights::rows::Counts) -> Section {
    let mut table = Table::new(title, [EN.place, EN.rows]).empty(EN.receipt_none);
    for (name, count) in rows {
        table = table.row([place(name), Cell::text(count.to_string())]);
    }
    Section::new(title).add(table)
}

/// GET /api/receipts/{token}.
pub(super) async fn json(State(accounts): State<Accounts>, Ids(token): Ids<Uuid>) -> Answer<Reply<ShownReceipt>> {
    let (case, leaf, steps) = find(&accounts, token).await?;
    Ok(Reply(ShownReceipt::of(&case, leaf, &steps)))
}
