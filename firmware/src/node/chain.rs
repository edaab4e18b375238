//! The last blocks of a validated chain, and whatever is needed to go back to any of them.

use heapless::Deque;
use mote_core::chain::{Kept, Tip};
use mote_core::hash::Hash32;
use mote_core::rules::CheckedHeader;
use mote_core::units::Height;

/// A chain's last `N + 1` blocks. What grows with a chain, its work and its history, is kept for the
/// oldest and the newest of them; for those between it is rebuilt from the oldest on.
pub struct Chain<const N: usize> {
    base: Tip,
    /// The blocks above the base, the tip's last.
    ring: Deque<Kept, N>,
    tip: Tip,
}

impl<const N: usize> Chain<N> {
    /// Memory for a chain, all zeros, so that it costs no flash; to be started.
    pub const UNSET: Self = Self { base: Tip::UNSET, ring: Deque::new(), tip: Tip::UNSET };

    /// Starts anew at the block that `fill` puts there; as it says, or not at all.
    pub fn start(&mut self, fill: impl FnOnce(&mut Tip) -> bool) -> bool {
        let is_filled = fill(&mut self.base);
        if is_filled {
            self.restart();
        }
        is_filled
    }

    /// Goes back to the oldest block.
    pub fn restart(&mut self) {
        self.tip.copy_from(&self.base);
        self.ring.clear();
    }

    /// Moves on to a child of which only the header was checked, to see where a branch leads; what it
    /// went over is not kept.
    pub fn follow(&mut self, child: &CheckedHeader) {
        self.tip.extend(child);
    }

    /// The last block.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The oldest block that is kept.
    pub fn base(&self) -> &Tip {
        &self.base
    }

    /// The blocks above the oldest one, in the order of their heights.
    pub fn ring(&self) -> impl Iterator<Item = &Kept> {
        self.ring.iter()
    }

    /// Moves on to a child.
    pub fn push(&mut self, child: &CheckedHeader) {
        self.tip.extend(child);
        self.keep(self.tip.kept());
    }

    /// Moves on to a child that was checked before.
    pub fn push_kept(&mut self, child: Kept) {
        self.tip.extend_kept(&child);
        self.keep(child);
    }

    fn keep(&mut self, child: Kept) {
        if self.ring.is_full()
            && let Some(oldest) = self.ring.pop_front()
        {
            self.base.extend_kept(&oldest);
        }
        // The oldest one has just made room.
        let _ = self.ring.push_back(child);
    }

    /// The height of a block that is kept.
    pub fn height_of(&self, id: &Hash32) -> Option<Height> {
        if self.base.id() == *id {
            return Some(self.base.height());
        }
        let above = self.ring.iter().position(|kept| kept.id == *id)?;
        Some(Height::new(self.base.height().get() + 1 + above as u64))
    }

    /// The id of a block that is kept.
    pub fn id_at(&self, height: Height) -> Option<Hash32> {
        if height == self.base.height() {
            return Some(self.base.id());
        }
        let above = height.get().checked_sub(self.base.height().get() + 1)?;
        self.ring.iter().nth(usize::try_from(above).ok()?).map(|kept| kept.id)
    }

    /// Rebuilds the chain up to a block that is kept, into `tip`; `false`, and nothing done, where it is not.
    pub fn rebuild(&self, height: Height, tip: &mut Tip) -> bool {
        let above = height.above(self.base.height());
        let is_kept = height >= self.base.height() && height <= self.tip.height();
        if is_kept {
            tip.copy_from(&self.base);
            self.ring.iter().take(usize::try_from(above).unwrap_or(N)).for_each(|kept| tip.extend_kept(kept));
        }
        is_kept
    }

    /// Puts a branch in the place of this chain's end: above the block that both have, where it is kept.
    pub fn adopt<const M: usize>(&mut self, branch: &Chain<M>) {
        if self.height_of(&branch.base.id()) == Some(branch.base.height()) {
            while self.ring.len() as u64 > branch.base.height().above(self.base.height()) {
                self.ring.pop_back();
            }
            self.tip.copy_from(&branch.base);
        } else {
            self.base.copy_from(&branch.base);
            self.restart();
        }
        branch.ring.iter().for_each(|kept| self.push_kept(*kept));
    }

    /// Ids by which a full node finds the last block that it has in common with this chain: the newest
    /// first, then ever farther apart.
    pub fn locate(&self, mut name: impl FnMut(Hash32)) {
        let (newest, oldest) = (self.tip.height().get(), self.base.height().get());
        let mut step = 0;
        while let Some(height) = newest.checked_sub(step).filter(|height| *height > oldest) {
            self.id_at(Height::new(height)).into_iter().for_each(&mut name);
            step = if step == 0 { 1 } else { 2 * step };
        }
        name(self.base.id());
    }
}
