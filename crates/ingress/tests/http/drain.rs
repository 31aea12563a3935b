//! The end: what is in flight is finished, what is new is not begun.

use crate::house::{House, read_all};
use ingress::Ended;
use std::time::{Duration, Instant};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

#[tokio::test]
async fn what_is_in_flight_is_finished() {
    let mut house = House::open().await;
    let mut h1 = house.dial(&["http/1.1"]).await;
    h1.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let site = house.site.clone();
    let h2 = tokio::spawn(async move { site.get("/slow").await });
    let idle = house.dial(&["http/1.1"]).await;
    sleep(Duration::from_millis(200)).await;
    let ended = house.stop();
    sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(house.at).await.is_err(), "a new connection was accepted while draining");
    assert_eq!(h2.await.unwrap().unwrap().text(), "slow");
    let text = read_all(&mut h1).await;
    assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("slow"), "{text}");
    assert_eq!(ended.await.unwrap().unwrap(), Ended::Drained);
    drop(idle);
}

#[tokio::test]
async fn what_never_ends_is_cut() {
    let mut house = House::with(|settings| settings.drain = Duration::from_millis(200)).await;
    let mut stream = house.dial(&["http/1.1"]).await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert_eq!(house.stop().await.unwrap().unwrap(), Ended::Cut(1));
    assert!(began.elapsed() < Duration::from_millis(450), "{:?}", began.elapsed());
}
