//! The DevTools protocol over two pipes: JSON messages that end with a zero byte.

use super::{BrowserError, Event};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe::{Receiver, Sender},
    sync::{Mutex as AsyncMutex, Notify, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// How long the browser may take to answer one command.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many events are kept. A page that reports more than that has drowned what a probe looks for.
const MOST_EVENTS: usize = 20_000;

type Waiting = oneshot::Sender<Result<Value, String>>;

/// Both pipes, the commands that wait for an answer, and the events so far.
#[derive(Debug)]
pub(super) struct Pipe {
    commands: AsyncMutex<Sender>,
    state: Arc<State>,
    next: AtomicU64,
    reader: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Mutex<Option<BTreeMap<u64, Waiting>>>,
    events: Mutex<Vec<Event>>,
    arrived: Notify,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Pipe {
    /// Takes the two ends that are not the browser's.
    pub(super) fn new(commands: OwnedFd, answers: OwnedFd) -> io::Result<Arc<Self>> {
        let state = Arc::new(State { waiting: Mutex::new(Some(BTreeMap::new())), ..State::default() });
        let answers = Receiver::from_owned_fd(answers)?;
        let commands = AsyncMutex::new(Sender::from_owned_fd(commands)?);
        let reader = tokio::spawn(listen(answers, Arc::clone(&state)));
        Ok(Arc::new(Self { commands, state, next: AtomicU64::new(1), reader }))
    }

    /// Sends a command, to the browser or to a page's session, and waits for its answer.
    pub(super) async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Result<Value, BrowserError> {
        self.call_within(PATIENCE, session, method, params).await
    }

    /// As [`Pipe::call`], with a deadline.
    pub(super) async fn call_within(
        &self,
        patience: Duration,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Result<Value, BrowserError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let (Some(session), Some(fields)) = (session, message.as_object_mut()) {
            fields.insert("sessionId".to_owned(), session.into());
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let (answer, waiting) = oneshot::channel();
        self.state.waiting().as_mut().ok_or(BrowserError::Gone)?.insert(id, answer);
        let exchange = async {
            self.commands.lock().await.write_all(&bytes).await.map_err(|_| BrowserError::Gone)?;
            waiting.await.map_err(|_| BrowserError::Gone)
        };
        let result = timeout(patience, exchange).await;
        if let Some(waiting) = self.state.waiting().as_mut() {
            waiting.remove(&id);
        }
        result
            .map_err(|_| BrowserError::Silent(method.to_owned()))??
            .map_err(|reason| BrowserError::Refused { command: method.to_owned(), reason })
    }

    /// How many events have arrived: a place to start looking from.
    pub(super) fn mark(&self) -> usize {
        self.state.events().len()
    }

    /// The first thing that `look` finds among the events from `mark` on, waiting for more until the deadline.
    pub(super) async fn find<T>(
        &self,
        mark: usize,
        patience: Duration,
        look: impl Fn(&Event) -> Option<T>,
    ) -> Option<T> {
        timeout(patience, async {
            let mut seen = mark;
            loop {
                let arrived = self.state.arrived.notified();
                {
                    let events = self.state.events();
                    let found = events.iter().skip(seen).find_map(&look);
                    if found.is_some() {
                        return found;
                    }
                    seen = events.len();
                }
                arrived.await;
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Everything that `look` finds among the events from `mark` on.
    pub(super) fn all<T>(&self, mark: usize, look: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.state.events().iter().skip(mark).filter_map(look).collect()
    }
}

impl State {
    fn waiting(&self) -> MutexGuard<'_, Option<BTreeMap<u64, Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, message: &Value) {
        if let Some(id) = message.get("id").and_then(Value::as_u64) {
            let waiting = self.waiting().as_mut().and_then(|waiting| waiting.remove(&id));
            if let Some(waiting) = waiting {
                let refused = message.get("error").map(|error| error.get("message").unwrap_or(error).to_string());
                let result = message.get("result").cloned().unwrap_or_default();
                // Whoever asked may have given up.
                let _ = waiting.send(refused.map_or(Ok(result), Err));
            }
            return;
        }
        let text = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(method) = text("method") else { return };
        let params = message.get("params").cloned().unwrap_or_default();
        let mut events = self.events();
        if events.len() < MOST_EVENTS {
            events.push(Event { session: text("sessionId"), method, params });
        }
        drop(events);
        self.arrived.notify_waiters();
    }
}

async fn listen(answers: Receiver, state: Arc<State>) {
    let mut answers = BufReader::new(answers);
    let mut bytes = Vec::new();
    while let Ok(count) = answers.read_until(0, &mut bytes).await {
        if count == 0 {
            break;
        }
        bytes.pop();
        if let Ok(message) = serde_json::from_slice(&bytes) {
            state.take(&message);
        }
        bytes.clear();
    }
    // Nobody will answer any more: everyone who waits learns it by the dropped sender.
    *state.waiting() = None;
}
