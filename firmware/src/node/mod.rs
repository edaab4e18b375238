//! The node of a device, without a socket, a card or a display: messages and moments go in; what to say,
//! to remember and to show comes out.
//!
//! It follows the headers of most work that its peers show and checks every block by its witness, in
//! memory that grows neither with the chain nor with the number of accounts.

mod chain;
mod clock;
mod messages;
mod mining;
mod origin;
mod payments;
mod peer;
mod reporting;
mod requests;
mod state;
mod sync;
mod validation;
mod wallet;
mod weight;

use core::net::SocketAddrV4;

use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::SecretKey;
use mote_core::params::Params;
use mote_core::peer::{Greeting, Session};
use mote_core::rules::{CheckedHeader, Clock, check_header};
use mote_core::state::Account;
use mote_core::units::{Height, Moment};
use mote_core::wire::stream::WITNESS_MESSAGE_MAX_BYTES;

pub use mining::Found;
pub use payments::BLOCK_TRANSACTIONS;
pub use requests::SEND_MAX_BYTES;
pub use state::{RECORD_MAX_BYTES, Records, StateError};

use crate::command::Mining;
use crate::event::{Event, Miner as MinedBy};
use crate::report::{Offence, PEERS, Stage};
use chain::Chain;
use clock::DeviceClock;
use mining::Miner;
use origin::Origin;
use payments::{Mined, Payments, Selection};
use peer::{Peer, Wanted};
use sync::Sync;
use weight::DailyPeak;

/// Blocks above the oldest that is kept: a reorganisation of 80 blocks is a look-up.
const RING: usize = 80;

/// Blocks that are kept of a branch while it is being checked.
const BRANCH_RING: usize = 16;

/// What a node needs around it.
pub trait Surroundings {
    /// Keeps `tip` as a snapshot to go back to.
    fn keep_snapshot(&mut self, tip: &Tip);

    /// Reads the snapshot at a height; `false`, and nothing changed, where there is none.
    fn load_snapshot(&mut self, height: Height, into: &mut Tip) -> bool;

    /// The id of the snapshot at a height, where there is one.
    fn snapshot_id(&mut self, height: Height) -> Option<Hash32>;

    /// The board's count of its work.
    fn work(&mut self) -> u64;

    /// Counts the work since `before` as that of checks.
    fn count_checks(&mut self, before: u64);

    /// Takes note of what happened.
    fn tell(&mut self, event: Event);
}

/// What tells one node from another.
pub struct Settings {
    /// The network.
    pub params: Params,
    /// The key, where there is one.
    pub key: Option<SecretKey>,
    /// A number that no other node has.
    pub nonce: u64,
    /// Whether it mines from the start.
    pub mining: Mining,
    /// How many peers it is to have.
    pub peers: usize,
    /// The checkpoint to start at: see [`crate::settings::CHECKPOINT`]. One of another network, or that is
    /// none, counts as none.
    pub checkpoint: Option<&'static [u8]>,
}

/// The memory of a node that is too large to be moved about, all zeros, so that it costs no flash.
pub struct Chains {
    chain: Chain<RING>,
    branch: Chain<BRANCH_RING>,
}

impl Chains {
    /// No chains yet.
    pub const fn new() -> Self {
        Self { chain: Chain::UNSET, branch: Chain::UNSET }
    }
}

impl Default for Chains {
    fn default() -> Self {
        Self::new()
    }
}

/// The node.
pub struct Node<'m> {
    params: Params,
    origin: Origin,
    key: Option<SecretKey>,
    nonce: u64,
    expected_peers: usize,
    chain: &'m mut Chain<RING>,
    branch: &'m mut Chain<BRANCH_RING>,
    sync: Sync,
    peers: [Option<Peer>; PEERS],
    clock: DeviceClock,
    payments: Payments,
    miner: Miner,
    /// The device's account, and at which tip it was proven.
    account: Option<(Hash32, Account)>,
    peak: DailyPeak,
    /// Whether the node was at the tip since power-on.
    was_at_tip: bool,
    /// Whether something changed that is to be remembered over a power cut.
    is_changed: bool,
}

impl<'m> Node<'m> {
    /// A node that knows nothing but where it starts: its network's genesis block, or a checkpoint.
    #[inline(never)]
    pub fn new(settings: Settings, chains: &'m mut Chains) -> Self {
        let Settings { params, key, nonce, mining, peers, checkpoint } = settings;
        let Chains { chain, branch } = chains;
        let origin = Origin::start(checkpoint, &params, chain);
        branch.start(|tip| origin.fill(&params, tip));
        Self {
            branch,
            chain,
            params,
            origin,
            key,
            nonce,
            expected_peers: peers,
            sync: Sync::default(),
            peers: [const { None }; PEERS],
            clock: DeviceClock::default(),
            payments: Payments::default(),
            miner: Miner::new(mining),
            account: None,
            peak: DailyPeak::default(),
            was_at_tip: false,
            is_changed: false,
        }
    }

    /// A connection was opened.
    pub fn opened(&mut self, peer: usize, address: SocketAddrV4, now: Moment) {
        let greeting = Greeting {
            genesis: self.params.genesis_id(),
            nonce: self.nonce,
            message_max: WITNESS_MESSAGE_MAX_BYTES,
        };
        if let Some(slot) = self.peers.get_mut(peer) {
            *slot = Some(Peer::new(address, Session::new(greeting, now)));
        }
    }

    /// A connection ended.
    pub fn closed(&mut self, peer: usize) {
        let Some(state) = self.peers.get_mut(peer).and_then(Option::take) else { return };
        self.clock.forget(peer);
        for wanted in &state.witnesses {
            if let Wanted::Template(tip) = wanted {
                self.miner.give_up(tip);
            }
        }
        if self.sync.peer() == Some(peer) {
            self.sync.stop();
            self.payments.forget_branch();
        }
    }

    /// A peer committed an offence and is being dropped.
    pub fn distrust(&mut self, peer: usize, offence: &Offence) {
        if matches!(offence, Offence::Clock { .. }) {
            self.clock.distrust(peer);
        }
    }

    /// What is due now and then, whatever happens: the clock, rates, what became of the way to the tip.
    pub fn tick(&mut self, now: Moment) {
        self.clock.poll(self.expected_peers, self.chain.tip().time(), now);
        self.miner.measure(now);
        self.was_at_tip |= self.stage() == Stage::AtTip;
    }

    /// Makes a slice of the miner's attempts; a block that this finds joins the chain.
    #[inline(never)]
    pub fn mine(&mut self, now: Moment, outside: &mut impl Surroundings) {
        let (Some(key), Some(time), true) = (&self.key, self.clock.time(now), self.sync.is_idle()) else {
            return;
        };
        let found = self.miner.slice(&self.params, self.chain.tip(), key.public_key(), time);
        let Some((header, executed, transactions)) = found else { return };
        // What was executed is what a header must say; the rules are asked all the same.
        let Ok(checked) = check_header(&self.params, self.chain.tip(), &header, Clock::Now(time)) else {
            return;
        };
        if executed.check(&header).is_err() {
            return;
        }
        let id = checked.id();
        outside.tell(Event::Found { height: header.height, id });
        self.extend(&checked, transactions, outside);
        self.miner.last = Some(header.height);
        self.miner.count = self.miner.count.saturating_add(1);
        self.miner.found = Some(Found { header, id, transactions });
        self.peers.iter_mut().flatten().for_each(|peer| peer.due.tip = true);
    }

    /// Whether the miner has something to do now.
    pub fn is_mining(&self) -> bool {
        self.miner.switch == Mining::On
            && self.key.is_some()
            && self.sync.is_idle()
            && self.miner.has_template()
    }

    /// A validated block joins the chain.
    fn extend(&mut self, checked: &CheckedHeader, transactions: Selection, outside: &mut impl Surroundings) {
        let height = checked.header().height;
        let mined = Mined { height, before: self.chain.tip().work() };
        self.chain.push(checked);
        self.miner.found = None;
        self.is_changed = true;
        self.tell_of_block(checked, outside);
        self.payments
            .mined(transactions, mined, |transaction| outside.tell(Event::Paid { id: transaction, height }));
        self.peak.note(checked.header().time, checked.header().target);
        if height.get().is_multiple_of(mote_core::card::SNAPSHOT_BLOCKS) {
            outside.keep_snapshot(self.chain.tip());
        }
    }

    fn tell_of_block(&self, checked: &CheckedHeader, outside: &mut impl Surroundings) {
        let header = checked.header();
        let is_own = self.key.as_ref().is_some_and(|key| key.public_key() == header.miner);
        outside.tell(Event::Block {
            height: header.height,
            id: checked.id(),
            transactions: header.transaction_count,
            state_root: header.state_root,
            miner: if is_own { MinedBy::Own } else { MinedBy::Other },
        });
    }

    /// The branch that was validated has more work than the chain, and takes the place of its end.
    #[inline(never)]
    fn reorganise(&mut self, outside: &mut impl Surroundings) {
        let (from, fork) = (self.chain.tip().height(), self.branch.base().height());
        let fork = self.sync.fork().unwrap_or(fork);
        self.chain.adopt(self.branch);
        self.payments.adopt_branch(fork, |id, height| outside.tell(Event::Paid { id, height }));
        // Peers may have heard of payments only in the blocks that were left.
        self.announce_payments();
        self.miner.found = None;
        self.is_changed = true;
        outside.tell(Event::Reorganised { from, fork, to: self.chain.tip().height() });
    }
}
