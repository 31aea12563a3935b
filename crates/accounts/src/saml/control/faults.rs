//! Ways to break it, as somebody with the database would.

use promises::fault::{Bites, Fault, Make};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "saml-replays-forgotten",
        about: "The database forgets which SAML assertions were presented before.",
        breaks: &["saml"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.forget_assertion() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    DELETE FROM wordbond.sign_in WHERE kind = 'one-time' AND row_id = NEW.one_time_id;
                    RETURN NULL;
                END $$;
                CREATE TRIGGER forget_assertion AFTER INSERT ON wordbond.one_time
                    FOR EACH ROW WHEN (NEW.purpose = 'saml-assertion') EXECUTE FUNCTION wordbond.forget_assertion()",
            undo: "DROP TRIGGER forget_assertion ON wordbond.one_time;
                   DROP FUNCTION wordbond.forget_assertion()",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'forget_assertion' AND tgenabled = 'O')",
        ),
    },
    Fault {
        id: "saml-never-off",
        about: "A team that turns its identity provider off finds it on again.",
        breaks: &["saml"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.keep_on() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    NEW.enabled := true;
                    RETURN NEW;
                END $$;
                CREATE TRIGGER keep_on BEFORE INSERT OR UPDATE ON wordbond.saml_idp
                    FOR EACH ROW EXECUTE FUNCTION wordbond.keep_on()",
            undo: "DROP TRIGGER keep_on ON wordbond.saml_idp;
                   DROP FUNCTION wordbond.keep_on()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'keep_on' AND tgenabled = 'O')"),
    },
    Fault {
        id: "saml-provider-slipped-in",
        about: "A team that never had an identity provider is given one behind its back.",
        breaks: &["saml"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.saml_idp (tenant_id, metadata, enabled, version, updated_at)
                   SELECT t.tenant_id, t.name, true, 0, now() FROM wordbond.tenant AS t
                   WHERE NOT EXISTS (SELECT FROM wordbond.saml_idp AS i WHERE i.tenant_id = t.tenant_id)
                   ORDER BY t.created_at LIMIT 1",
            undo: "DELETE FROM wordbond.saml_idp WHERE version = 0",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.saml_idp WHERE version = 0 AND enabled)"),
    },
];
