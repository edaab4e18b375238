//! What a node publishes of itself: snapshots that anybody may read without asking it.

use mote_core::hash::Hash32;
use mote_core::pow::{CompactTarget, Work};
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Timestamp};

use super::request::{MiningSettings, PeerAddress};

/// A node at a moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// Id of the last block.
    pub tip: Hash32,
    /// Its height.
    pub height: Height,
    /// Its time.
    pub tip_time: Timestamp,
    /// The work of the chain.
    pub work: Work,
    /// The target that the next block must have.
    pub target: CompactTarget,
    /// The work of one such block, in attempts.
    pub block_work: Work,
    /// Attempts a second of the whole network, estimated from the last blocks.
    pub hash_rate: f64,
    /// Open transactions.
    pub mempool: usize,
    /// Goes up with each change of the open transactions.
    pub mempool_version: u64,
    /// The peers, those being dialled included.
    pub peers: Vec<PeerStatus>,
    /// What is still to be fetched, if anything.
    pub syncing: Option<SyncStatus>,
    /// The miner.
    pub mining: MiningSettings,
    /// Why the node takes nothing in any more, if so.
    pub read_only: Option<String>,
    /// How many seconds this computer's clock is ahead of the median of its peers, where it disagrees with most of them.
    pub clock_skew_seconds: Option<i64>,
    /// What stands against the checkpoints that the operator follows, if anything.
    pub checkpoint_conflict: Option<String>,
    /// Blocks stored, those on other branches included.
    pub blocks_stored: u64,
    /// Size of the log in bytes.
    pub log_bytes: u64,
}

/// How far the first sync, or catching up, is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyncStatus {
    /// Blocks that are here.
    pub height: Height,
    /// Blocks of the best branch that a peer has shown or claimed.
    pub target: Height,
    /// Blocks a second lately.
    pub blocks_per_second: f64,
    /// Seconds left at that rate, where there is one.
    pub seconds_left: Option<u64>,
}

/// One peer.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    /// Where it listens, or where its connection comes from.
    pub address: PeerAddress,
    /// Who opened the connection.
    pub direction: Direction,
    /// How far the connection is.
    pub state: PeerState,
    /// The best height that it claimed or showed.
    pub height: Option<Height>,
    /// How long a ping takes, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Bytes received from it.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
    /// What it was last refused for.
    pub last_refusal: Option<String>,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Not connected; tried again later.
    Waiting,
    /// Being dialled.
    Dialling,
    /// Connected, not greeted yet.
    Greeting,
    /// In use.
    Connected,
}

/// Something that happened, for those who watch.
#[derive(Clone, Debug)]
pub enum Event {
    /// A block became the tip.
    Block {
        /// Its id.
        id: Hash32,
        /// Its height.
        height: Height,
        /// How many transactions it has.
        transactions: u32,
    },
    /// Another branch won.
    Reorganisation {
        /// The tip before.
        from: Hash32,
        /// The tip after.
        to: Hash32,
        /// How many blocks were undone.
        depth: u64,
    },
    /// A transaction came into the mempool.
    Transaction {
        /// Its id.
        id: Hash32,
        /// The transaction.
        transaction: Box<Transaction>,
    },
    /// A peer came, went or changed.
    Peer {
        /// Which one.
        address: PeerAddress,
        /// How far its connection is now.
        state: PeerState,
        /// Why, where it went.
        reason: Option<String>,
    },
    /// The miner was set otherwise, or found a block.
    Mining(MiningSettings),
}
