//! Uploads are stored as they arrive; what breaks off, or is too long, leaves nothing.

use super::{
    open,
    system::{Person, System},
};
use serde_json::Value;
use std::{fs, path::Path, time::Duration};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const MEBIBYTE: usize = 1024 * 1024;

/// The head of an upload whose length nobody says beforehand.
fn head(who: &Person) -> String {
    format!(
        "POST /api/drawings HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: image/png\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        who.token
    )
}

/// A mebibyte as a chunk of HTTP; the first one begins as a PNG.
fn chunk(first: bool) -> Vec<u8> {
    let mut content = vec![0x5a; MEBIBYTE];
    if first {
        content[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    }
    [format!("{MEBIBYTE:x}\r\n").as_bytes(), &content, b"\r\n"].concat()
}

/// How many bytes lie in the folder of the blobs, whole or not.
fn stored(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { stored(&path) } else { fs::metadata(&path).map_or(0, |data| data.len()) }
    });
    sizes.sum()
}

/// Waits until the folder holds what `enough` asks for; the test's own limit ends a wait for nothing.
async fn until(system: &System, enough: impl Fn(u64) -> bool) {
    let folder = system.db.store().keys().beside("blobs");
    while !enough(stored(&folder)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn drawings(system: &System, who: &Person) -> usize {
    let list: Value = system.get(who, "/api/drawings").await.json().unwrap();
    list["drawings"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_drawing_is_stored_as_it_arrives() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let mut stream = system.dial().await;
    stream.write_all(head(&ada).as_bytes()).await.unwrap();
    for number in 0..8 {
        stream.write_all(&chunk(number == 0)).await.unwrap();
    }
    stream.flush().await.unwrap();
    // Half of it has come, and lies on the disk: it does not wait in memory for the rest.
    until(&system, |bytes| bytes >= 4 * MEBIBYTE as u64).await;
    assert_eq!(drawings(&system, &ada).await, 0, "half a drawing is seen by nobody");
    for _ in 0..8 {
        stream.write_all(&chunk(false)).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let list: Value = system.get(&ada, "/api/drawings").await.json().unwrap();
    assert_eq!(list["drawings"][0]["size"], 16 * MEBIBYTE);
    let id = list["drawings"][0]["drawing"].as_str().unwrap();
    let original = system.get(&ada, &format!("/api/drawings/{id}/original")).await;
    assert_eq!(original.body.len(), 16 * MEBIBYTE);
    assert!(original.body.starts_with(b"\x89PNG\r\n\x1a\n") && original.body[8..].iter().all(|byte| *byte == 0x5a));
}

#[tokio::test]
async fn what_is_too_long_is_refused_while_it_comes_and_leaves_nothing() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let mut stream = system.dial().await;
    stream.write_all(head(&ada).as_bytes()).await.unwrap();
    // The answer may come, and the connection end, before everything is sent.
    for number in 0..17 {
        if stream.write_all(&chunk(number == 0)).await.is_err() {
            break;
        }
    }
    let mut start = [0; 13];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413 ", "{}", String::from_utf8_lossy(&start));
    until(&system, |bytes| bytes == 0).await;
    assert_eq!(drawings(&system, &ada).await, 0);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let mut stream = system.dial().await;
    stream.write_all(head(&ada).as_bytes()).await.unwrap();
    for number in 0..5 {
        stream.write_all(&chunk(number == 0)).await.unwrap();
    }
    stream.flush().await.unwrap();
    until(&system, |bytes| bytes >= 3 * MEBIBYTE as u64).await;
    drop(stream);
    until(&system, |bytes| bytes == 0).await;
    assert_eq!(drawings(&system, &ada).await, 0);
}
