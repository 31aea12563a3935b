//! The scratch database as its superuser: for faults, and for looking at them.

use sqlx::{ConnectOptions, PgConnection};
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
