//! A long chain costs no more than a short one: opening its ledger and looking things up read about as
//! much from the disk. Reads are counted, as times would depend on who else is at work.

use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote_core::transaction::Transaction;
use mote_tests::growth::{BLOCKS_PER_PAYMENT, Grower};

/// Blocks of the two chains. The batches in which an index is written do not divide the second.
const SHORT: u64 = 40;
const LONG: u64 = 3_000;

/// How often the disk is read for each thing, in a ledger that was opened for it alone.
fn reads(grower: &Grower, height: u64) -> Vec<(&'static str, u64)> {
    let disk = MemoryDisk::new();
    let mut ledger = grower.open(disk.clone());
    grower.grow(&mut ledger, height);
    ledger.close().expect("the index can be written");
    let count = |look: &dyn Fn(&Ledger<MemoryDisk>)| {
        let ledger = grower.open(disk.clone());
        let before = disk.reads();
        look(&ledger);
        disk.reads() - before
    };
    let before = disk.reads();
    let ledger = grower.open(disk.clone());
    let opening = disk.reads() - before;
    let middle = height / 2 / BLOCKS_PER_PAYMENT * BLOCKS_PER_PAYMENT;
    let id = ledger.id_at(middle).expect("the store works").expect("the chain is longer");
    let paid = ledger.block(&id).expect("the store works").expect("the block is there").transactions;
    drop(ledger);
    let owner = grower.owner(middle);
    vec![
        ("opening", opening),
        ("balance", count(&|ledger| assert!(ledger.account(&owner.account_key()).is_ok()))),
        ("block", count(&|ledger| assert!(ledger.block(&id).is_ok_and(|block| block.is_some())))),
        (
            "transaction",
            count(&|ledger| {
                let ids = paid.iter().map(Transaction::id);
                ids.for_each(|id| assert!(ledger.transaction(&id).is_ok_and(|entry| entry.is_some())));
            }),
        ),
        ("history", count(&|ledger| assert!(ledger.history(&owner.account_key(), None, 10).is_ok()))),
    ]
}

#[test]
fn a_long_chain_is_read_like_a_short_one() {
    let grower = Grower::default();
    for ((what, short), (_, long)) in reads(&grower, SHORT).into_iter().zip(reads(&grower, LONG)) {
        println!("{what}: {short} and {long} reads");
        // Trees are a few levels deeper; what goes through the chain would read a hundred times more.
        assert!(long <= 4 * short.max(4), "{what}: {short} reads in the short chain, {long} in the long one");
    }
}
