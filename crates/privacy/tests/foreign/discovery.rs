use crate::shop::{Shop, ada};
use kernel::DataClass;
use privacy::foreign::{
    discover::discover,
    map::{Class, Rule, Table},
};
use store::foreign::Purpose;

fn class(table: &Table, column: &str) -> Option<DataClass> {
    match table.columns[column] {
        Class::Known(class) => Some(class),
        Class::Unclassified => None,
    }
}

#[tokio::test]
async fn a_schema_that_nobody_here_wrote_yields_a_map_without_a_value_in_it() {
    let shop = Shop::new().await;
    let catalogue = shop.catalogue().await;
    let mut foreign = shop.connect(Purpose::Read).await;
    let proposal = discover(&mut foreign, &catalogue, None).await.unwrap();
    let table = |name: &str| proposal.map.table(&name.parse().unwrap()).unwrap();
    let links = |name: &str| {
        let table = table(name);
        let words = |links: &[privacy::foreign::map::Link]| links.iter().map(ToString::to_string).collect::<Vec<_>>();
        (words(&table.owned_by), words(&table.cleared))
    };
    assert_eq!(proposal.map.subject.table.to_string(), "shop.users");
    assert_eq!((proposal.map.subject.key.as_str(), &*proposal.map.subject.email), ("id", &["email".to_owned()][..]));
    let users = table("shop.users");
    assert_eq!(class(users, "email"), Some(DataClass::Personal));
    assert_eq!(class(users, "password"), Some(DataClass::Credential));
    assert_eq!(class(users, "id"), Some(DataClass::Pseudonym));
    assert_eq!(class(table("shop.visit"), "ip"), Some(DataClass::Personal));
    assert_eq!(class(table("shop.message"), "body"), Some(DataClass::Content));
    assert_eq!(class(table("shop.invoice"), "buyer_mail"), Some(DataClass::Personal), "by its values");
    assert_eq!(links("shop.order_item").0, ["order_id -> shop.orders(id)"]);
    assert_eq!(links("shop.message").0.len(), 2);
    assert_eq!(links("shop.ticket").1, ["assignee_id -> shop.users(id)"]);
    assert_eq!(links("shop.comment").1, ["parent_id -> shop.comment(id)"]);
    assert_eq!(links("shop.subscription").0, ["email -> shop.users(email) undeclared"]);
    assert_eq!(links("shop.visit").0, ["user_uid -> shop.users(uid) undeclared"]);
    assert_eq!(table("shop.product").on_erase, Rule::Keep);
    assert_eq!(table("shop.best_customer").on_erase, Rule::Refresh);
    assert!(table("shop.event").mentions.contains_key("data"), "its texts name people");
    assert!(
        proposal.text.contains("# CREATE INDEX CONCURRENTLY ON \"shop\".\"message\" (\"sender_id\");"),
        "{}",
        proposal.text
    );
    let lower = proposal.text.to_lowercase();
    for value in ["ada@", "person8", "utrecht", "pbkdf2_sha256", "192.0.2.7"] {
        assert!(!lower.contains(value), "the map shows {value}");
    }
    // What it says is good enough to work with once a person has seen to what is left.
    assert!(shop.erase_with(&proposal.text, &ada()).await.is_ok());
}
