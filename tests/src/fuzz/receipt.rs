//! Receipts: what is proven is so, in the one spelling that it has, and is not proven by any other file.

use std::sync::Arc;

use mote::api::lookup::{account_proof, transaction_proof};
use mote::receipt::form::{AccountReceipt, TransactionReceipt};
use mote::receipt::{Subject, check};
use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote_core::rules::Clock;
use serde_json::Value;

use super::grove::Grove;
use crate::fixtures::account;

/// The bytes are a file.
pub fn run(data: &[u8]) {
    let Ok(proven) = check(data) else { return };
    let grove = Grove::get();
    assert_eq!(proven.id, proven.block.header.id());
    assert_eq!(proven.tip_id, proven.block.tip.id());
    assert!(proven.anchored_at(&proven.tip_id).is_ok());
    assert!(proven.anchored_at(&mote_core::hash::Hash32::ZERO).is_err());
    let _ = (proven.confirmations(), proven.shown_work());
    // What is said of a block that is known is true of it.
    let Some(chain) = grove.chains.get(&proven.id) else { return };
    match &proven.subject {
        Subject::Transaction { transaction, index } => {
            let block = grove.branches.iter().flatten().find(|block| block.header.id() == proven.id);
            let block = block.expect("a transaction is in a block");
            assert_eq!(block.transactions.get(*index as usize), Some(&**transaction));
        }
        Subject::Account { owner, account } => {
            assert_eq!(account.unwrap_or_default(), chain.accounts.account(owner));
        }
    }
    // The same words in another order are the same; other words are not proven.
    let value: Value = serde_json::from_slice(data).expect("what is proven is JSON");
    assert!(check(value.to_string().as_bytes()).is_ok());
}

/// Receipts of payments and accounts, in blocks old and new.
pub fn seeds() -> Vec<Vec<u8>> {
    let grove = Grove::get();
    let params = Arc::new(grove.params.clone());
    let (mut ledger, _) =
        Ledger::open(MemoryDisk::new(), params.clone(), 7, |_| {}).expect("the ledger opens");
    let mut seeds = Vec::new();
    for block in &grove.branches[0][..6] {
        ledger.add(block, Clock::AcceptedBefore).expect("the block is valid");
    }
    for transaction in grove.branches[0][..6].iter().flat_map(|block| &block.transactions) {
        let proof = transaction_proof(&ledger, &transaction.id()).expect("the ledger can be read");
        let receipt = TransactionReceipt::new(&params, &proof.expect("it was mined"));
        seeds.push(serde_json::to_vec(&receipt).expect("a receipt is JSON"));
    }
    for (number, height) in [(1, 6), (2, 4), (9, 3), (1, 0)] {
        let proof = account_proof(&ledger, account(number), Some(height)).expect("the ledger can be read");
        let proof = proof.expect("the height is there");
        let held = grove.chains[&proof.block.header.id()].accounts.account(&account(number));
        seeds.push(
            serde_json::to_vec(&AccountReceipt::new(&params, &proof, held)).expect("a receipt is JSON"),
        );
    }
    seeds
}
