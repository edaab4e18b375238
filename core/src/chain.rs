//! What must be known of a chain to check its next header: about two kilobytes, whatever its length.

use serde::{Deserialize, Serialize};

use crate::block::{Header, history_leaf};
use crate::hash::Hash32;
use crate::merkle::{Frontier, leaf_hash};
use crate::params::{Params, TIMES_REMEMBERED};
use crate::pow::{CompactTarget, Work, next_target};
use crate::rules::CheckedHeader;
use crate::units::{Height, Timestamp};

/// What must be kept of a block to go over a chain again that was checked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The block's id.
    pub id: Hash32,
    /// The root of the accounts after it.
    pub state_root: Hash32,
    /// When its miner says that it was made.
    pub time: Timestamp,
    /// Its target.
    pub target: CompactTarget,
}

/// The last header of a chain together with what the rules for its child look at. Following a chain
/// is replacing its tip, so any branch is followed in constant memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    id: Hash32,
    height: Height,
    target: CompactTarget,
    state_root: Hash32,
    work: Work,
    /// Times of the last headers, the tip's own last.
    times: heapless::Vec<Timestamp, TIMES_REMEMBERED>,
    /// The log of all blocks up to and including the tip.
    history: Frontier,
}

impl Tip {
    /// The chain that consists of the genesis block. Its work counts as that of its target.
    pub fn genesis(params: &Params) -> Self {
        let header = params.genesis();
        let mut tip = Self {
            id: params.genesis_id(),
            height: header.height,
            target: header.target,
            state_root: header.state_root,
            work: header.target.expand().map_or(Work::ZERO, |target| target.work()),
            times: heapless::Vec::new(),
            history: Frontier::new(),
        };
        tip.remember_time(header.time);
        tip.append_to_history(|_, _, _| {});
        tip
    }

    /// Rebuilds the tip of a chain from parts that a store has kept: its last header, the chain's
    /// work, the times of its last headers, the tip's own last, and the log of all blocks before it.
    pub fn restore(header: &Header, work: Work, times: &[Timestamp], before: Frontier) -> Self {
        let mut tip = Self {
            id: header.id(),
            height: header.height,
            target: header.target,
            state_root: header.state_root,
            work,
            times: heapless::Vec::new(),
            history: before,
        };
        times.iter().for_each(|time| tip.remember_time(*time));
        tip.append_to_history(|_, _, _| {});
        tip
    }

    /// Moves on to a child, which only the rules can have checked against this tip, and shows every
    /// subtree of the history log that this completes (see [`Frontier::append_with`]).
    pub fn extend_with(&mut self, child: &CheckedHeader, completed: impl FnMut(u32, u64, &Hash32)) {
        let header = child.header();
        self.id = child.id();
        self.height = header.height;
        self.target = header.target;
        self.state_root = header.state_root;
        self.work = self.work.saturating_add(child.work());
        self.remember_time(header.time);
        self.append_to_history(completed);
    }

    /// Moves on to a child that was checked before.
    pub fn extend_kept(&mut self, child: &Kept) {
        self.id = child.id;
        self.height = self.height.next();
        self.target = child.target;
        self.state_root = child.state_root;
        let work = child.target.expand().map_or(Work::ZERO, |target| target.work());
        self.work = self.work.saturating_add(work);
        self.remember_time(child.time);
        self.append_to_history(|_, _, _| {});
    }

    /// What to keep of the last block.
    pub fn kept(&self) -> Kept {
        Kept { id: self.id, state_root: self.state_root, time: self.time(), target: self.target }
    }

    /// Moves on to a child.
    pub fn extend(&mut self, child: &CheckedHeader) {
        self.extend_with(child, |_, _, _| {});
    }

    /// The id of the last header.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    /// The height of the last header.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The target of the last header.
    pub fn target(&self) -> CompactTarget {
        self.target
    }

    /// The root of the account tree after the last block.
    pub fn state_root(&self) -> Hash32 {
        self.state_root
    }

    /// The work of the whole chain.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The time of the last header.
    pub fn time(&self) -> Timestamp {
        self.times.last().copied().unwrap_or_default()
    }

    /// The root that a child's `history_root` must be.
    pub fn history_root(&self) -> Hash32 {
        self.history.root()
    }

    /// The log of all blocks up to and including the last one.
    pub fn history(&self) -> &Frontier {
        &self.history
    }

    /// The target that a child must have.
    pub fn next_target(&self, params: &Params) -> CompactTarget {
        next_target(params, self)
    }

    /// The median that a child's time must be greater than: of the last min(11, child's height)
    /// headers, sorted, the element at count / 2.
    pub fn median_time(&self) -> Timestamp {
        let skipped = self.times.len().saturating_sub(crate::params::MEDIAN_HEADERS);
        let mut times: heapless::Vec<Timestamp, TIMES_REMEMBERED> =
            self.times.iter().skip(skipped).copied().collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// The latest time among the last eleven headers, or as many as there are.
    pub fn latest_time(&self) -> Timestamp {
        self.times.iter().rev().take(crate::params::MEDIAN_HEADERS).max().copied().unwrap_or_default()
    }

    /// The latest time among the up to eleven headers before the last one, `None` for genesis.
    pub fn latest_time_before(&self) -> Option<Timestamp> {
        self.times.iter().rev().skip(1).max().copied()
    }

    fn remember_time(&mut self, time: Timestamp) {
        if self.times.is_full() {
            self.times.remove(0);
        }
        // There is room: the oldest has just gone.
        let _ = self.times.push(time);
    }

    fn append_to_history(&mut self, completed: impl FnMut(u32, u64, &Hash32)) {
        self.history.append_with(leaf_hash(&history_leaf(&self.id, &self.work)), completed);
    }
}
