//! Places of the database server that no look at rows reaches.

use super::remains::eyes;
use crate::{Address, Store, StoreError, address::connect};
use sqlx::{Connection as _, PgConnection};

/// The databases that every server has from its beginning.
const FROM_THE_BEGINNING: [&str; 3] = ["postgres", "template0", "template1"];

/// The first of them that is not empty, in words: large objects, which are no rows of any table; servers elsewhere to which
/// statements reach; another database of a server of our own. The system uses none of them.
///
/// # Errors
/// When the database refuses.
pub async fn elsewhere(store: &Store) -> Result<Option<String>, StoreError> {
    let mut conn = eyes(store).await?;
    let found = match large_objects(&mut conn).await? {
        Some(found) => Some(found),
        None => foreign(&mut conn).await?,
    };
    let found = match (found, store.address()) {
        (Some(found), _) => Some(found),
        (None, Address::Socket { .. }) => databases(store, &mut conn).await?,
        // What else a provider's server holds is not the system's.
        (None, Address::Url { .. }) => None,
    };
    conn.close().await?;
    Ok(found)
}

async fn large_objects(conn: &mut PgConnection) -> Result<Option<String>, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_largeobject_metadata").fetch_one(conn).await?;
    Ok((count > 0).then(|| format!("{count} large objects, which are no rows of any table")))
}

async fn foreign(conn: &mut PgConnection) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT 'the foreign server ' || quote_ident(srvname) FROM pg_foreign_server
        UNION ALL SELECT 'the foreign table ' || ftrelid::regclass::text FROM pg_foreign_table LIMIT 1";
    Ok(sqlx::query_scalar(SQL).fetch_optional(conn).await?)
}

async fn databases(store: &Store, conn: &mut PgConnection) -> Result<Option<String>, StoreError> {
    const SQL: &str =
        "SELECT datname::text, datallowconn FROM pg_database WHERE datname <> current_database() ORDER BY 1";
    let others: Vec<(String, bool)> = sqlx::query_as(SQL).fetch_all(conn).await?;
    for (name, lets_in) in others {
        if !FROM_THE_BEGINNING.contains(&name.as_str()) {
            return Ok(Some(format!("another database of the same server, `{name}`")));
        }
        if !lets_in {
            continue;
        }
        let mut other = connect(&store.address().with_database(&name).bootstrap()).await?;
        const RELATIONS: &str = "SELECT oid::regclass::text FROM pg_class WHERE oid >= 16384 ORDER BY oid LIMIT 1";
        let relation: Option<String> = sqlx::query_scalar(RELATIONS).fetch_optional(&mut other).await?;
        let found = match relation {
            Some(relation) => Some(relation),
            None => large_objects(&mut other).await?,
        };
        other.close().await?;
        if let Some(found) = found {
            return Ok(Some(format!("the server's own database `{name}`: {found}")));
        }
    }
    Ok(None)
}
