//! "Resolve conflicts" on demand: every peer is asked for its chain now, and whoever asked is told
//! what came of it. Without being asked, nodes do the same by themselves.

use std::collections::BTreeSet;

use mote_core::hash::Hash32;
use mote_core::units::{Height, Moment};

use super::peers::PeerId;
use super::request::{Reply, Resolved};
use super::{Node, Now, Ticket};
use crate::store::disk::Disk;

/// How long to wait for all peers, in milliseconds.
const PATIENCE_MS: u64 = 10_000;

/// One request to resolve.
pub struct Resolving {
    ticket: Ticket,
    from: (Hash32, Height),
    waiting: BTreeSet<PeerId>,
    deadline: Moment,
}

impl Resolving {
    /// Waits for this peer no more.
    pub fn forget(&mut self, peer: PeerId) {
        self.waiting.remove(&peer);
    }
}

impl<D: Disk> Node<D> {
    pub(super) fn resolve(&mut self, now: Now, ticket: Ticket) {
        let waiting: BTreeSet<PeerId> =
            self.peers.iter().filter(|(_, state)| state.is_greeted()).map(|(peer, _)| *peer).collect();
        waiting.iter().for_each(|peer| self.ask_for_headers(now, *peer));
        let tip = self.ledger.tip();
        let from = (tip.id(), tip.height());
        self.resolving.push(Resolving { ticket, from, waiting, deadline: now.moment.plus(PATIENCE_MS) });
    }

    /// Gives a reply to those whose peers have all answered.
    pub(super) fn settle_resolving(&mut self, now: Now) {
        let is_idle = self.sync.is_idle();
        let is_settled = |resolving: &Resolving| {
            (resolving.waiting.is_empty() && is_idle) || resolving.deadline <= now.moment
        };
        let (settled, open) = std::mem::take(&mut self.resolving).into_iter().partition(is_settled);
        self.resolving = open;
        let tip = self.ledger.tip();
        let to = (tip.id(), tip.height());
        let settled: Vec<Resolving> = settled;
        for Resolving { ticket, from, .. } in settled {
            self.reply(ticket, Reply::Resolved(Resolved { replaced: from.0 != to.0, from, to }));
        }
    }
}
