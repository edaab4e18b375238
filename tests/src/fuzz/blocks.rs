//! A chain and a block on it as the bytes of an input decide, valid or not.

use mote_core::block::transactions_root;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, Signature};
use mote_core::pow::CompactTarget;
use mote_core::rules::Rule;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Height, Timestamp};

use super::Choices;
use crate::fixtures::{
    Chain, FULL, FUNDED, FUNDED_CAPACITY, SMALL_ORDER, VecBlock, account, execute_blindly, key, mine,
    pay_from_small_order,
};

/// The most transactions of a block: one more than fit.
const TRANSACTIONS: usize = FUNDED_CAPACITY + 1;

/// A block on the tip of `chain`, mined.
pub fn block(chain: &Chain, choices: &mut Choices<'_>) -> VecBlock {
    let miner = recipient(choices);
    let mut accounts = chain.accounts.clone();
    let mut transactions = Vec::new();
    for _ in 0..choices.below(TRANSACTIONS + 1) {
        let transaction = transaction(chain, &accounts, choices);
        accounts.debit_blindly(&transaction);
        accounts.credit_blindly(&transaction.recipient, transaction.amount.grains());
        transactions.push(transaction);
    }
    let mut block = chain.block(miner, transactions);
    if choices.once_in(3) {
        flaw(chain, &mut block, choices);
    }
    block
}

fn recipient(choices: &mut Choices<'_>) -> PublicKey {
    match choices.byte() {
        255 => SMALL_ORDER,
        254 => account(FULL),
        253 => PublicKey::from_bytes(choices.array()),
        number => account(u64::from(number % 16)),
    }
}

/// A payment, most of which can be made.
fn transaction(
    chain: &Chain,
    accounts: &mote::simulation::oracle::Oracle,
    choices: &mut Choices<'_>,
) -> Transaction {
    let from = 1 + choices.below(FUNDED as usize) as u64;
    let to = recipient(choices);
    let held = accounts.account(&account(from));
    let amount = match choices.byte() {
        255 => held.balance.grains().saturating_sub(choices.number()),
        254 => choices.number(),
        part => (held.balance.grains() / 512 * u64::from(part)).max(1),
    };
    let (fee, nonce) = match choices.byte() {
        255 => (choices.number(), held.nonce),
        254 => (1_000, choices.number()),
        more => (1_000 + u64::from(more), held.nonce),
    };
    let memo = Memo::from_slice(choices.bytes(64)).expect("as many bytes fit a memo");
    let payment = Payment {
        recipient: to,
        amount: Amount::from_grains(amount),
        fee: Amount::from_grains(fee),
        nonce,
        memo,
    };
    let mut transaction = payment.sign(&chain.params, &key(from));
    match choices.byte() {
        255 => transaction.signature = Signature::from_bytes(choices.array()),
        254 => transaction.sender = account(1 + choices.byte() as u64 % FUNDED),
        253 => transaction.amount = Amount::from_grains(choices.number()),
        252 => transaction = pay_from_small_order(to, 1, 1_000, 0),
        _ => {}
    }
    transaction
}

/// Changes a block by some of its fields, by one rule, or by its bytes.
fn flaw(chain: &Chain, block: &mut VecBlock, choices: &mut Choices<'_>) {
    let mut after = chain.accounts.clone();
    execute_blindly(&mut after, block.header.height, &block.header.miner, &block.transactions);
    // Rules about payments are broken by one of account 1, which needs something for it.
    let can_pay = after.account(&account(1)).balance.grains() > 10_000;
    if choices.byte().is_multiple_of(2) && block.transactions.len() < FUNDED_CAPACITY && can_pay {
        *block = chain.broken(block, *choices.of(&Rule::ALL));
        return;
    }
    let header = &mut block.header;
    match choices.byte() % 14 {
        0 => header.version = choices.number() as u16,
        1 => header.height = Height::new(choices.number()),
        2 => header.previous = Hash32::from_bytes(choices.array()),
        3 => header.history_root = Hash32::from_bytes(choices.array()),
        4 => header.transactions_root = Hash32::from_bytes(choices.array()),
        5 => header.transaction_count = choices.number() as u32,
        6 => header.state_root = Hash32::from_bytes(choices.array()),
        7 => header.miner = PublicKey::from_bytes(choices.array()),
        8 => header.time = Timestamp::from_seconds(choices.number()),
        9 => header.time = chain.tip.median_time().plus(choices.number()),
        10 => header.target = CompactTarget::from_bits(choices.number() as u32),
        11 => block.transactions.reverse(),
        12 => drop(block.transactions.pop()),
        _ => {
            let again = block.transactions.first().cloned();
            block.transactions.extend(again);
        }
    }
    if choices.byte().is_multiple_of(2) {
        block.header.transactions_root = transactions_root(&block.transactions);
        block.header.transaction_count = block.transactions.len() as u32;
    }
    // Another target may take for ever to meet.
    if block.header.target == chain.params.genesis().target {
        mine(&mut block.header);
    }
}
