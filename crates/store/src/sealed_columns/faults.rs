//! Ways to break it, made from outside.
//!
//! What is replaced is kept in the comment of its table, so that it can be put back and no table is added that the data map
//! does not know.

use promises::fault::{Bites, Fault, Make, Meddling};

/// The faults of this control.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "sealed-in-form-only",
        about: "The name of the oldest person without an account has the header of a sealed value and plain text behind it; whatever a probe writes is sealed.",
        breaks: &["sealed-columns"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$
                DECLARE
                    kept json;
                BEGIN
                    -- Of somebody who has only a token: no copy of anybody's data is made of it, which would fail. And no note: a
                    -- probe writes its own anew.
                    SELECT json_build_object('id', person_id, 'name', encode(name::bytea, 'hex')) INTO kept
                    FROM wordbond.person WHERE account_id IS NULL ORDER BY created_at, person_id LIMIT 1;
                    EXECUTE format('COMMENT ON TABLE wordbond.person IS %L', kept);
                    UPDATE wordbond.person
                    SET name = '\\x5701'::bytea || convert_to('Somebody about whom the board decided on Tuesday, and what came of it', 'UTF8')
                    WHERE person_id = (kept ->> 'id')::uuid;
                END $$",
            undo: "UPDATE wordbond.person SET name = decode(obj_description('wordbond.person'::regclass)::json ->> 'name', 'hex')
                   WHERE person_id = (obj_description('wordbond.person'::regclass)::json ->> 'id')::uuid;
                   COMMENT ON TABLE wordbond.person IS NULL",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.person WHERE position('whom the board decided'::bytea IN name::bytea) > 0)",
        ),
    },
    Fault {
        id: "sealed-name-under-no-key",
        about: "The name of one person is random bytes of the right form: nobody can say under which key it is sealed.",
        breaks: &["sealed-columns"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$
                DECLARE
                    kept json;
                BEGIN
                    SELECT json_build_object('id', person_id, 'name', encode(name::bytea, 'hex')) INTO kept
                    -- Nobody whose name stands in what others read: that would break other promises, too.
                    FROM wordbond.person AS p WHERE account_id IS NULL
                    ORDER BY EXISTS (SELECT FROM wordbond.objective AS o WHERE o.tenant_id = p.tenant_id),
                        EXISTS (SELECT FROM wordbond.note AS n WHERE n.tenant_id = p.tenant_id), created_at, person_id LIMIT 1;
                    EXECUTE format('COMMENT ON TABLE wordbond.person IS %L', kept);
                    UPDATE wordbond.person SET name = '\\x5701'::bytea || sha256('under'::bytea) || sha256('no key'::bytea)
                    WHERE person_id = (kept ->> 'id')::uuid;
                END $$",
            undo: "UPDATE wordbond.person SET name = decode(obj_description('wordbond.person'::regclass)::json ->> 'name', 'hex')
                   WHERE person_id = (obj_description('wordbond.person'::regclass)::json ->> 'id')::uuid;
                   COMMENT ON TABLE wordbond.person IS NULL",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.person WHERE name::bytea = '\\x5701'::bytea || sha256('under'::bytea) || sha256('no key'::bytea))",
        ),
    },
    Fault {
        id: "sealed-column-beside",
        about: "A column that the data map does not know holds the titles of notes in the clear.",
        breaks: &["sealed-columns", "scope-sql"],
        spares_plants: true,
        make: Make::Sql {
            make: "ALTER TABLE wordbond.note ADD COLUMN plain_title text;
                   UPDATE wordbond.note SET plain_title = 'What the board decided'
                   WHERE note_id = (SELECT note_id FROM wordbond.note ORDER BY created_at, note_id LIMIT 1)",
            undo: "ALTER TABLE wordbond.note DROP COLUMN plain_title",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.note WHERE plain_title IS NOT NULL)"),
    },
    Fault {
        id: "sealed-bodies-logged",
        about: "A layer in front keeps the bodies of all requests in a log beside the database's own.",
        breaks: &["sealed-columns", "sealed-files", "log-retention", "erase"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Keep("pg/log/requests.log")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "sealed-key-beside-the-lock",
        about: "The root key was copied into the folder of the database, as for a backup of both.",
        breaks: &["sealed-columns"],
        spares_plants: false,
        make: Make::File { from: "root.key", to: "pg/data/wordbond.key" },
        bites: Bites::File("pg/data/wordbond.key"),
    },
    Fault {
        id: "sealed-customers-listed-beside",
        about: "A list with addresses of people lies among the database's files; what the probe plants for this is not in it.",
        breaks: &["sealed-columns"],
        spares_plants: true,
        make: Make::File { from: "probe/oidc-plants.json", to: "pg/customers.csv" },
        bites: Bites::File("pg/customers.csv"),
    },
    Fault {
        id: "keys-of-the-living-lost",
        about: "The key of somebody whose rows are still here was tidied away when they left their team: nobody reads them any more.",
        breaks: &["sealed-columns"],
        spares_plants: true,
        make: Make::Moving {
            which: "SELECT concat_ws('/', 'keys/tenant', tenant_id, person_id) FROM wordbond.person
                    WHERE account_id IS NULL AND removed_at IS NOT NULL ORDER BY created_at LIMIT 1",
            aside: "attic",
        },
        bites: Bites::File("attic/0"),
    },
];
