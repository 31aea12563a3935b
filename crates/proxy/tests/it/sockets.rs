//! WebSockets over HTTP/1.1.

use crate::{
    application::{Application, field},
    house::{House, until},
};
use ingress::{Caller, gate::Later};
use outbound::upstream::Limits;
use proxy::Watch;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

const ASK: &str = "GET /ws HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Agrees to a WebSocket where one is asked for, then echoes; answers anything else with 200.
async fn echo() -> Application {
    Application::raw(|mut stream, log| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        log.lock().unwrap().push(head.clone());
        if field(&head, "upgrade").is_none() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nplain").await;
            return;
        }
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nwelcome").await.unwrap();
        let mut space = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut space).await {
            stream.write_all(&space[..count]).await.unwrap();
        }
    }).await
}

#[tokio::test]
async fn bytes_pass_both_ways_once_both_sides_agreed() {
    let house = House::of(echo().await).await;
    let mut stream = house.connect("http/1.1").await;
    stream.write_all(house.fill(&format!("{ASK}\r\n")).as_bytes()).await.unwrap();
    let head = until(&mut stream, "welcome").await;
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    // No HTTP: bytes that the strict reader would refuse.
    for text in ["\u{0}\n\r\n\u{7f}binary", "GET / HTTP/1.1\r\n\r\n"] {
        stream.write_all(text.as_bytes()).await.unwrap();
        until(&mut stream, text).await;
    }
    let asked = house.application.only();
    assert_eq!((field(&asked, "upgrade"), field(&asked, "connection")), (Some("websocket"), Some("upgrade")));
    assert_eq!(field(&asked, "sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert!(field(&asked, "x-wordbond-identity").is_some() && !asked.contains("wbt_"), "{asked}");
    // It ends on both sides when nothing moves for too long.
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.expect("an idle tunnel stays open");
}

#[tokio::test]
async fn other_sites_open_none_and_nobody_else_does() {
    let house = House::of(echo().await).await;
    let ask = async |lines: &str| {
        house.say(&format!("{}{lines}\r\n", ASK.replace("keep-alive, Upgrade", "close, Upgrade"))).await.status()
    };
    assert_eq!(ask("origin: https://evil.example\r\n").await, 403);
    assert_eq!(ask("sec-fetch-site: cross-site\r\n").await, 403);
    let nobody = house.say(&format!("{}\r\n", ASK.replace("{member}\r\n", "").replace("keep-alive", "close"))).await;
    assert_eq!(nobody.status(), 401);
    assert_eq!(house.application.asked().len(), 0);
}

#[tokio::test]
async fn nothing_else_is_switched_to() {
    let house = House::of(echo().await).await;
    for lines in [
        "connection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "connection: upgrade, close\r\nupgrade: websocket, h2c\r\nsec-websocket-version: 12\r\nsec-websocket-key: x\r\n",
        "connection: close\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: x\r\n",
        "connection: upgrade, close\r\nupgrade: TLS/1.3\r\n",
    ] {
        let said = house.say(&format!("GET /ws HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\n{lines}\r\n")).await;
        assert_eq!((said.status(), said.content()), (200, "plain"), "{lines}");
    }
    assert!(
        house
            .application
            .asked()
            .iter()
            .all(|asked| field(asked, "upgrade").is_none() && !asked.contains("http2-settings"))
    );
}

#[tokio::test]
async fn an_application_that_declines_answers_as_usual() {
    let house = House::of(Application::saying("HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 8\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno").await).await;
    // What follows is a second request for the edge, not bytes for the application.
    let said =
        house.say(&format!("{ASK}\r\nGET /smuggled HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n\r\n")).await;
    assert!(said.text.starts_with("HTTP/1.1 426 ") && said.text.contains("HTTP/1.1 401 "), "{said:?}");
    assert_eq!(house.application.asked().len(), 1);
}

/// A caller who may call once.
struct Once(AtomicBool);

impl Watch for Once {
    fn lives<'a>(&'a self, _: &'a Caller) -> Later<'a, bool> {
        Box::pin(async { !self.0.load(Ordering::SeqCst) })
    }
}

#[tokio::test]
async fn a_tunnel_ends_with_its_callers_session() {
    let over = Arc::new(Once(AtomicBool::new(true)));
    let watch: Arc<dyn Watch> = over;
    let house = House::build(echo().await, Limits::default(), "/open/", Some(watch)).await;
    let mut stream = house.connect("http/1.1").await;
    stream.write_all(house.fill(&format!("{ASK}\r\n")).as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    // Sooner than an idle one would end.
    let _ = timeout(Duration::from_secs(2), stream.read_to_end(&mut rest)).await.expect("the tunnel stays open");
    assert!(rest.starts_with(b"HTTP/1.1 101 "));
}
