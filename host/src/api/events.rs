//! What happens, as server-sent events.
//!
//! One task writes every event down once, in a ring that all streams read from, so a slow reader
//! costs nothing but its connection. A reader that comes back with `Last-Event-ID` gets what it has
//! missed, as far as the ring goes back.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::stream;
use mote_core::address::AddressPrefix;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use super::App;
use super::error::{Code, Problem};
use super::guard::Caller;
use super::json::TransactionJson;
use super::mining::MiningJson;
use super::peers::state_text;
use crate::node::status::{Event, Status};
use crate::store::disk::Disk;

/// How many events a reader that comes back can have missed.
const RING_EVENTS: usize = 1_024;

/// How many streams there may be at once.
const STREAMS_MAX: usize = 256;

/// How often a stream that has nothing to say shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An event as it is sent.
#[derive(Clone, Debug)]
struct Written {
    id: u64,
    name: &'static str,
    data: String,
    audience: Audience,
}

/// Who may see an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Everybody,
    /// Peers and the miner are nobody else's business.
    Operator,
}

/// The last events, and word of new ones.
pub struct EventLog {
    ring: Mutex<VecDeque<Arc<Written>>>,
    progress: watch::Sender<Progress>,
    places: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The number of the last event.
    Latest(u64),
    Closed,
}

impl EventLog {
    /// A log without an event.
    pub fn new() -> Self {
        let (progress, _) = watch::channel(Progress::Latest(0));
        Self { ring: Mutex::default(), progress, places: Arc::new(Semaphore::new(STREAMS_MAX)) }
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.progress.send_replace(Progress::Closed);
    }

    fn push(&self, written: Written) {
        let id = written.id;
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == RING_EVENTS {
            ring.pop_front();
        }
        ring.push_back(Arc::new(written));
        drop(ring);
        self.progress.send_if_modified(|progress| match progress {
            Progress::Latest(latest) => {
                *latest = id;
                true
            }
            Progress::Closed => false,
        });
    }

    /// The first event behind `cursor` that `caller` may see.
    fn next(&self, cursor: u64, caller: Caller) -> Option<Arc<Written>> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let start = ring.partition_point(|event| event.id <= cursor);
        let is_for = |event: &&Arc<Written>| caller == Caller::Operator || event.audience == Audience::Everybody;
        ring.range(start..).find(is_for).cloned()
    }
}

impl Default for EventLog {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes down what happens until the node ends.
pub async fn collect(
    mut events: broadcast::Receiver<(u64, Event)>,
    mut node: watch::Receiver<Arc<Status>>,
    log: Arc<EventLog>,
    prefix: AddressPrefix,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            // The handle keeps the channel of events open, so the end shows here.
            changed = node.changed() => match changed {
                Ok(()) => continue,
                Err(_) => break,
            },
        };
        match event {
            Ok((id, event)) => log.push(write(id, &event, prefix)),
            // Readers see the gap in the numbers.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events came faster than they were read"),
            Err(RecvError::Closed) => break,
        }
    }
    log.close();
}

fn write(id: u64, event: &Event, prefix: AddressPrefix) -> Written {
    let (name, audience, data) = match event {
        Event::Block { id, height, transactions } => (
            "block",
            Audience::Everybody,
            json!({"id": id.to_string(), "height": height.get(), "transactions": transactions}),
        ),
        Event::Reorganisation { from, to, depth } => (
            "reorg",
            Audience::Everybody,
            json!({"from": from.to_string(), "to": to.to_string(), "depth": depth}),
        ),
        Event::Transaction { id, transaction } => {
            ("transaction", Audience::Everybody, to_value(TransactionJson::new(prefix, id, transaction)))
        }
        Event::Peer { address, state, reason } => (
            "peer",
            Audience::Operator,
            json!({"address": address.to_string(), "state": state_text(*state), "reason": reason}),
        ),
        Event::Mining(settings) => ("mining", Audience::Operator, to_value(MiningJson::new(prefix, settings))),
    };
    Written { id, name, data: data.to_string(), audience }
}

fn to_value(value: impl serde::Serialize) -> Value {
    // Structures of strings and numbers always serialise.
    serde_json::to_value(value).unwrap_or_default()
}

/// What happens, as it happens. Event names and data:
///
/// - `block`: `{id, height, transactions}`, the new last block and how many transactions it has;
/// - `reorg`: `{from, to, depth}`, the last blocks before and after, and how many were undone;
/// - `transaction`: a transaction that came into the mempool;
/// - `peer`: `{address, state, reason}`; only for the operator;
/// - `mining`: the miner's settings; only for the operator.
///
/// Each has a number as its `id`; with `Last-Event-ID` a stream goes on behind it, up to 1,024 events
/// back. Numbers begin again when the node starts.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "chain",
    params(("Last-Event-ID" = Option<u64>, Header, description = "the number of the last event that was read")),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 400, description = "malformed"),
        (status = 429, description = "busy"),
    )
)]
pub async fn events<D: Disk>(
    State(app): State<App<D>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let log = Arc::clone(&app.0.events);
    let place = Arc::clone(&log.places).try_acquire_owned();
    let place = place.map_err(|_| Problem::new(Code::Busy, format_args!("{STREAMS_MAX} streams are open already")))?;
    let progress = log.progress.subscribe();
    let latest = match *progress.borrow() {
        Progress::Latest(latest) => latest,
        Progress::Closed => return Err(Problem::new(Code::Stopping, "the node is stopping")),
    };
    let cursor = match headers.get("last-event-id") {
        None => latest,
        Some(text) => {
            let number = text.to_str().ok().and_then(super::extract::parse_number);
            let number = number.ok_or_else(|| {
                Problem::malformed("Last-Event-ID", format_args!("expected the number of an event, got {text:?}"))
            })?;
            // A larger number is from before the node's last start.
            number.min(latest)
        }
    };
    let reader = Reader { log, progress, cursor, caller, _place: place };
    Ok(Sse::new(stream::unfold(reader, Reader::next)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Reader {
    log: Arc<EventLog>,
    progress: watch::Receiver<Progress>,
    cursor: u64,
    caller: Caller,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<sse::Event, Infallible>, Self)> {
        loop {
            let progress = *self.progress.borrow_and_update();
            let Progress::Latest(latest) = progress else { return None };
            if let Some(written) = self.log.next(self.cursor, self.caller) {
                self.cursor = written.id;
                let event = sse::Event::default().id(written.id.to_string()).event(written.name);
                return Some((Ok(event.data(&written.data)), self));
            }
            self.cursor = self.cursor.max(latest);
            self.progress.changed().await.ok()?;
        }
    }
}
