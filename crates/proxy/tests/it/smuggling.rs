//! Requests that two readers take for different ones. None of them may reach the application as anything but one request.

use crate::{
    application::{Application, field},
    house::House,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused() {
    let house = House::of(Application::saying(OK).await).await;
    let inner = "GET /smuggled HTTP/1.1\\r\\nhost: {host}\\r\\n\\r\\n".replace("\\r\\n", "\r\n");
    let heads = [
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent-length: 0\r\ncontent-length: 40\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent-length: 0, 40\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent-length: +4\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent-length : 4\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ncontent_length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\ntransfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nhost: {host}\r\n{member}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nx: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\n host: {host}\r\n{member}\r\n\r\n",
        "GET / HTTP/1.1\nhost: {host}\n{member}\n\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nx: a\nx-b: c\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nx: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\nHost: evil.example\r\n{member}\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}, evil.example\r\n{member}\r\n\r\n",
        "GET / HTTP/1.1\r\n{member}\r\n\r\n",
        "GET  / HTTP/1.1\r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET / HTTP/1.1 \r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET /a b HTTP/1.1\r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET / HTTP/2.0\r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET a HTTP/1.1\r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET /#x HTTP/1.1\r\nhost: {host}\r\n{member}\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nx\0y: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: {host}\r\n{member}\r\n: a\r\n\r\n",
    ];
    for head in heads {
        let said = house.say(&format!("{head}{inner}")).await;
        assert!(matches!(said.status(), 400 | 505), "{head:?}: {said:?}");
        assert_eq!(said.text.matches("HTTP/1.1 ").count(), 1, "{head:?}: {said:?}");
    }
    assert_eq!(house.application.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_content_never_becomes_a_request() {
    let house = House::of(Application::saying(OK).await).await;
    let content = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let with =
        |framing: String| format!("POST /a HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\n{framing}");
    let length = with(format!("content-length: {}\r\n\r\n{content}", content.len()));
    let chunked = with(format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{content}\r\n0\r\n\r\n", content.len()));
    for request in [length, chunked] {
        assert_eq!(house.say(&request).await.status(), 200, "{request}");
    }
    // A GET's content is content too, and must not lie in the way of the next request over the kept connection.
    let get = format!(
        "GET /a HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{content}",
        content.len()
    );
    assert_eq!(house.say(&get).await.status(), 200);
    assert_eq!(house.get("/b", "").await.status(), 200);
    let asked = house.application.asked();
    assert_eq!(asked.len(), 4, "{asked:#?}");
    assert!(asked[..3].iter().all(|asked| asked.contains(" /a HTTP/1.1\r\n")) && asked[3].starts_with("GET /b "));
    assert_eq!(field(&asked[0], "content-length"), Some(content.len().to_string().as_str()));
    assert_eq!(field(&asked[1], "transfer-encoding"), Some("chunked"));
}

#[tokio::test]
async fn chunks_that_break_the_rules_never_end_well() {
    let house = House::of(Application::saying(OK).await).await;
    for chunks in [
        "5;ext=1\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nx-wordbond-identity: forged\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "123456789\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n",
    ] {
        let said = house
            .say(&format!(
                "POST / HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
            ))
            .await;
        assert!(said.text.is_empty() || said.status() == 400, "{chunks:?}: {said:?}");
    }
    // What arrived of them was never a whole request.
    assert_eq!(house.application.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn answers_that_can_be_read_in_two_ways_are_not_passed_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\nconnection: close\r\n\r\nhiX",
        "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nx y: a\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "hello\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 abc OK\r\nconnection: close\r\n\r\n",
    ] {
        let house = House::of(Application::saying(answer).await).await;
        assert_eq!(house.get("/", "").await.status(), 502, "{answer}");
    }
    // Bytes after an answer are nobody's: the connection that carried them is not used again.
    let house = House::of(
        Application::saying(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        )
        .await,
    )
    .await;
    for _ in 0..3 {
        let said = house.get("/", "").await;
        assert_eq!((said.status(), said.content()), (200, "hi"));
    }
    assert_eq!(*house.application.connections.lock().unwrap(), 3);
}
