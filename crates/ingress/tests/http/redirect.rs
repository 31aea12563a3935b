//! What plain HTTP gets.

use crate::house::{House, read_all};
use std::net::SocketAddr;
use tokio::{io::AsyncWriteExt, net::TcpStream};

async fn say(at: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_all(&mut stream).await
}

#[tokio::test]
async fn both_ports_send_plain_http_to_https_and_show_nothing() {
    let house = House::open().await;
    for at in [house.at, house.plain] {
        for request in [
            "GET /a?b=c HTTP/1.1\r\nhost: evil.example\r\n\r\n",
            "POST /a?b=c HTTP/1.0\r\ncontent-length: 9\r\n\r\nsecret=12",
        ] {
            let text = say(at, request.as_bytes()).await;
            assert!(text.starts_with("HTTP/1.1 308 "), "{text}");
            assert!(text.contains(&format!("\r\nlocation: https://localhost:{}/a?b=c\r\n", house.at.port())), "{text}");
            assert!(text.ends_with("\r\n\r\n"), "{text}");
            assert!(text.contains("x-content-type-options: nosniff"), "{text}");
            // RFC 6797 section 7.2: not on plain HTTP.
            assert!(!text.contains("strict-transport-security"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let house = House::open().await;
    for bytes in [
        &b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x80\x2e\x01\x00\x02\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let text = say(house.at, bytes).await;
        assert!(text.starts_with("HTTP/1.1 400 ") || text.starts_with("HTTP/1.1 505 "), "{bytes:?}: {text}");
        assert!(!text.contains("\nlocation:"), "{text}");
    }
}

#[tokio::test]
async fn the_plain_port_speaks_no_tls() {
    let house = House::open().await;
    let text = say(house.plain, b"\x16\x03\x01\x00\x05hello\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
}
