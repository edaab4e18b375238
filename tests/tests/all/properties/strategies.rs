//! Random blocks and ways to change bytes.

use mote_core::rules::Rule;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::Amount;
use mote_tests::fixtures::{Chain, FUNDED, VecBlock, account, key};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What a payment is made from; the sender's nonce follows from the payments before.
#[derive(Clone, Debug)]
pub struct Intent {
    pub from: u64,
    pub to: u64,
    /// Which part of what the sender has it sends, of 65,536.
    pub part: u16,
    pub extra_fee: u64,
    pub memo: Vec<u8>,
}

/// Payments among accounts 1 to `senders`, and to a few that nobody holds yet.
pub fn intents(senders: u64, count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Intent>> {
    let memo = prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<u8>(), 0..=64)];
    let extra_fee = prop_oneof![Just(0_u64), 0..5_000_u64];
    let intent = (1..=senders, 1..=senders + 6, any::<u16>(), extra_fee, memo)
        .prop_map(|(from, to, part, extra_fee, memo)| Intent { from, to, part, extra_fee, memo });
    vec(intent, count)
}

/// The payments that the accounts of `chain` can make of these intents, in one block by `miner`.
pub fn payments(chain: &Chain, intents: &[Intent]) -> Vec<Transaction> {
    let mut accounts = chain.accounts.clone();
    let mut transactions = Vec::new();
    for Intent { from, to, part, extra_fee, memo } in intents {
        let holding = accounts.account(&account(*from));
        let fee = 1_000 + extra_fee;
        let Some(spendable) = holding.balance.grains().checked_sub(fee).filter(|rest| *rest > 0) else {
            continue;
        };
        let amount = (u128::from(spendable) * (u128::from(*part) + 1) / 65_536).max(1) as u64;
        let payment = Payment {
            recipient: account(*to),
            amount: Amount::from_grains(amount),
            fee: Amount::from_grains(fee),
            nonce: holding.nonce,
            memo: Memo::from_slice(memo).expect("the strategy keeps to 64 bytes"),
        };
        let transaction = payment.sign(&chain.params, &key(*from));
        accounts.debit_blindly(&transaction);
        accounts.credit_blindly(&account(*to), amount);
        transactions.push(transaction);
    }
    transactions
}

/// A funded chain, two blocks on, and a valid block on its tip that is not full.
pub fn chain_and_block() -> impl Strategy<Value = (Chain, VecBlock)> {
    (vec(intents(FUNDED, 0..4), 3), 1..=FUNDED + 6).prop_map(|(blocks, miner)| {
        let mut chain = Chain::funded();
        let mut last = None;
        for intents in blocks {
            if let Some(block) = last {
                chain.accept(&block).expect("blocks of possible payments are valid");
            }
            last = Some(chain.block(account(miner), payments(&chain, &intents)));
        }
        (chain, last.expect("there were three"))
    })
}

/// A rule to break.
pub fn rule() -> impl Strategy<Value = Rule> {
    select(Rule::ALL.to_vec())
}

/// A change of some bytes that is none only by chance.
#[derive(Clone, Debug)]
pub enum Mutation {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Append(Vec<u8>),
    /// Writes the byte as a varint of one byte more.
    Pad(Index),
    Swap(Index, Index),
}

impl Mutation {
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        match self {
            Self::Flip(at, bit) => bytes[at.index(length)] ^= 1 << (bit % 8),
            Self::Set(at, value) => bytes[at.index(length)] = *value,
            Self::Insert(at, value) => bytes.insert(at.index(length + 1), *value),
            Self::Remove(at) => drop(bytes.remove(at.index(length))),
            Self::Truncate(at) => bytes.truncate(at.index(length)),
            Self::Append(more) => bytes.extend_from_slice(more),
            Self::Pad(at) => {
                let at = at.index(length);
                bytes[at] |= 0x80;
                bytes.insert(at + 1, 0);
            }
            Self::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
        }
    }
}

pub fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, value)| Mutation::Set(at, value)),
        1 => (at(), any::<u8>()).prop_map(|(at, value)| Mutation::Insert(at, value)),
        1 => at().prop_map(Mutation::Remove),
        1 => at().prop_map(Mutation::Truncate),
        1 => vec(any::<u8>(), 1..9).prop_map(Mutation::Append),
        2 => at().prop_map(Mutation::Pad),
        1 => (at(), at()).prop_map(|(a, b)| Mutation::Swap(a, b)),
    ]
}
