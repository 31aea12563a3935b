//! Erasures that left something, and are begun again with a better map: nothing that was looked for is forgotten.

use crate::shop::{MAP, Shop, ada};
use privacy::foreign::{ForeignError, find::Selector, receipt::Receipt};

/// A map that says nothing of the texts that name her.
fn before() -> String {
    MAP.replace("mentions = { data = \"redact\" }\n", "").replace("mentions = { description = \"redact\" }\n", "")
}

/// The people stay, without anything that tells who they were.
fn anonymising(map: &str) -> String {
    map.replacen(
        "on_erase = \"delete\"",
        "on_erase = \"anonymise\"\nkeep_reason = \"the books count customers\"\nanonymise = { username = \"random\", email = \"random@\", \
         password = \"=erased\", full_name = \"null\" }",
        1,
    )
}

fn left(receipt: &Receipt) -> u64 {
    receipt.searched.iter().map(|place| place.left).sum()
}

#[tokio::test]
async fn a_better_map_goes_on_with_what_the_first_one_looked_for() {
    for (first, second) in [(before(), MAP.to_owned()), (anonymising(&before()), anonymising(MAP))] {
        let shop = Shop::new().await;
        let begun = shop.erase_with(&first, &ada()).await.unwrap();
        assert_eq!((begun.complete, left(&begun)), (false, 2), "{}", begun.text());
        let again = shop.erase_with(&second, &ada()).await.unwrap();
        assert!(again.complete, "{}", again.text());
        assert_eq!((again.case, again.resumed, again.people), (begun.case, 1, 1));
        assert_ne!(again.map, begun.map, "the receipt names the map that it was ended with");
        assert!(shop.db.is_so("SELECT NOT EXISTS (SELECT FROM shop.event WHERE data::text ~* '\"ada@')").await);
        assert!(shop.db.is_so("SELECT description LIKE '%[erased]%' FROM shop.ticket WHERE id = 3").await);
        // What the first run did is in the receipt too.
        for step in begun.steps.iter().filter(|step| step.done > 0) {
            let now = again.steps.iter().find(|now| (&now.table, now.what) == (&step.table, step.what)).unwrap();
            assert_eq!((now.planned, now.done, now.left), (step.planned, step.done, 0), "{}", step.table);
        }
        assert_eq!(shop.open_cases(), 0);
        assert!(shop.db.is_so("SELECT shop.others(ARRAY[7]) = (SELECT one FROM shop_before)").await);
    }
}

#[tokio::test]
async fn a_map_that_names_people_by_another_column_finds_their_rows_when_they_are_gone() {
    let visits = "owned_by = [\"user_uid -> shop.users(uid) undeclared\"]\n";
    for change in [|map: &str| map.to_owned(), |map: &str| anonymising(map)] {
        let shop = Shop::new().await;
        let unaware = before().replace(&format!("on_erase = \"delete\"\n{visits}"), "on_erase = \"keep\"\n");
        assert!(!shop.erase_with(&change(&unaware), &ada()).await.unwrap().complete);
        assert!(shop.db.is_so("SELECT count(*) = 120 FROM shop.visit").await);
        let again = shop.erase_with(&change(MAP), &ada()).await.unwrap();
        assert!(again.complete, "{}", again.text());
        assert!(shop.db.is_so("SELECT count(*) = 118 FROM shop.visit").await);
        assert!(shop.db.is_so("SELECT shop.others(ARRAY[7]) = (SELECT one FROM shop_before)").await);
    }
}

#[tokio::test]
async fn what_is_said_later_is_looked_for_too() {
    let shop = Shop::new().await;
    shop.db.as_superuser("UPDATE shop.ticket SET description = 'ask Countess Ada' WHERE id = 4").await;
    assert!(!shop.erase_with(&before(), &ada()).await.unwrap().complete);
    let also = ["countess ada".to_owned()];
    let same = shop.erase_asking(&before(), &ada(), &also).await.unwrap();
    assert_eq!(left(&same), 3, "{}", same.text());
    // Once said, it need not be said again.
    let again = shop.erase_with(MAP, &ada()).await.unwrap();
    assert!(again.complete, "{}", again.text());
    assert!(shop.db.is_so("SELECT description = 'ask [erased]' FROM shop.ticket WHERE id = 4").await);
}

#[tokio::test]
async fn other_words_for_the_same_person_do_not_begin_anew() {
    let shop = Shop::new().await;
    assert!(!shop.erase_with(&anonymising(&before()), &ada()).await.unwrap().complete);
    let by_key = [Selector::Key("7".to_owned()), Selector::Key("9".to_owned())];
    let refused = shop.erase_with(&anonymising(MAP), &by_key).await.unwrap_err();
    assert!(matches!(refused, ForeignError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("same words"), "{refused}");
    assert!(shop.db.is_so("SELECT count(*) = 60 FROM shop.users WHERE username !~ 'erased' OR id = 7").await);
    assert!(shop.erase_with(&anonymising(MAP), &ada()).await.unwrap().complete);
    assert!(shop.erase_with(&anonymising(MAP), &by_key[1..]).await.unwrap().complete);
}

/// A schema that grew has other steps, though the map is the same.
#[tokio::test]
async fn a_part_of_a_table_that_was_added_meanwhile_is_not_passed_over() {
    let shop = Shop::new().await;
    assert!(!shop.erase_with(&before(), &ada()).await.unwrap().complete);
    shop.db
        .as_superuser(
            "CREATE TABLE shop.visit_early PARTITION OF shop.visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
             DELETE FROM shop.event WHERE id = 7; DELETE FROM shop.ticket WHERE id = 3;",
        )
        .await;
    let again = shop.erase_with(&before(), &ada()).await.unwrap();
    assert!(again.complete, "{}", again.text());
    for step in &again.steps {
        assert_eq!((step.planned, step.left), (step.done, 0), "{}", step.table);
    }
    let early = again.steps.iter().find(|step| step.table.to_string() == "shop.visit_early").unwrap();
    assert_eq!(early.done, 0, "what another part had is not counted here");
}
