//! Content that flows, both ways, and answers in unusual forms.

use crate::{
    application::{Application, field, read},
    house::{House, rest, until},
};
use outbound::upstream::Limits;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    time::sleep,
};

#[tokio::test]
async fn events_arrive_one_by_one() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let application = Application::raw(move |mut stream, _| {
        let wait = Arc::clone(&wait);
        async move {
            read(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n").await.unwrap();
            wait.notified().await;
            stream.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n").await.unwrap();
        }
    }).await;
    let house = House::of(application).await;
    let mut stream = house.connect("http/1.1").await;
    stream
        .write_all(
            house.fill("GET /events HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
    let first = until(&mut stream, "data: 1").await;
    assert!(!first.contains("data: 2") && first.contains("text/event-stream"));
    go.notify_one();
    let said = rest(&mut stream).await;
    assert!(said.text.contains("data: 2") && said.text.ends_with("0\r\n\r\n") && said.clean, "{said:?}");
}

#[tokio::test]
async fn an_upload_flows_while_it_arrives() {
    let (go, came) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let told = Arc::clone(&came);
    let application = Application::raw(move |mut stream, _| {
        let told = Arc::clone(&told);
        async move {
            let mut seen = Vec::new();
            while !String::from_utf8_lossy(&seen).contains("first") {
                seen.push(stream.read_u8().await.unwrap());
            }
            told.notify_one();
            while !seen.ends_with(b"0\r\n\r\n") {
                seen.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let house = House::of(application).await;
    let mut stream = house.connect("http/1.1").await;
    stream.write_all(house.fill("POST /up HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").as_bytes()).await.unwrap();
    came.notified().await;
    go.notify_one();
    stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut stream).await.status(), 201);
}

#[tokio::test]
async fn large_contents_pass_whole() {
    let application = Application::raw(|mut stream, _| async move {
        while let Some(request) = read(&mut stream).await {
            let content = request.split_once("\r\n\r\n").unwrap().1.to_owned();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len());
            stream.write_all((head + &content).as_bytes()).await.unwrap();
        }
    })
    .await;
    let house = House::of(application).await;
    let content = "0123456789abcdef".repeat(1 << 16);
    let said = house.say(&format!("POST / HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{content}", content.len())).await;
    assert!(said.status() == 200 && said.content() == content, "{} bytes came back", said.content().len());
}

#[tokio::test]
async fn a_sender_is_told_to_go_on_and_the_application_never_asks() {
    let house = House::of(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await).await;
    let mut stream = house.connect("http/1.1").await;
    stream.write_all(house.fill("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 4\r\n\r\n").as_bytes()).await.unwrap();
    until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"body").await.unwrap();
    assert_eq!(rest(&mut stream).await.status(), 200);
    let asked = house.application.only();
    assert!(asked.ends_with("body") && field(&asked, "expect").is_none(), "{asked}");
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_is_whole() {
    let application = Application::raw(|mut stream, _| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream
            .write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge")
            .await
            .unwrap();
        sleep(Duration::from_secs(2)).await;
    })
    .await;
    let house = House::of(application).await;
    let mut stream = house.connect("http/1.1").await;
    stream
        .write_all(
            house
                .fill("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent-length: 1000\r\n\r\nonly this")
                .as_bytes(),
        )
        .await
        .unwrap();
    let text = until(&mut stream, "large").await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}

#[tokio::test]
async fn answers_without_content_have_none() {
    for (answer, status) in [
        ("HTTP/1.1 204 No Content\r\nx-theirs: 1\r\n\r\n", 204),
        ("HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 700\r\n\r\n", 304),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            204,
        ),
    ] {
        let house = House::of(Application::saying(answer).await).await;
        for _ in 0..2 {
            let said = house.get("/", "").await;
            assert_eq!((said.status(), said.content(), said.clean), (status, "", true), "{answer}");
        }
        assert_eq!(*house.application.connections.lock().unwrap(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_head_answers_with_the_size_and_nothing_else() {
    let house = House::of(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n").await).await;
    for _ in 0..2 {
        let said = house.say("HEAD / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\n\r\n").await;
        assert_eq!((said.status(), said.field("content-length"), said.content()), (200, Some("4096"), ""), "{said:?}");
    }
    assert_eq!(*house.application.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn trailers_of_an_answer_are_dropped() {
    let house = House::of(
        Application::saying(
            "HTTP/1.1 200 OK\r\ntrailer: x-late\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-late: 1\r\n\r\n",
        )
        .await,
    )
    .await;
    let said = house.get("/", "").await;
    assert!(said.content().ends_with("hi\r\n0\r\n\r\n") && said.field("trailer").is_none(), "{said:?}");
}

#[tokio::test]
async fn slow_senders_and_slow_applications_have_their_time() {
    let limits = Limits { sender: Duration::from_millis(400), answer: Duration::from_millis(600), ..Limits::default() };
    let house = House::with(
        Application::raw(|mut stream, _| async move {
            read(&mut stream).await;
            sleep(Duration::from_secs(30)).await;
        })
        .await,
        limits,
    )
    .await;
    // A sender who pauses for too long is told so.
    let begun = Instant::now();
    let said = house
        .say("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    assert_eq!(said.status(), 408, "{said:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    // One who keeps on sending may take longer than an answer may.
    let mut stream = house.connect("http/1.1").await;
    stream
        .write_all(
            house
                .fill("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ncontent-length: 6\r\n\r\n")
                .as_bytes(),
        )
        .await
        .unwrap();
    for _ in 0..6 {
        sleep(Duration::from_millis(200)).await;
        stream.write_all(b"x").await.unwrap();
    }
    let said = rest(&mut stream).await;
    assert_eq!(said.status(), 504, "{said:?}");
    assert!(said.content().contains("gateway-timeout"));
}

#[tokio::test]
async fn what_is_too_large_is_refused_also_in_chunks() {
    let limits = Limits { largest: 8, ..Limits::default() };
    let house = House::with(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await, limits).await;
    let said = house
        .say("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ncontent-length: 9\r\n\r\n123456789")
        .await;
    assert_eq!(said.status(), 413);
    let said = house.say("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n").await;
    assert_eq!(said.status(), 413, "{said:?}");
    assert_eq!(house.application.asked(), Vec::<String>::new());
    let said = house
        .say("POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ncontent-length: 8\r\n\r\n12345678")
        .await;
    assert_eq!(said.status(), 200);
}
