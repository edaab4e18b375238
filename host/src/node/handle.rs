//! How everybody else talks to the task that owns the node.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::Node;
use super::request::{Reply, Request};
use super::status::{Event, Status};
use crate::feed::{Feed, News, Watcher};
use crate::miner::Meter;
use crate::store::disk::Disk;

/// A closure that looks at the node.
pub type Look<D> = Box<dyn FnOnce(&Node<D>) + Send>;

/// Work for the owning task.
pub enum Command<D: Disk> {
    /// A request, and where its reply goes.
    Request(Box<Request>, oneshot::Sender<Reply>),
    /// A look at the node as it stands, with everything durable that it shows.
    View(Look<D>),
}

/// The node has stopped or is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub struct Stopped;

/// A way to the node; clones lead to the same one.
pub struct Handle<D: Disk> {
    commands: mpsc::Sender<Command<D>>,
    status: watch::Receiver<Arc<Status>>,
    events: Feed<Event>,
    meter: Meter,
}

impl<D: Disk> Clone for Handle<D> {
    fn clone(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            status: self.status.clone(),
            events: self.events.clone(),
            meter: self.meter.clone(),
        }
    }
}

impl<D: Disk> Handle<D> {
    /// A handle over the ends of the driver's channels.
    pub fn new(
        commands: mpsc::Sender<Command<D>>,
        status: watch::Receiver<Arc<Status>>,
        events: Feed<Event>,
        meter: Meter,
    ) -> Self {
        Self { commands, status, events, meter }
    }

    /// Makes a request and waits until what it acknowledges is durable.
    pub async fn request(&self, request: Request) -> Result<Reply, Stopped> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(Command::Request(Box::new(request), sender)).await.map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }

    /// Looks at the node. The closure runs on the task that owns it, so it should be short.
    pub async fn view<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Node<D>) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (sender, receiver) = oneshot::channel();
        let look = move |node: &Node<D>| {
            // Nobody waits any more where the receiver is gone.
            let _ = sender.send(look(node));
        };
        self.commands.send(Command::View(Box::new(look))).await.map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }

    /// The node at the last moment that it published.
    pub fn status(&self) -> Arc<Status> {
        self.status.borrow().clone()
    }

    /// A receiver that is told of every new status.
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Everything that happens from now on, numbered.
    pub fn events(&self) -> Watcher<Event> {
        self.events.subscribe()
    }

    /// The kept events after the one with this number, and everything that happens from then on,
    /// without a gap between the two.
    pub fn events_since(&self, last: u64) -> (Vec<Arc<News<Event>>>, Watcher<Event>) {
        self.events.since(last)
    }

    /// Attempts a second of this node's own miner over the last few seconds.
    pub fn mining_rate(&self) -> f64 {
        self.meter.rate()
    }
}
