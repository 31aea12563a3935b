use crate::shop::{MAP, Shop};
use privacy::foreign::{
    Map,
    lint::{Finding, Gravity, lint},
};
use store::foreign::Catalogue;

fn errors(text: &str, catalogue: &Catalogue) -> Vec<String> {
    let found = lint(&Map::parse(text).unwrap(), catalogue);
    found.iter().filter(|finding| finding.gravity == Gravity::Error).map(Finding::to_string).collect()
}

#[tokio::test]
async fn a_map_that_fits_has_no_errors_and_every_change_to_it_does() {
    let shop = Shop::new().await;
    let catalogue = shop.catalogue().await;
    assert_eq!(errors(MAP, &catalogue), Vec::<String>::new());
    for (from, to, said) in [
        ("engraving = \"content\"\n", "", "order_item.engraving: is in the database and has no class"),
        ("engraving = \"content\"", "engraving = \"unclassified\"", "is unclassified"),
        (
            "engraving = \"content\"",
            "engraving = \"content\"\nwrapping = \"content\"",
            "wrapping: is on the map and not in",
        ),
        ("name = \"shop.product\"", "name = \"shop.products\"", "shop.product: is in the database and not on the map"),
        ("\"user_id -> shop.users(id)\"", "\"street -> shop.users(email) undeclared\"", "the foreign key user_id"),
        ("\"email -> shop.users(email) undeclared\"", "\"email -> shop.users(email)\"", "no foreign key"),
        ("\"user_uid -> shop.users(uid) undeclared\"", "\"user_uid -> shop.users(email) undeclared\"", "never equal"),
        ("\"user_id -> shop.users(id)\"", "\"user_id -> shop.users(id) undeclared\"", "the schema declares"),
        (
            "owned_by = [\"order_id -> shop.orders(id)\"]",
            "points_at = [\"order_id -> shop.orders(id)\"]",
            "stop the deletion",
        ),
        ("cleared = [\"assignee_id", "points_at = [\"assignee_id", "stop the deletion"),
        ("cleared = [\"default_address_id", "points_at = [\"default_address_id", "stop the deletion"),
        ("buyer_name = \"=erased\"", "buyer_name = \"null\"", "may not be null"),
        ("buyer_mail = \"random@\"", "buyer_mail = \"=x\"", "may hold no value twice"),
        ("buyer_mail = \"random@\"", "buyer_mail = \"whatever\"", "nothing that a column becomes"),
        (", buyer_mail = \"random@\"", "", "buyer_mail stay as they are"),
        ("keep_reason = \"tickets are about the shop's work, not about who does it\"\n", "", "or a keep_reason"),
        ("on_erase = \"refresh\"", "on_erase = \"keep\"", "materialized view"),
        ("owned_by = [\"email -> shop.users(email) undeclared\"]\n", "", "nothing leads from it to the person"),
        ("key = \"id\"", "key = \"full_name\"", "lets values come twice"),
        ("identifiers = [\"email\", \"username\"]", "identifiers = []", "nothing that could be looked for"),
        (
            "identifiers = [\"email\", \"username\"]",
            "identifiers = [\"shop.product.slug\"]",
            "nothing leads from its table",
        ),
        ("mentions = { data = \"redact\" }", "mentions = { id = \"redact\" }", "holds no text"),
        ("mentions = { data = \"redact\" }", "mentions = { raw = \"redact\" }", "cannot be replaced"),
        ("about = \"What you bought.\"", "keep_for = \"30 days\"", "not from which column"),
        ("about = \"What you bought.\"", "keep_for = \"30 days\"\nage = \"total\"", "tells no age"),
    ] {
        let changed = MAP.replacen(from, to, 1);
        assert_ne!(changed, MAP, "{from}");
        let found = errors(&changed, &catalogue);
        assert!(found.iter().any(|finding| finding.contains(said)), "{from} → {to}: {found:#?}");
    }
}

#[tokio::test]
async fn what_the_database_would_do_by_itself_must_be_on_the_map() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            "ALTER TABLE shop.ticket DROP CONSTRAINT ticket_assignee_id_fkey,
                 ADD CONSTRAINT ticket_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES shop.users ON DELETE CASCADE;
             CREATE TRIGGER noisy AFTER DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
             INSERT INTO shop.subscription SELECT 'x', 'y' FROM generate_series(1, 20000); ANALYZE shop.subscription;",
        )
        .await;
    let catalogue = shop.catalogue().await;
    let map = MAP.replace("cleared = [\"assignee_id", "points_at = [\"assignee_id");
    let found = errors(&map, &catalogue);
    assert!(found.iter().any(|finding| finding.contains("the database deletes its rows")), "{found:#?}");
    let advice: Vec<String> = lint(&Map::parse(MAP).unwrap(), &catalogue).iter().map(Finding::to_string).collect();
    assert!(advice.iter().any(|finding| finding.contains("triggers") && finding.contains("noisy")), "{advice:#?}");
    let index = "CREATE INDEX CONCURRENTLY ON \"shop\".\"subscription\" (\"email\")";
    assert!(advice.iter().any(|finding| finding.contains(index)), "{advice:#?}");
}

#[tokio::test]
async fn a_column_without_room_for_what_is_put_there_is_not_redacted() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            "ALTER TABLE shop.ticket ADD brief varchar(7), ADD fits varchar(8), ADD one varchar(16) UNIQUE,
                 ADD another varchar(17) UNIQUE, ADD lists jsonb[]",
        )
        .await;
    let columns = ["brief", "fits", "one", "another", "lists"];
    let rules = columns.map(|name| format!("{name} = \"redact\"")).join(", ");
    let classes = columns.map(|name| format!("{name} = \"content\"\n")).concat();
    let map = MAP
        .replace(
            "mentions = { description = \"redact\" }",
            &format!("mentions = {{ description = \"redact\", {rules} }}"),
        )
        .replace("description = \"content\"\n", &format!("description = \"content\"\n{classes}"));
    let mut found = errors(&map, &shop.catalogue().await);
    found.sort();
    assert_eq!(found.len(), 3, "{found:#?}");
    for (finding, said) in found.iter().zip(["brief: holds character varying(7)", "lists: holds lists", "one: holds"]) {
        assert!(finding.contains(said), "{finding}");
    }
}
