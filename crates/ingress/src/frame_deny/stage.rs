//! A page of the attacker's: it frames the site, and beside it a page without the header as a control.

use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use uuid::Uuid;

/// A web server on loopback with two pages. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    port: u16,
    control: String,
    server: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stage {
    /// Opens a stage that frames these addresses.
    pub(super) async fn open(targets: &[String]) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let control = Uuid::new_v4().simple().to_string();
        let frames: String = targets
            .iter()
            .enumerate()
            .map(|(number, url)| format!("<iframe name=\"{}\" src=\"{}\"></iframe>", Self::frame(number), escape(url)))
            .collect();
        let page = format!("<!doctype html><iframe name=\"control\" src=\"/control\"></iframe>{frames}");
        let server = tokio::spawn(serve(listener, page, control.clone()));
        Ok(Self { port, control, server })
    }

    /// The framing page.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The text that the control's frame must show.
    pub(super) fn control(&self) -> &str {
        &self.control
    }

    /// The name of a frame.
    pub(super) fn frame(number: usize) -> String {
        format!("site-{number}")
    }
}

async fn serve(listener: TcpListener, page: String, control: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (page, control) = (page.clone(), control.clone());
        tokio::spawn(async move {
            // A browser that hangs up early is its own affair.
            let _ = answer(stream, &page, &control).await;
        });
    }
}

async fn answer(mut stream: TcpStream, page: &str, control: &str) -> io::Result<()> {
    let mut request = [0; 8192];
    let length = stream.read(&mut request).await?;
    let asked = request.get(..length).unwrap_or_default();
    let body = if asked.starts_with(b"GET /control ") { control } else { page };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

fn escape(url: &str) -> String {
    url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}
