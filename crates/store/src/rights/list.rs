//! Every case, a page at a time, for the operator: what waits, what is late, what is done; those of people before those of probes.

use super::{
    Kind,
    cases::{COLUMNS, Case, read},
};
use crate::{Store, StoreError, audit, operator_tenant, time::At};
use kernel::Actor;
use sqlx::AssertSqlSafe;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// How far the cases are that are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Not answered yet, by when they are due.
    #[default]
    Open,
    /// Not answered yet, and past their time, by when they were due.
    Late,
    /// Answered, refused or taken back, the last first.
    Done,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 3] = [Self::Open, Self::Late, Self::Done];

    /// The word that stands for it in addresses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Late => "late",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.word() == text);
        found.ok_or_else(|| format!("`{text}` is none of open, late and done"))
    }
}

/// Which cases are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// How far they are.
    pub stage: Stage,
    /// What was asked for; anything without it.
    pub kind: Option<Kind>,
    /// Those of probes rather than those of people. None of them is open: a probe says so once its case is closed.
    pub of_probes: bool,
}

/// The cases behind `after` in their order, so many at most.
///
/// # Errors
/// When the database cannot be asked.
pub async fn page(store: &Store, sought: Sought, after: Option<Uuid>, most: u32) -> Result<Vec<Case>, StoreError> {
    // A case that is answered while somebody turns the page keeps its place in the order by when it was due.
    let (condition, behind, order) = match sought.stage {
        Stage::Open => ("c.closed_at IS NULL", DUE, "c.due_at, c.case_id"),
        Stage::Late => ("c.closed_at IS NULL AND c.paused_at IS NULL AND c.due_at <= $4", DUE, "c.due_at, c.case_id"),
        Stage::Done => ("c.closed_at IS NOT NULL", CLOSED, "c.closed_at DESC, c.case_id DESC"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM wordbond.rights_case AS c WHERE {condition} AND c.of_probe = $1
             AND ($2::text IS NULL OR c.kind = $2) AND ($3::uuid IS NULL OR {behind}) AND $4::timestamptz IS NOT NULL
         ORDER BY {order} LIMIT $5"
    );
    let mut system = store.system().await?;
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(sought.of_probes)
        .bind(sought.kind.map(Kind::word))
        .bind(after)
        .bind(At(store.clock().now()))
        .bind(i64::from(most))
        .fetch_all(system.conn())
        .await?;
    rows.iter().map(read).collect()
}

const DUE: &str =
    "(c.due_at, c.case_id) > (SELECT a.due_at, a.case_id FROM wordbond.rights_case AS a WHERE a.case_id = $3)";
const CLOSED: &str =
    "(c.closed_at, c.case_id) < (SELECT a.closed_at, a.case_id FROM wordbond.rights_case AS a WHERE a.case_id = $3)";

/// Notes that a closed case was a probe's: the probe says so itself, afterwards, when nothing can be done differently for it any
/// more. One that is open stays in sight. Told in the log.
///
/// # Errors
/// When the database refuses.
pub async fn of_probe(store: &Store, case: Uuid) -> Result<(), StoreError> {
    let mut scoped = store.scoped(operator_tenant(), &Actor::Job { name: "probe".to_owned() }).await?;
    const SQL: &str = "UPDATE wordbond.rights_case SET of_probe = true
        WHERE case_id = $1 AND closed_at IS NOT NULL AND NOT of_probe";
    let done = sqlx::query(SQL).bind(case).execute(scoped.conn()).await?;
    if done.rows_affected() > 0 {
        audit::note(&mut scoped, "rights.of-probe", &[format!("case:{case}")], &[]).await?;
    }
    scoped.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_reads_back() {
        for stage in Stage::ALL {
            assert_eq!(stage.word().parse(), Ok(stage));
        }
        assert!("closed".parse::<Stage>().is_err());
    }
}
