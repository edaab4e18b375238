//! What waits to be sent to one peer: a queue between the driver, which never waits, and the peer's
//! connection, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc, oneshot};

/// The driver's end. Dropping it ends the connection in good order.
pub struct Outbox {
    queue: mpsc::UnboundedSender<Outgoing>,
    gauge: Arc<Gauge>,
    /// Gone once the connection has been told to end.
    ending: Option<oneshot::Sender<Ending>>,
}

/// The connection's end.
pub(super) struct Queue {
    /// What to do, in this order; ends once the driver has dropped its end.
    pub waiting: mpsc::UnboundedReceiver<Outgoing>,
    /// How to end, once that is known.
    pub ending: oneshot::Receiver<Ending>,
    /// How much waits.
    pub gauge: Arc<Gauge>,
}

/// What the connection is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// Send this message.
    Message(Vec<u8>),
    /// Say why, and end.
    Close(String),
}

/// How a connection is to end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Once what waits has been sent.
    Orderly,
    /// At once, because the peer takes too little of what it asked for.
    TooSlow,
}

/// How full a queue is.
pub(super) struct Gauge {
    bytes: AtomicUsize,
    max_bytes: usize,
    lowered: Notify,
}

/// More waits for the peer than may; its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

/// A queue for one peer.
pub(super) fn channel(max_bytes: usize) -> (Outbox, Queue) {
    let (sender, waiting) = mpsc::unbounded_channel();
    let (end, ending) = oneshot::channel();
    let gauge = Arc::new(Gauge { bytes: AtomicUsize::new(0), max_bytes, lowered: Notify::new() });
    let outbox = Outbox { queue: sender, gauge: gauge.clone(), ending: Some(end) };
    (outbox, Queue { waiting, ending, gauge })
}

impl Outbox {
    /// Queues a message.
    pub fn send(&mut self, message: Vec<u8>) -> Result<(), TooSlow> {
        let waiting = self.gauge.bytes.fetch_add(message.len(), Ordering::Relaxed);
        if waiting.saturating_add(message.len()) > self.gauge.max_bytes {
            self.end(Ending::TooSlow);
            return Err(TooSlow);
        }
        // A connection that is over says so by itself.
        let _ = self.queue.send(Outgoing::Message(message));
        Ok(())
    }

    /// Ends the connection once what waits has been sent, within a bounded time.
    pub fn close(mut self, reason: String) {
        // As above.
        let _ = self.queue.send(Outgoing::Close(reason));
        self.end(Ending::Orderly);
    }

    fn end(&mut self, ending: Ending) {
        if let Some(end) = self.ending.take() {
            // As above.
            let _ = end.send(ending);
        }
    }
}

impl Gauge {
    /// Notes that a message of so many bytes no longer waits.
    pub fn lower(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.lowered.notify_one();
    }

    /// Waits until no more than an eighth of what may wait does: whoever does not take the answers that it has, gets
    /// no more of them made. One task at a time may wait.
    pub async fn drained(&self) {
        while self.bytes.load(Ordering::Relaxed) > self.max_bytes / 8 {
            self.lowered.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_in_bytes() {
        let (mut outbox, mut queue) = channel(100);
        assert_eq!(outbox.send(vec![0; 60]), Ok(()));
        assert_eq!(outbox.send(vec![0; 40]), Ok(()));
        assert_eq!(outbox.send(vec![0; 1]), Err(TooSlow));
        assert_eq!(queue.ending.try_recv(), Ok(Ending::TooSlow));
        assert_eq!(queue.waiting.try_recv(), Ok(Outgoing::Message(vec![0; 60])));
    }

    #[test]
    fn what_was_sent_no_longer_counts() {
        let (mut outbox, queue) = channel(100);
        for _ in 0..10 {
            assert_eq!(outbox.send(vec![0; 60]), Ok(()));
            queue.gauge.lower(60);
        }
    }

    #[test]
    fn closing_comes_after_what_waits() {
        let (mut outbox, mut queue) = channel(100);
        assert_eq!(outbox.send(vec![1]), Ok(()));
        outbox.close("over".to_owned());
        assert_eq!(queue.waiting.try_recv(), Ok(Outgoing::Message(vec![1])));
        assert_eq!(queue.waiting.try_recv(), Ok(Outgoing::Close("over".to_owned())));
        assert_eq!(queue.ending.try_recv(), Ok(Ending::Orderly));
    }

    #[tokio::test]
    async fn reading_goes_on_below_an_eighth() {
        let (mut outbox, queue) = channel(100);
        assert_eq!(outbox.send(vec![0; 90]), Ok(()));
        let gauge = queue.gauge.clone();
        let waiting = tokio::spawn(async move { gauge.drained().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        queue.gauge.lower(60);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        queue.gauge.lower(20);
        waiting.await.unwrap();
    }
}
