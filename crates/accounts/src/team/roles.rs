//! Control `roles`: what each role may do is a table, and every route is held to it.

mod attack;
mod call;
mod garden;
pub mod list;
mod victim;

pub use list::{Listed, PATH, document};

use crate::provider::loopback::LoopbackIssuer;
use kernel::Span;
use outbound::Site;
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling, On},
};
use std::path::Path;
use store::Store;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "roles",
    title: "Roles with a declared matrix",
    about: "Every route that is not open names the permission it asks for, and which roles have which permission is one table of \
            the program, printed in its tests. The probe reads the published list of routes. With two teams of its own, each with \
            a viewer, a member, an admin and an owner who came by invitation, it calls every route that asks for a permission as \
            each role: in the own team with ids of that team where the role may not, and with ids of nobody where it may, so that \
            nothing is destroyed; and as each role that may, with ids of the other team, alone and mixed with own ones. Where the \
            table says no, the answer must be a refusal; where it says yes, the gate must let it pass; the other team must answer \
            that there is nothing, and must look afterwards as before. A copy of somebody's data that is brought back must make \
            nothing that the role could not write. A role that is taken away must be gone at the next \
            request. Whoever is not signed in, and routes of administrators and operators, are tried for every role. For every \
            team, not the planted ones alone, the database must show an owner, no session that acts as another account's \
            member, and for every member the role that the team's log tells. It cannot see routes of an application behind the proxy.",
    wing: "ingress",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every role", "every route", "all users", "every user"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["5.15", "5.18", "8.3"],
        soc2: &["CC6.1", "CC6.3"],
        asvs: &["8.2.1", "8.2.2", "8.3.1", "8.4.1"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "roles-viewers-promoted",
        about: "Every viewer is made an administrator in the database, without a word in any log.",
        breaks: &["roles"],
        spares_plants: false,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.membership IS %L',
                       (SELECT json_agg(person_id) FROM wordbond.person WHERE role = 'viewer')); END $$;
                   UPDATE wordbond.person SET role = 'admin' WHERE role = 'viewer';
                   NOTIFY wordbond_sessions, 'everything'",
            undo: "UPDATE wordbond.person SET role = 'viewer'
                   WHERE person_id::text IN (SELECT json_array_elements_text(
                       obj_description('wordbond.membership'::regclass)::json));
                   COMMENT ON TABLE wordbond.membership IS NULL;
                   NOTIFY wordbond_sessions, 'everything'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.person WHERE role = 'admin' AND person_id::text IN (
                 SELECT json_array_elements_text(obj_description('wordbond.membership'::regclass)::json)))",
        ),
    },
    Fault {
        id: "roles-import-let-in",
        about: "A layer in front answers whoever brings a copy of somebody's data back that it was taken, whatever their role.",
        breaks: &["roles", "full-export"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::SetStatus(On::Path("/api/account/import"), 200)]),
        bites: Bites::Answer {
            method: "POST",
            path: "/api/account/import",
            headers: &["content-type: application/json"],
            body: "{}",
            status: 200,
        },
    },
    Fault {
        id: "roles-never-fall",
        about: "A trigger keeps every role from being taken away again: whoever was an administrator once stays one.",
        breaks: &["roles"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.never_fall() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN
                       IF array_position(ARRAY['viewer', 'member', 'admin', 'owner'], NEW.role)
                          < array_position(ARRAY['viewer', 'member', 'admin', 'owner'], OLD.role) THEN
                           NEW.role := OLD.role;
                       END IF;
                       RETURN NEW;
                   END $$;
                   CREATE TRIGGER never_fall BEFORE UPDATE OF role ON wordbond.person
                       FOR EACH ROW EXECUTE FUNCTION wordbond.never_fall()",
            undo: "DROP TRIGGER never_fall ON wordbond.person; DROP FUNCTION wordbond.never_fall()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_fall')"),
    },
    Fault {
        id: "roles-one-raised-untold",
        about: "One member of some team, of one that no probe of this control planted if there is such, is made an administrator in the \
                database.",
        breaks: &["roles"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.invitation IS %L',
                       (SELECT person_id FROM wordbond.person WHERE role = 'member' AND removed_at IS NULL
                        ORDER BY account_id IS NOT NULL, created_at LIMIT 1)); END $$;
                   UPDATE wordbond.person SET role = 'admin'
                   WHERE person_id::text = obj_description('wordbond.invitation'::regclass);
                   NOTIFY wordbond_sessions, 'everything'",
            undo: "UPDATE wordbond.person SET role = 'member'
                   WHERE person_id::text = obj_description('wordbond.invitation'::regclass);
                   COMMENT ON TABLE wordbond.invitation IS NULL;
                   NOTIFY wordbond_sessions, 'everything'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.person WHERE role = 'admin'
                            AND person_id::text = obj_description('wordbond.invitation'::regclass))",
        ),
    },
    Fault {
        id: "roles-owner-unseated",
        about: "The owner of the oldest team of one is made a mere member in the database: the team has no owner any more.",
        breaks: &["roles"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.membership IS %L',
                       (SELECT min(p.person_id::text) FROM wordbond.person AS p
                        WHERE p.role = 'owner' AND p.account_id IS NOT NULL AND p.created_at = (
                            SELECT min(o.created_at) FROM wordbond.person AS o
                            WHERE o.role = 'owner' AND o.account_id IS NOT NULL AND NOT EXISTS (
                                SELECT FROM wordbond.person AS n
                                WHERE n.tenant_id = o.tenant_id AND n.person_id <> o.person_id)))); END $$;
                   UPDATE wordbond.person SET role = 'member'
                   WHERE person_id::text = obj_description('wordbond.membership'::regclass)",
            undo: "UPDATE wordbond.person SET role = 'owner'
                   WHERE person_id::text = obj_description('wordbond.membership'::regclass);
                   COMMENT ON TABLE wordbond.membership IS NULL",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.person WHERE role = 'member'
                            AND person_id::text = obj_description('wordbond.membership'::regclass))",
        ),
    },
];

/// Attacks the promise with the plants that `data_dir` remembers.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, _promise: &Promise) -> Finding {
    let issuer = match LoopbackIssuer::open(data_dir).await {
        Ok(issuer) => issuer,
        Err(error) => {
            return Finding::nothing(format!("nobody can be planted whose address is proven: {error}"));
        }
    };
    attack::run(site, store, data_dir, issuer).await
}

#[cfg(test)]
mod tests;
