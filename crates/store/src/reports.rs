//! Reports of browsers about what the content security policy stopped: counted, without anything about a person.

use crate::{Store, StoreError, time::At};
use kernel::Timestamp;
use serde::Serialize;
use sqlx::Row as _;

/// The most different reports that are kept. Anybody can send reports, so their number is bounded here as well as their
/// rate at the door. What was not seen for longest makes room: were the new one dropped instead, whoever fills the table
/// once would silence every later report.
const MOST: i64 = 1_000;

/// The longest text that is kept of any part.
const LONGEST: usize = 200;

/// A kind of violation, as often as it was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CspReport {
    /// The directive that was violated.
    pub directive: String,
    /// What was stopped: an origin or a word such as `inline`, never a whole address.
    pub blocked: String,
    /// The page, without query.
    pub path: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first_seen: Timestamp,
    /// When last.
    pub last_seen: Timestamp,
}

/// Counts a report. Query, fragment and what is longer than 200 characters are cut off: they can carry personal data.
///
/// # Errors
/// When the database refuses.
pub async fn count(store: &Store, directive: &str, blocked: &str, path: &str) -> Result<(), StoreError> {
    let mut system = store.system().await?;
    let now = At(store.clock().now());
    const SEEN: &str = "UPDATE wordbond.csp_report SET times = times + 1, last_seen = greatest(last_seen, $4)
        WHERE directive = $1 AND blocked = $2 AND path = $3";
    const ROOM: &str = "DELETE FROM wordbond.csp_report WHERE (directive, blocked, path) IN
        (SELECT directive, blocked, path FROM wordbond.csp_report ORDER BY last_seen DESC, directive, blocked, path OFFSET $1)";
    const NEW: &str = "INSERT INTO wordbond.csp_report (directive, blocked, path, times, first_seen, last_seen)
        VALUES ($1, $2, $3, 1, $4, $4)
        ON CONFLICT (directive, blocked, path) DO UPDATE SET times = csp_report.times + 1, last_seen = $4";
    let parts = [clip(directive), clip(blocked), clip(path)];
    let [directive, blocked, path] = &parts;
    let seen = sqlx::query(SEEN).bind(directive).bind(blocked).bind(path).bind(now).execute(system.conn()).await?;
    if seen.rows_affected() == 0 {
        sqlx::query(ROOM).bind(MOST - 1).execute(system.conn()).await?;
        sqlx::query(NEW).bind(directive).bind(blocked).bind(path).bind(now).execute(system.conn()).await?;
    }
    system.commit().await
}

/// Every kind of violation, the most recent first.
///
/// # Errors
/// When the database refuses.
pub async fn list(store: &Store) -> Result<Vec<CspReport>, StoreError> {
    const SQL: &str = "SELECT directive, blocked, path, times, first_seen, last_seen FROM wordbond.csp_report
        ORDER BY last_seen DESC, directive, blocked, path";
    let mut system = store.system().await?;
    let rows = sqlx::query(SQL).fetch_all(system.conn()).await?;
    rows.iter()
        .map(|row| {
            Ok(CspReport {
                directive: row.try_get("directive")?,
                blocked: row.try_get("blocked")?,
                path: row.try_get("path")?,
                count: u64::try_from(row.try_get::<i64, _>("times")?).unwrap_or_default(),
                first_seen: row.try_get::<At, _>("first_seen")?.0,
                last_seen: row.try_get::<At, _>("last_seen")?.0,
            })
        })
        .collect()
}

fn clip(text: &str) -> String {
    let plain = text.split(['?', '#']).next().unwrap_or_default();
    plain.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::clip;

    #[test]
    fn queries_and_length_are_cut() {
        assert_eq!(clip("/reset?token=secret"), "/reset");
        assert_eq!(clip("/a#b"), "/a");
        assert_eq!(clip("a\0b\n"), "ab");
        assert_eq!(clip(&"ä".repeat(500)).chars().count(), 200);
    }
}
