//! What a node publishes of itself.

use mote_core::pow::Work;
use mote_core::units::Moment;

use super::Node;
use super::Now;
use super::addresses::{ADDED_MAX, INBOUND_MAX, KNOWN_MAX, OUTBOUND_MAX};
use super::request::PeerAddress;
use super::status::{Direction, PeerState, PeerStatus, Status, SyncStatus};
use super::sync::AHEAD_PER_PEER_MAX;
use super::wanted::WANTED_PER_PEER_MAX;
use crate::store::disk::Disk;

/// How many blocks the estimate of the network's hash rate looks back.
const HASH_RATE_BLOCKS: u64 = 60;

/// How much a node holds in memory because of its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Connections, at most `INBOUND_MAX` that others opened and `OUTBOUND_MAX` with `ADDED_MAX` of its own.
    pub connections: usize,
    /// Headers whose blocks are waited for, at most `WANTED_PER_PEER_MAX` for each connection.
    pub wanted: usize,
    /// Headers from the near future that were set aside, at most `AHEAD_PER_PEER_MAX` for each connection.
    pub ahead: usize,
    /// Blocks that were pushed and lack transactions, at most one for each connection.
    pub half_built: usize,
    /// Addresses of other nodes, at most `KNOWN_MAX` and those that were added by hand.
    pub addresses: usize,
    /// Open transactions.
    pub transactions: usize,
}

impl Held {
    /// The most of everything, for a node with so many connections and room for so many transactions.
    pub fn limit(connections: usize, transactions: usize) -> Self {
        Self {
            connections: INBOUND_MAX + OUTBOUND_MAX + ADDED_MAX,
            wanted: connections * WANTED_PER_PEER_MAX,
            ahead: connections * AHEAD_PER_PEER_MAX,
            half_built: connections,
            addresses: KNOWN_MAX + ADDED_MAX,
            transactions,
        }
    }

    /// The greater of two numbers each.
    pub fn max(self, other: Self) -> Self {
        Self {
            connections: self.connections.max(other.connections),
            wanted: self.wanted.max(other.wanted),
            ahead: self.ahead.max(other.ahead),
            half_built: self.half_built.max(other.half_built),
            addresses: self.addresses.max(other.addresses),
            transactions: self.transactions.max(other.transactions),
        }
    }

    /// Whether nothing is more than it is there.
    pub fn is_within(&self, limit: &Self) -> bool {
        self.connections <= limit.connections
            && self.wanted <= limit.wanted
            && self.ahead <= limit.ahead
            && self.half_built <= limit.half_built
            && self.addresses <= limit.addresses
            && self.transactions <= limit.transactions
    }
}

impl<D: Disk> Node<D> {
    /// How much it holds because of its peers.
    pub fn held(&self) -> Held {
        let (wanted, ahead) = self.sync.held();
        Held {
            connections: self.peers.len(),
            wanted,
            ahead,
            half_built: self.peers.values().filter(|state| state.half_built.is_some()).count(),
            addresses: self.addresses.len(),
            transactions: self.pool.mempool().len(),
        }
    }

    /// When the answers that are waited for are given up.
    pub fn deadlines(&self) -> impl Iterator<Item = Moment> {
        self.peers.values().flat_map(|peer| peer.session.deadlines())
    }

    /// The node at this moment.
    pub fn status(&self, now: Now) -> Status {
        let tip = self.ledger.tip();
        let target = tip.next_target(&self.params);
        let statistics = self.ledger.statistics();
        Status {
            tip: tip.id(),
            height: tip.height(),
            tip_time: tip.time(),
            work: tip.work(),
            target,
            block_work: target.expand().map_or(Work::ZERO, |target| target.work()),
            hash_rate: self.hash_rate(now),
            mempool: self.pool.mempool().len(),
            mempool_version: self.pool.version(),
            peers: self.peer_list(),
            syncing: self.sync_status(now),
            mining: self.mining.settings().clone(),
            read_only: self.read_only.clone(),
            clock_skew_seconds: self.clock_skew(),
            checkpoint_conflict: self.checkpoint_conflict(),
            blocks_stored: statistics.blocks,
            log_bytes: statistics.log_bytes,
        }
    }

    fn peer_list(&self) -> Vec<PeerStatus> {
        let connected = self.peers.values().map(|state| PeerStatus {
            address: state.address().clone(),
            direction: state.direction,
            state: if state.is_greeted() { PeerState::Connected } else { PeerState::Greeting },
            height: state.is_greeted().then_some(state.best.height),
            latency_ms: state.session.latency_ms(),
            bytes_in: state.bytes_in,
            bytes_out: state.bytes_out,
            last_refusal: self.addresses.last_refusal(state.address()).map(str::to_owned),
        });
        let is_connected =
            |address: &PeerAddress| self.peers.values().any(|state| state.address() == address);
        let waiting = self.addresses.added().filter(|(address, ..)| !is_connected(address));
        let waiting = waiting.map(|(address, is_busy, last_refusal)| PeerStatus {
            address: address.clone(),
            direction: Direction::Outbound,
            state: if is_busy { PeerState::Dialling } else { PeerState::Waiting },
            height: None,
            latency_ms: None,
            bytes_in: 0,
            bytes_out: 0,
            last_refusal: last_refusal.map(str::to_owned),
        });
        connected.chain(waiting).collect()
    }

    fn sync_status(&self, now: Now) -> Option<SyncStatus> {
        let height = self.ledger.tip().height();
        let target = self.best_claim()?.height.max(self.sync.best_height().unwrap_or_default());
        if target.above(height) < 2 {
            return None;
        }
        let blocks_per_second = self.sync.progress().per_second(now.moment);
        let seconds = target.above(height) as f64 / blocks_per_second;
        let seconds_left = seconds.is_finite().then_some(seconds.ceil() as u64);
        Some(SyncStatus { height, target, blocks_per_second, seconds_left })
    }

    /// Attempts a second that the last blocks took, by their targets and times.
    fn hash_rate(&self, now: Now) -> f64 {
        let tip = self.ledger.tip();
        // The genesis block's time says nothing: a chain begins when its first block is mined.
        let from = tip.height().get().saturating_sub(HASH_RATE_BLOCKS).max(1);
        let entry =
            self.ledger.id_at(from).ok().flatten().and_then(|id| self.ledger.header(&id).ok().flatten());
        let Some(entry) = entry else { return 0.0 };
        let work = tip.work().saturating_sub(entry.work).as_f64();
        let seconds = now.time.max(tip.time()).since(entry.header.time);
        if seconds == 0 { 0.0 } else { work / seconds as f64 }
    }
}
