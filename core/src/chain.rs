//! What must be known of a chain to check its next header: about two kilobytes, whatever its length.

use serde::{Deserialize, Serialize};

use crate::block::{Header, history_leaf};
use crate::codec::{self, DecodeError};
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
    /// Memory for a tip, all zeros: that of no chain.
    pub const UNSET: Self = Self {
        id: Hash32::ZERO,
        height: Height::GENESIS,
        target: CompactTarget::from_bits(0),
        state_root: Hash32::ZERO,
        work: Work::ZERO,
        times: heapless::Vec::new(),
        history: Frontier::new(),
    };

    /// The chain that consists of the genesis block. Its work counts as that of its target.
    pub fn genesis(params: &Params) -> Self {
        let mut tip = Self::UNSET;
        tip.become_genesis(params);
        tip
    }

    /// Becomes a copy of `other`, in place: a tip is too large for a device's stack.
    pub fn copy_from(&mut self, other: &Self) {
        let Self { id, height, target, state_root, work, times, history } = other;
        (self.id, self.height, self.target) = (*id, *height, *target);
        (self.state_root, self.work) = (*state_root, *work);
        self.times.clear();
        // Both have the same capacity.
        let _ = self.times.extend_from_slice(times);
        self.history.copy_from(history);
    }

    /// Becomes the chain that consists of the genesis block, in place.
    pub fn become_genesis(&mut self, params: &Params) {
        let header = params.genesis();
        self.id = params.genesis_id();
        self.height = header.height;
        self.target = header.target;
        self.state_root = header.state_root;
        self.work = header.target.expand().map_or(Work::ZERO, |target| target.work());
        self.times.clear();
        self.remember_time(header.time);
        self.history.clear();
        self.append_to_history(|_, _, _| {});
    }

    /// Becomes the tip that takes up all of `bytes`. What [`codec::decode`] returns is the same, but passes
    /// through 9 KB of a device's stack. After an error it is no particular tip.
    pub fn decode_from(&mut self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        let rest = &mut bytes;
        self.id = codec::take(rest)?;
        self.height = codec::take(rest)?;
        self.target = codec::take(rest)?;
        self.state_root = codec::take(rest)?;
        self.work = codec::take(rest)?;
        self.times = codec::take(rest)?;
        self.history.take(rest)?;
        if rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { count: rest.len() }) }
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

    /// Whether the history's peaks are as many as its size asks for: a tip that was read from somewhere
    /// else than this program's own memory may contradict itself.
    #[inline(never)]
    pub fn is_consistent(&self) -> bool {
        self.history.size().count_ones() as usize == self.history.peaks().len()
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
        let times = || self.times.iter().skip(skipped);
        let middle = (self.times.len() - skipped) / 2;
        // The element that sorting would put in the middle, found by counting: a dozen times are not worth
        // the code of a sort on a device.
        let is_median = |time: &&Timestamp| {
            let below = times().filter(|other| other < time).count();
            let equal = times().filter(|other| other == time).count();
            (below..below + equal).contains(&middle)
        };
        times().find(is_median).copied().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{LOG_PATH_MAX_HASHES, Network};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn encoded(tip: &Tip) -> Vec<u8> {
        let mut bytes = Vec::new();
        codec::encode_into(tip, |piece| bytes.extend_from_slice(piece));
        bytes
    }

    proptest! {
        #[test]
        fn a_tip_is_filled_in_as_it_is_decoded(
            size in ..1_u64 << LOG_PATH_MAX_HASHES,
            seconds in prop::collection::vec(any::<u64>(), 0..20),
            end in any::<prop::sample::Index>(),
            flip in prop::option::of((any::<prop::sample::Index>(), 1_u8..)),
            trailing: bool,
        ) {
            let params = Params::new(Network::Regtest);
            let peaks = (0..size.count_ones()).map(|peak| Hash32::from_bytes([peak as u8; 32])).collect();
            let before = Frontier::from_peaks(size, peaks).unwrap();
            let times: Vec<_> = seconds.into_iter().map(Timestamp::from_seconds).collect();
            let tip = Tip::restore(params.genesis(), Work::ZERO, &times, before);
            let (whole, mut filled) = (encoded(&tip), Tip::genesis(&params));
            prop_assert_eq!(filled.decode_from(&whole), Ok(()));
            prop_assert_eq!(&filled, &tip);

            let mut bytes = whole.clone();
            match flip {
                Some((at, flip)) => bytes[at.index(whole.len())] ^= flip,
                None if trailing => bytes.push(0),
                None => bytes.truncate(end.index(whole.len())),
            }
            let decoded = codec::decode::<Tip>(&bytes);
            prop_assert_eq!(filled.decode_from(&bytes).is_ok(), decoded.is_ok());
            if let Ok(decoded) = decoded {
                prop_assert_eq!(filled, decoded);
            }
        }
    }
}
