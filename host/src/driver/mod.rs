//! The one thread that owns the node. It takes what waits, has the node make it durable together, and only
//! then lets anybody know: a reply, a message, an event or a view never shows what a crash could undo.
//!
//! It is a thread of its own, because making things durable blocks.

mod publisher;
mod queues;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use mote_core::units::Moment;
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;
use tracing::{debug, error};

use crate::clock::Clock;
use crate::feed::Feed;
use crate::miner::MinerPool;
use crate::net::outbox::Outbox;
use crate::net::{Arrival, Network};
use crate::node::handle::{Command, Handle, Look};
use crate::node::request::Reply;
use crate::node::status::Event;
use crate::node::{Input, Node, Output, PeerId, Ticket};
use crate::store::disk::Disk;
use publisher::Publisher;
use queues::{Queues, Turn, Work};

/// How many events are kept for watchers who were away.
pub const EVENTS_KEPT: usize = 1_024;

/// How many commands may wait.
const COMMANDS_MAX: usize = 256;

/// How much is made durable together at the most, in pieces of work and in milliseconds: whoever waits
/// for the first of a batch waits for all of it.
const BATCH_MAX: usize = 256;
const BATCH_MAX_MS: u64 = 50;

/// The node is told of the time this often, in milliseconds.
const TICK_MS: u64 = 100;

/// How long connections may take to end in good order when the node does.
const PARTING_MAX: Duration = Duration::from_millis(1_200);

/// Starts the thread that owns the node. `arrivals` is the end that came with `network`.
pub fn start<D: Disk>(
    node: Node<D>,
    clock: Clock,
    network: Network,
    arrivals: mpsc::Receiver<Arrival>,
) -> io::Result<(Handle<D>, DriverJoin)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (command_sender, commands) = mpsc::channel(COMMANDS_MAX);
    let (find_sender, finds) = mpsc::unbounded_channel();
    let (stop_sender, stop) = oneshot::channel();
    let (end_sender, ended) = oneshot::channel();
    let miners = MinerPool::new(clock, move |job, nonce| {
        // A driver that is gone has no use for it.
        let _ = find_sender.send((job, nonce));
    });
    let now = clock.now();
    let publisher = Publisher::new(node.status(now), now.moment);
    // Numbers that follow the time of day do not come again after a restart.
    let events = Feed::new(now.time.seconds().saturating_mul(1_000), EVENTS_KEPT);
    let handle = Handle::new(command_sender, publisher.watch(), events.clone(), miners.meter());
    let driver = Driver {
        node,
        clock,
        network,
        miners,
        publisher,
        events,
        queues: Queues { arrivals, commands, finds, stop, turn: Turn::Arrivals },
        peers: HashMap::new(),
        waiting: HashMap::new(),
        next_ticket: 0,
        last_tick: now.moment,
    };
    let thread = std::thread::Builder::new().name("node".to_owned()).spawn(move || {
        // Dropped at the end of the thread, however it ends.
        let _end: oneshot::Sender<()> = end_sender;
        driver.run(&runtime);
    })?;
    Ok((handle, DriverJoin { stop: Some(stop_sender), ended: Some(ended), thread }))
}

/// The way to end the driver. Dropping it ends the driver too, without waiting.
pub struct DriverJoin {
    stop: Option<oneshot::Sender<()>>,
    /// Gone once it has said so.
    ended: Option<oneshot::Receiver<()>>,
    thread: JoinHandle<()>,
}

/// The driver's thread has panicked. What was acknowledged is durable all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node has failed; what it acknowledged is safe, and a restart goes on from there")]
pub struct DriverPanicked;

impl DriverJoin {
    /// Ends the node in good order, which takes two seconds at the most.
    pub async fn stop(mut self) -> Result<(), DriverPanicked> {
        drop(self.stop.take());
        self.ended().await;
        self.thread.join().map_err(|_| DriverPanicked)
    }

    /// Waits until the driver has ended, which without being told to it does only after a panic.
    pub async fn ended(&mut self) {
        if let Some(ended) = &mut self.ended {
            // Nothing is ever sent; that the other end is dropped is the message.
            let _ = ended.await;
            self.ended = None;
        }
    }
}

struct Driver<D: Disk> {
    node: Node<D>,
    clock: Clock,
    network: Network,
    miners: MinerPool,
    publisher: Publisher,
    events: Feed<Event>,
    queues: Queues<D>,
    peers: HashMap<PeerId, Outbox>,
    waiting: HashMap<Ticket, oneshot::Sender<Reply>>,
    next_ticket: u64,
    last_tick: Moment,
}

/// What is made durable together.
struct Batch<D: Disk> {
    /// Looks at the node that wait until what they see is durable.
    views: Vec<Look<D>>,
    /// The turns of the peers whose messages are in the batch, given back once it is durable.
    turns: Vec<OwnedSemaphorePermit>,
    is_last: bool,
}

impl<D: Disk> Driver<D> {
    fn run(mut self, runtime: &Runtime) {
        let mut is_last = false;
        while !is_last {
            let wait = Duration::from_millis(self.due_in());
            let first = runtime.block_on(async { timeout(wait, self.queues.next()).await.ok() });
            let batch = self.take_batch(first);
            is_last = batch.is_last;
            self.finish(batch);
        }
        self.part(runtime);
        if let Err(error) = self.node.close() {
            error!(%error, "the node did not end well; the next start takes longer");
        }
    }

    /// In how many milliseconds there is something to do even if nothing happens.
    fn due_in(&self) -> u64 {
        let now = self.clock.moment();
        TICK_MS.saturating_sub(now.since(self.last_tick)).min(self.publisher.due_in(now))
    }

    fn take_batch(&mut self, first: Option<Work<D>>) -> Batch<D> {
        let mut batch = Batch { views: Vec::new(), turns: Vec::new(), is_last: false };
        let begun = self.clock.moment();
        let mut next = first;
        let mut taken = 0;
        while let Some(work) = next {
            self.take(work, &mut batch);
            taken += 1;
            let is_full = taken == BATCH_MAX || self.clock.moment().since(begun) >= BATCH_MAX_MS;
            next = if is_full { None } else { self.queues.try_next() };
        }
        let now = self.clock.now();
        if now.moment.since(self.last_tick) >= TICK_MS {
            self.last_tick = now.moment;
            self.node.tick(now);
        }
        batch
    }

    fn take(&mut self, work: Work<D>, batch: &mut Batch<D>) {
        let input = match work {
            Work::Stop => {
                batch.is_last = true;
                return;
            }
            Work::Command(Command::View(look)) => {
                batch.views.push(look);
                return;
            }
            Work::Command(Command::Request(request, sender)) => {
                let ticket = Ticket(self.next_ticket);
                self.next_ticket += 1;
                self.waiting.insert(ticket, sender);
                Input::Request(ticket, *request)
            }
            Work::Found(job, nonce) => Input::Found { job, nonce },
            Work::Arrival(Arrival::Opened { peer, direction, address, outbox }) => {
                self.peers.insert(peer, outbox);
                Input::Opened { peer, direction, address }
            }
            Work::Arrival(Arrival::Frame { peer, bytes, turn }) => {
                batch.turns.push(turn);
                Input::Frame { peer, bytes }
            }
            Work::Arrival(Arrival::Closed { peer, reason }) => {
                self.peers.remove(&peer);
                Input::Closed { peer, reason }
            }
            Work::Arrival(Arrival::DialFailed { address, reason }) => Input::DialFailed { address, reason },
        };
        self.publisher.change();
        self.node.handle(self.clock.now(), input);
    }

    /// Makes a batch durable and tells everybody of it.
    fn finish(&mut self, batch: Batch<D>) {
        let now = self.clock.now();
        let outputs: Vec<Output> = self.node.commit(now).collect();
        if !outputs.is_empty() {
            self.publisher.change();
        }
        // Whoever has a reply or an event in hand may look at the status next, and must find it there.
        let is_awaited = |output: &Output| matches!(output, Output::Reply(..) | Output::Event(_));
        if outputs.iter().any(is_awaited) || self.publisher.due_in(now.moment) == 0 {
            self.publisher.publish(self.node.status(now), now.moment);
        }
        for output in outputs {
            self.route(output);
        }
        for look in batch.views {
            look(&self.node);
        }
    }

    fn route(&mut self, output: Output) {
        match output {
            Output::Send { peer, message } => {
                if let Some(outbox) = self.peers.get_mut(&peer)
                    && outbox.send(message).is_err()
                {
                    // Its connection ends, and says so when it has.
                    debug!(peer = peer.0, "a peer is too slow");
                    self.peers.remove(&peer);
                }
            }
            Output::Close { peer, reason } => {
                if let Some(outbox) = self.peers.remove(&peer) {
                    outbox.close(reason);
                }
            }
            Output::Dial(address) => self.network.dial(address),
            Output::Reply(ticket, reply) => {
                if let Some(sender) = self.waiting.remove(&ticket) {
                    // Whoever asked may have left.
                    let _ = sender.send(reply);
                }
            }
            Output::Event(event) => self.events.publish(event),
            Output::Mine(order) => self.miners.set(order),
        }
    }

    /// Ends all connections and waits a moment until they are.
    fn part(&mut self, runtime: &Runtime) {
        self.miners.set(None);
        self.queues.commands.close();
        self.waiting.clear();
        let mut open: Vec<PeerId> = Vec::with_capacity(self.peers.len());
        for (peer, outbox) in self.peers.drain() {
            outbox.close("the node is stopping".to_owned());
            open.push(peer);
        }
        let arrivals = &mut self.queues.arrivals;
        let all_closed = async {
            while !open.is_empty() {
                match arrivals.recv().await {
                    Some(Arrival::Closed { peer, .. }) => open.retain(|other| *other != peer),
                    Some(_) => {}
                    None => break,
                }
            }
        };
        // Those that take longer are cut off with the process.
        let _ = runtime.block_on(async { timeout(PARTING_MAX, all_closed).await });
    }
}
