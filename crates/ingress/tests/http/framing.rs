//! Requests that two readers could read in two ways, and senders who take their time.

use crate::house::{House, missing, read_all};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused() {
    let house = House::open().await;
    let smuggled = "GET /operator HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let shapes = [
        format!(
            "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!(
            "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: +1\r\n\r\na".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1, 1\r\n\r\na".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent_length: 1\r\n\r\na".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "POST /echo HTTP/1.1\r\nhost: localhost\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "POST /echo HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\r\nx-folded: a\r\n b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\nhost: localhost\n\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\nx: y\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\r\nhost: other\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost : localhost\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: a b\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: user@localhost\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET  / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET / HTTP/1.1 \r\nhost: localhost\r\n\r\n".to_owned(),
        "GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "G@T / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "CONNECT localhost:443 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET /\u{e9} HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\r\nno colon\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\r\n: empty\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: \0\r\n\r\n".to_owned(),
        "GET http://other/ HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
    ];
    for shape in shapes {
        let text = house.say(shape.as_bytes()).await;
        assert!(text.starts_with("HTTP/1.1 400 "), "{shape:?} was answered {text:?}");
        assert_eq!(text.matches("HTTP/1.1").count(), 1, "{shape:?} was read as more than one request: {text:?}");
        assert_eq!(missing(&text), Vec::<&str>::new(), "{shape:?}");
        assert!(text.contains("application/problem+json"), "{text}");
    }
    let text = house.say(b"GET / HTTP/2.5\r\nhost: localhost\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 505 "), "{text}");
}

#[tokio::test]
async fn malformed_chunks_are_not_an_end_and_not_a_beginning() {
    let house = House::open().await;
    let head = "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunks in [
        "1;ext=1\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "-1\r\n",
        "0\r\nx: trailer\r\n\r\n",
        "fffffffff\r\n",
    ] {
        let text = house.say(format!("{head}{chunks}GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await;
        assert!(!text.contains("HTTP/1.1 200"), "{chunks:?}: {text}");
        assert!(text.matches("HTTP/1.1").count() <= 1, "{chunks:?}: {text}");
    }
}

#[tokio::test]
async fn good_requests_share_a_connection() {
    let house = House::open().await;
    let last = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let all = format!(
        "\r\nPOST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc\
         POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n\
         GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n\
         GET https://localhost/ HTTP/1.1\r\nhost: localhost\r\n\r\n{last}"
    );
    let text = house.say(all.as_bytes()).await;
    assert_eq!(text.matches("HTTP/1.1 200").count(), 5, "{text}");
    assert!(text.contains("abc") && text.contains("def") && text.contains("slow"), "{text}");
    // Byte by byte it is the same.
    let mut stream = house.dial(&["http/1.1"]).await;
    for byte in last.bytes() {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_refusal_comes_after_the_answers_that_were_due() {
    let house = House::open().await;
    let text = house.say(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\nhost: x\n\n").await;
    let (first, second) = (text.find("HTTP/1.1 200"), text.find("HTTP/1.1 400"));
    assert!(first.is_some() && first < second, "{text}");
}

#[tokio::test]
async fn who_dawdles_over_a_head_is_told_so_and_hung_up_on() {
    let house = House::open().await;
    let began = Instant::now();
    let mut stream = house.dial(&["http/1.1"]).await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ").await.unwrap();
    let text = read_all(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    assert_eq!(missing(&text), Vec::<&str>::new());
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
}
