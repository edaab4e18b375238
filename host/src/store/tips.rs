//! What the rules must know of any stored chain to judge its next header.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use mote_core::block::{Header, history_leaf};
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::merkle::{Frontier, frontier, leaf_hash};
use mote_core::params::{Params, TIMES_REMEMBERED};
use mote_core::units::Height;

use super::disk::Disk;
use super::error::StoreError;
use super::index::{Index, Table};
use super::ledger::Ledger;

/// How many tips are kept besides the ledger's own, 2 kB each: those of the branches that peers are
/// just following.
const RECENT_TIPS: usize = 64;

/// The tips that were last asked for or added.
#[derive(Debug, Default)]
pub(super) struct RecentTips(Mutex<VecDeque<Tip>>);

impl RecentTips {
    fn get(&self, id: &Hash32) -> Option<Tip> {
        let tips = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tips.iter().find(|tip| tip.id() == *id).cloned()
    }

    /// Keeps `tip` in the place of the oldest.
    pub(super) fn insert(&self, tip: Tip) {
        let mut tips = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tips.len() >= RECENT_TIPS {
            tips.pop_back();
        }
        tips.push_front(tip);
    }
}

impl<D: Disk> Ledger<D> {
    /// The tip of the main chain.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The chain that ends in block `id`, on whatever branch: what a child is judged by.
    pub fn tip_of(&self, id: &Hash32) -> Result<Option<Tip>, StoreError> {
        if *id == self.tip.id() {
            return Ok(Some(self.tip.clone()));
        }
        if let Some(tip) = self.recent.get(id) {
            return Ok(Some(tip));
        }
        let Some(tip) = self.index.tip_of(&self.params, id)? else { return Ok(None) };
        self.recent.insert(tip.clone());
        Ok(Some(tip))
    }
}

impl Index {
    /// Puts together what the rules must know of the chain that ends in block `id`.
    pub(super) fn tip_of(&self, params: &Params, id: &Hash32) -> Result<Option<Tip>, StoreError> {
        let Some(row) = self.block(id)? else { return Ok(None) };
        if row.header.height == Height::GENESIS {
            return Ok(Some(Tip::genesis(params)));
        }
        let mut times = vec![row.header.time];
        let mut at = row.header.clone();
        while times.len() < TIMES_REMEMBERED && at.height > Height::GENESIS {
            at = self.row(&at.previous)?.header;
            times.push(at.time);
        }
        times.reverse();
        Ok(Some(Tip::restore(&row.header, row.work, &times, self.log_before(&row.header)?)))
    }

    /// The log of all blocks below `header`: what the main chain has of it, and the blocks beside it.
    fn log_before(&self, header: &Header) -> Result<Frontier, StoreError> {
        let (mut aside, mut at) = (Vec::new(), header.previous);
        let size = loop {
            let row = self.row(&at)?;
            if self.is_main(&at, row.header.height)? {
                break row.header.height.next().get();
            }
            aside.push(leaf_hash(&history_leaf(&at, &row.work)));
            at = row.header.previous;
        };
        let mut log = self.main_log(size)?;
        aside.into_iter().rev().for_each(|leaf| log.append(leaf));
        Ok(log)
    }

    /// The log of the first `size` blocks of the main chain.
    pub(super) fn main_log(&self, size: u64) -> Result<Frontier, StoreError> {
        let what = format!("the log of {size} blocks");
        frontier(size, |level, index| self.subtree(level, index))?
            .ok_or(StoreError::Missing { table: Table::Subtrees.name(), what })
    }
}
