//! What waits for the driver. Each source has its own bounded queue and its turn, so that none of them can
//! keep the driver from the others.

use tokio::sync::{mpsc, oneshot};

use crate::net::Arrival;
use crate::node::JobId;
use crate::node::handle::Command;
use crate::store::disk::Disk;

/// Something for the driver to do.
pub(super) enum Work<D: Disk> {
    /// A socket has something.
    Arrival(Arrival),
    /// Somebody inside has something.
    Command(Command<D>),
    /// A miner thread found a nonce.
    Found(JobId, u64),
    /// The node is to end.
    Stop,
}

/// The ends at which work comes out.
pub(super) struct Queues<D: Disk> {
    pub arrivals: mpsc::Receiver<Arrival>,
    pub commands: mpsc::Receiver<Command<D>>,
    /// Holds at most one find for each job that the node ever gave out, and those wait for the node.
    pub finds: mpsc::UnboundedReceiver<(JobId, u64)>,
    /// Resolves also when the other end is dropped.
    pub stop: oneshot::Receiver<()>,
    /// Whose turn is next, among those with no claim to be first.
    pub turn: Turn,
}

/// Who is asked first for more work.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    Arrivals,
    Commands,
}

impl<D: Disk> Queues<D> {
    /// Waits for the next thing to do.
    pub async fn next(&mut self) -> Work<D> {
        tokio::select! {
            _ = &mut self.stop => Work::Stop,
            Some((job, nonce)) = self.finds.recv() => Work::Found(job, nonce),
            Some(command) = self.commands.recv() => Work::Command(command),
            Some(arrival) = self.arrivals.recv() => Work::Arrival(arrival),
            // Where nobody is left who could send anything, only the end of the node can come.
            else => Work::Stop,
        }
    }

    /// The next thing that waits already: a find first, since it makes others' work obsolete, then
    /// sockets and commands in turn.
    pub fn try_next(&mut self) -> Option<Work<D>> {
        if let Ok((job, nonce)) = self.finds.try_recv() {
            return Some(Work::Found(job, nonce));
        }
        match self.turn {
            Turn::Arrivals => {
                self.turn = Turn::Commands;
                self.try_arrival().or_else(|| self.try_command())
            }
            Turn::Commands => {
                self.turn = Turn::Arrivals;
                self.try_command().or_else(|| self.try_arrival())
            }
        }
    }

    fn try_arrival(&mut self) -> Option<Work<D>> {
        self.arrivals.try_recv().ok().map(Work::Arrival)
    }

    fn try_command(&mut self) -> Option<Work<D>> {
        self.commands.try_recv().ok().map(Work::Command)
    }
}
