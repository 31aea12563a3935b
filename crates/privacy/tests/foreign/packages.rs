use crate::shop::{MAP, Shop, ada, read};
use privacy::foreign::{ForeignError, Map, Territory, package};
use store::foreign::Purpose;

#[tokio::test]
async fn a_person_is_given_all_of_theirs_and_nothing_of_others() {
    let shop = Shop::new().await;
    let (map, catalogue) = (Map::parse(MAP).unwrap(), shop.catalogue().await);
    let territory = Territory::of(&map, &catalogue).unwrap();
    let mut foreign = shop.connect(Purpose::Read).await;
    let folder = tempfile::tempdir().unwrap();
    let (selector, out) = (ada().remove(0), folder.path().join("package"));
    let request = package::Request {
        map: &map,
        catalogue: &catalogue,
        territory: &territory,
        selector: &selector,
        out: &out,
        search: true,
        also: &[],
        clock: &kernel::SystemClock,
    };
    let summary = package::write(&mut foreign, request).await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&read(&out.join("package.json"))).unwrap();
    let rows = |table: &str| {
        let section = json["sections"].as_array().unwrap().iter().find(|section| section["table"] == table).unwrap();
        section["rows"].as_array().unwrap().clone()
    };
    assert_eq!(rows("shop.users")[0]["email"], "Ada@Example.org");
    assert_eq!(rows("shop.users")[0].get("password"), None, "a secret is handed out");
    assert_eq!((rows("shop.orders").len(), rows("shop.order_item").len(), rows("shop.visit").len()), (5, 15, 2));
    assert!(rows("shop.orders").iter().all(|row| row["customer_id"] == 7));
    let all = read(&out.join("package.json"));
    assert!(all.contains("\"total\":21.00"), "figures as the database has them");
    assert!(!all.contains("person8@") && !all.contains("pbkdf2_"), "something of somebody else's");
    assert_eq!(json["mentioned"][0]["table"], "shop.best_customer", "{}", json["mentioned"]);
    assert_eq!(json["named"].as_array().unwrap().len(), 3, "{}", json["named"]);
    assert_eq!(read(&out.join("shop.orders.csv")).lines().count(), 6);
    let page = read(&out.join("package.html"));
    assert!(page.contains("What you bought.") && page.contains("Not handed out") && !page.contains("<script"));
    assert_eq!(summary.sections.iter().find(|s| s.table.to_string() == "shop.users").unwrap().withheld, ["password"]);
    let again = package::write(&mut foreign, request).await.unwrap_err();
    assert!(matches!(again, ForeignError::Refused(_)), "{again}");
}
