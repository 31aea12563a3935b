//! An application behind the gate: raw sockets that record what they get, byte for byte.

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the application got, a text per request: head and content.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

pub(crate) struct Application {
    pub(crate) url: String,
    pub(crate) log: Log,
    pub(crate) connections: Arc<Mutex<usize>>,
    serving: JoinHandle<()>,
}

impl Drop for Application {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Application {
    /// One that answers every request with these bytes and keeps the connection.
    pub(crate) async fn saying(answer: &'static str) -> Self {
        Self::answering(move |_| answer.to_owned()).await
    }

    /// One whose answers depend on the request. The connection ends where the answer says `connection: close`.
    pub(crate) async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::raw(move |mut stream, log| {
            let answer = Arc::clone(&answer);
            async move {
                while let Some(request) = read(&mut stream).await {
                    log.lock().unwrap().push(request.clone());
                    let answer = answer(&request);
                    if stream.write_all(answer.as_bytes()).await.is_err() || answer.contains("connection: close") {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// One that does with each connection what `act` does.
    pub(crate) async fn raw<F>(act: impl Fn(TcpStream, Log) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (log, connections) = (Log::default(), Arc::new(Mutex::new(0)));
        let (to, count) = (Arc::clone(&log), Arc::clone(&connections));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                tokio::spawn(act(stream, Arc::clone(&to)));
            }
        });
        Self { url, log, connections, serving }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The one request that came.
    pub(crate) fn only(&self) -> String {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:#?}");
        asked[0].clone()
    }
}

/// One request, head and content as they came. `None` at the end of the connection.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).unwrap();
    let content = match field(&head, "content-length") {
        Some(length) => {
            let mut content = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut content).await.ok()?;
            content
        }
        None if field(&head, "transfer-encoding").is_some() => {
            let mut content = Vec::new();
            while !content.ends_with(b"0\r\n\r\n") {
                content.push(stream.read_u8().await.ok()?);
            }
            content
        }
        None => Vec::new(),
    };
    Some(head + &String::from_utf8_lossy(&content))
}

/// The value of a header in a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let head = head.split("\r\n\r\n").next().unwrap();
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
