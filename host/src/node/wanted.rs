//! Blocks whose headers were checked and which are not in the ledger yet.
//!
//! Room is counted by the peer that showed a header first, so that no peer can take another's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::peer::limits::HEADERS_MAX;
use mote_core::units::Height;

use super::peers::PeerId;
use crate::block::Block;

/// How many headers of one peer are kept: two answers' worth, about half a megabyte.
pub const WANTED_PER_PEER_MAX: usize = 2 * HEADERS_MAX as usize;

/// How many of the lowest blocks of one peer are asked for at a time, so that bodies which came early
/// do not pile up.
const WINDOW_BLOCKS: usize = 64;

/// One block.
pub struct Wanted {
    /// Its header, which obeys every rule that needs no transactions.
    pub header: Header,
    /// Who has shown the header.
    pub shown_by: BTreeSet<PeerId>,
    /// The block, once it came.
    pub body: Option<Arc<Block>>,
    /// Whose room it takes.
    owner: PeerId,
}

/// All of them.
#[derive(Default)]
pub struct WantedBlocks {
    blocks: BTreeMap<Hash32, Wanted>,
    order: BTreeSet<(Height, Hash32)>,
    /// Those whose body is here.
    ready: BTreeSet<(Height, Hash32)>,
    /// Each as its parent and itself.
    children: BTreeSet<(Hash32, Hash32)>,
    taken: BTreeMap<PeerId, usize>,
}

impl WantedBlocks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The greatest height among them.
    pub fn best_height(&self) -> Option<Height> {
        self.order.last().map(|(height, _)| *height)
    }

    /// The block with this id.
    pub fn get(&self, id: &Hash32) -> Option<&Wanted> {
        self.blocks.get(id)
    }

    /// How many more headers of this peer can be kept.
    pub fn room_for(&self, peer: PeerId) -> usize {
        WANTED_PER_PEER_MAX.saturating_sub(self.taken.get(&peer).copied().unwrap_or(0))
    }

    /// Adds a block, or notes who else shows it; `false` where the peer has no room.
    pub fn add(&mut self, id: Hash32, header: &Header, peer: PeerId) -> bool {
        if let Some(wanted) = self.blocks.get_mut(&id) {
            wanted.shown_by.insert(peer);
            return true;
        }
        if self.room_for(peer) == 0 {
            return false;
        }
        *self.taken.entry(peer).or_default() += 1;
        self.order.insert((header.height, id));
        self.children.insert((header.previous, id));
        let shown_by = BTreeSet::from([peer]);
        self.blocks.insert(id, Wanted { header: header.clone(), shown_by, body: None, owner: peer });
        true
    }

    /// Puts the body to its header; whether it was wanted.
    pub fn fill(&mut self, id: &Hash32, body: Block) -> bool {
        let Some(wanted) = self.blocks.get_mut(id) else { return false };
        self.ready.insert((wanted.header.height, *id));
        wanted.body = Some(Arc::new(body));
        true
    }

    /// Takes a block out.
    pub fn take(&mut self, id: &Hash32) -> Option<Wanted> {
        let wanted = self.blocks.remove(id)?;
        self.order.remove(&(wanted.header.height, *id));
        self.ready.remove(&(wanted.header.height, *id));
        self.children.remove(&(wanted.header.previous, *id));
        self.release(wanted.owner);
        Some(wanted)
    }

    /// Takes out a block and all on top of it.
    pub fn take_with_descendants(&mut self, id: &Hash32) -> Vec<(Hash32, Wanted)> {
        let mut taken = Vec::new();
        let mut queue = vec![*id];
        while let Some(id) = queue.pop() {
            let range = (id, Hash32::ZERO)..=(id, Hash32::from_bytes([0xff; 32]));
            queue.extend(self.children.range(range).map(|(_, child)| *child));
            taken.extend(self.take(&id).map(|wanted| (id, wanted)));
        }
        taken
    }

    /// The lowest blocks without a body of each peer, in the order of heights.
    pub fn to_ask_for(&self) -> Vec<Hash32> {
        let mut seen: BTreeMap<PeerId, usize> = BTreeMap::new();
        let mut lowest = Vec::new();
        for (_, id) in &self.order {
            let Some(wanted) = self.blocks.get(id) else { continue };
            let count = seen.entry(wanted.owner).or_default();
            *count += 1;
            if *count <= WINDOW_BLOCKS && wanted.body.is_none() {
                lowest.push(*id);
            }
        }
        lowest
    }

    /// The blocks whose bodies are here and whose parents are not wanted themselves or come before them: up to
    /// `limit`, the lowest first.
    pub fn to_connect(&self, limit: usize) -> Vec<(Hash32, Arc<Block>)> {
        let mut chosen = BTreeSet::new();
        let in_order = self.ready.iter().filter_map(|(_, id)| {
            let wanted = self.blocks.get(id)?;
            let parent = &wanted.header.previous;
            let is_in_order = chosen.contains(parent) || !self.blocks.contains_key(parent);
            let body = wanted.body.clone().filter(|_| is_in_order)?;
            chosen.insert(*id);
            Some((*id, body))
        });
        in_order.take(limit).collect()
    }

    /// Forgets what a peer has shown; what nobody else shows is wanted no more.
    pub fn forget(&mut self, peer: PeerId) {
        let mut orphaned = Vec::new();
        let mut inherited = Vec::new();
        for (id, wanted) in &mut self.blocks {
            wanted.shown_by.remove(&peer);
            match wanted.shown_by.first() {
                None => orphaned.push(*id),
                Some(heir) if wanted.owner == peer => {
                    wanted.owner = *heir;
                    inherited.push(*heir);
                }
                Some(_) => {}
            }
        }
        for heir in inherited {
            *self.taken.entry(heir).or_default() += 1;
            self.release(peer);
        }
        for id in orphaned {
            self.take(&id);
        }
    }

    fn release(&mut self, owner: PeerId) {
        if let Some(taken) = self.taken.get_mut(&owner) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                self.taken.remove(&owner);
            }
        }
    }
}
