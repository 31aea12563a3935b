//! What the API says and takes about requests.

use super::{held_until, receipt_path};
use privacy::{
    case::{Case, Own},
    receipt::Receipt,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::rights::recipients::Step;
use utoipa::ToSchema;
use uuid::Uuid;

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `access`, `portability`, `erasure`, `restriction` or `objection`.
    pub(super) kind: String,
    /// The address of the account, once more.
    pub(super) email: String,
}

/// A case that was opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Opened {
    case: Uuid,
    state: String,
    due_at: String,
    /// Where anybody who knows the address sees what became of it.
    receipt: String,
}

/// A case.
#[derive(Serialize, ToSchema)]
pub(super) struct Shown {
    case: Uuid,
    kind: String,
    state: String,
    opened_at: String,
    due_at: String,
    closed_at: Option<String>,
    /// Until when a law forbids it.
    held_until: Option<String>,
    receipt: String,
    /// What the operator said about it.
    notice: Option<String>,
    /// What the caller answered.
    answer: Option<String>,
}

/// Cases.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed {
    pub(super) requests: Vec<Shown>,
}

/// A receipt. It names nobody.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownReceipt {
    kind: String,
    state: String,
    opened_at: String,
    due_at: String,
    closed_at: Option<String>,
    held_until: Option<String>,
    /// Rows by table: erased, or in the copy.
    rows: BTreeMap<String, u64>,
    /// Rows by table that stay, and name an id that leads nowhere any more.
    kept: BTreeMap<String, u64>,
    /// Keys that were destroyed.
    keys: usize,
    /// Places that were searched afterwards, and found empty.
    searched: u64,
    /// Whoever else is told of an erasure, by name.
    recipients: Vec<ShownRecipient>,
    /// The leaf of the ledger that closed it.
    leaf: Option<u64>,
}

/// Whoever else is told.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownRecipient {
    name: String,
    /// `open`, `acknowledged`, `refused`, `expired` or `given-up`.
    state: String,
    /// Until when it is tried.
    due_at: String,
    /// When it was acknowledged.
    told_at: Option<String>,
    /// Why it was given up, as the operator says.
    reason: Option<String>,
}

/// As much of a receipt as a probe reads.
#[derive(Deserialize)]
pub(super) struct Answered {
    pub(super) state: String,
}

impl From<&Case> for Opened {
    fn from(case: &Case) -> Self {
        Self {
            case: case.id,
            state: case.state.to_string(),
            due_at: case.due_at.to_string(),
            receipt: receipt_path(case),
        }
    }
}

impl Shown {
    pub(super) fn of(own: Own) -> Self {
        let Own { case, notice, answer } = own;
        let case = &case;
        Self {
            case: case.id,
            kind: case.kind.to_string(),
            state: case.state.to_string(),
            opened_at: case.opened_at.to_string(),
            due_at: case.due_at.to_string(),
            closed_at: case.closed_at.map(|at| at.to_string()),
            held_until: held_until(case).map(|at| at.to_string()),
            receipt: receipt_path(case),
            notice,
            answer,
        }
    }
}

impl ShownReceipt {
    pub(super) fn of(case: &Case, leaf: Option<u64>, steps: &[Step]) -> Self {
        let receipt = case.closed_at.and_then(|_| Receipt::of(case));
        let (rows, kept, keys, searched) =
            receipt.map(|it| (it.rows, it.kept, it.keys, it.searched)).unwrap_or_default();
        Self {
            kind: case.kind.to_string(),
            state: case.state.to_string(),
            opened_at: case.opened_at.to_string(),
            due_at: case.due_at.to_string(),
            closed_at: case.closed_at.map(|at| at.to_string()),
            held_until: held_until(case).map(|at| at.to_string()),
            rows,
            kept,
            keys,
            searched,
            recipients: steps.iter().map(ShownRecipient::of).collect(),
            leaf,
        }
    }
}

impl ShownRecipient {
    fn of(step: &Step) -> Self {
        Self {
            name: step.recipient.clone(),
            state: step.state.to_string(),
            due_at: step.due_at.to_string(),
            told_at: step.told_at.map(|at| at.to_string()),
            reason: step.reason.clone(),
        }
    }
}
