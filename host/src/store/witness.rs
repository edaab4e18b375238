//! Witnesses: for each transaction of a block the proofs of its two accounts, against the root as it
//! stands when execution gets there. Whoever has only the root before the block checks it with them
//! ([`mote_core::state::WitnessAccounts`]).

use std::vec::IntoIter;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::reward;
use mote_core::rules::{RuleError, credit, debit};
use mote_core::state::{Account, Accounts, Proof};
use mote_core::transaction::Transaction;
use mote_core::units::{Amount, Height};

use super::disk::Disk;
use super::error::StoreError;
use super::ledger::{AddError, Ledger};
use super::nodes::NodeFile;
use super::tree::{TreeVersion, TreeView};

/// A witness in the making, a part at a time. It borrows nothing, so it can be kept while it is sent.
#[derive(Debug)]
pub struct Witness {
    header: Option<Header>,
    miner: PublicKey,
    /// What the miner gets so far.
    income: Amount,
    transactions: IntoIter<Transaction>,
    count: usize,
    /// The accounts so far; none once the end was given out.
    accounts: Option<TreeVersion>,
}

/// A part of a witness, in the order in which execution needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one part at a time, and nearly all have transactions"
)]
pub enum WitnessPart {
    /// A transaction and its accounts.
    Transaction {
        /// The transaction.
        transaction: Transaction,
        /// The sender's account before the transaction.
        sender: Box<Proof>,
        /// The recipient's account after the sender's debit.
        recipient: Box<Proof>,
    },
    /// What comes behind the last transaction.
    End {
        /// The miner's account; none where the miner gets nothing.
        miner: Option<Box<Proof>>,
    },
}

impl<D: Disk> Ledger<D> {
    /// The witness of a block. The genesis block has none, as nothing leads up to it.
    pub fn witness(&self, id: &Hash32) -> Result<Option<Witness>, StoreError> {
        let Some(block) = self.block(id)? else { return Ok(None) };
        let Some(accounts) = self.state(&block.header.previous)? else { return Ok(None) };
        let height = block.header.height;
        let miner = block.header.miner;
        Ok(Some(Witness::new(Some(block.header), accounts, height, miner, block.transactions)))
    }

    /// The witness of a child of block `parent` that does not exist yet; `None` where the parent is not
    /// known.
    pub fn template_witness(
        &self,
        parent: &Hash32,
        miner: PublicKey,
        transactions: Vec<Transaction>,
    ) -> Result<Option<Witness>, StoreError> {
        let Some(row) = self.index.block(parent)? else { return Ok(None) };
        let Some(accounts) = self.state(parent)? else { return Ok(None) };
        Ok(Some(Witness::new(None, accounts, row.header.height.next(), miner, transactions)))
    }
}

impl Witness {
    fn new(
        header: Option<Header>,
        accounts: TreeVersion,
        height: Height,
        miner: PublicKey,
        transactions: Vec<Transaction>,
    ) -> Self {
        let count = transactions.len();
        let transactions = transactions.into_iter();
        Self { header, miner, income: reward(height), transactions, count, accounts: Some(accounts) }
    }

    /// The header of the block; none for one that does not exist yet.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The next part; `None` behind the end, and after an error. Of a block that does not exist yet, the
    /// transactions may turn out to break a rule.
    pub fn next<D: Disk>(&mut self, ledger: &Ledger<D>) -> Result<Option<WitnessPart>, AddError> {
        let Some(accounts) = self.accounts.take() else { return Ok(None) };
        let mut view = TreeView::new(&ledger.nodes, accounts);
        let index = self.count - self.transactions.len();
        let Some(transaction) = self.transactions.next() else {
            let miner = match self.income {
                Amount::ZERO => None,
                income => Some(prove(&mut view, &self.miner, None, |account| credit(income, account))?),
            };
            return Ok(Some(WitnessPart::End { miner }));
        };
        let Transaction { sender, recipient, amount, fee, .. } = &transaction;
        let income = credit(*fee, Account { balance: self.income, nonce: 0 });
        let income = income.map_err(|error| AddError::Rule { error, transaction: Some(index) })?.balance;
        let sender = prove(&mut view, sender, Some(index), |account| debit(&transaction, account))?;
        let recipient = prove(&mut view, recipient, Some(index), |account| credit(*amount, account))?;
        self.income = income;
        self.accounts = Some(view.into_version());
        Ok(Some(WitnessPart::Transaction { transaction, sender, recipient }))
    }
}

/// The proof of an account, which is then changed.
fn prove(
    view: &mut TreeView<'_, NodeFile>,
    owner: &PublicKey,
    transaction: Option<usize>,
    change: impl FnOnce(Account) -> Result<Account, RuleError>,
) -> Result<Box<Proof>, AddError> {
    let key = owner.account_key();
    let proof = Box::new(view.proof(&key)?);
    view.update(&key, change).map_err(|error| AddError::update(error, transaction))?;
    Ok(proof)
}
