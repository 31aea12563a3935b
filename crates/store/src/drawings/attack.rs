//! Raw SQL under the application's own role, against every drawing there is: what would become of a drawing if a statement
//! could be slipped in. Nothing is ever changed: every attempt is rolled back.

use crate::{Role, Store, StoreError};
use kernel::{PersonId, TenantId};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// In how many seats attempts are made, at either end of the tenants' age. All drawings are attacked from each.
const SEATS: usize = 40;

/// The tables that hold something of a drawing, with who may read a row: whose it is, and whom it was shared with while they
/// are members.
const TABLES: [(&str, &str); 3] = [("drawing", "drawing_id"), ("blob", "blob_id"), ("drawing_grant", "drawing_id")];

/// What came of the attempts.
#[derive(Clone, Debug, Default)]
pub struct Attacked {
    /// How many attempts there were.
    pub attempts: usize,
    /// How many drawings were attacked.
    pub drawings: usize,
    /// From how many seats: strangers, members, former members.
    pub seats: usize,
    /// What came through, a sentence each, without ids of people.
    pub leaks: Vec<String>,
}

/// From where an attempt is made.
#[derive(Clone, Copy)]
struct Seat {
    tenant: TenantId,
    person: PersonId,
    about: &'static str,
}

/// Attacks every drawing.
///
/// # Errors
/// When the database cannot be asked.
pub async fn attack(store: &Store) -> Result<Attacked, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    let mut app = store.connect_as(Role::App).await?;
    let seats = seats(&mut backup).await?;
    let drawings: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.drawing").fetch_one(&mut backup).await?;
    let mut out =
        Attacked { drawings: usize::try_from(drawings).unwrap_or_default(), seats: seats.len(), ..Attacked::default() };
    for seat in &seats {
        for table in TABLES {
            let allowed = allowed(&mut backup, *seat, table.1).await?;
            sweep(&mut app, *seat, table, &allowed, &mut out).await?;
        }
    }
    left_behind(&mut backup, &mut out).await?;
    Ok(out)
}

/// Strangers; members at either end of the tenants' age; and whoever has left.
async fn seats(backup: &mut PgConnection) -> Result<Vec<Seat>, StoreError> {
    const MEMBERS: &str = "(SELECT tenant_id, person_id FROM wordbond.person WHERE removed_at IS NULL
             ORDER BY tenant_id DESC, person_id DESC LIMIT $1)
        UNION (SELECT tenant_id, person_id FROM wordbond.person WHERE removed_at IS NULL
             ORDER BY tenant_id, person_id LIMIT $1)";
    const FORMER: &str = "SELECT tenant_id, person_id FROM wordbond.person WHERE removed_at IS NOT NULL
        ORDER BY removed_at DESC LIMIT $1";
    let mut seats = vec![Seat { tenant: TenantId::new(), person: PersonId::new(), about: "a stranger" }];
    for (sql, about) in [(MEMBERS, "a member without a grant"), (FORMER, "a former member")] {
        let rows = sqlx::query(sql).bind(i64::try_from(SEATS).unwrap_or_default()).fetch_all(&mut *backup).await?;
        for row in rows {
            let (tenant, person): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            seats.push(Seat { tenant: tenant.into(), person: person.into(), about });
        }
    }
    // Somebody of one team who says that they are in another.
    let mixed: Vec<Seat> = seats.iter().skip(1).take(4).copied().collect();
    let about = "the member of another team";
    let elsewhere = |(one, other): (&Seat, &Seat)| Seat { tenant: one.tenant, person: other.person, about };
    let crossed = mixed.iter().zip(mixed.iter().rev()).filter(|(one, other)| one.tenant != other.tenant);
    seats.extend(crossed.map(elsewhere));
    Ok(seats)
}

/// The drawings that the seat may see: their own, and those shared with them while they are a member. Computed by the role
/// that sees everything, from the rows and not from the policies. By the drawings' ids, or those of their blobs.
async fn allowed(backup: &mut PgConnection, seat: Seat, id: &str) -> Result<BTreeMap<Uuid, bool>, StoreError> {
    let sql = format!(
        "SELECT d.{id}, d.owner_id = $2 FROM wordbond.drawing AS d
        WHERE d.tenant_id = $1
          AND (d.owner_id = $2
               OR EXISTS (SELECT FROM wordbond.drawing_grant AS g JOIN wordbond.person AS p
                            ON p.tenant_id = g.tenant_id AND p.person_id = g.person_id AND p.removed_at IS NULL
                          WHERE g.tenant_id = d.tenant_id AND g.drawing_id = d.drawing_id AND g.person_id = $2))"
    );
    let rows =
        sqlx::query(AssertSqlSafe(sql)).bind(seat.tenant.uuid()).bind(seat.person.uuid()).fetch_all(backup).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Reads, changes and deletes whatever the seat reaches of a table, and says what it should not have reached.
async fn sweep(
    app: &mut PgConnection,
    seat: Seat,
    (table, id): (&str, &str),
    allowed: &BTreeMap<Uuid, bool>,
    out: &mut Attacked,
) -> Result<(), StoreError> {
    let own: BTreeSet<Uuid> = allowed.iter().filter(|(_, own)| **own).map(|(id, _)| *id).collect();
    // A grant shows itself to whoever it is for, also after they have left: ids, and nothing of the drawing.
    let mine = if table == "drawing_grant" { format!(" WHERE person_id <> '{}'", seat.person) } else { String::new() };
    let read = reached(app, seat, &format!("SELECT {id} FROM wordbond.{table}{mine}"), out).await?;
    let seen = if table != "drawing" { own.clone() } else { allowed.keys().copied().collect() };
    judge(seat, table, "read", read.difference(&seen).count(), out);
    let deleted = reached(app, seat, &format!("DELETE FROM wordbond.{table} RETURNING {id}"), out).await?;
    judge(seat, table, "deleted", deleted.difference(&own).count(), out);
    let update = format!("UPDATE wordbond.{table} SET owner_id = '{}' RETURNING {id}", seat.person);
    let changed = reached(app, seat, &update, out).await?;
    judge(seat, table, "changed", changed.len(), out);
    Ok(())
}

fn judge(seat: Seat, table: &str, how: &str, rows: usize, out: &mut Attacked) {
    if rows > 0 {
        out.leaks.push(format!("{} {how} {rows} drawings of others through wordbond.{table}", seat.about));
    }
}

/// The drawings whose rows a statement touches. What the database refuses touches none.
async fn reached(
    app: &mut PgConnection,
    seat: Seat,
    sql: &str,
    out: &mut Attacked,
) -> Result<BTreeSet<Uuid>, StoreError> {
    out.attempts += 1;
    let begin = format!(
        "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '500ms';
         SET LOCAL wordbond.tenant = '{}'; SET LOCAL wordbond.actor = '{}'",
        seat.tenant, seat.person
    );
    app.execute(AssertSqlSafe(begin)).await?;
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut *app).await;
    app.execute("ROLLBACK").await?;
    match rows {
        Ok(rows) => rows.iter().map(|row| Ok(row.try_get(0)?)).collect(),
        Err(error) if error.as_database_error().is_some_and(|refusal| refusal.code().as_deref() == Some("42501")) => {
            Ok(BTreeSet::new())
        }
        Err(error) => Err(error.into()),
    }
}

/// Shares end with the membership: a grant that outlives it opens the drawing again to whoever comes back.
async fn left_behind(backup: &mut PgConnection, out: &mut Attacked) -> Result<(), StoreError> {
    const SQL: &str = "SELECT count(*) FROM wordbond.drawing_grant AS g JOIN wordbond.person AS p
        ON p.tenant_id = g.tenant_id AND p.person_id IN (g.person_id, g.owner_id) WHERE p.removed_at IS NOT NULL";
    out.attempts += 1;
    let left: i64 = sqlx::query_scalar(SQL).fetch_one(backup).await?;
    if left > 0 {
        out.leaks.push(format!("{left} shares outlived the membership of somebody who has left"));
    }
    Ok(())
}
