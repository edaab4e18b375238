//! What a node publishes of itself.

use mote_core::pow::Work;

use super::Node;
use super::Now;
use super::request::PeerAddress;
use super::status::{Direction, PeerState, PeerStatus, Status, SyncStatus};
use crate::store::disk::Disk;

/// How many blocks the estimate of the network's hash rate looks back.
const HASH_RATE_BLOCKS: u64 = 60;

impl<D: Disk> Node<D> {
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
