use std::time::Duration;

use mote_core::peer::limits::REQUESTS_IN_FLIGHT_MAX;
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::Handle as Runtime;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::super::outbox::Outbox;
use super::*;

const SOON: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_millis(100);

/// A connection between a served side, whose driver is the test, and a bare one.
struct Line {
    peer: PeerId,
    outbox: Outbox,
    arrivals: mpsc::Receiver<Arrival>,
    far: WebSocketStream<DuplexStream>,
}

async fn line(limits: PeerLimits) -> Line {
    let (network, mut arrivals) = Network::new(Runtime::current(), limits, Vec::new());
    let (near, far) = duplex(64 * 1024);
    let far_config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let far = WebSocketStream::from_raw_socket(far, Role::Client, Some(far_config)).await;
    let near = WebSocketStream::from_raw_socket(near, Role::Server, Some(config())).await;
    let address = "192.0.2.1:7700".parse().unwrap();
    let room = network.room(Direction::Inbound).unwrap();
    tokio::spawn(serve(network, room, near, Direction::Inbound, address));
    match arrivals.recv().await {
        Some(Arrival::Opened { peer, outbox, .. }) => Line { peer, outbox, arrivals, far },
        _ => panic!("nothing was opened"),
    }
}

impl Line {
    async fn frame(&mut self) -> Option<Vec<u8>> {
        match timeout(NEVER, self.arrivals.recv()).await {
            Ok(Some(Arrival::Frame { peer, bytes, .. })) if peer == self.peer => Some(bytes),
            Ok(_) => panic!("something else than a frame"),
            Err(_) => None,
        }
    }

    async fn end(&mut self) -> String {
        loop {
            match timeout(SOON, self.arrivals.recv()).await {
                Ok(Some(Arrival::Closed { peer, reason })) if peer == self.peer => return reason,
                Ok(Some(Arrival::Frame { .. })) => {}
                _ => panic!("the connection does not end"),
            }
        }
    }

    /// What the far side is told at the end, after these messages.
    async fn farewell(&mut self) -> (Vec<Message>, CloseFrame) {
        let mut before = Vec::new();
        loop {
            match timeout(SOON, self.far.next()).await {
                Ok(Some(Ok(Message::Close(Some(frame))))) => return (before, frame),
                Ok(Some(Ok(message))) => before.push(message),
                other => panic!("no farewell but {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn messages_go_both_ways() {
    let mut line = line(PeerLimits::default()).await;
    let large = vec![7; MESSAGE_MAX_BYTES];
    let (sent, frame) = {
        let sending = line.far.send(Message::Binary(large.clone().into()));
        let receiving = timeout(SOON, line.arrivals.recv());
        tokio::join!(sending, receiving)
    };
    sent.unwrap();
    assert!(matches!(frame, Ok(Some(Arrival::Frame { bytes, .. })) if bytes == large));
    line.outbox.send(vec![1, 2, 3]).unwrap();
    assert_eq!(line.far.next().await.unwrap().unwrap(), Message::Binary(vec![1, 2, 3].into()));
}

#[tokio::test]
async fn pings_are_answered() {
    let mut line = line(PeerLimits::default()).await;
    line.far.send(Message::Ping(vec![9].into())).await.unwrap();
    assert_eq!(line.far.next().await.unwrap().unwrap(), Message::Pong(vec![9].into()));
    assert_eq!(line.frame().await, None);
}

#[tokio::test]
async fn what_is_too_large_or_text_ends_the_connection() {
    let large = Message::Binary(vec![0; MESSAGE_MAX_BYTES + 1].into());
    let wrong =
        [(large, CloseCode::Size, "too large"), (Message::text("{}"), CloseCode::Unsupported, "text")];
    for (message, code, reason) in wrong {
        let mut line = line(PeerLimits::default()).await;
        // The rest of a message that is too large is not taken any more.
        let _ = timeout(NEVER, line.far.send(message)).await;
        let (_, farewell) = line.farewell().await;
        assert_eq!(farewell.code, code);
        assert!(farewell.reason.contains(reason), "{farewell:?}");
        let told = line.end().await;
        assert!(told.contains(reason), "{told}");
    }
}

#[tokio::test]
async fn who_never_spoke_is_not_waited_for() {
    let patient = PeerLimits { close_timeout: Duration::from_secs(3_600), ..PeerLimits::default() };
    let silent = line(patient.clone()).await;
    let Line { outbox, mut arrivals, far: _far, .. } = silent;
    outbox.close("over".to_owned());
    assert!(matches!(timeout(SOON, arrivals.recv()).await, Ok(Some(Arrival::Closed { .. }))));
    // What another peer has on its way is taken first.
    let mut spoken = line(patient).await;
    spoken.far.send(Message::Binary(vec![1].into())).await.unwrap();
    assert_eq!(spoken.frame().await, Some(vec![1]));
    let Line { outbox, mut arrivals, far, .. } = spoken;
    outbox.close("over".to_owned());
    assert!(timeout(NEVER, arrivals.recv()).await.is_err());
    drop(far);
    assert!(matches!(timeout(SOON, arrivals.recv()).await, Ok(Some(Arrival::Closed { .. }))));
}

#[tokio::test]
async fn a_flooding_peer_only_gets_its_turn() {
    let mut line = line(PeerLimits::default()).await;
    for _ in 0..500 {
        line.far.send(Message::Binary(vec![0; 10].into())).await.unwrap();
    }
    let mut held = Vec::new();
    while let Ok(Some(arrival)) = timeout(NEVER, line.arrivals.recv()).await {
        held.push(arrival);
    }
    assert_eq!(held.len(), REQUESTS_IN_FLIGHT_MAX);
    drop(held);
    assert!(line.frame().await.is_some());
}

#[tokio::test]
async fn a_peer_that_does_not_take_its_answers_is_read_no_further_and_then_closed() {
    let mut line = line(PeerLimits { queue_max_bytes: 1_000_000, ..PeerLimits::default() }).await;
    let waiting = vec![0; 300_000];
    for _ in 0..3 {
        line.outbox.send(waiting.clone()).unwrap();
    }
    tokio::task::yield_now().await;
    line.far.send(Message::Binary(vec![1].into())).await.unwrap();
    // At most the one request that was being read already comes through.
    line.far.send(Message::Binary(vec![2].into())).await.unwrap();
    line.frame().await;
    assert_eq!(line.frame().await, None);
    assert!(line.outbox.send(waiting).is_err());
    assert_eq!(line.end().await, TOO_SLOW);
}

#[tokio::test]
async fn a_peer_that_takes_its_answers_is_read_again() {
    let mut line = line(PeerLimits { queue_max_bytes: 1_000_000, ..PeerLimits::default() }).await;
    for _ in 0..3 {
        line.outbox.send(vec![0; 300_000]).unwrap();
    }
    tokio::task::yield_now().await;
    for number in 0..3 {
        line.far.send(Message::Binary(vec![number].into())).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(line.far.next().await.unwrap().unwrap().len(), 300_000);
    }
    for number in 0..3 {
        assert_eq!(line.frame().await, Some(vec![number]));
    }
}

#[tokio::test]
async fn a_peer_that_takes_nothing_at_all_is_closed() {
    let mut line = line(PeerLimits { stall_timeout: NEVER, ..PeerLimits::default() }).await;
    line.outbox.send(vec![0; 300_000]).unwrap();
    assert_eq!(line.end().await, TOO_SLOW);
}

#[tokio::test]
async fn what_was_sent_before_closing_arrives() {
    let mut line = line(PeerLimits::default()).await;
    for number in 0..10 {
        line.outbox.send(vec![number; 1_000]).unwrap();
    }
    let reason = "\u{e4}".repeat(100);
    std::mem::replace(&mut line.outbox, outbox::channel(0).0).close(reason.clone());
    let (before, farewell) = line.farewell().await;
    assert_eq!(before.len(), 10);
    assert_eq!(farewell.reason.as_str(), "\u{e4}".repeat(CLOSE_REASON_MAX_BYTES / 2));
    assert_eq!(line.end().await, reason);
}

#[tokio::test]
async fn a_peer_that_does_not_take_the_last_messages_is_left_in_time() {
    let mut line = line(PeerLimits { close_timeout: NEVER, ..PeerLimits::default() }).await;
    line.outbox.send(vec![0; 300_000]).unwrap();
    std::mem::replace(&mut line.outbox, outbox::channel(0).0).close("over".to_owned());
    line.end().await;
}

#[tokio::test]
async fn a_peer_may_say_farewell_or_vanish() {
    let mut line = line(PeerLimits::default()).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
    line.far.close(Some(frame)).await.unwrap();
    assert_eq!(line.end().await, "the peer closed: enough");
    let mut line = self::line(PeerLimits::default()).await;
    let far = std::mem::replace(
        &mut line.far,
        WebSocketStream::from_raw_socket(duplex(1).0, Role::Client, None).await,
    );
    drop(far);
    line.end().await;
}
