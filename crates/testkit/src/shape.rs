//! What a database is like, but for its rows: to see that something which was done to it was undone.

use crate::scratch_db::ScratchDb;
use sqlx::{Connection as _, query_scalar, raw_sql};
use std::collections::BTreeSet;
use store::StoreError;

/// Everything that a fault may have changed and its undoing must have put back, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(BTreeSet<String>);

impl Shape {
    /// That of a database now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of(db: &ScratchDb) -> Result<Self, StoreError> {
        let mut superuser = db.superuser().await?;
        let lines: Vec<String> = query_scalar(SHAPE).fetch_all(&mut superuser).await?;
        superuser.close().await?;
        Ok(Self(lines.into_iter().collect()))
    }

    /// What making and undoing a fault leaves behind: lines that went with «-», lines that came with «+». This becomes the shape
    /// that the database has then.
    ///
    /// # Errors
    /// When the fault cannot be made or undone here.
    pub async fn left_by(
        &mut self,
        db: &ScratchDb,
        make: &'static str,
        undo: &'static str,
    ) -> Result<Vec<String>, StoreError> {
        let done = async {
            for statements in [make, undo] {
                let mut superuser = db.superuser().await?;
                raw_sql(statements).execute(&mut superuser).await?;
                superuser.close().await?;
            }
            Ok::<(), StoreError>(())
        };
        let done = done.await;
        let before = std::mem::replace(self, Self::of(db).await?);
        done?;
        let went = before.0.difference(&self.0).map(|line| format!("- {line}"));
        Ok(went.chain(self.0.difference(&before.0).map(|line| format!("+ {line}"))).collect())
    }
}

const SHAPE: &str = "
    WITH own AS (SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_toast%' AND nspname NOT LIKE 'pg\\_temp%'),
    line (text) AS (
        SELECT format('schema %s %s %s', nspname, nspowner::regrole, nspacl) FROM pg_namespace JOIN own USING (oid, nspname)
        UNION ALL
        SELECT format('relation %s %s %s %s %s %s %s %s %s', c.oid::regclass, c.relkind, c.relowner::regrole,
                      coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::pg_catalog.\"char\", c.relowner)),
                      c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relpersistence,
                      CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
            FROM pg_class AS c JOIN own ON own.oid = c.relnamespace
        UNION ALL
        SELECT format('column %s %s %s %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                      a.attacl, a.attgenerated, pg_get_expr(d.adbin, d.adrelid))
            FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN own ON own.oid = c.relnamespace
            LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attnum > 0 AND NOT a.attisdropped AND nspname NOT IN ('pg_catalog', 'information_schema')
        UNION ALL
        SELECT format('policy %s', p) FROM pg_policies AS p
        UNION ALL
        SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid))
            FROM pg_constraint AS c JOIN own ON own.oid = c.connamespace
        UNION ALL
        SELECT format('trigger %s %s', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT format('rule %s', pg_get_ruledef(oid)) FROM pg_rewrite WHERE rulename <> '_RETURN'
        UNION ALL
        SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
            JOIN own ON own.oid = c.relnamespace
        UNION ALL
        SELECT format('function %s %s %s %s', p.oid::regprocedure, p.proowner::regrole, coalesce(p.proacl, acldefault('f', p.proowner)),
                      CASE WHEN p.prokind IN ('f', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') THEN pg_get_functiondef(p.oid) END)
            FROM pg_proc AS p JOIN own ON own.oid = p.pronamespace
        UNION ALL
        SELECT format('event trigger %s %s', evtname, evtenabled) FROM pg_event_trigger
        UNION ALL
        SELECT format('role %s %s %s %s %s %s %s %s %s %s %s', rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb,
                      rolreplication, rolinherit, rolconnlimit, rolvaliduntil, rolconfig)
            FROM pg_roles
        UNION ALL
        SELECT format('member %s %s %s', roleid::regrole, member::regrole, admin_option) FROM pg_auth_members
        UNION ALL
        SELECT format('setting %s %s', setrole::regrole, setconfig) FROM pg_db_role_setting AS s
            JOIN pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = current_database()
        UNION ALL
        SELECT format('default rights %s %s', defaclrole::regrole, defaclacl) FROM pg_default_acl
        UNION ALL
        SELECT format('domain %s %s', typname, typnotnull) FROM pg_type JOIN own ON own.oid = typnamespace WHERE typtype = 'd'
        UNION ALL
        SELECT format('database %s %s', datname, datacl) FROM pg_database
            WHERE datname = current_database() OR (datname NOT LIKE 'scratch\\_%' AND datname NOT LIKE 'template\\_%')
        UNION ALL
        SELECT format('server %s', srvname) FROM pg_foreign_server
        UNION ALL
        SELECT format('publication %s', pubname) FROM pg_publication
        UNION ALL
        SELECT format('extension %s', extname) FROM pg_extension
        UNION ALL
        SELECT format('large object %s', oid) FROM pg_largeobject_metadata
        UNION ALL
        SELECT format('comment %s %s', objoid::regclass, description) FROM pg_description AS d
            JOIN pg_class AS c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass JOIN own ON own.oid = c.relnamespace
            WHERE nspname NOT IN ('pg_catalog', 'information_schema')
    )
    SELECT text FROM line";
