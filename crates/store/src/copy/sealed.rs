//! Where each sealed column belongs: under whose key, in which row and version.

use super::{Row, id};
use crate::{StoreError, accounts::subject, operator_tenant};
use kernel::{AccountId, PersonId, TenantId};
use serde_json::Value;
use vault::{KeyRing, Place, Sealed, Subject};

/// Under whose key a column is sealed.
#[derive(Clone, Copy)]
enum Key {
    /// The team's.
    Team,
    /// That of the person in this column.
    Person(&'static str),
    /// The account's own.
    Account,
}

/// One sealed column.
struct Column {
    table: &'static str,
    column: &'static str,
    key: Key,
    /// The column with the row's own id.
    row: &'static str,
    /// Whether it is sealed for the row's version; else for the first.
    versioned: bool,
}

const fn column(table: &'static str, column: &'static str, key: Key, row: &'static str, versioned: bool) -> Column {
    Column { table, column, key, row, versioned }
}

const COLUMNS: &[Column] = &[
    column("tenant", "name", Key::Team, "tenant_id", true),
    column("person", "name", Key::Person("person_id"), "person_id", true),
    column("person", "email", Key::Person("person_id"), "person_id", true),
    column("token", "label", Key::Person("person_id"), "token_id", false),
    column("note", "title", Key::Person("owner_id"), "note_id", true),
    column("note", "body", Key::Person("owner_id"), "note_id", true),
    column("account", "email", Key::Account, "account_id", true),
    column("account", "name", Key::Account, "account_id", true),
    column("session", "device", Key::Account, "session_id", false),
    column("factor", "label", Key::Account, "factor_id", false),
    column("one_time", "payload", Key::Account, "one_time_id", false),
    column("invitation", "email", Key::Team, "invitation_id", false),
    column("admin_look", "reason", Key::Team, "look_id", false),
    column("drawing", "label", Key::Person("owner_id"), "drawing_id", false),
    column("objective", "body", Key::Team, "objective_id", true),
    column("key_result", "body", Key::Team, "key_result_id", true),
    column("check_in", "body", Key::Team, "check_in_id", false),
    column("objective_revision", "body", Key::Team, "revision_id", true),
    column("rights_request", "notice", Key::Account, "case_id", true),
    column("rights_request", "answer", Key::Account, "case_id", true),
];

/// What is held and not given, each with the reason.
pub const KEPT_BACK: &[(&str, &str, &str)] = &[
    ("wordbond.factor", "secret", "it opens the account, and a copy of it would do so too"),
    ("wordbond.legal_hold", "reason", "it is the operator's, and may name others"),
    ("wordbond.legal_hold", "released_why", "it is the operator's, and may name others"),
    ("wordbond.rights_step", "subject", "it names whoever is erased already, until a recipient knows"),
    ("wordbond.rights_step", "reason", "it is the operator's, and stands on the receipt"),
    ("wordbond.mail", "body", "it is on its way to you, and may hold a link that opens something"),
    ("wordbond.saml_idp", "metadata", "it is the team's provider, and about nobody"),
    ("wordbond.audit_event", "body", "it is given as what it tells"),
];

pub(super) fn is_kept_back(table: &str, column: &str) -> bool {
    KEPT_BACK.iter().any(|(of, which, _)| *of == table && *which == column)
}

/// Whether a sealed column of the map is opened for a copy, or is kept back for a reason that is given.
#[must_use]
pub fn is_known(table: &str, column: &str) -> bool {
    is_kept_back(table, column) || find(table, column).is_some()
}

fn find(table: &str, column: &str) -> Option<&'static Column> {
    let short = table.strip_prefix("wordbond.")?;
    COLUMNS.iter().find(|one| one.table == short && one.column == column)
}

/// Whose rows are opened.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) tenant: TenantId,
    pub(super) account: AccountId,
}

/// What a sealed column says.
pub(super) fn open(
    keys: &KeyRing,
    whose: Whose,
    table: &str,
    column: &str,
    row: &Row,
    bytes: Vec<u8>,
) -> Result<Value, StoreError> {
    let unknown = || StoreError::Unexpected(format!("{table}.{column} is sealed, and nobody said for which place"));
    let spec = find(table, column).ok_or_else(unknown)?;
    let subject = match spec.key {
        Key::Team => Subject::Tenant,
        Key::Person(of) => Subject::Person(PersonId::from(id(row, of).ok_or_else(unknown)?)),
        Key::Account => subject(whose.account),
    };
    let tenant = if matches!(spec.key, Key::Account) { operator_tenant() } else { whose.tenant };
    let version = if spec.versioned { row.get("version").and_then(Value::as_u64).ok_or_else(unknown)? } else { 1 };
    let place = Place {
        tenant,
        subject,
        table: spec.table,
        column: spec.column,
        row: id(row, spec.row).ok_or_else(unknown)?,
        version,
    };
    Ok(Sealed::<Value>::from_bytes(bytes)?.open(keys, &place)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataMap;

    #[test]
    fn every_sealed_column_of_the_map_is_given_or_kept_back_for_a_reason() {
        let map = DataMap::own().unwrap();
        for table in &map.tables {
            for sealed in table.sealed() {
                assert!(is_known(&table.name, sealed), "{}.{sealed} is in no copy, and nobody said why", table.name);
            }
        }
        for one in COLUMNS {
            let table = map.table(&format!("wordbond.{}", one.table)).unwrap();
            assert!(table.sealed().any(|column| column == one.column), "{}.{}", one.table, one.column);
            assert!(table.columns.contains_key(one.row), "{}.{}", one.table, one.row);
            assert_eq!(
                one.versioned,
                table.columns.contains_key("version") && !matches!((one.table, one.column), ("factor", _))
            );
        }
    }
}
