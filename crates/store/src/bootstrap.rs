//! A database's first minutes: roles, the database itself, migrations.

use crate::{
    Role, StoreError,
    address::{Address, connect, password},
    audit, operator_tenant,
};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};
use vault::KeyRing;

/// Creates the roles that are missing. What is there already is left as it is: if it is wrong, the house check says so
/// instead of silently mending it.
async fn create_roles(conn: &mut PgConnection, address: &Address, keys: &KeyRing) -> Result<(), StoreError> {
    let there: Vec<String> = sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1)")
        .bind(Role::names())
        .fetch_all(&mut *conn)
        .await?;
    let managed = matches!(address, Address::Url { .. });
    for role in Role::ALL {
        if there.iter().all(|name| name != role.name()) {
            conn.execute(AssertSqlSafe(format!("CREATE ROLE {role} LOGIN NOINHERIT"))).await?;
        }
        if managed {
            // Hexadecimal digits only; a utility statement takes no parameters.
            conn.execute(AssertSqlSafe(format!("ALTER ROLE {role} PASSWORD '{}'", password(role, keys)?))).await?;
        }
    }
    Ok(())
}

/// How many of the newest events of the operator's log are tried: one that somebody altered is the log's own attack to find.
const TRIED: i64 = 8;

/// Whether the database is one that was prepared before.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn has_served(address: &Address) -> Result<bool, StoreError> {
    let mut conn = connect(&address.bootstrap()).await?;
    let there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'wordbond')");
    let there = there.fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(there)
}

/// Refuses keys of another system, or made anew, before anything is changed: they open nothing of what the operator's log tells,
/// or, at a managed server whose log the provider's role does not read, let nobody in.
async fn are_its_keys(address: &Address, keys: &KeyRing) -> Result<(), StoreError> {
    if !has_served(address).await? {
        return Ok(());
    }
    let right = match address {
        Address::Socket { .. } => opens_the_log(address, keys).await?,
        Address::Url { .. } => lets_in(connect(&address.options(Role::Backup, keys)?).await).await?,
    };
    let why = "the keys open nothing of what the database holds: they are another system's";
    if right { Ok(()) } else { Err(StoreError::ForeignKeys(why)) }
}

async fn opens_the_log(address: &Address, keys: &KeyRing) -> Result<bool, StoreError> {
    const TABLE: &str = "SELECT to_regclass('wordbond.audit_event') IS NOT NULL";
    const EVENTS: &str = "SELECT event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
        WHERE tenant_id = $1 ORDER BY event_id DESC LIMIT $2";
    let mut superuser = connect(&address.bootstrap()).await?;
    let there: bool = sqlx::query_scalar(TABLE).fetch_one(&mut superuser).await?;
    let told = match there {
        true => sqlx::query(EVENTS).bind(operator_tenant().uuid()).bind(TRIED).fetch_all(&mut superuser).await?,
        false => Vec::new(),
    };
    superuser.close().await?;
    Ok(told.is_empty() || told.iter().any(|row| audit::read(keys, operator_tenant(), row).is_ok()))
}

/// Whether a role's password, which follows from the keys, is the one that it has. What else fails is said where it is in the way.
async fn lets_in(connected: Result<PgConnection, StoreError>) -> Result<bool, StoreError> {
    const INVALID_PASSWORD: &str = "28P01";
    match connected {
        Ok(conn) => conn.close().await.map(|()| true).map_err(StoreError::from),
        Err(StoreError::Database(error)) => {
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            Ok(code.as_deref() != Some(INVALID_PASSWORD))
        }
        Err(_) => Ok(true),
    }
}

/// Makes the database the owner's, and lets nobody in but the roles.
async fn claim_database(conn: &mut PgConnection, name: &str) -> Result<(), StoreError> {
    let name = quote(name);
    conn.execute(AssertSqlSafe(format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"))).await?;
    conn.execute(AssertSqlSafe(format!("GRANT CONNECT ON DATABASE {name} TO {}", Role::names().join(", ")))).await?;
    conn.execute(AssertSqlSafe(format!("GRANT CREATE ON DATABASE {name} TO {}", Role::Owner))).await?;
    Ok(())
}

/// Creates roles and database where they are missing, and brings the schema up to date.
///
/// # Errors
/// When the bootstrap role may not do this, or a migration fails; each is one transaction.
pub async fn prepare(address: &Address, keys: &KeyRing) -> Result<(), StoreError> {
    let name = address.database().to_owned();
    match address {
        Address::Socket { .. } => {
            let mut conn = connect(&address.with_database("postgres").bootstrap()).await?;
            let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut conn)
                .await?;
            if there {
                are_its_keys(address, keys).await?;
            }
            create_roles(&mut conn, address, keys).await?;
            if !there {
                conn.execute(AssertSqlSafe(format!("CREATE DATABASE {} OWNER {}", quote(&name), Role::Owner))).await?;
            }
            claim_database(&mut conn, &name).await?;
            conn.close().await?;
            close_public_schema(connect(&address.bootstrap()).await?).await?;
        }
        Address::Url { .. } => {
            let mut conn = connect(&address.bootstrap()).await?;
            are_its_keys(address, keys).await?;
            create_roles(&mut conn, address, keys).await?;
            claim_database(&mut conn, &name).await?;
            close_public_schema(conn).await?;
        }
    }
    migrate(address, keys).await
}

/// A copy of a prepared database. Its rights are not copied with it, so they are given anew.
///
/// # Errors
/// When the copy exists or the template is in use.
pub async fn copy_database(address: &Address, template: &str, copy: &str) -> Result<(), StoreError> {
    let mut conn = connect(&address.with_database("postgres").bootstrap()).await?;
    let (copied, from) = (quote(copy), quote(template));
    let statement = format!("CREATE DATABASE {copied} OWNER {} TEMPLATE {from} STRATEGY FILE_COPY", Role::Owner);
    conn.execute(AssertSqlSafe(statement)).await?;
    claim_database(&mut conn, copy).await?;
    conn.close().await?;
    Ok(())
}

/// Removes a database, whoever is connected to it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn drop_database(address: &Address, name: &str) -> Result<(), StoreError> {
    let mut conn = connect(&address.with_database("postgres").bootstrap()).await?;
    conn.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(name)))).await?;
    conn.close().await?;
    Ok(())
}

async fn close_public_schema(mut conn: PgConnection) -> Result<(), StoreError> {
    conn.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC").await?;
    conn.close().await?;
    Ok(())
}

async fn migrate(address: &Address, keys: &KeyRing) -> Result<(), StoreError> {
    let mut owner = connect(&address.options(Role::Owner, keys)?).await?;
    migrator().run_direct(None, &mut owner, false).await?;
    owner.close().await?;
    Ok(())
}

fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(vec![
        migration(1, "house", include_str!("../migrations/0001_house.sql")),
        migration(2, "ledger", ledger::MIGRATION),
        migration(3, "backup reads ledger", include_str!("../migrations/0003_backup_reads_ledger.sql")),
        migration(4, "accounts", include_str!("../migrations/0004_accounts.sql")),
        migration(10, "drawings", include_str!("../migrations/0010_drawings.sql")),
        migration(11, "objectives", include_str!("../migrations/0011_objectives.sql")),
        migration(14, "mail", include_str!("../migrations/0014_mail.sql")),
        migration(15, "token expiry", include_str!("../migrations/0015_token_expiry.sql")),
        migration(16, "blobs", include_str!("../migrations/0016_blobs.sql")),
        migration(17, "rights", include_str!("../migrations/0017_rights.sql")),
        migration(18, "rights again", include_str!("../migrations/0018_rights_again.sql")),
        migration(19, "letters", include_str!("../migrations/0019_letters.sql")),
        migration(20, "recipients", include_str!("../migrations/0020_recipients.sql")),
        migration(21, "given_up", include_str!("../migrations/0021_given_up.sql")),
    ]);
    migrator.dangerous_set_table_name("wordbond.migration");
    migrator.create_schema("wordbond");
    migrator
}

/// Names the schema of this build: eight hexadecimal digits that change with any migration.
#[must_use]
pub fn fingerprint() -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for migration in migrator().iter() {
        context.update(&migration.checksum);
    }
    context.finish().as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
