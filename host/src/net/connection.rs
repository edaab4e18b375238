//! One peer's WebSocket, whoever opened it: messages go to the driver one at a time, what the driver
//! queues goes out, and everything is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use mote_core::wire::MESSAGE_MAX_BYTES;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::outbox::{self, Ending, Gauge, Outgoing, Queue};
use super::{Arrival, DriverGone, Network, PeerLimits};
use crate::node::PeerId;
use crate::node::request::PeerAddress;
use crate::node::status::Direction;

/// The longest reason that fits a WebSocket's close frame, in bytes.
const CLOSE_REASON_MAX_BYTES: usize = 123;

/// How much is read from a socket at once, in bytes; every connection holds a buffer of this size.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Small messages are put together up to so many bytes while more of them wait.
const WRITE_BUFFER_BYTES: usize = 64 * 1024;

/// The limits of the WebSockets of both directions.
pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES))
}

/// Serves a peer's open WebSocket until it ends, and tells the driver of its beginning and its end. Its room
/// is free for others once it only says farewell.
pub(super) async fn serve<S>(
    network: Network,
    room: OwnedSemaphorePermit,
    socket: WebSocketStream<S>,
    direction: Direction,
    address: PeerAddress,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let peer = network.next_peer();
    let (outbox, queue) = outbox::channel(network.limits().queue_max_bytes);
    // A driver that is gone needs not be told anything: dropping the socket is all that is left.
    if network.arrive(Arrival::Opened { peer, direction, address, outbox }).await.is_err() {
        return;
    }
    let reason = converse(&network, room, peer, socket, queue).await;
    let _ = network.arrive(Arrival::Closed { peer, reason }).await;
}

/// How a conversation came to its end.
struct End {
    /// Why, for people.
    reason: String,
    parting: Parting,
}

/// What is left to be said at the end.
enum Parting {
    /// Nothing: the peer cannot be reached any more, or is not worth it.
    None,
    /// The answer to the peer's farewell, which the library has prepared.
    Answer,
    /// Our farewell.
    Farewell(CloseCode),
}

impl End {
    fn lost(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), parting: Parting::None }
    }

    fn theirs(frame: Option<CloseFrame>) -> Self {
        let reason = match frame {
            Some(frame) if !frame.reason.is_empty() => format!("the peer closed: {}", frame.reason),
            _ => "the peer closed".to_owned(),
        };
        Self { reason, parting: Parting::Answer }
    }

    fn ours(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), parting: Parting::Farewell(code) }
    }
}

/// Moves messages both ways until one side ends it; returns why.
async fn converse<S>(
    network: &Network,
    room: OwnedSemaphorePermit,
    peer: PeerId,
    socket: WebSocketStream<S>,
    queue: Queue,
) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = network.limits();
    let (mut sink, mut stream) = socket.split();
    let Queue { mut waiting, ending, gauge } = queue;
    let has_spoken = AtomicBool::new(false);
    // Reading and writing do not wait for each other: two nodes that both only write would wait for ever.
    let end = tokio::select! {
        end = read(network, peer, &mut stream, &gauge, &has_spoken) => end,
        end = write(limits, &mut sink, &mut waiting, &gauge) => end,
        end = overdue(limits, ending) => end,
    };
    drop(room);
    // A peer that does not take the last words in time goes without.
    let _ = timeout(limits.close_timeout, async {
        match end.parting {
            Parting::None => {}
            Parting::Answer => drop(sink.flush().await),
            Parting::Farewell(code) => {
                let is_said = say_farewell(&mut sink, code, &end.reason).await;
                // Who never said a word has nothing on its way that a reset could cost, and is not waited for.
                if is_said && has_spoken.load(Ordering::Relaxed) {
                    while let Some(Ok(_)) = stream.next().await {}
                }
            }
        }
    })
    .await;
    end.reason
}

async fn read<S>(
    network: &Network,
    peer: PeerId,
    stream: &mut SplitStream<WebSocketStream<S>>,
    gauge: &Gauge,
    has_spoken: &AtomicBool,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let turns = Arc::new(Semaphore::new(network.limits().turn(usize::MAX) as usize));
    loop {
        gauge.drained().await;
        let next = stream.next().await;
        has_spoken.fetch_or(next.is_some(), Ordering::Relaxed);
        let bytes = match next {
            Some(Ok(Message::Binary(bytes))) => bytes,
            // The library answers pings by itself, and never yields a bare frame.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Text(_))) => return End::ours(CloseCode::Unsupported, "sent text"),
            Some(Ok(Message::Close(frame))) => return End::theirs(frame),
            Some(Err(error)) => return broken(&error),
            None => return End::lost("the connection ended"),
        };
        let Ok(turn) = turns.clone().acquire_many_owned(network.limits().turn(bytes.len())).await else {
            return End::lost("the connection ended");
        };
        let frame = Arrival::Frame { peer, bytes: bytes.into(), turn };
        if network.arrive(frame).await == Err(DriverGone) {
            return End::ours(CloseCode::Away, "the node is stopping");
        }
    }
}

async fn write<S>(
    limits: &PeerLimits,
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    waiting: &mut mpsc::UnboundedReceiver<Outgoing>,
    gauge: &Gauge,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut unflushed = 0;
    loop {
        let message = match waiting.recv().await {
            Some(Outgoing::Message(message)) => message,
            Some(Outgoing::Close(reason)) => return End::ours(CloseCode::Normal, reason),
            None => return End::ours(CloseCode::Away, "the node is stopping"),
        };
        unflushed += message.len();
        let is_to_flush = waiting.is_empty() || unflushed >= WRITE_BUFFER_BYTES;
        let sending = async {
            let message = Message::Binary(message.into());
            if is_to_flush { sink.send(message).await } else { sink.feed(message).await }
        };
        match timeout(limits.stall_timeout, sending).await {
            // What is only buffered still waits for the peer.
            Ok(Ok(())) if is_to_flush => gauge.lower(std::mem::take(&mut unflushed)),
            Ok(Ok(())) => {}
            Ok(Err(error)) => return End::lost(error.to_string()),
            Err(_) => return End::lost(TOO_SLOW),
        }
    }
}

const TOO_SLOW: &str = "takes too little of what is sent to it";

/// Ends once the connection has been told to and did not within its time.
async fn overdue(limits: &PeerLimits, ending: oneshot::Receiver<Ending>) -> End {
    if ending.await == Ok(Ending::TooSlow) {
        return End::lost(TOO_SLOW);
    }
    tokio::time::sleep(limits.close_timeout).await;
    End::lost("did not take the last messages in time")
}

/// Sends a close frame; whether it was sent. The peer's end of the connection is to be waited for, so that what
/// was sent before is not lost to a reset.
async fn say_farewell<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    code: CloseCode,
    reason: &str,
) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = (0..=CLOSE_REASON_MAX_BYTES).rev().find(|end| reason.is_char_boundary(*end));
    let reason = reason.get(..end.unwrap_or(0)).unwrap_or(reason);
    let frame = CloseFrame { code, reason: reason.into() };
    sink.send(Message::Close(Some(frame))).await.is_ok()
}

/// What an error while reading means.
fn broken(error: &Error) -> End {
    match error {
        Error::Capacity(_) => End::ours(CloseCode::Size, "sent a message that is too large"),
        Error::Protocol(_) => End::ours(CloseCode::Protocol, error.to_string()),
        Error::Utf8(_) => End::ours(CloseCode::Invalid, error.to_string()),
        _ => End::lost(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
