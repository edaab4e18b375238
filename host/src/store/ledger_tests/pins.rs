//! Blocks that the main chain must have.

use super::*;
use crate::store::pins::PinConflict;

/// A chain where targets follow the times of blocks, so that a longer branch may have less work.
struct Ground {
    params: Arc<Params>,
    ledger: Ledger<MemoryDisk>,
}

impl Ground {
    fn new() -> Self {
        let params = Arc::new(Params::new(Network::Local));
        let (ledger, _) = Ledger::open(MemoryDisk::new(), params.clone(), 7, |_| {}).unwrap();
        Self { params, ledger }
    }

    /// A block of this miner on top of `parent`, so many seconds later.
    fn block(&self, parent: &Hash32, miner: u8, later: u64) -> Block {
        let entry = self.ledger.header(parent).unwrap().unwrap();
        let (tip, miner) = (self.ledger.tip_of(parent).unwrap().unwrap(), key(miner).public_key());
        let executed = self.ledger.execute(&tip, &[], miner).unwrap();
        let time = entry.header.time.plus(later);
        let header = mote_core::miner::template(&self.params, &tip, miner, time, &executed);
        Block { header: seal(header), transactions: Vec::new() }
    }

    /// Adds such blocks on top of each other; what became of each.
    fn grow(&mut self, from: Hash32, miner: u8, later: u64, count: usize) -> Vec<(Hash32, Added)> {
        let mut parent = from;
        let mut one = || {
            let block = self.block(&parent, miner, later);
            parent = block.header.id();
            (parent, self.ledger.add(&block, Clock::AcceptedBefore).unwrap())
        };
        (0..count).map(|_| one()).collect()
    }
}

#[test]
fn a_branch_stored_before_cannot_take_another_block_to_a_pinned_height() {
    let mut ground = Ground::new();
    let genesis = ground.ledger.tip().id();
    // Six blocks of which each is harder than the one before, and seven easy ones beside them.
    let main = ground.grow(genesis, 1, 1, 6);
    let side = ground.grow(genesis, 2, 60, 7);
    assert!(main.iter().all(|(_, added)| *added == Added::Extended), "{main:?}");
    assert!(side.iter().all(|(_, added)| *added == Added::Side), "{side:?}");
    let (tip, pinned) = (ground.ledger.tip().id(), Hash32::from_bytes([7; 32]));
    let pinned_height = Height::new(7);
    assert_eq!(ground.ledger.pin(pinned_height, pinned).unwrap(), Ok(()));
    assert!(ground.ledger.awaits_pin_above(Height::new(6)) && !ground.ledger.awaits_pin_above(pinned_height));
    let mut parent = side.last().unwrap().0;
    let refused = (0..20).find_map(|_| {
        let block = ground.block(&parent, 2, 60);
        parent = block.header.id();
        ground.ledger.add(&block, Clock::AcceptedBefore).err().map(|error| (block.header, error))
    });
    let (header, error) = refused.expect("the easy branch gets heavier in the end");
    let AddError::Pinned(conflict) = error else { panic!("{error}") };
    let (block, height) = (header.id(), header.height);
    assert!(height > pinned_height, "what is refused is the move, not the block of that height");
    assert_eq!(conflict, PinConflict { block, height, pinned, pinned_height });
    assert_eq!(ground.ledger.tip().id(), tip);
    // Unpinned, the same block takes the main chain over.
    ground.ledger.unpin(pinned_height);
    let again = ground.block(&header.previous, 2, 60);
    assert_eq!(again.header, header);
    let added = ground.ledger.add(&again, Clock::AcceptedBefore).unwrap();
    assert!(matches!(added, Added::Reorganised { .. }), "{added:?}");
}

#[test]
fn what_the_main_chain_has_is_never_left() {
    let mut ground = Ground::new();
    let genesis = ground.ledger.tip().id();
    let main = ground.grow(genesis, 1, 10, 3);
    let (first, third) = (main[0].0, main[2].0);
    assert_eq!(ground.ledger.pin(Height::new(2), main[1].0).unwrap(), Ok(()));
    let other = ground.ledger.pin(Height::new(1), third).unwrap().unwrap_err();
    assert_eq!((other.block, other.pinned), (first, third));
    // New below the pin, at it, and on it.
    for (parent, is_refused) in [(genesis, true), (first, true), (main[1].0, false)] {
        let block = ground.block(&parent, 2, 11);
        let added = ground.ledger.add(&block, Clock::AcceptedBefore);
        assert_eq!(matches!(added, Err(AddError::Pinned(_))), is_refused, "{added:?}");
    }
    assert_eq!(ground.ledger.tip().id(), third);
}
