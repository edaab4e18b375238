//! The connections of a node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mote_core::hash::Hash32;
use mote_core::peer::branch::Branch;
use mote_core::peer::{Asked, Greeting, Session};
use mote_core::pow::Work;
use mote_core::units::{Height, Moment};

use super::compact::HalfBuilt;
use super::request::PeerAddress;
use super::status::Direction;

/// A connection, for as long as it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// How many ids each peer's record of what it does not have or has already heard may hold.
const REMEMBERED_IDS_MAX: usize = 4_096;

/// How many refused transactions a peer may send in a minute. An honest one sends some, since its
/// chain may differ for a moment.
pub const REFUSED_TRANSACTIONS_MAX: u32 = 200;

/// One connection and what it has shown.
pub struct Peer {
    /// The state machine of the connection.
    pub session: Session,
    /// The tip that this node named in its greeting.
    pub greeted_with: Hash32,
    /// Who opened it.
    pub direction: Direction,
    /// Where it comes from or leads to.
    pub remote: PeerAddress,
    /// Where the peer can be dialled, once known.
    pub listens_at: Option<PeerAddress>,
    /// The branch that its headers are being followed on.
    pub branch: Option<Box<Branch>>,
    /// The last header of a branch that has shown enough work to be kept from its beginning.
    pub proven: Option<(Height, Hash32)>,
    /// Whether it has headers behind those that it showed last.
    pub has_more_headers: bool,
    /// Answers in a row whose headers did not connect.
    pub futile_answers: u8,
    /// The best chain that it claims or showed.
    pub best: Best,
    /// The block that it pushed and that lacks transactions.
    pub half_built: Option<HalfBuilt>,
    /// Blocks that it said it does not have.
    pub missing: Remembered,
    /// Transactions that it has, so that they are not sent back to it.
    pub has: Remembered,
    /// Whether it was told of the open transactions when it had the same chain as this node.
    pub is_level: bool,
    /// Refused transactions since `refusals_since`.
    pub refusals: u32,
    /// Bytes of the messages that it sent.
    pub bytes_in: u64,
    /// Bytes of the messages that it was sent.
    pub bytes_out: u64,
    /// Start of the minute in which refused transactions are counted.
    pub refusals_since: Moment,
}

/// A chain by its last block.
#[derive(Clone, Copy, Debug)]
pub struct Best {
    /// The last block.
    pub id: Hash32,
    /// Its height.
    pub height: Height,
    /// The work of the chain.
    pub work: Work,
}

impl Peer {
    /// A connection that was opened at `now`, on which this node greets with its tip.
    pub fn new(
        greeting: Greeting,
        greeted_with: Hash32,
        direction: Direction,
        remote: PeerAddress,
        now: Moment,
    ) -> Self {
        let listens_at = (direction == Direction::Outbound).then(|| remote.clone());
        Self {
            session: Session::new(greeting, now),
            greeted_with,
            direction,
            remote,
            listens_at,
            branch: None,
            proven: None,
            has_more_headers: false,
            futile_answers: 0,
            best: Best { id: Hash32::ZERO, height: Height::GENESIS, work: Work::ZERO },
            half_built: None,
            missing: Remembered::default(),
            has: Remembered::default(),
            is_level: false,
            refusals: 0,
            bytes_in: 0,
            bytes_out: 0,
            refusals_since: now,
        }
    }

    /// Whether the peer greeted.
    pub fn is_greeted(&self) -> bool {
        self.session.remote().is_some()
    }

    /// The address by which people know the peer.
    pub fn address(&self) -> &PeerAddress {
        self.listens_at.as_ref().unwrap_or(&self.remote)
    }

    /// Notes that the peer has shown this block.
    pub fn has_shown(&mut self, best: Best) {
        if best.work > self.best.work {
            self.best = best;
        }
    }

    /// Counts a refused transaction; whether there are still few enough of them.
    pub fn count_refusal(&mut self, now: Moment) -> bool {
        if now.since(self.refusals_since) >= 60_000 {
            (self.refusals, self.refusals_since) = (0, now);
        }
        self.refusals += 1;
        self.refusals <= REFUSED_TRANSACTIONS_MAX
    }

    /// Whether this block, or what is missing of it, is being waited for from the peer.
    pub fn is_asked_for(&self, id: &Hash32) -> bool {
        self.session.is_asked(&Asked::Block(*id)) || self.session.is_asked(&Asked::BlockTransactions(*id))
    }
}

/// The last few thousand ids of something.
#[derive(Default)]
pub struct Remembered {
    ids: BTreeSet<Hash32>,
    order: VecDeque<Hash32>,
}

impl Remembered {
    /// Remembers an id; whether it was new.
    pub fn insert(&mut self, id: Hash32) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED_IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    /// Forgets an id.
    pub fn remove(&mut self, id: &Hash32) {
        if self.ids.remove(id) {
            self.order.retain(|other| other != id);
        }
    }

    /// Whether the id is remembered.
    pub fn contains(&self, id: &Hash32) -> bool {
        self.ids.contains(id)
    }
}

/// All connections.
pub type Peers = BTreeMap<PeerId, Peer>;
