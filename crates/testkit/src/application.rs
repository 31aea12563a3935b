//! What stands beside a scratch copy: a small application for its gate to stand in front of, and somebody who is told of erasures.

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, io, net::SocketAddr};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What the application answers to everything.
const PAGE: &str = "<!doctype html><html lang=\"en\"><title>Application</title><h1>Application</h1></html>";

/// An application on a free port of loopback. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Application {
    place: SocketAddr,
    open: Vec<String>,
    _accepting: JoinSet<()>,
}

impl Application {
    /// Starts one where the profile promises that an application stands behind a gate.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) async fn promised(profile: &str) -> io::Result<Option<Self>> {
        let Some(promise) = profile.split("[[promise]]").find(|text| promises(text, "upstream-gate")) else {
            return Ok(None);
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let place = listener.local_addr()?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, page));
        Ok(Some(Self { place, open: open_paths(promise), _accepting: accepting }))
    }

    /// What `wordbond up` must be told.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let upstream = ["--upstream".to_owned(), format!("http://{}", self.place)];
        let open = self.open.iter().flat_map(|path| ["--upstream-open".to_owned(), path.clone()]);
        upstream.into_iter().chain(open).collect()
    }
}

fn promises(promise: &str, control: &str) -> bool {
    promise.lines().any(|line| line.split_whitespace().eq(["control", "=", &format!("\"{control}\"")]))
}

/// The paths that the promise says need no session.
fn open_paths(promise: &str) -> Vec<String> {
    let list = promise.split_once("open = [").and_then(|(_, rest)| rest.split_once(']')).map(|(list, _)| list);
    list.unwrap_or_default().split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Somebody who is told of erasures, on a free port of loopback, and knows each. Dropped, they are gone.
#[derive(Debug)]
pub(crate) struct Recipient {
    place: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Recipient {
    /// Starts one where the profile promises that erasures are on a clock: those who are told of them are, too.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) async fn promised(profile: &str) -> io::Result<Option<Self>> {
        if !profile.split("[[promise]]").any(|text| promises(text, "erase-clock")) {
            return Ok(None);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let place = listener.local_addr()?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, acknowledgement));
        Ok(Some(Self { place, _accepting: accepting }))
    }

    /// What `wordbond up` must be told.
    pub(crate) fn arguments(&self) -> Vec<String> {
        vec!["--recipient".to_owned(), format!("beside=http://{}/", self.place)]
    }
}

/// What is answered to everything.
type Says = fn() -> Response<Full<Bytes>>;

fn page() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(PAGE.as_bytes())));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}

fn acknowledgement() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::ACCEPTED;
    answer
}

async fn accept(listener: TcpListener, says: Says) {
    let mut serving = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        serving.spawn(serve(stream, says));
        while serving.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, says: Says) {
    let answer = async |_: Request<Incoming>| Ok::<_, Infallible>(says());
    // Whoever hangs up has had enough.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_application_stands_where_one_is_promised() {
        assert!(Application::promised("[[promise]]\ncontrol = \"hsts\"\n").await.unwrap().is_none());
        let profile = "[[promise]]\ncontrol = \"hsts\"\nparams = { open = [\"/not/\"] }\n\n[[promise]]\nid = \"x\"\n\
                       control = \"upstream-gate\"\nparams = { open = [\"/api/\", \"/b/\"] }\n";
        let application = Application::promised(profile).await.unwrap().unwrap();
        let arguments = application.arguments();
        assert_eq!(
            arguments.get(2..),
            Some(["--upstream-open", "/api/", "--upstream-open", "/b/"].map(str::to_owned).as_slice())
        );
        let closed = Application::promised("[[promise]]\ncontrol = \"upstream-gate\"\n").await.unwrap().unwrap();
        assert_eq!(closed.arguments().len(), 2);
        assert!(outbound::upstream::reach::is_open(application.place).await);
        let place = application.place;
        drop(application);
        tokio::task::yield_now().await;
        assert!(!outbound::upstream::reach::is_open(place).await);
    }

    #[tokio::test]
    async fn somebody_is_told_where_erasures_are_on_a_clock() {
        assert!(Recipient::promised("[[promise]]\ncontrol = \"erase\"\n").await.unwrap().is_none());
        let recipient = Recipient::promised("[[promise]]\ncontrol = \"erase-clock\"\n").await.unwrap().unwrap();
        assert_eq!(recipient.arguments(), ["--recipient".to_owned(), format!("beside=http://{}/", recipient.place)]);
        assert!(outbound::upstream::reach::is_open(recipient.place).await);
    }
}
