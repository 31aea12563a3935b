//! Answers of every kind: headers, problems, methods, limits, credentials.

use crate::house::{EVERYWHERE, House, missing};
use serde_json::Value;

#[tokio::test]
async fn every_kind_of_answer_carries_every_header() {
    let house = House::open().await;
    let long = format!("/{}", "a".repeat(9_000));
    let cases: [(&str, &str, u16); 12] = [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/style.css", 200),
        ("GET", "/nothing-here", 404),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/", 405),
        ("OPTIONS", "/", 405),
        ("TRACE", "/", 405),
        ("GET", "/me", 401),
        ("GET", "/operator", 401),
        ("GET", "/panic", 500),
        ("GET", &long, 414),
    ];
    for (method, path, status) in cases {
        let answer = house.site.send(method, path, &[], &[]).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        for name in EVERYWHERE {
            let values = answer.headers.get_all(name).iter().count();
            assert_eq!(values, 1, "{method} {path}: {name}");
        }
        let first = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let text = house.say(first.as_bytes()).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {text}");
        assert_eq!(missing(&text), Vec::<&str>::new(), "{method} {path}");
    }
}

#[tokio::test]
async fn errors_are_problems_that_name_the_request_and_no_cause() {
    let house = House::open().await;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("DELETE", "/", 405),
        ("GET", "/broken", 500),
        ("GET", "/panic", 500),
        ("GET", "/me", 401),
    ] {
        let answer = house.site.send(method, path, &[], &[]).await.unwrap();
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        let problem: Value = answer.json().unwrap();
        assert_eq!(problem["status"], status, "{path}");
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{path}");
        assert!(!answer.text().contains("cause") && !answer.text().contains("bug"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right() {
    let house = House::open().await;
    let answer = house.site.send("DELETE", "/", &[], &[]).await.unwrap();
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert_eq!(house.site.get("/me").await.unwrap().header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn no_route_can_weaken_a_header_or_choose_the_request_id() {
    let house = House::open().await;
    let answer = house.site.send("GET", "/weak", &[("x-request-id", "theirs")], &[]).await.unwrap();
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let id = answer.header("x-request-id").unwrap();
    assert!(id.parse::<kernel::RequestId>().is_ok(), "{id}");
}

#[tokio::test]
async fn credentials_open_their_own_door_only() {
    let house = House::open().await;
    let status = async |path: &str, value: &str| {
        house.site.send("GET", path, &[("authorization", value)], &[]).await.unwrap().status
    };
    assert_eq!(status("/me", "Bearer person").await, 200);
    assert_eq!(status("/operator", "bearer operator").await, 200);
    for (path, value) in [
        ("/me", "Bearer operator"),
        ("/operator", "Bearer person"),
        ("/me", "Basic person"),
        ("/me", "Bearer"),
        ("/me", ""),
    ] {
        assert_eq!(status(path, value).await, 401, "{path} {value}");
    }
    let twice = [("authorization", "Bearer person"), ("authorization", "Bearer person")];
    assert_eq!(house.site.send("GET", "/me", &twice, &[]).await.unwrap().status, 401);
}

#[tokio::test]
async fn a_body_is_limited_by_the_policy() {
    let house = House::open().await;
    let post = async |path: &str, length: usize| house.site.send("POST", path, &[], &vec![b'x'; length]).await.unwrap();
    assert_eq!(post("/echo", 1_000).await.body.len(), 1_000);
    assert_eq!(post("/echo", 1_001).await.status, 413);
    assert_eq!(post("/echo", 3_000_000).await.status, 413);
    // Without a length the limit holds all the same.
    let chunks = format!("{}0\r\n\r\n", format!("100\r\n{}\r\n", "x".repeat(256)).repeat(5));
    let head = "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let text = house.say(format!("{head}{chunks}").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    assert_eq!(missing(&text), Vec::<&str>::new());
    // A body where none is expected.
    assert_eq!(house.site.send("GET", "/", &[], b"hello").await.unwrap().status, 413);
}

#[tokio::test]
async fn an_asset_is_kept_and_confirmed_by_its_tag() {
    let house = House::open().await;
    let first = house.site.get("/style.css").await.unwrap();
    assert_eq!(first.header("cache-control"), Some("public, max-age=3600"));
    let tag = first.header("etag").unwrap().to_owned();
    let again = house.site.send("GET", "/style.css", &[("if-none-match", &tag)], &[]).await.unwrap();
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("x-content-type-options"), Some("nosniff"));
    let other = house.site.send("GET", "/style.css", &[("if-none-match", "\"other\"")], &[]).await.unwrap();
    assert_eq!(other.status, 200);
    assert_eq!(house.site.get("/").await.unwrap().header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn one_megabyte_of_headers_is_refused_and_others_are_served() {
    let house = House::open().await;
    let value = "v".repeat(1_000_000);
    let text = house.say(format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-big: {value}\r\n\r\n").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
    assert_eq!(missing(&text), Vec::<&str>::new());
    let many = "x-many: 1\r\n".repeat(1_000);
    let text = house.say(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
    // Over HTTP/2 a little too much is answered in words, far too much ends in the protocol's own refusal.
    let big = "v".repeat(20_000);
    let answer = house.site.send("GET", "/", &[("x-big", &big)], &[]).await.unwrap();
    assert_eq!((answer.status, answer.header("x-frame-options")), (431, Some("DENY")));
    let far = house.site.send("GET", "/", &[("x-big", &value)], &[]).await;
    assert!(far.is_err() || far.is_ok_and(|answer| answer.status == 431));
    assert_eq!(house.site.get("/").await.unwrap().status, 200);
}
