//! Which signatures are judged, and which of several bad ones is named.

use super::*;
use crate::signatures::Known;

/// A chain on which account 1 can pay, and this many payments of it.
fn ground(disk: &MemoryDisk, count: u64) -> (Ledger<MemoryDisk>, Vec<Transaction>) {
    let (mut ledger, _) = open(disk);
    let block = make(&ledger, ledger.tip(), key(1).public_key(), Vec::new());
    ledger.add(&block, Clock::AcceptedBefore).unwrap();
    let payments = (0..count).map(|nonce| pay(1, 2, 1 + nonce, 1_000, nonce)).collect();
    (ledger, payments)
}

fn block_of(ledger: &Ledger<MemoryDisk>, transactions: &[Transaction]) -> Block {
    make(ledger, ledger.tip(), key(1).public_key(), transactions.to_vec())
}

impl Known for HashMap<Hash32, CheckedTransaction<'_>> {
    fn get(&self, id: &Hash32) -> Option<CheckedTransaction<'_>> {
        self.get(id).copied()
    }
}

/// Says of every transaction that it is this one.
struct Liar<'a>(CheckedTransaction<'a>);

impl Known for Liar<'_> {
    fn get(&self, _: &Hash32) -> Option<CheckedTransaction<'_>> {
        Some(self.0)
    }
}

#[test]
fn what_is_known_is_not_judged_again_and_all_else_is() {
    for known in [0, 1, 40, 79, 80] {
        let (mut ledger, payments) = ground(&MemoryDisk::new(), 80);
        let block = block_of(&ledger, &payments);
        let checked = check(&payments[..known]);
        let checked: HashMap<Hash32, CheckedTransaction<'_>> =
            checked.into_iter().map(|checked| (checked.id(), checked)).collect();
        let added = ledger.add_knowing(&block, Clock::AcceptedBefore, &checked);
        assert_eq!(added.unwrap(), Added::Extended);
        assert_eq!(ledger.signatures_judged(), 80 - known as u64);
    }
}

#[test]
fn one_transaction_does_not_vouch_for_another() {
    let (mut ledger, payments) = ground(&MemoryDisk::new(), 3);
    let block = block_of(&ledger, &payments);
    let mut forged = block.clone();
    forged.transactions[1].signature = forged.transactions[0].signature;
    forged.header.transactions_root = mote_core::block::transactions_root(&forged.transactions);
    let forged = Block { header: seal(forged.header), transactions: forged.transactions };
    let other = pay(1, 3, 77, 1_000, 0);
    for vouching in [&other, &payments[1]] {
        let liar = Liar(check_transaction(&params(), vouching).unwrap());
        match ledger.add_knowing(&forged, Clock::AcceptedBefore, &liar) {
            Err(AddError::Rule {
                error: RuleError::TransactionSignature { transaction },
                transaction: place,
            }) => {
                assert_eq!((transaction, place), (forged.transactions[1].id(), Some(1)));
            }
            other => panic!("{other:?}"),
        }
    }
    let liar = Liar(check_transaction(&params(), &other).unwrap());
    let judged = ledger.signatures_judged();
    assert_eq!(ledger.add_knowing(&block, Clock::AcceptedBefore, &liar).unwrap(), Added::Extended);
    assert_eq!(ledger.signatures_judged() - judged, 3);
}

#[test]
fn the_first_of_several_bad_transactions_is_named() {
    let (mut ledger, payments) = ground(&MemoryDisk::new(), 90);
    let good = block_of(&ledger, &payments);
    let mut draw = Draw(11);
    for round in 0..20 {
        let mut block = good.clone();
        let known = check(&payments);
        let is_known = |place: usize| place % 3 == round % 3;
        let known: HashMap<Hash32, CheckedTransaction<'_>> = known
            .into_iter()
            .enumerate()
            .filter(|(place, _)| is_known(*place))
            .map(|(_, checked)| (checked.id(), checked))
            .collect();
        for _ in 0..1 + draw.below(3) {
            let transaction = &mut block.transactions[draw.below(90) as usize];
            match draw.below(3) {
                0 => transaction.amount = Amount::ZERO,
                1 => transaction.fee = Amount::from_grains(1),
                _ => transaction.nonce ^= 1,
            }
        }
        block.header.transactions_root = mote_core::block::transactions_root(&block.transactions);
        let block = Block { header: seal(block.header), transactions: block.transactions };
        let one_by_one = block.transactions.iter().enumerate().find_map(|(place, transaction)| {
            check_transaction(&params(), transaction).err().map(|error| (error, Some(place)))
        });
        match ledger.add_knowing(&block, Clock::AcceptedBefore, &known) {
            Err(AddError::Rule { error, transaction }) => {
                assert_eq!(Some((error, transaction)), one_by_one);
            }
            // A change may have been taken back by the next one.
            Ok(_) => assert_eq!(block.transactions, good.transactions),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn the_first_of_two_bad_transactions_is_named_wherever_they_stand() {
    let (mut ledger, payments) = ground(&MemoryDisk::new(), 300);
    let good = block_of(&ledger, &payments);
    let known: HashMap<Hash32, CheckedTransaction<'_>> =
        check(&payments).into_iter().map(|checked| (checked.id(), checked)).collect();
    for places in [[0, 299], [127, 128], [299, 256], [130, 5]] {
        let mut block = good.clone();
        for place in places {
            block.transactions[place].amount = Amount::ZERO;
        }
        block.header.transactions_root = mote_core::block::transactions_root(&block.transactions);
        let block = Block { header: seal(block.header), transactions: block.transactions };
        let error = ledger.add_knowing(&block, Clock::AcceptedBefore, &known).unwrap_err();
        let AddError::Rule { transaction, .. } = error else { panic!("{error}") };
        assert_eq!(transaction, places.into_iter().min());
    }
    let mut other = good.clone();
    other.transactions.swap(127, 128);
    assert!(matches!(
        ledger.add_knowing(&other, Clock::AcceptedBefore, &known),
        Err(AddError::Rule { error: RuleError::BlockTransactionsRoot { .. }, transaction: None })
    ));
    let judged = ledger.signatures_judged();
    assert_eq!(ledger.add_knowing(&good, Clock::AcceptedBefore, &known).unwrap(), Added::Extended);
    assert_eq!(ledger.signatures_judged(), judged);
}

#[test]
fn what_was_appended_to_the_log_is_judged_whoever_did_so() {
    let disk = MemoryDisk::new();
    let (mut ledger, payments) = ground(&disk, 50);
    let block = block_of(&ledger, &payments);
    ledger.add(&block, Clock::AcceptedBefore).unwrap();
    ledger.sync().unwrap();
    assert_eq!(ledger.signatures_judged(), 50);
    // The index was never committed.
    drop(ledger);
    let (ledger, opened) = open(&disk);
    assert_eq!((opened.reapplied_blocks, ledger.tip().id()), (2, block.header.id()));
    assert_eq!(ledger.signatures_judged(), 50);
}
