//! What passes unchanged, and who passes at all.

use crate::{
    application::{Application, field},
    house::House,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

#[tokio::test]
async fn a_request_passes_and_its_answer_comes_back_with_our_headers() {
    let house = House::of(Application::saying(
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nx-theirs: yes\r\ncontent-security-policy: default-src 'self' 'unsafe-inline'\r\ncache-control: max-age=9\r\nx-frame-options: ALLOWALL\r\nconnection: x-private\r\nx-private: secret\r\nkeep-alive: timeout=5\r\nserver: theirs\r\ncontent-length: 4\r\n\r\ngone",
    ).await).await;
    let said = house.get("/a?b=c", "x-mine: yes\r\naccept: */*\r\n").await;
    assert_eq!((said.status(), said.content(), said.clean), (404, "gone", true), "{said:?}");
    assert_eq!(said.field("x-theirs"), Some("yes"));
    assert_eq!(said.field("content-type"), Some("text/plain"));
    assert_eq!(said.field("cache-control"), Some("max-age=9"));
    assert_eq!(said.field("x-frame-options"), Some("DENY"));
    assert_eq!(said.field("x-content-type-options"), Some("nosniff"));
    assert!(said.field("strict-transport-security").is_some() && said.field("x-request-id").is_some());
    assert!(said.text.contains("content-security-policy: default-src 'self' 'unsafe-inline'"), "{}", said.text);
    for gone in ["x-private", "keep-alive", "server"] {
        assert_eq!(said.field(gone), None, "{gone}");
    }
    let asked = house.application.only();
    assert!(asked.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{asked}");
    assert_eq!(field(&asked, "x-mine"), Some("yes"));
    assert_eq!(field(&asked, "host"), Some(format!("localhost:{}", house.port).as_str()));
    assert_eq!(field(&asked, "x-forwarded-proto"), Some("https"));
    assert_eq!(field(&asked, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(field(&asked, "x-request-id"), said.field("x-request-id"));
    for gone in ["connection", "authorization", "content-length", "transfer-encoding"] {
        assert_eq!(field(&asked, gone), None, "{gone}: {asked}");
    }
}

#[tokio::test]
async fn targets_pass_byte_for_byte() {
    let house = House::of(Application::saying(OK).await).await;
    let targets = [
        "/a/../b",
        "/a/./b",
        "//a//b",
        "/a%2Fb",
        "/a%2f..%2Fb",
        "/%2e%2e/x",
        "/a%5cb",
        "/a;b=c/d",
        "/a?x=%2e&y=a+b&&z",
        "/?",
        "/a%00b",
        "/~a!$&'()*+,=:@",
        "/a?http://x/",
        "/%C3%A9",
    ];
    for target in targets {
        assert_eq!(house.get(target, "").await.status(), 200, "{target}");
    }
    let seen: Vec<String> =
        house.application.asked().iter().map(|asked| asked.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(seen, targets);
}

#[tokio::test]
async fn absolute_targets_become_paths() {
    let house = House::of(Application::saying(OK).await).await;
    for (target, seen) in [("https://{host}/a?b", "/a?b"), ("http://{host}", "/"), ("https://{host}?q", "/?q")] {
        let said = house
            .say(&format!("GET {target} HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\n\r\n"))
            .await;
        assert_eq!(said.status(), 200, "{target} {said:?}");
        let asked = house.application.asked().pop().unwrap();
        assert!(asked.starts_with(&format!("GET {seen} HTTP/1.1\r\n")), "{asked}");
    }
    let said =
        house.say("GET http://evil.example/ HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\n\r\n").await;
    assert_eq!(said.status(), 400);
    let said = house.say("GET / HTTP/1.1\r\nhost: evil.example\r\n{member}\r\nconnection: close\r\n\r\n").await;
    assert_eq!(said.status(), 421);
    assert_eq!(house.application.asked().len(), 3);
}

#[tokio::test]
async fn nobody_gets_through_except_on_open_paths() {
    let house = House::of(Application::saying(OK).await).await;
    let ask = async |method: &str, path: &str, lines: &str| {
        house.say(&format!("{method} {path} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n{lines}\r\n")).await
    };
    let page = ask("GET", "/a?b=c", "accept: text/html,*/*;q=0.8\r\n").await;
    assert_eq!((page.status(), page.field("location")), (303, Some("/sign-in?next=%2Fa%3Fb%3Dc")));
    assert_eq!(ask("GET", "/a", "").await.status(), 401);
    assert_eq!(ask("POST", "/a", "accept: text/html\r\ncontent-length: 0\r\n").await.status(), 401);
    for path in ["/open/../a", "/open/%2e%2e/a", "/open/..%2fa", "/open//a", "/open", "/Open/", "/open/..;/a"] {
        assert_eq!(ask("GET", path, "").await.status(), 401, "{path}");
    }
    assert_eq!(ask("GET", "/a", "authorization: Bearer wbt_other\r\n").await.status(), 401);
    assert_eq!(ask("GET", "/a", "x-wordbond-identity: forged\r\n").await.status(), 401);
    assert_eq!(house.application.asked().len(), 0);
    assert_eq!(ask("GET", "/open/a", "x-wordbond-identity: forged\r\n").await.status(), 200);
    assert_eq!(field(&house.application.only(), "x-wordbond-identity"), None);
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let house = House::of(Application::saying(OK).await).await;
    let post = async |path: &str, lines: &str| {
        house.say(&format!("POST {path} HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\ncontent-length: 2\r\n{lines}\r\nab")).await.status()
    };
    assert_eq!(post("/a", "origin: https://evil.example\r\n").await, 403);
    assert_eq!(post("/a", "sec-fetch-site: cross-site\r\n").await, 403);
    assert_eq!(post("/a", "origin: null\r\n").await, 403);
    assert_eq!(house.application.asked().len(), 0);
    assert_eq!(post("/a", "origin: https://{host}\r\n").await, 200);
    assert_eq!(post("/a", "").await, 200);
    assert!(
        house
            .application
            .asked()
            .iter()
            .all(|asked| field(asked, "x-wordbond-identity").is_some() && asked.ends_with("ab"))
    );
    // A form elsewhere may send to an open path, but not in the name of whoever is signed in here.
    assert_eq!(post("/open/a", "origin: https://evil.example\r\n").await, 200);
    assert_eq!(field(&house.application.asked()[2], "x-wordbond-identity"), None);
}

#[tokio::test]
async fn what_no_application_should_see_is_refused() {
    let house = House::of(Application::saying(OK).await).await;
    let ask = async |line: &str, lines: &str| {
        house
            .say(&format!("{line} HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\n{lines}\r\n"))
            .await
            .status()
    };
    assert_eq!(ask("TRACE /", "").await, 405);
    assert_eq!(ask("CONNECT localhost:1", "").await, 400);
    assert_eq!(ask("GET /worker.js", "service-worker: script\r\n").await, 403);
    assert_eq!(ask("POST /", "content-length: 99999999999\r\n").await, 413);
    assert_eq!(house.application.asked().len(), 0);
    assert_eq!(ask("OPTIONS *", "").await, 200);
    assert!(house.application.only().starts_with("OPTIONS * HTTP/1.1\r\n"));
    assert_eq!(ask("PURGE /x", "").await, 200);
}

#[tokio::test]
async fn kept_connections_are_used_again_and_outlive_their_callers() {
    let house = House::of(Application::saying(OK).await).await;
    for _ in 0..5 {
        assert_eq!(house.get("/", "").await.status(), 200);
    }
    assert_eq!(*house.application.connections.lock().unwrap(), 1);
    for head in ["HEAD", "POST"] {
        let length = if head == "POST" { "content-length: 0\r\n" } else { "" };
        let said = house
            .say(&format!("{head} / HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\n{length}\r\n"))
            .await;
        assert_eq!(said.status(), 200);
    }
}

#[tokio::test]
async fn http2_passes_as_http1() {
    use http_body_util::{BodyExt, Full};
    let house = House::of(Application::saying(OK).await).await;
    let stream = house.connect("h2").await;
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, driver) =
        hyper::client::conn::http2::handshake(executor, hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);
    let request = hyper::Request::post(house.fill("https://{host}/a?b"))
        .header("authorization", format!("Bearer {}", crate::house::MEMBER))
        .header("cookie", "a=1")
        .header("cookie", "__Host-wordbond=wbs_secret")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .body(Full::new(hyper::body::Bytes::from_static(b"content")))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hi");
    let asked = house.application.only();
    assert!(asked.starts_with("POST /a?b HTTP/1.1\r\n") && asked.ends_with("\r\n\r\ncontent"), "{asked}");
    assert_eq!(field(&asked, "cookie"), Some("a=1; b=2"));
    assert_eq!(field(&asked, "content-length"), Some("7"));
    assert_eq!(field(&asked, "via"), Some("2 wordbond"));
    assert_eq!(field(&asked, "host"), Some(format!("localhost:{}", house.port).as_str()));
    assert_eq!(field(&asked, "te"), None);
}
