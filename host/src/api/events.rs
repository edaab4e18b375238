//! What happens, as server-sent events. A reader that comes back with `Last-Event-ID` gets what it has
//! missed, as far as the node remembers; one that is too slow catches up in the same way.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use futures_util::stream;
use mote_core::address::AddressPrefix;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::App;
use super::error::{Code, Problem};
use super::guard::Caller;
use super::mining::MiningJson;
use super::peers::state_text;
use crate::feed::{News, Watcher};
use crate::forms::TransactionJson;
use crate::node::handle::Handle;
use crate::node::status::{Event, Status};
use crate::store::disk::Disk;

/// How many streams the operator may have at once: programs on this computer, as pages share one. What is left of
/// the connections of this computer is for requests.
const OWN_STREAMS_MAX: usize = 1_024;

/// How many streams all others together may have at once.
const STRANGERS_STREAMS_MAX: usize = 192;

/// How often a stream that has nothing to say shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The streams that are open, and the way to end them.
pub struct Streams {
    own: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    closed: watch::Sender<bool>,
}

impl Streams {
    /// No streams.
    pub fn new() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        let (own, strangers) = (places(OWN_STREAMS_MAX), places(STRANGERS_STREAMS_MAX));
        Self { own, strangers, closed: watch::Sender::new(false) }
    }

    /// Room for one more stream.
    fn place(&self, caller: Caller) -> Result<OwnedSemaphorePermit, Problem> {
        let (places, max) = match caller {
            Caller::Operator => (&self.own, OWN_STREAMS_MAX),
            Caller::Stranger => (&self.strangers, STRANGERS_STREAMS_MAX),
        };
        let busy = |_| Problem::new(Code::Busy, format_args!("{max} streams are open already"));
        Arc::clone(places).try_acquire_owned().map_err(busy)
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self::new()
    }
}

/// Peers and the miner are nobody's business but the operator's.
fn is_for(caller: Caller, event: &Event) -> bool {
    match event {
        Event::Block { .. } | Event::Reorganisation { .. } | Event::Transaction { .. } => true,
        Event::Peer { .. } | Event::Mining(_) => caller == Caller::Operator,
    }
}

/// An event as it is sent.
fn write(news: &News<Event>, prefix: AddressPrefix) -> String {
    let (name, data) = match &news.what {
        Event::Block { id, height, transactions } => {
            ("block", json!({"id": id.to_string(), "height": height.get(), "transactions": transactions}))
        }
        Event::Reorganisation { from, to, depth } => {
            ("reorg", json!({"from": from.to_string(), "to": to.to_string(), "depth": depth}))
        }
        Event::Transaction { id, transaction } => {
            ("transaction", to_value(TransactionJson::new(prefix, id, transaction)))
        }
        Event::Peer { address, state, reason } => {
            ("peer", json!({"address": address.to_string(), "state": state_text(*state), "reason": reason}))
        }
        Event::Mining(settings) => ("mining", to_value(MiningJson::new(prefix, settings))),
    };
    // JSON has no line breaks outside of its texts, which escape them.
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", news.number)
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
/// Each has a number as its `id`, larger than all before it; with `Last-Event-ID` a stream goes on behind
/// that, up to 1,024 events back and not beyond the node's last start.
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
    let streams = &app.0.streams;
    let place = streams.place(caller)?;
    let last = headers.get("last-event-id").map(|text| {
        text.to_str().ok().and_then(super::extract::parse_number).ok_or_else(|| {
            Problem::malformed("Last-Event-ID", format_args!("expected the number of an event, got {text:?}"))
        })
    });
    let handle = app.0.handle.clone();
    let (missed, live) = match last.transpose()? {
        Some(last) => handle.events_since(last),
        None => (Vec::new(), handle.events()),
    };
    let reader = Reader {
        node: handle.watch(),
        closed: streams.closed.subscribe(),
        prefix: app.0.params.address_prefix,
        last: 0,
        missed: missed.into_iter(),
        live,
        handle,
        caller,
        _place: place,
    };
    let kind = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    Ok((kind, Body::from_stream(stream::unfold(reader, Reader::next))))
}

struct Reader<D: Disk> {
    handle: Handle<D>,
    node: watch::Receiver<Arc<Status>>,
    closed: watch::Receiver<bool>,
    prefix: AddressPrefix,
    caller: Caller,
    /// The number of the last event that was read.
    last: u64,
    missed: vec::IntoIter<Arc<News<Event>>>,
    live: Watcher<Event>,
    _place: OwnedSemaphorePermit,
}

impl<D: Disk> Reader<D> {
    /// What is to be sent next: an event, or a comment where there has been none for a while.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let news = match self.missed.next() {
                Some(news) => news,
                None => match timeout(KEEP_ALIVE, self.live()).await {
                    Ok(news) => news?,
                    Err(_) => return Some((Ok(Bytes::from_static(b":\n\n")), self)),
                },
            };
            self.last = news.number;
            if is_for(self.caller, &news.what) {
                let prefix = self.prefix;
                return Some((Ok(news.written(|news| write(news, prefix))), self));
            }
        }
    }

    /// The next event that happens; `None` once the stream is to end.
    async fn live(&mut self) -> Option<Arc<News<Event>>> {
        loop {
            let received = tokio::select! {
                received = self.live.recv() => received,
                _ = self.closed.wait_for(|closed| *closed) => return None,
                // The handle keeps the feed open, so the end of the node shows here.
                changed = self.node.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return None,
                },
            };
            match received {
                Ok(news) => return Some(news),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {
                    let (missed, live) = self.handle.events_since(self.last);
                    (self.missed, self.live) = (missed.into_iter(), live);
                    if let Some(news) = self.missed.next() {
                        return Some(news);
                    }
                }
            }
        }
    }
}
