//! Erasures whose process is killed at random moments: begun again with the same words, each completes once, and every row
//! is counted once. `WORDBOND_SOAK_KILLS` sets how many kills there are; a handful by default.

use crate::shop::{MAP, Shop};
use kernel::SystemClock;
use privacy::foreign::{Map, Territory, erase, find::Selector, receipt::Receipt, state::write_whole};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use store::foreign::{Foreign, Purpose};
use uuid::Uuid;

/// What the killed process is told: the database, and the folder of its state and receipt.
const URL: &str = "WORDBOND_TEST_KILL_URL";
const FOLDER: &str = "WORDBOND_TEST_KILL_FOLDER";

const MANY_ROWS: &str = "
    INSERT INTO shop.orders (customer_id, total) SELECT g % 20 + 11, 1 FROM generate_series(1, 30000) AS g;
    INSERT INTO shop.visit SELECT uid, '/pens', '192.0.2.7', '2026-03-03' FROM shop.users, generate_series(1, 1000)
        WHERE id BETWEEN 11 AND 30;
    INSERT INTO shop.ticket (assignee_id) SELECT g % 20 + 11 FROM generate_series(1, 20000) AS g;";

fn many() -> Vec<Selector> {
    (11..=30).map(|key: i32| Selector::Key(key.to_string())).collect()
}

/// Runs only as the process that is killed.
#[tokio::test]
async fn erase_as_told() {
    let (Ok(url), Ok(folder)) = (std::env::var(URL), std::env::var(FOLDER)) else { return };
    let folder = PathBuf::from(folder);
    let map = Map::parse(MAP).unwrap();
    let mut foreign = Foreign::connect(&url, Purpose::Change).await.unwrap();
    let catalogue = foreign.catalogue().await.unwrap().within(&BTreeSet::from(["shop".to_owned()]));
    let territory = Territory::of(&map, &catalogue).unwrap();
    let selectors = many();
    let request = erase::Request {
        text: MAP,
        map: &map,
        catalogue: &catalogue,
        territory: &territory,
        selectors: &selectors,
        states: &folder.join("states"),
        also: &[],
        clock: &SystemClock,
    };
    let finished = erase::erase(&mut foreign, request).await.unwrap();
    write_whole(&folder.join("receipt.json"), &finished.receipt).unwrap();
    finished.close().unwrap();
}

/// Starts it, and kills it after a while unless it has ended.
fn run(url: &str, folder: &Path, patience: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::erase_as_told"])
        .env(URL, url)
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success() || !folder.join("receipt.json").exists(), "it failed with a receipt written");
            return status.success();
        }
        if Instant::now() >= end {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_erasures_complete_once() {
    let kills: u32 = std::env::var("WORDBOND_SOAK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let (mut done, mut batches) = (0, false);
    let mut longest = Duration::from_millis(400);
    while done < kills {
        let shop = Shop::new().await;
        // Every other one has so many rows that two connections erase them in batches.
        batches = !batches;
        if batches {
            shop.db.as_superuser(MANY_ROWS).await;
        }
        let (url, folder) = (shop.url(), tempfile::tempdir().unwrap());
        let mut here = 0;
        while !folder.path().join("receipt.json").exists() {
            let share = f64::from(Uuid::new_v4().as_u128() as u32) / f64::from(u32::MAX);
            // After some kills it may end by itself, so that what it did can be looked at.
            let patience = if here < 12 { longest.mul_f64(share) } else { Duration::from_secs(120) };
            let begun = Instant::now();
            if run(&url, folder.path(), patience) {
                longest = begun.elapsed().max(Duration::from_millis(100));
            } else {
                (here, done) = (here + 1, done + 1);
            }
        }
        let receipt: Receipt =
            serde_json::from_str(&std::fs::read_to_string(folder.path().join("receipt.json")).unwrap()).unwrap();
        assert!(receipt.complete, "{}", receipt.text());
        for step in &receipt.steps {
            assert_eq!(step.planned, step.done, "{}: a row was counted twice or not at all", step.table);
        }
        assert!(shop.db.is_so("SELECT count(*) = 40 FROM shop.users").await);
        let untouched =
            "SELECT shop.others(ARRAY(SELECT g FROM generate_series(11, 30) AS g)) = (SELECT many FROM shop_before)";
        assert!(shop.db.is_so(untouched).await);
        // Killed between the receipt and the end, it leaves a case, which nobody can be found for any more.
        drop(shop);
    }
}
