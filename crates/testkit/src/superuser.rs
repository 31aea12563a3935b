//! The scratch database as its superuser: for faults, and for looking at them.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, raw_sql};
use std::{io, path::Path};
use store::{
    Address, DATABASE,
    server::{Layout, layout::PORT},
};

/// A connection that no rule of the database binds.
pub(crate) async fn connect(data_dir: &Path) -> io::Result<PgConnection> {
    let address = Address::socket(Layout::of(data_dir).socket_dir(), PORT, DATABASE);
    address.bootstrap().connect().await.map_err(io::Error::other)
}

/// The number that a question is answered with, in the database of the system in `data_dir`.
///
/// # Errors
/// It cannot be asked.
pub async fn count(data_dir: &Path, question: &str) -> io::Result<i64> {
    number(connect(data_dir).await?, question).await
}

/// Runs statements in the database of the system in `data_dir`.
///
/// # Errors
/// They fail.
pub async fn run(data_dir: &Path, statements: &str) -> io::Result<()> {
    execute(connect(data_dir).await?, statements).await
}

pub(crate) async fn number(mut connection: PgConnection, question: &str) -> io::Result<i64> {
    let answer = sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&mut connection).await;
    connection.close().await.map_err(io::Error::other)?;
    answer.map_err(io::Error::other)
}

pub(crate) async fn execute(mut connection: PgConnection, statements: &str) -> io::Result<()> {
    raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.map_err(io::Error::other)?;
    connection.close().await.map_err(io::Error::other)
}
