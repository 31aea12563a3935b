//! Parts of an original, and that no more than a part is opened for them.

use super::{
    open, png,
    system::{Person, System},
};
use outbound::Answer;
use serde_json::Value;
use std::{fs, path::Path};

async fn uploaded(system: &System, who: &Person) -> String {
    let answer = system.send(who, "POST", "/api/drawings", "image/png", &png()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json::<Value>().unwrap()["drawing"].as_str().unwrap().to_owned();
    format!("/api/drawings/{id}/original")
}

async fn part(system: &System, who: &Person, path: &str, headers: &[(&str, &str)]) -> Answer {
    system.send_with(who, "GET", path, headers, b"").await
}

#[tokio::test]
async fn a_range_of_an_original_is_given() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let bob = system.join(&ada, "Bob", "member").await;
    let (path, whole) = (uploaded(&system, &ada).await, png());
    let length = whole.len();
    let page = path.replace("/api", "");
    // Within a chunk of 65536 bytes, over the edge of one, over several, one byte, and to the end.
    for (range, from, to) in [
        ("bytes=0-7".to_owned(), 0, 8),
        ("bytes=65530-65545".to_owned(), 65_530, 65_546),
        ("bytes=65536-65536".to_owned(), 65_536, 65_537),
        ("bytes=1000-300000".to_owned(), 1_000, 300_001),
        ("bytes=399000-".to_owned(), 399_000, length),
        ("bytes=-9".to_owned(), length - 9, length),
        ("bytes=5-999999999".to_owned(), 5, length),
    ] {
        for path in [&path, &page] {
            let answer = part(&system, &ada, path, &[("range", &range)]).await;
            assert_eq!(answer.status, 206, "{range}");
            assert_eq!(answer.header("content-range"), Some(format!("bytes {from}-{}/{length}", to - 1).as_str()));
            assert_eq!(answer.header("content-length"), Some((to - from).to_string().as_str()));
            assert_eq!(answer.header("content-type"), Some("image/png"));
            assert!(answer.body == whole[from..to], "{range} is not what was uploaded");
        }
    }
    for range in ["bytes=0-1,3-4", "bytes=9-1", "lines=0-1", "bytes=x"] {
        let answer = part(&system, &ada, &path, &[("range", range)]).await;
        assert_eq!((answer.status, answer.header("accept-ranges")), (200, Some("bytes")), "{range}");
        assert!(answer.body == whole && answer.header("content-range").is_none());
    }
    let beyond = part(&system, &ada, &path, &[("range", &format!("bytes={length}-"))]).await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{length}").as_str()));
    assert_eq!(beyond.header("content-type"), Some("application/problem+json"));

    let tag = part(&system, &ada, &path, &[]).await.header("etag").unwrap().to_owned();
    let known = part(&system, &ada, &path, &[("range", "bytes=0-0"), ("if-range", &tag)]).await;
    assert_eq!((known.status, known.body.len()), (206, 1));
    let other = part(&system, &ada, &path, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (200, length));
    assert_eq!(part(&system, &bob, &path, &[("range", "bytes=0-0")]).await.status, 404, "a part is no less hers");
}

#[tokio::test]
async fn what_is_damaged_elsewhere_does_not_matter_to_a_range() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let path = uploaded(&system, &ada).await;
    let blob = only_file(&system.db.store().keys().beside("blobs"));
    let mut sealed = fs::read(&blob).unwrap();
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    fs::write(&blob, sealed).unwrap();
    let head = part(&system, &ada, &path, &[("range", "bytes=0-131071")]).await;
    assert_eq!(head.status, 206);
    assert!(head.body == png()[..131_072], "only what is asked for is opened");
    let tail = part(&system, &ada, &path, &[("range", "bytes=-1")]).await;
    assert_eq!((tail.status, tail.header("content-type")), (500, Some("application/problem+json")));
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut at = folder.to_owned();
    while at.is_dir() {
        let mut entries = fs::read_dir(&at).unwrap();
        let first = entries.next().unwrap().unwrap().path();
        assert!(entries.next().is_none(), "one drawing was uploaded");
        at = first;
    }
    at
}
