//! The other end of a connection, and what it shows.

use std::collections::VecDeque;
use std::sync::OnceLock;

use mote_core::codec::decode;
use mote_core::rules::Rule;
use mote_core::transaction::Transaction;
use mote_core::units::Timestamp;
use mote_core::wire::Message;

use super::{OWN, START_SECONDS};
use crate::devices::answers::answer;
use crate::devices::branch::Branch;
use crate::devices::script::{Out, Script};
use crate::fixtures::{VecBlock, account, pay, regtest, wire};

/// The other end of a connection.
pub(super) struct Remote {
    pub(super) branch: Branch,
    pub(super) number: usize,
    pub(super) is_honest: bool,
    pub(super) has_greeted: bool,
    pub(super) asked: VecDeque<Vec<u8>>,
    /// Answers of several messages that are on their way.
    pub(super) saying: VecDeque<Vec<u8>>,
}

/// Takes note of what the node said.
pub(super) fn hear(remote: &mut Remote, message: Vec<u8>) {
    match decode::<Message>(&message).expect("the node sends messages") {
        // An honest peer asks for a block that it can take.
        Message::Tip(header) if remote.is_honest && header.previous == remote.branch.tip().id() => {
            remote.saying.push_back(wire(&Message::GetBlock(header.id())));
        }
        Message::Block(bytes) => {
            let block = decode::<VecBlock>(bytes).expect("the node sends blocks");
            if block.header.previous == remote.branch.tip().id() {
                remote.branch.try_extend(block).expect("the device mines valid blocks");
            }
        }
        Message::Ping(_)
        | Message::GetHeaders { .. }
        | Message::GetWitness(_)
        | Message::GetTemplateWitness { .. }
        | Message::GetAccount { .. }
        | Message::HaveTransactions(_) => remote.asked.push_back(message),
        _ => {}
    }
}

pub(super) fn honest_answer(remote: &Remote, request: &[u8], time: Timestamp) -> VecDeque<Vec<u8>> {
    let message = decode::<Message>(request).expect("the node sends messages");
    let said = answer(&Script::honest(), &remote.branch, message, time);
    said.into_iter()
        .map(|out| match out {
            Out::Message(bytes) => bytes,
            other => panic!("an honest peer says messages, not {other:?}"),
        })
        .collect()
}

/// The branches that peers show, made once.
pub(super) fn branches() -> &'static [Branch] {
    static BRANCHES: OnceLock<Vec<Branch>> = OnceLock::new();
    BRANCHES.get_or_init(|| {
        let mut first = Branch::new(regtest());
        first.grow(OWN, 3);
        first.grow_with_payments(OWN, 4, 2);
        first.grow(2, 5);
        // Deeper than what a device keeps of a branch while it checks it.
        let mut best = first.up_to(4);
        best.grow_with_payments(OWN, 3, 3);
        best.grow(3, 17);
        let mut short = first.up_to(9);
        short.grow(4, 2);
        let now = Timestamp::from_seconds(START_SECONDS);
        let flawed = |rule| {
            let mut branch = first.clone();
            branch.grow(5, 6);
            branch.append_broken(rule, now);
            branch
        };
        let flawed = [Rule::BlockStateRoot, Rule::LedgerBalance, Rule::TransactionSignature].map(flawed);
        [first, best, short].into_iter().chain(flawed).collect()
    })
}

/// Payments that somebody could pass on.
pub(super) fn payments() -> &'static [Transaction] {
    static PAYMENTS: OnceLock<Vec<Transaction>> = OnceLock::new();
    PAYMENTS.get_or_init(|| {
        let paid = |from, nonce| pay(&regtest(), from, account(8), 5_000, 1_000, nonce);
        vec![paid(2, 0), paid(2, 1), paid(3, 0), paid(OWN, 0), paid(OWN, 8)]
    })
}
