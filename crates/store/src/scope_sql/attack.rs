//! The attempts of one role.

use super::census::{Census, Crowd, Seat, colleague_rows, erasable, foreign_row, own, owned};
use crate::{Role, Store, StoreError, data_map::Table};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
};

/// From how many seats rows are also written, not only read.
const WRITERS: usize = 6;

/// How often one ON CONFLICT statement is tried: a plan that is used again was the way through in CVE-2026-120154. From the
/// first seat and with one row of each table only: the connection keeps the plan, so that every later attempt meets it.
const AGAIN: usize = 7;

/// Every attempt begins so. Short limits: a prover must never hold up the application, not even when it finds a way in.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '500ms'";

/// What the attempts of one role came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) attempts: usize,
    pub(super) leaks: Vec<String>,
    pub(super) failures: Vec<String>,
    pub(super) own_rows: i64,
    pub(super) colleague_rows: i64,
}

impl Report {
    pub(super) fn absorb(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.leaks.extend(other.leaks);
        self.failures.extend(other.failures);
        self.own_rows += other.own_rows;
        self.colleague_rows += other.colleague_rows;
    }
}

/// How one attempt ended.
enum End {
    /// It touched that many rows.
    Touched(i64),
    /// The database refused it, with this SQLSTATE.
    Refused(String),
}

/// A scope as an attacker sets it up.
struct Setting {
    about: &'static str,
    sql: String,
    /// Whether COPY is tried in it.
    copies: bool,
}

/// One role with a connection of its own, which it uses for one scope after another.
pub(super) struct Attacker<'a> {
    store: &'a Store,
    role: Role,
    conn: PgConnection,
    backup: PgConnection,
    census: &'a Census,
    /// For each table a column that the role may change, where there is one.
    columns: BTreeMap<String, String>,
    /// Statements that the role has no right to at all. No scope gives it one, so they are not tried in another.
    denied: BTreeSet<(String, &'static str)>,
    report: Report,
}

impl<'a> Attacker<'a> {
    pub(super) async fn connect(store: &'a Store, role: Role, census: &'a Census) -> Result<Self, StoreError> {
        const WRITABLE: &str = "SELECT attname::text FROM pg_attribute
            WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
            ORDER BY has_column_privilege($2, attrelid, attnum, 'UPDATE') DESC, attnum DESC LIMIT 1";
        let (conn, mut backup) = (store.connect_as(role).await?, store.connect_as(Role::Backup).await?);
        let mut columns = BTreeMap::new();
        for crowd in &census.tables {
            let name = &crowd.table.name;
            let column = sqlx::query_scalar(WRITABLE).bind(name).bind(role.name()).fetch_one(&mut backup).await?;
            columns.insert(name.clone(), column);
        }
        Ok(Self { store, role, conn, backup, census, columns, denied: BTreeSet::new(), report: Report::default() })
    }

    /// Makes every attempt.
    pub(super) async fn attack(mut self) -> Result<Report, StoreError> {
        self.become_others().await?;
        self.read_around().await?;
        for setting in strangers() {
            for crowd in &self.census.tables {
                self.as_stranger(&setting, crowd).await?;
            }
        }
        let seats = &self.census.seats;
        // Tenants and people mean something to the application's policies; for another role two seats tell as much.
        let some = if self.knows_people() { seats.len() } else { 2 };
        for seat in seats.iter().take(some) {
            self.sweep(seat).await?;
        }
        for (at, seat) in seats.iter().take(some.min(WRITERS)).enumerate() {
            let times = if self.role == Role::App && at == 0 { AGAIN } else { 1 };
            for crowd in &self.census.tables {
                self.write(seat, crowd, times).await?;
            }
        }
        // What the last scope left behind on the connection must be nothing.
        let unset = Setting { about: "none, after another's", sql: String::new(), copies: false };
        for crowd in &self.census.tables {
            self.as_stranger(&unset, crowd).await?;
        }
        Ok(self.report)
    }

    /// Whether this role sees rows of the table by design: the dispatcher sees every ticket, which tenants there are, and
    /// whose a case is.
    fn excepted(&self, crowd: &Crowd) -> bool {
        self.role == Role::Dispatcher
            && matches!(crowd.table.name.as_str(), "wordbond.ticket" | "wordbond.tenant" | "wordbond.rights_request")
    }

    /// Tries to become every other role there is.
    async fn become_others(&mut self) -> Result<(), StoreError> {
        let others: Vec<String> =
            sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE rolname <> $1 ORDER BY rolname")
                .bind(self.role.name())
                .fetch_all(&mut self.backup)
                .await?;
        // The owner of a database is a member of this one by definition; it has no rights beyond what its member has.
        let others = others.into_iter().filter(|other| self.role != Role::Owner || other != "pg_database_owner");
        for other in others.collect::<Vec<_>>() {
            let quoted = other.replace('"', "\"\"");
            if let End::Touched(_) = self.attempt("", &format!("SET LOCAL ROLE \"{quoted}\"")).await? {
                let seen = self.rows_as(&quoted).await?;
                self.report.leaks.push(format!("{} can become {other}, and then reads {seen} rows", self.role));
            }
        }
        Ok(())
    }

    async fn rows_as(&mut self, role: &str) -> Result<i64, StoreError> {
        let mut seen = 0;
        for crowd in &self.census.tables {
            let (scope, sql) =
                (format!("SET LOCAL ROLE \"{role}\""), format!("SELECT count(*) FROM {}", crowd.table.name));
            if let End::Touched(rows) = self.count(&scope, &sql).await? {
                seen += rows;
            }
        }
        Ok(seen)
    }

    /// Reads every view, materialized view and foreign table that the role may read, in whatever schema, without those that
    /// came with the server: there should be none.
    async fn read_around(&mut self) -> Result<(), StoreError> {
        const SQL: &str = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('v', 'm', 'f') AND c.oid >= 16384";
        let ways: Vec<String> = sqlx::query_scalar(SQL).fetch_all(&mut self.backup).await?;
        for way in ways {
            if let End::Touched(rows @ 1..) = self.count("", &format!("SELECT count(*) FROM {way}")).await? {
                self.report.leaks.push(format!("{} reads {rows} rows through {way}", self.role));
            }
        }
        Ok(())
    }

    /// From a scope that owns nothing, every statement without a condition must touch nothing. Without a condition,
    /// because a condition reads columns and is then also held by the policies for reading.
    async fn as_stranger(&mut self, setting: &Setting, crowd: &Crowd) -> Result<(), StoreError> {
        if self.excepted(crowd) {
            return Ok(());
        }
        let name = &crowd.table.name;
        let column = self.writable(crowd);
        let mut copies = false;
        if !self.is_denied(name, "SELECT") {
            let read = self.count(&setting.sql, &format!("SELECT count(*) FROM {name}")).await?;
            // COPY needs what SELECT needs: where that is refused outright, a connection of its own tells nothing more.
            copies = setting.copies && matches!(read, End::Touched(_));
            self.judge("SELECT", name, setting.about, read);
        }
        for (what, sql) in
            [("UPDATE", format!("UPDATE {name} SET {column} = DEFAULT")), ("DELETE", format!("DELETE FROM {name}"))]
        {
            if !self.is_denied(name, what) {
                let end = self.attempt(&setting.sql, &sql).await?;
                self.judge(what, name, setting.about, end);
            }
        }
        // The owner may do with a table what it likes, and nobody but the migrations may be the owner.
        if self.role != Role::Owner && !self.is_denied(name, "TRUNCATE") {
            match self.attempt(&setting.sql, &format!("TRUNCATE {name}")).await? {
                End::Touched(_) => self.report.leaks.push(format!("{} can TRUNCATE {name}", self.role)),
                End::Refused(_) => drop(self.denied.insert((name.clone(), "TRUNCATE"))),
            }
        }
        if copies {
            let end = self.copy(&setting.sql, name).await?;
            self.judge("COPY", name, setting.about, end);
        }
        Ok(())
    }

    /// From a real person's seat: reads whatever is not theirs, in every table at once; table by table where one is refused.
    async fn sweep(&mut self, seat: &Seat) -> Result<(), StoreError> {
        let scope = settings(seat);
        let tables: Vec<&Crowd> = self.census.tables.iter().filter(|crowd| !self.excepted(crowd)).collect();
        let open = |crowd: &&Crowd| !self.denied.contains(&(crowd.table.name.clone(), "SELECT"));
        let tables: Vec<&Crowd> = tables.into_iter().filter(open).collect();
        let counts: Vec<String> = tables.iter().map(|crowd| self.counted(&crowd.table, seat)).collect();
        if counts.is_empty() {
            return Ok(());
        }
        if let Some(rows) = self.rows(&scope, &counts.join(" UNION ALL ")).await? {
            for (name, foreign, own) in rows {
                self.judge("SELECT", &name, "a person's", End::Touched(foreign));
                self.report.own_rows += own;
            }
        } else {
            for (crowd, count) in tables.iter().zip(&counts) {
                let foreign =
                    self.count(&scope, &format!("SELECT c.theirs FROM ({count}) AS c(name, theirs, own)")).await?;
                self.judge("SELECT", &crowd.table.name, "a person's", foreign);
            }
        }
        if self.role == Role::App {
            let tables = self.census.tables.iter().map(|crowd| &crowd.table);
            self.report.colleague_rows += colleague_rows(&mut self.backup, tables, seat).await?;
        }
        Ok(())
    }

    /// The condition under which a row `t` is the seat's to read, and to change, in this role. Only the policies of the
    /// application and of the eraser know tenants and people.
    fn theirs(&self, table: &Table, seat: &Seat) -> [String; 2] {
        match self.role {
            Role::App => [own(table, seat), owned(table, seat)],
            Role::Eraser => [own(table, seat), erasable(table, seat)],
            _ => ["false".to_owned(), "false".to_owned()],
        }
    }

    /// Whether attacks are made from every seat: where policies know tenants and people.
    fn knows_people(&self) -> bool {
        matches!(self.role, Role::App | Role::Eraser)
    }

    /// A statement that counts a table's rows, those that are not the seat's and those that are. For the other roles every row
    /// is somebody else's. Nor has the identity role rows of its
    /// own: one shows itself to a known key, and here none is known.
    fn counted(&self, table: &Table, seat: &Seat) -> String {
        let [mut theirs, erasable] = self.theirs(table, seat);
        if self.role == Role::Eraser {
            theirs = format!("({theirs} OR {erasable})");
        }
        format!(
            "SELECT '{0}', count(*) FILTER (WHERE NOT {theirs}), count(*) FILTER (WHERE {theirs}) FROM {0} AS t",
            table.name
        )
    }

    /// Name and two counts per row, or nothing where any part was refused.
    async fn rows(&mut self, scope: &str, sql: &str) -> Result<Option<Vec<(String, i64, i64)>>, StoreError> {
        let script = self.script(scope, sql);
        let rows = self.conn.fetch_all(AssertSqlSafe(script)).await;
        let rows = rows.and_then(|rows| {
            rows.iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
                .collect::<Result<Vec<_>, _>>()
        });
        match rows {
            Ok(rows) => {
                self.report.attempts += rows.len().saturating_sub(1);
                Ok(Some(rows))
            }
            Err(error) => match self.close(Err(error)).await? {
                End::Refused(_) | End::Touched(_) => Ok(None),
            },
        }
    }

    /// From a real person's seat: changes, deletes, overwrites and plants rows of others.
    async fn write(&mut self, seat: &Seat, crowd: &Crowd, times: usize) -> Result<(), StoreError> {
        if self.excepted(crowd) {
            return Ok(());
        }
        let (name, scope) = (&crowd.table.name, settings(seat));
        let [_, theirs] = self.theirs(&crowd.table, seat);
        let column = self.writable(crowd);
        for (what, sql) in [
            ("UPDATE", format!("UPDATE {name} AS t SET {column} = t.{column} WHERE NOT {theirs}")),
            ("DELETE", format!("DELETE FROM {name} AS t WHERE NOT {theirs}")),
        ] {
            if !self.is_denied(name, what) {
                let end = self.attempt(&scope, &sql).await?;
                self.judge(what, name, "a person's", end);
            }
        }
        for (colleague, newest) in [(false, false), (false, true), (true, true)] {
            if let Some(row) = foreign_row(&mut self.backup, &crowd.table, seat, colleague, newest).await? {
                let times = if colleague || newest { 1 } else { times };
                self.overwrite(&scope, crowd, &row, times).await?;
                self.plant(&scope, crowd, &row).await?;
            }
        }
        Ok(())
    }

    /// Inserts somebody else's row once more, to have the conflict update it.
    async fn overwrite(&mut self, scope: &str, crowd: &Crowd, row: &str, times: usize) -> Result<(), StoreError> {
        let (name, key) = (&crowd.table.name, crowd.key.join(", "));
        let column = self.writable(crowd);
        let sql = format!(
            "INSERT INTO {name} SELECT * FROM jsonb_populate_record(NULL::{name}, $1::jsonb)
             ON CONFLICT ({key}) DO UPDATE SET {column} = EXCLUDED.{column}"
        );
        for _ in 0..times {
            let end = self.attempt_with(scope, &sql, row).await?;
            self.judge("INSERT ON CONFLICT", name, "a person's", end);
        }
        Ok(())
    }

    /// Inserts a row like somebody else's under a fresh id.
    async fn plant(&mut self, scope: &str, crowd: &Crowd, row: &str) -> Result<(), StoreError> {
        let name = &crowd.table.name;
        let Some(last) = crowd.key.last() else { return Ok(()) };
        let fresh = if crowd.table.name == "wordbond.sign_in" {
            "'\"\\\\x' || encode(sha256(gen_random_uuid()::text::bytea), 'hex') || '\"'"
        } else {
            "'\"' || gen_random_uuid() || '\"'"
        };
        let sql = format!(
            "INSERT INTO {name} SELECT * FROM jsonb_populate_record(NULL::{name},
                 jsonb_set($1::jsonb, '{{{last}}}', ({fresh})::jsonb))"
        );
        let end = self.attempt_with(scope, &sql, row).await?;
        // A row of the person's own tenant under a fresh id is theirs to make where rows are the tenant's.
        self.judge("INSERT", name, "a person's", end);
        Ok(())
    }

    fn writable(&self, crowd: &Crowd) -> String {
        self.columns.get(&crowd.table.name).cloned().unwrap_or_else(|| "tenant_id".to_owned())
    }

    fn is_denied(&self, table: &str, what: &'static str) -> bool {
        self.denied.contains(&(table.to_owned(), what))
    }

    fn judge(&mut self, what: &'static str, table: &str, scope: &str, end: End) {
        // A condition is no part of these, so that no policy can have refused them: it was the right that was missing.
        if matches!(&end, End::Refused(code) if code == "42501") && matches!(what, "SELECT" | "DELETE") {
            self.denied.insert((table.to_owned(), what));
        }
        match end {
            End::Touched(0) => {}
            End::Touched(rows) => self
                .report
                .leaks
                .push(format!("{} touched {rows} rows of others in {table} by {what}; its scope: {scope}", self.role)),
            // Refused by privilege or policy; or the scope itself was no uuid, bytea or hexadecimal.
            End::Refused(code) if matches!(code.as_str(), "42501" | "22P02" | "22023") => {}
            // COPY FROM and some writes are refused as such under row security.
            End::Refused(code) if code == "0A000" => {}
            // A constraint is looked at after the policy: to be stopped there is to have come through.
            End::Refused(code) if code.starts_with("23") => self.report.leaks.push(format!(
                "{} reached past the policy of {table} by {what}, stopped only by a constraint; its scope: {scope}",
                self.role
            )),
            End::Refused(code) => self.report.failures.push(format!("{} {what} {table}: SQLSTATE {code}", self.role)),
        }
    }

    /// One statement in one scope, rolled back. Yields the number of rows it touched. All in one message: where nothing
    /// is refused, that is one round trip.
    async fn attempt(&mut self, scope: &str, sql: &str) -> Result<End, StoreError> {
        let script = self.script(scope, sql);
        let end = self.conn.execute(AssertSqlSafe(script)).await;
        self.close(end.map(|done| i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))).await
    }

    async fn count(&mut self, scope: &str, sql: &str) -> Result<End, StoreError> {
        let script = self.script(scope, sql);
        let end = self.conn.fetch_one(AssertSqlSafe(script)).await.and_then(|row| row.try_get(0));
        self.close(end).await
    }

    fn script(&mut self, scope: &str, sql: &str) -> String {
        self.report.attempts += 1;
        format!("{BEGIN}; {scope}; {sql}; ROLLBACK")
    }

    async fn attempt_with(&mut self, scope: &str, sql: &str, row: &str) -> Result<End, StoreError> {
        self.open(scope).await?;
        let end = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(row).execute(&mut self.conn).await;
        self.conn.execute("ROLLBACK").await?;
        ended(end.map(|done| i64::try_from(done.rows_affected()).unwrap_or(i64::MAX)))
    }

    /// A COPY on a connection of its own: the driver cannot use one further on which a COPY was refused.
    async fn copy(&mut self, scope: &str, table: &str) -> Result<End, StoreError> {
        let fresh = self.store.connect_as(self.role).await?;
        let used = std::mem::replace(&mut self.conn, fresh);
        self.open(scope).await?;
        let end = copied_lines(&mut self.conn, &format!("COPY {table} TO STDOUT")).await;
        self.conn = used;
        ended(end)
    }

    async fn open(&mut self, scope: &str) -> Result<(), StoreError> {
        self.report.attempts += 1;
        self.conn.execute(AssertSqlSafe(format!("{BEGIN}; {scope}"))).await?;
        Ok(())
    }

    async fn close(&mut self, end: Result<i64, sqlx::Error>) -> Result<End, StoreError> {
        if end.is_err() {
            self.conn.execute("ROLLBACK").await?;
        }
        ended(end)
    }
}

fn ended(end: Result<i64, sqlx::Error>) -> Result<End, StoreError> {
    match end {
        Ok(rows) => Ok(End::Touched(rows)),
        Err(error) => match error.as_database_error().and_then(|refusal| refusal.code().map(Into::into)) {
            Some(code) => Ok(End::Refused(code)),
            None => Err(error.into()),
        },
    }
}

/// How many rows a COPY yields, in the text format: a line each.
async fn copied_lines(conn: &mut PgConnection, statement: &str) -> Result<i64, sqlx::Error> {
    let mut stream = conn.copy_out_raw(statement).await?;
    let mut lines = 0;
    while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        lines += chunk?.iter().filter(|byte| **byte == b'\n').count();
    }
    Ok(i64::try_from(lines).unwrap_or(i64::MAX))
}

fn settings(seat: &Seat) -> String {
    let Seat { tenant, person, account } = seat;
    format!(
        "SET LOCAL wordbond.tenant = '{tenant}'; SET LOCAL wordbond.actor = '{person}'; SET LOCAL wordbond.account = '{account}'"
    )
}

/// Scopes that own nothing.
fn strangers() -> Vec<Setting> {
    let (tenant, person, account) = (TenantId::new(), PersonId::new(), AccountId::new());
    let set = |about, copies, sql: String| Setting { about, sql, copies };
    vec![
        set("none", true, String::new()),
        set(
            "empty",
            false,
            "SET LOCAL wordbond.tenant = ''; SET LOCAL wordbond.actor = ''; SET LOCAL wordbond.lookup = ''; \
             SET LOCAL wordbond.account = ''"
                .to_owned(),
        ),
        set(
            "malformed",
            false,
            "SET LOCAL wordbond.tenant = 'x'' OR true --'; SET LOCAL wordbond.actor = '%'; \
             SET LOCAL wordbond.account = '*'"
                .to_owned(),
        ),
        set("half", false, format!("SET LOCAL wordbond.actor = '{person}'")),
        set("a stranger's", true, settings(&Seat { tenant, person, account })),
        set("a stranger's key", false, format!("SET LOCAL wordbond.lookup = '{}'", "00".repeat(32))),
    ]
}
