//! A ledger of as many accounts as a test likes, and full blocks on it: far more than transactions could
//! make in the time of a test, so the accounts are put there.

use mote::store::error::StoreError;
use mote::store::tree::{Node, NodeRef, Nodes, TreeVersion, TreeView};
use mote_core::chain::Tip;
use mote_core::hash::{Hash32, sha256};
use mote_core::keys::{AccountKey, PublicKey};
use mote_core::merkle::root_of_hashes;
use mote_core::miner::template;
use mote_core::params::{Params, reward};
use mote_core::rules::{CheckedHeader, Clock, Executed, check_header, credit, debit};
use mote_core::state::{Account, Accounts, Proof};
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use mote_core::wire::Message;

use super::branch::{Shown, borrow, witness_transaction};
use crate::fixtures::{account, mine, pay, wire};

/// How many payments a full block has, each from a sender of its own.
pub const PAYMENTS: u64 = 128;

/// What each account holds at first, in grains.
const FUNDS: u64 = 1_000_000_000;

/// Many accounts, and the chain that they stand at the end of.
pub struct Crowd {
    params: Params,
    tip: Tip,
    accounts: TreeVersion,
    count: u64,
    blocks: u64,
}

/// No node is stored anywhere: all are in the version at hand.
struct Nowhere;

impl Nodes for Nowhere {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        unreachable!("nothing is stored, and so nobody names {named:?}")
    }
}

impl Crowd {
    /// A chain that ends in `tip`, but for the next header, which claims that there are `count` accounts.
    pub fn new(params: &Params, tip: &Tip, count: u64) -> (Self, Shown) {
        let mut view = TreeView::new(&Nowhere, TreeVersion::default());
        let holding = Account { balance: Amount::from_grains(FUNDS), nonce: 0 };
        let senders = (0..PAYMENTS).map(sender).map(|key| key.account_key());
        let others = (0..count.saturating_sub(PAYMENTS)).map(|number| other(number).account_key());
        for key in senders.chain(others) {
            view.update(&key, |_| Ok(holding)).expect("no rule is asked");
        }
        let root = view.root();
        let accounts = view.into_version();
        let mut crowd = Self { params: params.clone(), tip: tip.clone(), accounts, count, blocks: 0 };
        let executed =
            Executed { transaction_count: 0, transactions_root: root_of_hashes([]), state_root: root };
        let shown = crowd.seal(account(1), &executed, Vec::new());
        (crowd, shown)
    }

    /// The chain's end.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The next block, full of payments each of which has a sender and a recipient of its own.
    pub fn full_block(&mut self) -> Shown {
        let others = self.count.saturating_sub(PAYMENTS).max(1);
        let pay = |number: u64| {
            let to = other((self.blocks * PAYMENTS + number) * 7_919 % others);
            pay(&self.params, SENDERS + number, to, 1_000, 1_000, self.blocks)
        };
        let transactions: Vec<Transaction> = (0..PAYMENTS).map(pay).collect();
        let miner = account(1);
        let mut view = TreeView::new(&Nowhere, std::mem::take(&mut self.accounts));
        let mut messages = Vec::new();
        let mut due = reward(self.tip.height().next());
        for transaction in &transactions {
            let sender = change(&mut view, &transaction.sender, |account| debit(transaction, account));
            let recipient =
                change(&mut view, &transaction.recipient, |account| credit(transaction.amount, account));
            messages.push(witness_transaction(transaction, &sender, &recipient));
            due = due.checked_add(transaction.fee).expect("the fees are small");
        }
        let proof = change(&mut view, &miner, |account| credit(due, account));
        messages.push(wire(&Message::WitnessEnd(Some(borrow(&proof)))));
        let executed = Executed {
            transaction_count: transactions.len() as u32,
            transactions_root: root_of_hashes(transactions.iter().map(Transaction::id)),
            state_root: view.root(),
        };
        self.accounts = view.into_version();
        self.blocks += 1;
        self.seal(miner, &executed, messages)
    }

    /// Mines the block that these messages are the witness of, and moves on to it.
    fn seal(&mut self, miner: PublicKey, executed: &Executed, messages: Vec<Vec<u8>>) -> Shown {
        let time = self.tip.time().plus(10);
        let mut header = template(&self.params, &self.tip, miner, time, executed);
        mine(&mut header);
        let checked: CheckedHeader = check_header(&self.params, &self.tip, &header, Clock::AcceptedBefore)
            .expect("the header obeys the rules, whatever the accounts are");
        self.tip.extend(&checked);
        let start = wire(&Message::WitnessStart(header.clone()));
        Shown::new(header, [vec![start], messages].concat(), self.tip.work())
    }
}

/// The numbers of the keys of those who pay.
const SENDERS: u64 = 1_000_000_000;

fn sender(number: u64) -> PublicKey {
    account(SENDERS + number)
}

/// Somebody who only holds something: nobody knows a private key, and nobody needs one.
fn other(number: u64) -> PublicKey {
    PublicKey::from_bytes(*Hash32::as_bytes(&sha256(&number.to_le_bytes())))
}

/// Changes an account; its proof before.
fn change(
    view: &mut TreeView<'_, Nowhere>,
    owner: &PublicKey,
    change: impl FnOnce(Account) -> Result<Account, mote_core::rules::RuleError>,
) -> Proof {
    let key: AccountKey = owner.account_key();
    let proof = view.proof(&key).expect("a crowd is in memory");
    view.update(&key, change).unwrap_or_else(|error| panic!("the payment obeys every rule: {error}"));
    proof
}
