//! The rules of the house that the database must keep. Checked at every start: the system does not serve when one is
//! broken, and says which. The scope prover checks them again on the running system.

use crate::{DataMap, Role, Store, StoreError, data_map::Scope};
use sqlx::{PgConnection, Row as _};
use std::fmt;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: &'static str,
    /// What breaks it.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.rule)
    }
}

/// Checks every rule.
///
/// # Errors
/// [`StoreError::House`] with every breach, not only the first.
pub async fn check(store: &Store) -> Result<(), StoreError> {
    let found = breaches(store.auditor().await?.conn()).await?;
    if found.is_empty() { Ok(()) } else { Err(StoreError::House(found)) }
}

/// Every breach that shows on a connection, whichever role's: the catalogue is open to all.
///
/// # Errors
/// When the catalogue cannot be read.
pub async fn breaches(conn: &mut PgConnection) -> Result<Vec<Breach>, StoreError> {
    let mut out = scope(conn).await?;
    out.extend(server(conn).await?);
    Ok(out)
}

/// A rule that the catalogue can answer: one row per breach. `$1` are the names of our roles without the owner, `$2` the
/// tables whose rows are somebody's.
struct Rule {
    words: &'static str,
    sql: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        words: "row security is forced wherever rows are somebody's",
        sql: "SELECT name || CASE WHEN c.oid IS NULL THEN ' is missing'
                                  WHEN NOT c.relrowsecurity THEN ' has no row security'
                                  ELSE ' does not force row security on its owner' END
              FROM unnest($2::text[]) AS name LEFT JOIN pg_class AS c ON c.oid = to_regclass(name)
              WHERE $1::text[] IS NOT NULL AND (c.oid IS NULL OR NOT c.relrowsecurity OR NOT c.relforcerowsecurity)",
    },
    Rule {
        words: "no role has a right that reaches past row security",
        sql: "SELECT rolname || ' is ' || concat_ws(', ', CASE WHEN rolsuper THEN 'a superuser' END,
                  CASE WHEN rolbypassrls THEN 'exempt from row security' END,
                  CASE WHEN rolcreaterole THEN 'allowed to create roles' END,
                  CASE WHEN rolcreatedb THEN 'allowed to create databases' END,
                  CASE WHEN rolreplication THEN 'allowed to replicate' END)
              FROM pg_roles WHERE (rolname = ANY ($1::text[]) OR rolname = 'wordbond_owner') AND $2::text[] IS NOT NULL
                AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
    },
    Rule {
        words: "no role is a member of another",
        sql: "SELECT m.rolname || ' is a member of ' || r.rolname
              FROM pg_auth_members AS a JOIN pg_roles AS m ON m.oid = a.member JOIN pg_roles AS r ON r.oid = a.roleid
              WHERE (m.rolname = ANY ($1::text[]) OR m.rolname = 'wordbond_owner') AND $2::text[] IS NOT NULL",
    },
    Rule {
        // At a managed server, which is reached by TCP, the provider has such roles of its own: there ours alone are judged,
        // by the two rules above.
        words: "on a server of our own nobody reaches past row security but the role that made it",
        sql: "SELECT rolname || CASE WHEN rolsuper THEN ' is a superuser' ELSE ' is exempt from row security' END
              FROM pg_roles
              WHERE (rolsuper OR rolbypassrls) AND oid <> 10 AND inet_server_addr() IS NULL
                AND $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL
              UNION ALL
              SELECT m.rolname || ' may do what ' || g.rolname || ' may'
              FROM pg_roles AS m JOIN pg_roles AS g
                ON g.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_execute_server_program',
                                 'pg_read_server_files', 'pg_write_server_files')
               AND pg_has_role(m.oid, g.oid, 'MEMBER') AND (m.oid <> g.oid OR m.rolcanlogin)
              WHERE NOT m.rolsuper AND inet_server_addr() IS NULL",
    },
    Rule {
        words: "nothing comes with an extension: its objects follow other rules than ours",
        sql: "SELECT 'the extension ' || extname || ' is installed' FROM pg_extension
              WHERE extname <> ALL (ARRAY['plpgsql']) AND $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL",
    },
    Rule {
        words: "only the owner owns anything",
        sql: "SELECT r.rolname || ' owns ' || o.what
              FROM (SELECT relowner AS owner, oid::regclass::text AS what FROM pg_class
                    UNION ALL SELECT proowner, oid::regprocedure::text FROM pg_proc
                    UNION ALL SELECT nspowner, 'schema ' || nspname FROM pg_namespace
                    UNION ALL SELECT typowner, 'type ' || typname FROM pg_type
                    UNION ALL SELECT datdba, 'database ' || datname FROM pg_database) AS o
              JOIN pg_roles AS r ON r.oid = o.owner
              WHERE r.rolname = ANY ($1::text[]) AND $2::text[] IS NOT NULL",
    },
    Rule {
        words: "there are ordinary tables only: a view reads with its owner's rights, a partition has its own policies",
        sql: "SELECT n.nspname || '.' || c.relname || ' is '
                  || CASE c.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table'
                                    ELSE 'a partition' END
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
              WHERE (c.relkind IN ('v', 'm', 'f', 'p') OR c.relispartition AND c.relkind = 'r'
                     OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid AND c.relkind = 'r'))
                -- The server's own views (numbered below 16384) may stay, unless one was replaced to read a table of ours.
                AND (c.oid >= 16384
                     OR EXISTS (SELECT FROM pg_rewrite AS w JOIN pg_depend AS d ON d.objid = w.oid
                                WHERE w.ev_class = c.oid AND d.classid = 'pg_rewrite'::regclass
                                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid >= 16384))
                AND $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL",
    },
    Rule {
        words: "no function runs with its owner's rights",
        sql: "SELECT p.oid::regprocedure || ' is SECURITY DEFINER'
              FROM pg_proc AS p WHERE p.prosecdef AND $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL",
    },
    Rule {
        words: "nobody but our roles has rights on a table, and none of them may truncate it or hang triggers on it",
        sql: "SELECT CASE WHEN g.grantee = 0 THEN 'everybody' ELSE r.rolname END || ' may ' || g.privilege_type || ' ' || c.oid::regclass
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace,
                   LATERAL (SELECT * FROM aclexplode(c.relacl)
                            UNION ALL SELECT (aclexplode(attacl)).* FROM pg_attribute WHERE attrelid = c.oid) AS g
              LEFT JOIN pg_roles AS r ON r.oid = g.grantee
              WHERE c.relkind IN ('r', 'p') AND n.nspname IN (SELECT split_part(name, '.', 1) FROM unnest($2::text[]) AS name)
                AND g.grantee <> c.relowner
                AND (r.rolname IS NULL OR r.rolname <> ALL ($1::text[])
                     OR g.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN') OR g.is_grantable)",
    },
    Rule {
        words: "the backup and the auditor only read",
        sql: "SELECT r.rolname || ' may ' || p || ' ' || c.oid::regclass
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
              CROSS JOIN unnest(ARRAY['wordbond_backup', 'wordbond_auditor']) AS r(rolname)
              CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
              WHERE c.relkind = 'r' AND n.nspname IN ('wordbond', 'ledger') AND has_table_privilege(r.rolname, c.oid, p)
                AND $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL",
    },
    Rule {
        words: "a sequence is shared by all tenants, so nobody but the owner may touch one",
        sql: "SELECT r || ' may use ' || c.oid::regclass
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN unnest($1::text[]) AS r
              WHERE c.relkind = 'S' AND n.nspname !~ '^pg_' AND $2::text[] IS NOT NULL
                AND has_sequence_privilege(r, c.oid, 'USAGE, SELECT, UPDATE')",
    },
    Rule {
        words: "keys begin with the tenant or the account: others would tell whether somebody else's row exists",
        sql: "SELECT i.indexrelid::regclass || ' does not begin with tenant_id'
              FROM unnest($2::text[]) AS name JOIN pg_index AS i ON i.indrelid = to_regclass(name)
              JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
              WHERE i.indisunique AND a.attname <> 'tenant_id' AND name <> 'wordbond.sign_in' AND $1::text[] IS NOT NULL
                -- A table is the account's when its primary key says so.
                AND NOT (a.attname = 'account_id'
                         AND EXISTS (SELECT FROM pg_index AS p JOIN pg_attribute AS k
                                       ON k.attrelid = p.indrelid AND k.attnum = p.indkey[0]
                                     WHERE p.indrelid = i.indrelid AND p.indisprimary AND k.attname = 'account_id'))",
    },
    Rule {
        words: "the ledger only grows",
        sql: "SELECT r || ' may ' || p || ' ' || t
              FROM unnest($1::text[]) AS r
              CROSS JOIN (VALUES ('ledger.entry', 'DELETE'), ('ledger.entry', 'TRUNCATE'), ('ledger.tile', 'DELETE'),
                                 ('ledger.tile', 'TRUNCATE'), ('ledger.checkpoint', 'DELETE'), ('ledger.checkpoint', 'TRUNCATE'),
                                 ('ledger.run', 'DELETE'), ('ledger.run', 'TRUNCATE')) AS x(t, p)
              WHERE has_table_privilege(r, t, p) AND $2::text[] IS NOT NULL
              UNION ALL
              SELECT r || ' may change entries of the ledger' FROM unnest($1::text[]) AS r
              WHERE r <> 'wordbond_sealer' AND has_any_column_privilege(r, 'ledger.entry', 'UPDATE')
              UNION ALL
              SELECT r || ' may place entries of the ledger' FROM unnest($1::text[]) AS r
              WHERE has_column_privilege(r, 'ledger.entry', 'idx', 'INSERT')",
    },
    Rule {
        words: "what is sealed has the header of sealed values",
        sql: "SELECT 'the type wordbond.sealed does not check its header'
              WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE contypid = to_regtype('wordbond.sealed') AND convalidated
                                AND pg_get_constraintdef(oid) LIKE '%5701%')
                AND $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL",
    },
];

/// The rules about who may see what.
///
/// # Errors
/// When the catalogue cannot be read.
pub(crate) async fn scope(conn: &mut PgConnection) -> Result<Vec<Breach>, StoreError> {
    let map = DataMap::own()?;
    let roles: Vec<&str> = Role::ALL.into_iter().filter(|role| *role != Role::Owner).map(Role::name).collect();
    let tables: Vec<&str> = map.scoped().map(|table| table.name.as_str()).collect();
    let mut out = Vec::new();
    for rule in RULES {
        let found: Vec<String> = sqlx::query_scalar(rule.sql).bind(&roles).bind(&tables).fetch_all(&mut *conn).await?;
        out.extend(found.into_iter().map(|what| Breach { rule: rule.words, what }));
    }
    out.extend(policies(conn, &map).await?);
    let differences = map.differences(conn).await?;
    out.extend(differences.into_iter().map(|what| Breach { rule: "the data map and the schema agree", what }));
    Ok(out)
}

/// The rules about the server's settings.
async fn server(conn: &mut PgConnection) -> Result<Vec<Breach>, StoreError> {
    let mut out = Vec::new();
    let times: String = sqlx::query_scalar("SHOW track_commit_timestamp").fetch_one(&mut *conn).await?;
    if times != "on" {
        out.push(Breach {
            rule: "the ledger is sealed in the order of commits",
            what: "the server runs without track_commit_timestamp; set it to on and restart the server".to_owned(),
        });
    }
    Ok(out)
}

const TENANT: &str = "(tenant_id=(SELECT(NULLIF(current_setting('wordbond.tenant'::text,true),''::text))::uuid";
const ACCOUNT: &str = "(account_id=(SELECT(NULLIF(current_setting('wordbond.account'::text,true),''::text))::uuid";
const ACTOR: &str = "current_setting('wordbond.actor'::text,true)";

/// Every policy on a table of somebody's rows must begin with the tenant and, where rows are a person's, name the actor.
/// Which policies are allowed beyond that is said here, by role, and nowhere else.
async fn policies(conn: &mut PgConnection, map: &DataMap) -> Result<Vec<Breach>, StoreError> {
    const SQL: &str = "SELECT schemaname || '.' || tablename, policyname::text, permissive, roles::text[], cmd,
        coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies";
    let mut out = Vec::new();
    for row in sqlx::query(SQL).fetch_all(conn).await? {
        let (table, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (permissive, roles, command): (String, Vec<String>, String) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let Some(table) = map.table(&table) else { continue };
        if permissive != "PERMISSIVE" {
            out.push(Breach {
                rule: "no policy takes away what another gives: a row that its owner does not see is in no copy, export or count",
                what: format!("the policy {name} on {} restricts", table.name),
            });
            continue;
        }
        let clauses = [row.try_get::<String, _>(5)?, row.try_get(6)?];
        if roles == [Role::Backup.name()] && clauses != ["true", ""] {
            out.push(Breach {
                rule: "the backup sees every row: what it does not see is in no comparison",
                what: format!("the policy {name} on {} keeps rows from it", table.name),
            });
        }
        if !table.is_scoped() {
            continue;
        }
        if let Some(word) = clauses.iter().find_map(|clause| loose(clause)) {
            out.push(Breach {
                rule: "a policy compares with the scope of the transaction and leaves no other way open",
                what: format!("the policy {name} on {} says {word}", table.name),
            });
        }
        if excepted(&table.name, &roles, &command) {
            continue;
        }
        let given = clauses.iter().filter(|clause| !clause.is_empty());
        if clauses.iter().all(String::is_empty) || !given.clone().all(|clause| narrow(table.scope, clause)) {
            out.push(Breach {
                rule: "a policy compares account, or tenant and owner where there is one, before anything else",
                what: format!("the policy {name} on {} does not", table.name),
            });
        }
    }
    Ok(out)
}

/// The backup reads everything; the dispatcher sees tickets, which tenants there are, and whose a case is; sign-in looks up what
/// it knows the key of.
fn excepted(table: &str, roles: &[String], command: &str) -> bool {
    let only = |role: Role| roles.len() == 1 && roles.iter().all(|name| name == role.name());
    (only(Role::Backup) && command == "SELECT")
        || (only(Role::Dispatcher) && table == "wordbond.ticket" && matches!(command, "SELECT" | "UPDATE"))
        || (only(Role::Dispatcher) && table == "wordbond.tenant" && command == "SELECT")
        || (only(Role::Dispatcher) && table == "wordbond.rights_request" && command == "SELECT")
        || (only(Role::Identity) && table == "wordbond.sign_in" && command == "SELECT")
}

/// The only settings that a policy may look at: those that a scope sets. Whoever may send a statement may set any other.
const SETTINGS: [&str; 4] = ["wordbond.tenant", "wordbond.actor", "wordbond.account", "wordbond.lookup"];

/// What a clause says that no policy of ours needs: an alternative, a function that could hide one, another setting.
/// PostgreSQL prints clauses in one spelling: a function's name touches its parenthesis, a keyword does not.
fn loose(clause: &str) -> Option<String> {
    // Every second piece stands between quotes.
    let pieces: Vec<&str> = clause.split('\'').collect();
    for (piece, text) in pieces.iter().step_by(2).zip(pieces.iter().skip(1).step_by(2).chain([&""])) {
        let known = piece.ends_with("current_setting(") && SETTINGS.contains(text);
        if piece.matches("current_setting(").count() > usize::from(known) {
            return Some(format!("current_setting('{text}')"));
        }
    }
    let code = pieces.iter().step_by(2).copied().collect::<Vec<_>>().join("''").replace(" IS NOT NULL", "");
    let outside = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '('));
    let mut words = code.split(outside).flat_map(|word| word.split_inclusive('('));
    let found = words.find(|word| match word.strip_suffix('(') {
        Some(function) => !matches!(function, "" | "NULLIF" | "current_setting" | "decode"),
        None => matches!(*word, "OR" | "UNION" | "CASE" | "NOT"),
    })?;
    Some(found.trim_end_matches('(').to_owned())
}

/// Whether a clause is the comparison of the tenant, alone or as the first part of a conjunction.
fn narrow(scope: Scope, clause: &str) -> bool {
    let plain: String = clause.chars().filter(|c| !c.is_whitespace()).collect();
    // A disjunction at the top would put one more parenthesis in front, or begin otherwise.
    let begins = |with| plain.starts_with(with) || plain.strip_prefix('(').is_some_and(|rest| conjunction(rest, with));
    match scope {
        Scope::Tenant | Scope::System => begins(TENANT),
        Scope::Owner => begins(TENANT) && plain.contains(ACTOR),
        Scope::Account => begins(ACCOUNT),
        Scope::Lookup => begins(ACCOUNT) || (begins(TENANT) && plain.contains(ACTOR)),
    }
}

fn conjunction(rest: &str, with: &str) -> bool {
    let mut depth = 0_i32;
    let end = rest.char_indices().find_map(|(at, c)| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at + 1)
    });
    rest.starts_with(with) && end.and_then(|end| rest.get(end..)).is_some_and(|after| after.starts_with("AND"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "(tenant_id = ( SELECT (NULLIF(current_setting('wordbond.tenant'::text, true), ''::text))::uuid AS \"nullif\"))";
    const A: &str =
        "(owner_id = ( SELECT (NULLIF(current_setting('wordbond.actor'::text, true), ''::text))::uuid AS \"nullif\"))";

    #[test]
    fn only_conjunctions_that_begin_with_the_tenant_are_narrow() {
        assert!(narrow(Scope::Tenant, T));
        assert!(narrow(Scope::Owner, &format!("({T} AND {A})")));
        assert!(!narrow(Scope::Owner, T), "an owner is not compared");
        assert!(!narrow(Scope::Tenant, "true"));
        assert!(!narrow(Scope::Tenant, &format!("({T} OR true)")));
        assert!(!narrow(Scope::Owner, &format!("(({T} AND {A}) OR true)")));
        assert!(!narrow(Scope::Tenant, &format!("(true OR {T})")));
    }

    #[test]
    fn an_accounts_rows_are_compared_with_the_account() {
        let account = T.replace("tenant_id", "account_id").replace("wordbond.tenant", "wordbond.account");
        assert!(narrow(Scope::Account, &account) && narrow(Scope::Lookup, &account));
        assert!(!narrow(Scope::Account, T) && !narrow(Scope::Tenant, &account) && !narrow(Scope::Owner, &account));
        assert!(!narrow(Scope::Account, &format!("({account} OR true)")));
        assert!(narrow(Scope::Lookup, &format!("({T} AND {A} AND (account_id IS NULL))")));
        assert!(!narrow(Scope::Lookup, T), "a person is not compared");
    }

    #[test]
    fn a_clause_that_leaves_another_way_open_is_loose() {
        for fine in
            ["", "true", T, &format!("({T} AND {A})"), &format!("({T} AND (EXISTS ( SELECT\n FROM g\n WHERE {A})))")]
        {
            assert_eq!(loose(fine), None, "{fine}");
        }
        for (way, said) in [
            ("(current_setting('app.debug'::text, true) = '1'::text)", "current_setting('app.debug')"),
            ("wordbond.peek(tenant_id)", "wordbond.peek"),
            ("(EXISTS ( SELECT 1 UNION SELECT 2))", "UNION"),
            ("CASE WHEN true THEN true END", "CASE"),
            ("(NOT false)", "NOT"),
        ] {
            assert_eq!(loose(&format!("({T} AND {way})")).as_deref(), Some(said), "{way}");
        }
        assert_eq!(loose(&format!("({T} AND ({A} OR (version = 0)))")).as_deref(), Some("OR"));
        assert!(
            loose("(current_setting((note.title)::text, true) = '1'::text)").is_some(),
            "a setting that a row names"
        );
        assert_eq!(loose("(name = ' OR '::text)"), None, "a text is no way");
    }
}
