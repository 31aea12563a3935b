use crate::shop::{MAP, Shop, ada};
use privacy::foreign::{ForeignError, Map, Territory, erase, find::Selector, plan::What};
use store::foreign::{Act, Part, Purpose};

#[tokio::test]
async fn one_person_goes_everywhere_and_nobody_else_is_touched() {
    let shop = Shop::new().await;
    let receipt = shop.erase(&ada()).await.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    for gone in [
        "SELECT NOT EXISTS (SELECT FROM shop.users WHERE id = 7)",
        "SELECT NOT EXISTS (SELECT FROM shop.address WHERE user_id = 7)",
        "SELECT count(*) = 59 * 5 FROM shop.orders",
        "SELECT count(*) = 59 * 15 FROM shop.order_item",
        "SELECT count(*) = 58 FROM shop.message",
        "SELECT NOT EXISTS (SELECT FROM shop.subscription WHERE email = 'Ada@Example.org')",
        "SELECT count(*) = 59 * 2 FROM shop.visit",
        "SELECT NOT EXISTS (SELECT FROM shop.best_customer WHERE email = 'Ada@Example.org')",
        "SELECT NOT EXISTS (SELECT FROM shop.event WHERE data::text LIKE '%ada@%')",
        "SELECT count(*) = 60 FROM shop.event",
        "SELECT count(*) = 60 AND count(assignee_id) = 59 FROM shop.ticket",
        "SELECT description = 'Please answer [erased], and also lada@example.org.' FROM shop.ticket WHERE id = 3",
        "SELECT count(*) = 60 AND count(buyer_id) = 59 FROM shop.invoice",
        "SELECT buyer_name = 'erased' AND buyer_mail LIKE 'erased-%@erased.invalid' FROM shop.invoice WHERE buyer_id IS NULL",
        "SELECT count(*) = 60 FROM shop.comment",
        "SELECT parent_id IS NULL FROM shop.comment WHERE body LIKE 'And so do I%'",
        "SELECT shop.others(ARRAY[7]) = (SELECT one FROM shop_before)",
    ] {
        assert!(shop.db.is_so(gone).await, "{gone}");
    }
    let row = |table: &str, what| {
        let step = receipt.steps.iter().find(|step| step.table.to_string() == table && step.what == what).unwrap();
        (step.planned, step.done, step.left)
    };
    assert_eq!(row("shop.order_item", What::Delete), (15, 15, 0));
    assert_eq!(row("shop.visit_old", What::Delete), (1, 1, 0));
    assert_eq!(row("shop.message", What::Delete), (2, 2, 0));
    assert_eq!(row("shop.invoice", What::Anonymise), (1, 1, 0));
    assert_eq!(row("shop.comment", What::Clear), (1, 1, 0));
    let redacted: u64 = receipt.searched.iter().map(|place| place.redacted).sum();
    assert_eq!(redacted, 2, "{}", receipt.text());
    // What is random may spell her name by chance.
    let shown =
        privacy::foreign::receipt::Receipt { database: String::new(), case: uuid::Uuid::nil(), ..receipt.clone() };
    let written = serde_json::to_string(&shown).unwrap().to_lowercase();
    assert!(!written.contains("ada"), "the receipt names the person: {written}");
    assert_eq!(shop.open_cases(), 0);
    let again = shop.erase(&ada()).await.unwrap_err();
    assert!(matches!(again, ForeignError::Subject(_)), "{again}");
}

#[tokio::test]
async fn many_go_at_once() {
    let shop = Shop::new().await;
    let many: Vec<Selector> = (11..=30).map(|key: i32| Selector::Key(key.to_string())).collect();
    let receipt = shop.erase(&many).await.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    assert_eq!(receipt.people, 20);
    for so in [
        "SELECT count(*) = 40 FROM shop.users",
        "SELECT count(*) = 40 * 15 FROM shop.order_item",
        "SELECT count(*) = 39 FROM shop.message",
        "SELECT NOT EXISTS (SELECT FROM shop.event WHERE data::text ~ '\"person(1[1-9]|2[0-9]|30)@')",
        "SELECT shop.others(ARRAY(SELECT g FROM generate_series(11, 30) AS g)) = (SELECT many FROM shop_before)",
    ] {
        assert!(shop.db.is_so(so).await, "{so}");
    }
}

#[tokio::test]
async fn many_rows_go_in_batches_by_two_connections() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            "INSERT INTO shop.orders (customer_id, total) SELECT g % 20 + 11, 1 FROM generate_series(1, 14000) AS g;
             INSERT INTO shop.visit SELECT uid, '/pens', '192.0.2.7', '2026-03-03' FROM shop.users, generate_series(1, 200)
                 WHERE id BETWEEN 11 AND 30;
             INSERT INTO shop.ticket (assignee_id) SELECT g % 20 + 11 FROM generate_series(1, 3000) AS g;
             INSERT INTO shop.invoice (buyer_id, buyer_name, buyer_mail, amount)
                 SELECT g % 20 + 11, 'x', 'bill-' || g || '@example.org', 1 FROM generate_series(1, 3000) AS g;",
        )
        .await;
    let many: Vec<Selector> = (11..=30).map(|key: i32| Selector::Key(key.to_string())).collect();
    let receipt = shop.erase(&many).await.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    for step in &receipt.steps {
        assert_eq!(step.planned, step.done, "{}", step.table);
    }
    assert!(receipt.steps.iter().map(|step| step.done).sum::<u64>() > 24_000);
    for so in [
        "SELECT count(*) = 40 FROM shop.users",
        "SELECT count(*) = 40 * 5 FROM shop.orders",
        "SELECT count(*) = 3060 AND count(assignee_id) = 40 FROM shop.ticket",
        "SELECT count(*) = 3060 AND count(DISTINCT buyer_mail) = 3060 AND count(buyer_id) = 40 FROM shop.invoice",
        "SELECT shop.others(ARRAY(SELECT g FROM generate_series(11, 30) AS g)) = (SELECT many FROM shop_before)",
    ] {
        assert!(shop.db.is_so(so).await, "{so}");
    }
}

#[tokio::test]
async fn a_row_that_comes_behind_goes_too() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            "CREATE FUNCTION shop.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO shop.address (user_id, street, city) SELECT customer_id, 'x', 'y' FROM gone LIMIT 1; RETURN NULL; END $$;
             CREATE TRIGGER late AFTER DELETE ON shop.orders REFERENCING OLD TABLE AS gone
                 FOR EACH STATEMENT EXECUTE FUNCTION shop.late();",
        )
        .await;
    let receipt = shop.erase(&ada()).await.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    let address = receipt.steps.iter().find(|step| step.table.to_string() == "shop.address").unwrap();
    assert_eq!((address.planned, address.done, address.left), (1, 2, 0));
    assert!(shop.db.is_so("SELECT shop.others(ARRAY[7]) = (SELECT one FROM shop_before)").await);
}

#[tokio::test]
async fn rows_of_a_table_that_inherits_are_not_taken_for_those_of_the_other() {
    let shop = Shop::new().await;
    // Both tables have a row at the same place: the one is hers, the other is not.
    shop.db
        .as_superuser(
            "CREATE TABLE shop.note (user_id bigint NOT NULL REFERENCES shop.users, body text NOT NULL);
             CREATE TABLE shop.old_note (FOREIGN KEY (user_id) REFERENCES shop.users) INHERITS (shop.note);
             INSERT INTO shop.note VALUES (7, 'hers'), (8, 'by ada_lovelace');
             INSERT INTO shop.old_note VALUES (8, 'his'), (7, 'hers');",
        )
        .await;
    let note = |name: &str| {
        format!(
            "\n[[table]]\nname = \"shop.{name}\"\non_erase = \"delete\"\nowned_by = [\"user_id -> shop.users(id)\"]\n\
             mentions = {{ body = \"redact\" }}\n[table.columns]\nuser_id = \"pseudonym\"\nbody = \"content\"\n"
        )
    };
    let receipt = shop.erase_with(&format!("{MAP}{}{}", note("note"), note("old_note")), &ada()).await.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    let so = "SELECT array_agg(tableoid::regclass || ' ' || body ORDER BY body)
        = ARRAY['shop.note by [erased]', 'shop.old_note his'] FROM shop.note";
    assert!(shop.db.is_so(so).await);
}

#[tokio::test]
async fn texts_that_may_not_come_twice_and_rows_that_name_somebody_often_are_redacted_too() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            "CREATE TABLE shop.tag (value varchar(20) UNIQUE, a text, b text, c text, d text);
             INSERT INTO shop.tag VALUES ('ada_lovelace', 'ada_lovelace', 'by ada_lovelace', 'ada_lovelace!', 'Ada_Lovelace'),
                 ('person11', 'x', 'x', 'x', 'x'), ('[erased]', 'x', 'x', 'x', 'x');",
        )
        .await;
    let map = format!(
        "{MAP}\n[[table]]\nname = \"shop.tag\"\non_erase = \"keep\"\nkeep_reason = \"tags are the shop's\"\n\
         mentions = {{ value = \"redact\", a = \"redact\", b = \"redact\", c = \"redact\", d = \"redact\" }}\n[table.columns]\n\
         value = \"content\"\na = \"content\"\nb = \"content\"\nc = \"content\"\nd = \"content\"\n"
    );
    let both = [ada().remove(0), Selector::Key("11".to_owned())];
    let receipt = shop.erase_with(&map, &both).await.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    let so = "SELECT count(*) = 3 AND count(*) FILTER (WHERE value LIKE '[erased%') = 3 AND count(*) FILTER (WHERE b = 'by [erased]') = 1 FROM shop.tag";
    assert!(shop.db.is_so(so).await);
}

#[tokio::test]
async fn what_is_left_is_told() {
    let shop = Shop::new().await;
    // Nobody has said what is to be done with texts that name people.
    let map = MAP.replace("mentions = { data = \"redact\" }\n", "");
    shop.db.as_superuser("UPDATE shop.event SET raw = convert_to('mail ada@example.org', 'UTF8') WHERE id = 9").await;
    let receipt = shop.erase_with(&map, &ada()).await.unwrap();
    assert!(!receipt.complete);
    let left: Vec<(String, u64)> = receipt
        .searched
        .iter()
        .filter(|place| place.left > 0)
        .map(|place| (place.column.clone(), place.left))
        .collect();
    assert_eq!(left, [("data".to_owned(), 1), ("raw".to_owned(), 1)], "{}", receipt.text());
    assert!(receipt.text().contains("NOT COMPLETE"));
    assert_eq!(shop.open_cases(), 1, "the same words try again");
    shop.db.as_superuser("DELETE FROM shop.event WHERE id IN (7, 9)").await;
    let again = shop.erase_with(&map, &ada()).await.unwrap();
    assert!(again.complete, "{}", again.text());
    assert_eq!((again.case, again.resumed), (receipt.case, 1));
    assert_eq!(shop.open_cases(), 0);
}

#[tokio::test]
async fn a_trigger_that_brings_rows_back_is_noticed() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            "CREATE FUNCTION shop.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER keep BEFORE DELETE ON shop.address FOR EACH ROW EXECUTE FUNCTION shop.keep();",
        )
        .await;
    let wrong = shop.erase(&ada()).await.unwrap_err().to_string();
    assert!(wrong.contains("address"), "the database itself refuses to let the person go: {wrong}");
    shop.db.as_superuser("ALTER TABLE shop.address DROP CONSTRAINT address_user_id_fkey").await;
    let map = MAP.replace("\"user_id -> shop.users(id)\"", "\"user_id -> shop.users(id) undeclared\"");
    let receipt = shop.erase_with(&map, &ada()).await.unwrap();
    let address = receipt.steps.iter().find(|step| step.table.to_string() == "shop.address").unwrap();
    assert_eq!((address.planned, address.done, address.left), (1, 0, 1));
    assert!(!receipt.complete);
}

#[tokio::test]
async fn a_lock_is_waited_for_and_nothing_is_lost() {
    let shop = Shop::new().await;
    let (map, catalogue) = (Map::parse(MAP).unwrap(), shop.catalogue().await);
    let territory = Territory::of(&map, &catalogue).unwrap();
    // Somebody holds a row of the person for a moment.
    let mut other = shop.connect(Purpose::Change).await;
    let orders = territory.change.iter().find(|step| step.table.to_string() == "shop.order_item").unwrap().clone();
    let people = [privacy::foreign::find::Subject { values: vec![Some("7".into()), None, None] }];
    let handles = privacy::foreign::find::handles(&territory, &people);
    let who = ada();
    let (has, wait) = tokio::sync::oneshot::channel();
    let (receipt, ()) = tokio::join!(
        async {
            wait.await.unwrap();
            shop.erase(&who).await
        },
        async {
            let mut held = other.begin().await.unwrap();
            assert_eq!(
                (held.run(&orders, &handles, &Part::AtMost(1)).await.unwrap(), orders.act.clone()),
                (1, Act::Delete)
            );
            has.send(()).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(2_600)).await;
            drop(held);
            // The rollback is sent with the next statement.
            other.identity().await.unwrap();
        }
    );
    let receipt = receipt.unwrap();
    assert!(receipt.complete, "{}", receipt.text());
    let items = receipt.steps.iter().find(|step| step.table.to_string() == "shop.order_item").unwrap();
    assert_eq!((items.planned, items.done), (15, 15));
}

#[tokio::test]
async fn a_rehearsal_changes_nothing_and_a_stranger_is_refused() {
    let shop = Shop::new().await;
    let (map, catalogue) = (Map::parse(MAP).unwrap(), shop.catalogue().await);
    let territory = Territory::of(&map, &catalogue).unwrap();
    let mut foreign = shop.connect(Purpose::Read).await;
    let selectors = ada();
    let request = erase::Request {
        text: MAP,
        map: &map,
        catalogue: &catalogue,
        territory: &territory,
        selectors: &selectors,
        states: shop.states.path(),
        also: &[],
        clock: &kernel::SystemClock,
    };
    let plan = erase::rehearse(&mut foreign, request).await.unwrap();
    let rows: u64 = plan.lines.iter().map(|line| line.rows).sum();
    // 1 user, its default, 1 address, 5 orders, 15 items, 2 messages, 1 comment and what points at it, 1 assignee,
    // 1 invoice, 2 subscriptions, 2 visits.
    assert_eq!(rows, 33, "{plan:?}");
    for (stranger, why) in [
        (Selector::Key("4711".into()), "nobody"),
        (Selector::Key("x".into()), "cannot be a key"),
        (Selector::Email("nobody@example.org".into()), "nobody"),
    ] {
        let selectors = [stranger];
        let request = erase::Request { selectors: &selectors, ..request };
        let error = erase::rehearse(&mut foreign, request).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let handles = privacy::foreign::find::handles(&territory, &[]);
    assert!(
        foreign.begin().await.unwrap().run(&territory.change[0], &handles, &Part::AtMost(1)).await.is_err(),
        "a reader's connection cannot change anything"
    );
    assert!(shop.db.is_so("SELECT shop.others(ARRAY[7]) = (SELECT one FROM shop_before)").await);
}

#[tokio::test]
async fn two_at_once_take_turns() {
    let shop = Shop::new().await;
    let (one, other) = (ada(), vec![Selector::Key("8".into())]);
    let (one, other) = tokio::join!(shop.erase(&one), shop.erase(&other));
    assert!(one.unwrap().complete && other.unwrap().complete);
    assert!(shop.db.is_so("SELECT count(*) = 58 FROM shop.users").await);
}

#[tokio::test]
async fn a_name_is_found_in_any_script_case_and_writing() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            r#"UPDATE shop.users SET full_name = 'Žofie Novotná' WHERE id = 7;
               UPDATE shop.ticket SET description = 'von ŽOFIE NOVOTNÁ' WHERE id = 4;
               UPDATE shop.ticket SET description = '{"by": "\u017dofie Novotn\u00e1"}' WHERE id = 5;
               UPDATE shop.ticket SET description = 'Žofie Novotnáková' WHERE id = 6;
               UPDATE shop.event SET data = '{"q": "/?who=%C5%BDofie%20Novotn%C3%A1"}' WHERE id = 9;
               UPDATE shop.event SET raw = convert_to('Žofie Novotná', 'UTF8') WHERE id = 10;
               UPDATE shop.event SET raw = convert_to('{"n": "\u017Dofie Novotn\u00E1"}', 'UTF8') WHERE id = 11;"#,
        )
        .await;
    let map = MAP.replace("identifiers = [\"email\", \"username\"]", "identifiers = [\"email\", \"full_name\"]");
    let receipt = shop.erase_with(&map, &ada()).await.unwrap();
    let place = |column: &str| receipt.searched.iter().find(|place| place.column == column).unwrap();
    assert_eq!(
        (place("description").redacted, place("data").redacted, place("raw").left),
        (3, 2, 2),
        "{}",
        receipt.text()
    );
    assert!(!receipt.complete, "what names her in bytes is left, and said");
    for so in [
        "SELECT description = 'von [erased]' FROM shop.ticket WHERE id = 4",
        "SELECT description = '{\"by\": \"[erased]\"}' FROM shop.ticket WHERE id = 5",
        "SELECT description = 'Žofie Novotnáková' FROM shop.ticket WHERE id = 6",
        "SELECT data = '{\"q\": \"/?who=[erased]\"}' FROM shop.event WHERE id = 9",
    ] {
        assert!(shop.db.is_so(so).await, "{so}");
    }
}

#[tokio::test]
async fn json_stays_json_and_what_does_not_fit_is_left_and_told() {
    let shop = Shop::new().await;
    shop.db
        .as_superuser(
            r#"UPDATE shop.users SET full_name = '100234' WHERE id = 7;
               UPDATE shop.event SET data = '{"customer": 100234, "other": 1002345, "100234": ["100234"]}' WHERE id = 9;
               UPDATE shop.event SET data = '100234' WHERE id = 10;
               ALTER TABLE shop.ticket ADD short varchar(12), ADD strict text CHECK (strict <> '[erased]');
               UPDATE shop.ticket SET short = '100234 words' WHERE id = 4;
               UPDATE shop.ticket SET short = '100234 here' WHERE id = 5;
               UPDATE shop.ticket SET short = 'by 100234' WHERE id = 6;
               UPDATE shop.ticket SET strict = '100234' WHERE id = 7;
               UPDATE shop.ticket SET strict = 'no. 100234' WHERE id = 8;"#,
        )
        .await;
    let map = MAP
        .replace("identifiers = [\"email\", \"username\"]", "identifiers = [\"email\", \"full_name\"]")
        .replace(
            "{ description = \"redact\" }",
            "{ description = \"redact\", short = \"redact\", strict = \"redact\" }",
        )
        .replace("description = \"content\"", "description = \"content\"\nshort = \"content\"\nstrict = \"content\"");
    let receipt = shop.erase_with(&map, &ada()).await.unwrap();
    let place = |column: &str| receipt.searched.iter().find(|place| place.column == column).unwrap();
    assert_eq!(place("data").left, 0, "{}", receipt.text());
    assert_eq!((place("short").redacted, place("short").left), (1, 2), "{}", receipt.text());
    assert_eq!((place("strict").redacted, place("strict").left), (1, 1), "{}", receipt.text());
    assert!(!receipt.complete);
    for so in [
        "SELECT data = '{\"customer\": \"[erased]\", \"other\": 1002345, \"[erased]\": [\"[erased]\"]}' FROM shop.event WHERE id = 9",
        "SELECT data = '\"[erased]\"' FROM shop.event WHERE id = 10",
        "SELECT array_agg(short::text ORDER BY id) = ARRAY['100234 words', '100234 here', 'by [erased]'] FROM shop.ticket WHERE short IS NOT NULL",
        "SELECT array_agg(strict ORDER BY id) = ARRAY['100234', 'no. [erased]'] FROM shop.ticket WHERE strict IS NOT NULL",
    ] {
        assert!(shop.db.is_so(so).await, "{so}");
    }
}

#[tokio::test]
async fn the_receipt_of_another_case_is_not_overwritten() {
    let shop = Shop::new().await;
    let (map, catalogue) = (Map::parse(MAP).unwrap(), shop.catalogue().await);
    let territory = Territory::of(&map, &catalogue).unwrap();
    let mut foreign = shop.connect(Purpose::Change).await;
    let (her, another) = (ada(), [Selector::Key("9".to_owned())]);
    let request = |selectors| erase::Request {
        text: MAP,
        map: &map,
        catalogue: &catalogue,
        territory: &territory,
        selectors,
        states: shop.states.path(),
        also: &[],
        clock: &kernel::SystemClock,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("receipt.json");
    erase::spare(&mut foreign, request(&her), &path).await.unwrap();
    let finished = erase::erase(&mut foreign, request(&her)).await.unwrap();
    privacy::foreign::state::write_whole(&path, &finished.receipt).unwrap();
    // Its own case may write it again, until that is ended.
    erase::spare(&mut foreign, request(&her), &path).await.unwrap();
    finished.close().unwrap();
    for selectors in [&her[..], &another] {
        let refused = erase::spare(&mut foreign, request(selectors), &path).await.unwrap_err();
        assert!(refused.to_string().contains("another file"), "{refused}");
    }
    std::fs::write(&path, "notes").unwrap();
    assert!(erase::spare(&mut foreign, request(&her), &path).await.is_err(), "whatever it is, it is not ours");
    assert!(shop.db.is_so("SELECT EXISTS (SELECT FROM shop.users WHERE id = 9)").await);
}
