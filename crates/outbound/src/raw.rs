//! Requests as bytes: what no HTTP client would send, and what the service answers to it.

use crate::{Answer, OutboundError, Site};
use hyper::http::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::ServerName;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// How much of an answer is read.
const LONGEST: usize = 256 * 1024;

/// Sends bytes over a verified TLS connection of their own, as HTTP/1.1, and reads one answer.
///
/// # Errors
/// No connection came about, or what came back is no answer: a service may well hang up on nonsense.
pub async fn exchange(site: &Site, request: &[u8]) -> Result<Answer, OutboundError> {
    let host = site.host().to_owned();
    let tls = |reason: String| OutboundError::Tls { host: host.clone(), reason };
    let stream = site.connect().await?;
    let mut config = (*site.trust().config()).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.clone()).map_err(|error| tls(error.to_string()))?;
    let shake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let late = || OutboundError::Deadline { host: host.clone(), seconds: PATIENCE.as_secs() };
    let mut stream = timeout(PATIENCE, shake).await.map_err(|_| late())?.map_err(|error| tls(error.to_string()))?;
    let mut bytes = Vec::new();
    let exchange = async {
        // The service may answer, and hang up, before it has read everything.
        let _ = stream.write_all(request).await;
        let mut piece = [0; 8192];
        while bytes.len() < LONGEST && whole(&bytes).is_none() {
            match stream.read(&mut piece).await {
                Ok(count) if count > 0 => bytes.extend(piece.iter().take(count)),
                _ => break,
            }
        }
    };
    // A connection that stays open after an answer whose length it did not tell is no failure.
    let ended = timeout(PATIENCE, exchange).await;
    match (parse(&bytes), ended) {
        (Some(answer), _) => Ok(answer),
        (None, Err(_)) => Err(late()),
        (None, Ok(())) => Err(OutboundError::Protocol { host: host.clone(), reason: "no answer".to_owned() }),
    }
}

/// Where the body begins.
fn body_at(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// The answer, once all of it that was announced is there.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let answer = parse(bytes)?;
    let length: usize = answer.header("content-length")?.parse().ok()?;
    (answer.body.len() >= length).then_some(answer)
}

/// One answer of HTTP/1.x, as far as it has come: status line, fields, and the rest as its body.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let (head, body) = bytes.split_at_checked(body_at(bytes)?)?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(Answer { status, headers, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_read() {
        let bytes = b"HTTP/1.1 400 Bad Request\r\nA: 1\r\na:2\r\nContent-Length: 3\r\n\r\nabc";
        let answer = whole(bytes).unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.headers.get_all("a").iter().count()), (400, &b"abc"[..], 2));
        assert!(whole(&bytes[..bytes.len() - 1]).is_none());
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "HTTP/1.[01] [0-9]{0,4} ?[a-z]{0,4}\r\n([a-zé:]{0,6}\r\n){0,4}") {
            let _ = (parse(&bytes), whole(text.as_bytes()));
        }
    }
}
