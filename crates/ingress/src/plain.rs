//! What plain HTTP gets: a redirect to HTTPS and nothing else (control `https-only`).

use crate::{
    headers::Channel,
    http1::{Refusal, Scanner},
    https_only,
    strict::{HEAD_DEADLINE, LINGER},
    wire,
};
use axum::http::{HeaderValue, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Answers the first request of a connection with a redirect to `authority`, or with the reason why it cannot be read, and
/// ends the connection. What was asked is never looked up.
pub(crate) async fn answer(mut stream: TcpStream, authority: &str) {
    let target = timeout(HEAD_DEADLINE, target(&mut stream)).await.unwrap_or(Err(Some(Refusal::Late)));
    let bytes = match target {
        Ok(target) => redirect(authority, &target),
        Err(Some(refusal)) => wire::refusal(refusal, Channel::Plain),
        Err(None) => return,
    };
    let _ = timeout(LINGER, async {
        stream.write_all(&bytes).await?;
        stream.shutdown().await?;
        // Reads away what was sent besides the head; otherwise a reset may overtake the answer.
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    })
    .await;
}

/// The first request's target. `None` where the peer left without a word.
async fn target(stream: &mut TcpStream) -> Result<String, Option<Refusal>> {
    let mut scanner = Scanner::new();
    let mut passed = Vec::new();
    let mut space = [0; 4096];
    loop {
        let count = stream.read(&mut space).await.map_err(|_| None)?;
        let bytes = space.get(..count).filter(|bytes| !bytes.is_empty()).ok_or(None)?;
        if let (_, Some(head)) = scanner.feed(bytes, &mut passed)? {
            return Ok(head.target);
        }
    }
}

fn redirect(authority: &str, target: &str) -> Vec<u8> {
    let status = StatusCode::from_u16(https_only::REDIRECT_STATUS).unwrap_or(StatusCode::PERMANENT_REDIRECT);
    let location = https_only::location(authority, target).and_then(|to| HeaderValue::from_str(&to).ok());
    location.map_or_else(
        || wire::refusal(Refusal::Malformed("the request's address is no path"), Channel::Plain),
        |location| wire::redirect(status, &location),
    )
}
