//! An application that breaks off, is not there, or does not answer: the caller is never told that all went well.

use crate::{
    application::{Application, read},
    house::House,
};
use outbound::upstream::Limits;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, time::sleep};

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_seen_as_whole() {
    for (answer, is_whole) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhalf", false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n4\r\nhalf\r\n", false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n9\r\nhalf", false),
        // Framed by the end of the connection: nobody can tell.
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf", true),
    ] {
        let house = House::of(Application::saying(answer).await).await;
        let said = house.get("/", "").await;
        // Where it broke off before the head had left, the caller sees the connection end, and no more.
        if said.text.is_empty() && !is_whole {
            assert!(!said.clean, "{answer}");
            continue;
        }
        assert_eq!(said.status(), 200, "{answer}");
        let ends = said.content().ends_with("0\r\n\r\n");
        let length = said.field("content-length").is_some_and(|length| length == said.content().len().to_string());
        assert_eq!(ends || length, is_whole, "{answer}: {said:?}");
        assert_eq!(said.clean, is_whole, "{answer}: {said:?}");
    }
}

#[tokio::test]
async fn an_http2_stream_is_reset() {
    use http_body_util::{BodyExt, Empty};
    let house =
        House::of(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhalf").await)
            .await;
    let executor = hyper_util::rt::TokioExecutor::new();
    let stream = hyper_util::rt::TokioIo::new(house.connect("h2").await);
    let (mut sender, driver) = hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    tokio::spawn(driver);
    let request = hyper::Request::get(house.fill("https://{host}/"))
        .header("authorization", format!("Bearer {}", crate::house::MEMBER));
    let request = request.body(Empty::<hyper::body::Bytes>::new()).unwrap();
    let whole = match sender.send_request(request).await {
        Ok(answer) => answer.into_body().collect().await.is_ok(),
        Err(error) => {
            assert!(error.to_string().contains("http2"), "{error}");
            false
        }
    };
    assert!(!whole);
}

#[tokio::test]
async fn who_is_not_there_is_a_502() {
    let application = Application::saying("").await;
    let mut house = House::of(Application::saying("").await).await;
    drop(std::mem::replace(&mut house.application, application));
    sleep(Duration::from_millis(50)).await;
    let said = house.get("/", "").await;
    assert_eq!((said.status(), said.field("content-type")), (502, Some("application/problem+json")), "{said:?}");
    let said = house.get("/", "accept: text/html\r\n").await;
    assert_eq!((said.status(), said.field("content-type")), (502, Some("text/html; charset=utf-8")));
    assert!(
        said.content().contains(said.field("x-request-id").unwrap()) && !said.text.contains("127.0.0.1"),
        "{said:?}"
    );
}

#[tokio::test]
async fn silence_is_a_504_and_a_broken_answer_a_502() {
    let limits = Limits { answer: Duration::from_millis(300), ..Limits::default() };
    let silent = Application::raw(|mut stream, _| async move {
        read(&mut stream).await;
        sleep(Duration::from_secs(30)).await;
    })
    .await;
    let house = House::with(silent, limits).await;
    assert_eq!(house.get("/", "").await.status(), 504);
    let broken = Application::raw(|mut stream, _| async move {
        read(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le").await;
    })
    .await;
    assert_eq!(House::of(broken).await.get("/", "").await.status(), 502);
}

#[tokio::test]
async fn an_answer_that_pauses_for_too_long_is_broken_off() {
    let limits = Limits { pause: Duration::from_millis(300), ..Limits::default() };
    let pausing = Application::raw(|mut stream, _| async move {
        read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        sleep(Duration::from_secs(30)).await;
    })
    .await;
    let said = House::with(pausing, limits).await.get("/", "").await;
    assert!(said.content() == "half" && !said.clean, "{said:?}");
}

/// An application whose kept connections die the moment they are used a second time.
async fn forgetful() -> (Application, Arc<AtomicUsize>) {
    let second = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&second);
    let application = Application::raw(move |mut stream, log| {
        let count = Arc::clone(&count);
        async move {
            let Some(request) = read(&mut stream).await else { return };
            log.lock().unwrap().push(request);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            if read(&mut stream).await.is_some() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    (application, second)
}

#[tokio::test]
async fn a_kept_connection_that_dies_is_no_failure_of_what_is_safe() {
    let (application, second) = forgetful().await;
    let house = House::of(application).await;
    for _ in 0..4 {
        assert_eq!(house.get("/", "").await.status(), 200);
    }
    assert!(second.load(Ordering::SeqCst) > 0);
    // What may have been acted on is not sent twice.
    let (application, second) = forgetful().await;
    let house = House::of(application).await;
    let post = "POST / HTTP/1.1\r\nhost: {host}\r\n{member}\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx";
    assert_eq!(house.say(post).await.status(), 200);
    assert_eq!(house.say(post).await.status(), 502);
    assert_eq!((house.application.asked().len(), second.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_caller_who_leaves_ends_the_exchange() {
    let ended = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&ended);
    let application = Application::raw(move |mut stream, _| {
        let told = Arc::clone(&told);
        async move {
            read(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
            told.notify_one();
        }
    })
    .await;
    let house = House::of(application).await;
    let mut stream = house.connect("http/1.1").await;
    stream.write_all(house.fill("GET / HTTP/1.1\r\nhost: {host}\r\n{member}\r\n\r\n").as_bytes()).await.unwrap();
    crate::house::until(&mut stream, "1\r\nx").await;
    drop(stream);
    tokio::time::timeout(Duration::from_secs(5), ended.notified()).await.unwrap();
}
