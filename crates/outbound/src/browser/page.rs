//! One page of a browser.

use super::{BrowserError, Event, pipe::Pipe};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// How long a page may take to load.
const LOAD: Duration = Duration::from_secs(10);

/// One page, in a browsing context of its own.
#[derive(Debug)]
pub struct Page {
    pipe: Arc<Pipe>,
    session: String,
    mark: usize,
}

impl Page {
    pub(super) async fn open(pipe: Arc<Pipe>) -> Result<Self, BrowserError> {
        let mark = pipe.mark();
        let context = pipe.call(None, "Target.createBrowserContext", &json!({})).await?;
        let context = text(&context, "browserContextId")?;
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = text(&pipe.call(None, "Target.createTarget", &target).await?, "targetId")?;
        let attach = json!({"targetId": target, "flatten": true});
        let session = text(&pipe.call(None, "Target.attachToTarget", &attach).await?, "sessionId")?;
        let page = Self { pipe, session, mark };
        for domain in ["Page.enable", "Network.enable", "Runtime.enable", "Audits.enable"] {
            page.call(domain, &json!({})).await?;
        }
        page.call("Network.enableReportingApi", &json!({"enable": true})).await?;
        // Frames of other sites live in processes of their own and are reached through sessions of their own.
        let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true});
        page.call("Target.setAutoAttach", &attach).await?;
        Ok(page)
    }

    /// Sends a command of the DevTools protocol to this page.
    ///
    /// # Errors
    /// The browser is gone, silent or refuses.
    pub async fn call(&self, method: &str, params: &Value) -> Result<Value, BrowserError> {
        self.pipe.call(Some(&self.session), method, params).await
    }

    /// Opens an address and waits until the page and everything in it has loaded, or failed to.
    ///
    /// # Errors
    /// The page itself does not load.
    pub async fn goto(&self, url: &str) -> Result<(), BrowserError> {
        let mark = self.pipe.mark();
        let answer = self.call("Page.navigate", &json!({"url": url})).await?;
        if let Some(error) = answer.get("errorText").and_then(Value::as_str) {
            return Err(BrowserError::Page(error.to_owned()));
        }
        let loaded = |event: &Event| self.mine(event).filter(|event| event.method == "Page.loadEventFired").map(|_| ());
        self.pipe.find(mark, LOAD, loaded).await.ok_or_else(|| BrowserError::Silent("Page.navigate".to_owned()))
    }

    /// Evaluates an expression in the page and returns its value; a promise is awaited.
    ///
    /// # Errors
    /// The browser is gone, or the expression throws.
    pub async fn run(&self, expression: &str) -> Result<Value, BrowserError> {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &params).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let reason =
                thrown.get("exception").and_then(|e| e.get("description")).and_then(Value::as_str).unwrap_or("thrown");
            return Err(BrowserError::Refused { command: "Runtime.evaluate".to_owned(), reason: reason.to_owned() });
        }
        Ok(answer.get("result").and_then(|result| result.get("value")).cloned().unwrap_or_default())
    }

    /// The first thing that `look` finds among this page's events, waiting for more until the deadline.
    pub async fn find<T>(&self, patience: Duration, look: impl Fn(&Event) -> Option<T>) -> Option<T> {
        self.pipe.find(self.mark, patience, |event| self.mine(event).and_then(&look)).await
    }

    /// Everything that `look` finds among this page's events so far.
    pub fn all<T>(&self, look: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.pipe.all(self.mark, |event| self.mine(event).and_then(&look))
    }

    /// The frames directly in the page by name: where each is now. One that was not let in stands at `chrome-error:`.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn frames(&self) -> Result<Vec<(String, String)>, BrowserError> {
        let tree = self.call("Page.getFrameTree", &json!({})).await?;
        let children = tree.get("frameTree").and_then(|tree| tree.get("childFrames")).and_then(Value::as_array);
        let mut frames: Vec<_> =
            children.into_iter().flatten().filter_map(|child| named(child.get("frame")?)).collect();
        for session in self.all(other_process) {
            // A frame that has moved on since has left its session.
            let Ok(tree) = self.pipe.call(Some(&session), "Page.getFrameTree", &json!({})).await else { continue };
            frames.extend(tree.get("frameTree").and_then(|tree| named(tree.get("frame")?)));
        }
        Ok(frames)
    }

    fn mine<'e>(&self, event: &'e Event) -> Option<&'e Event> {
        (event.session.as_deref() == Some(&self.session)).then_some(event)
    }
}

fn text(answer: &Value, key: &str) -> Result<String, BrowserError> {
    let refused = || BrowserError::Refused { command: key.to_owned(), reason: "nothing in the answer".to_owned() };
    answer.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(refused)
}

/// A frame's name and address.
fn named(frame: &Value) -> Option<(String, String)> {
    let name = frame.get("name").and_then(Value::as_str).unwrap_or_default();
    Some((name.to_owned(), frame.get("url")?.as_str()?.to_owned()))
}

/// The session of a frame that lives in a process of its own.
fn other_process(event: &Event) -> Option<String> {
    let frame = event.method == "Target.attachedToTarget" && event.params.get("targetInfo")?.get("type")? == "iframe";
    frame.then(|| event.params.get("sessionId").and_then(Value::as_str).map(str::to_owned)).flatten()
}
