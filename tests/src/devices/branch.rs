//! A chain with all that a device asks about it, ready to be sent: headers, witnesses, proofs of accounts.

use std::collections::BTreeMap;

use mote_core::block::{BlockOf, Header};
use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey};
use mote_core::miner::template;
use mote_core::params::{BLOCK_TRANSACTIONS_MAX, Params, reward};
use mote_core::pow::Work;
use mote_core::rules::{Clock, Rule, RuleError, check_header};
use mote_core::state::{Proof, ProofOf, ProofRef};
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{List, ListWriter, Message};
use serde::{Deserialize, Serialize};

use crate::fixtures::{Chain, VecBlock, account, broken_rule, execute_blindly, judge, mine, pay, wire};
use mote::simulation::oracle::Oracle;

/// A block and what can be asked about it.
#[derive(Clone)]
pub struct Shown {
    /// The header.
    pub header: Header,
    /// The messages of its witness, each encoded.
    pub witness: Vec<Vec<u8>>,
    /// The work of the chain up to it.
    pub work: Work,
    /// The accounts after it, where they are few enough to be kept for every block.
    accounts: Option<Oracle>,
}

impl Shown {
    /// A block whose accounts nobody asks about.
    pub fn new(header: Header, witness: Vec<Vec<u8>>, work: Work) -> Self {
        Self { header, witness, work, accounts: None }
    }
}

/// A chain above genesis. Its last block may be one that breaks a rule.
#[derive(Clone)]
pub struct Branch {
    chain: Chain,
    shown: Vec<Shown>,
    places: BTreeMap<Hash32, usize>,
}

impl Branch {
    /// The chain that consists of the genesis block.
    pub fn new(params: Params) -> Self {
        Self { chain: Chain::new(params), shown: Vec::new(), places: BTreeMap::new() }
    }

    /// The network's parameters.
    pub fn params(&self) -> &Params {
        &self.chain.params
    }

    /// The blocks above genesis.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// The last header.
    pub fn tip(&self) -> &Header {
        self.shown.last().map_or(self.params().genesis(), |shown| &shown.header)
    }

    /// The height of the last header.
    pub fn height(&self) -> u64 {
        self.shown.len() as u64
    }

    /// The id of the block at a height.
    pub fn id_at(&self, height: u64) -> Hash32 {
        match height.checked_sub(1) {
            None => self.params().genesis_id(),
            Some(index) => self.shown[index as usize].header.id(),
        }
    }

    /// The work of the whole chain.
    pub fn work(&self) -> Work {
        let genesis = || self.params().genesis().target.expand().map_or(Work::ZERO, |target| target.work());
        self.shown.last().map_or_else(genesis, |shown| shown.work)
    }

    /// The chain up to this height, which further blocks can be put on.
    pub fn up_to(&self, height: u64) -> Self {
        let mut shorter = Self::new(self.params().clone());
        for shown in &self.shown[..height as usize] {
            shorter.chain.accounts = shown.accounts.clone().unwrap_or_default();
            let checked =
                check_header(&shorter.chain.params, &shorter.chain.tip, &shown.header, Clock::AcceptedBefore);
            shorter.chain.tip.extend(&checked.expect("a branch is shortened to what obeys the rules"));
            shorter.append(shown.clone());
        }
        shorter
    }

    /// Adds empty blocks of a miner that is named by its number.
    pub fn grow(&mut self, miner: u64, blocks: usize) {
        for _ in 0..blocks {
            self.extend(miner, Vec::new());
        }
    }

    /// Adds blocks in each of which the miner, by its number, pays some others.
    pub fn grow_with_payments(&mut self, miner: u64, blocks: usize, payments: usize) {
        for number in 0..blocks {
            let nonce = self.nonce(miner);
            let pay = |index: u64| {
                let to = account(100 + (number as u64 * 3 + index) % 40);
                pay(self.params(), miner, to, 1_000 + index, 1_000, nonce + index)
            };
            let can_pay = self.chain.accounts.account(&account(miner)).balance.grains() > 1_000_000;
            let transactions = (0..payments as u64).filter(|_| can_pay).map(pay).collect();
            self.extend(miner, transactions);
        }
    }

    /// The nonce of the next payment of an account, by its number.
    pub fn nonce(&self, number: u64) -> u64 {
        self.nonce_of(&account(number))
    }

    /// The nonce of the next payment of an account.
    pub fn nonce_of(&self, key: &PublicKey) -> u64 {
        self.chain.accounts.account(key).nonce
    }

    /// What an account holds after the last block, in grains.
    pub fn balance_of(&self, key: &PublicKey) -> u64 {
        self.chain.accounts.account(key).balance.grains()
    }

    /// Adds an empty block of this time.
    pub fn extend_at(&mut self, miner: u64, time: Timestamp) {
        let mut block = self.chain.block(account(miner), Vec::new());
        block.header.time = time;
        mine(&mut block.header);
        self.take(block);
    }

    /// Adds a block that obeys every rule.
    pub fn extend(&mut self, miner: u64, transactions: Vec<Transaction>) {
        let block = self.chain.block(account(miner), transactions);
        self.take(block);
    }

    fn take(&mut self, block: VecBlock) {
        self.try_extend(block).expect("the block obeys every rule");
    }

    /// Adds a block that somebody else made, where it obeys every rule.
    pub fn try_extend(&mut self, block: VecBlock) -> Result<(), RuleError> {
        let mut accounts = self.chain.accounts.clone();
        let checked =
            judge(&self.chain.params, &self.chain.tip, Clock::AcceptedBefore, &block, &mut accounts);
        let checked = checked.map_err(broken_rule)?;
        let before = std::mem::replace(&mut self.chain.accounts, accounts.clone());
        let witness = witness(before, &block.header, &block.transactions);
        self.chain.tip.extend(&checked);
        let (work, accounts) = (self.chain.tip.work(), Some(accounts));
        self.append(Shown { header: block.header, witness, work, accounts });
        Ok(())
    }

    /// Adds a block whatever it is; nothing can follow on it.
    pub fn append_any(&mut self, block: &VecBlock) {
        let witness = witness(self.chain.accounts.clone(), &block.header, &block.transactions);
        let own = block.header.target.expand().map_or(Work::ZERO, |target| target.work());
        let work = self.work().saturating_add(own);
        let accounts = Some(self.chain.accounts.clone());
        self.append(Shown { header: block.header.clone(), witness, work, accounts });
    }

    /// Adds a block of these transactions, whatever they are; nothing can follow on it.
    pub fn append_unchecked(&mut self, miner: u64, transactions: Vec<Transaction>) {
        let block = self.chain.block(account(miner), transactions);
        self.append_any(&block);
    }

    /// Adds a block by account 1 that breaks this rule and no other. `now` is what the clock of whoever
    /// checks shows. The account needs a reward to spend.
    pub fn append_broken(&mut self, rule: Rule, now: Timestamp) {
        let block = self.broken(rule, now);
        self.append_any(&block);
    }

    /// A block on the tip that breaks a rule. Where a chain cannot come to the state that the fixtures
    /// break the rule from, it is broken in another way.
    fn broken(&self, rule: Rule, now: Timestamp) -> VecBlock {
        let params = self.params();
        let nonce = self.nonce(1);
        let paid = |nonce, fee| pay(params, 1, account(2), 1_000, fee, nonce);
        let base = self.chain.block(account(1), vec![paid(nonce, 1_000)]);
        let mut header = base.header.clone();
        match rule {
            // No balance can be large enough, but the sum of the fees is made before one is looked at.
            Rule::LedgerOverflow => {
                let transactions = vec![paid(nonce, 1_000), paid(nonce + 1, u64::MAX)];
                return self.chain.block(account(1), transactions);
            }
            // The header says it all; nobody makes or sends so many transactions.
            Rule::BlockCapacity => header.transaction_count = BLOCK_TRANSACTIONS_MAX as u32 + 1,
            Rule::HeaderTimeFuture => header.time = now.plus(3_600),
            _ => return self.chain.broken(&base, rule),
        }
        mine(&mut header);
        BlockOf { header, transactions: base.transactions }
    }

    /// The headers that follow on the first of these ids that is known.
    pub fn headers_after(&self, locator: &[Hash32], limit: usize) -> Vec<Header> {
        let start = locator.iter().find_map(|id| self.places.get(id)).map_or(0, |index| index + 1);
        self.shown[start..].iter().take(limit).map(|shown| shown.header.clone()).collect()
    }

    /// A block by its id.
    pub fn get(&self, id: &Hash32) -> Option<&Shown> {
        self.places.get(id).map(|index| &self.shown[*index])
    }

    /// What proves an account in the state after a block.
    pub fn account(&self, block: &Hash32, key: &AccountKey) -> Option<Proof> {
        self.get(block)?.accounts.as_ref().map(|accounts| accounts.prove(key))
    }

    /// The witness of a block that somebody would like to mine on the tip.
    pub fn template(
        &self,
        tip: &Hash32,
        miner: PublicKey,
        transactions: &[Transaction],
        now: Timestamp,
    ) -> Option<Vec<Vec<u8>>> {
        let chain = &self.chain;
        let height = chain.tip.height().next();
        let executed = execute_blindly(&mut chain.accounts.clone(), height, &miner, transactions);
        let time = mote_core::miner::stamp(&chain.tip, now)?;
        let header = template(&chain.params, &chain.tip, miner, time, &executed);
        (chain.tip.id() == *tip).then(|| witness(chain.accounts.clone(), &header, transactions))
    }

    /// Adds a block that was made elsewhere.
    pub fn append(&mut self, shown: Shown) {
        self.places.insert(shown.header.id(), self.shown.len());
        self.shown.push(shown);
    }
}

/// The messages of a block's witness over the accounts before it. Of a broken block they are what
/// somebody would send who wants it believed.
fn witness(mut accounts: Oracle, header: &Header, transactions: &[Transaction]) -> Vec<Vec<u8>> {
    let mut messages = vec![wire(&Message::WitnessStart(header.clone()))];
    let mut due = reward(Height::new(header.height.get())).grains();
    for transaction in transactions {
        let sender = accounts.prove(&transaction.sender.account_key());
        accounts.debit_blindly(transaction);
        let recipient = accounts.prove(&transaction.recipient.account_key());
        accounts.credit_blindly(&transaction.recipient, transaction.amount.grains());
        due = due.wrapping_add(transaction.fee.grains());
        messages.push(witness_transaction(transaction, &sender, &recipient));
    }
    let miner = (due > 0).then(|| accounts.prove(&header.miner.account_key()));
    messages.push(wire(&Message::WitnessEnd(miner.as_ref().map(borrow))));
    messages
}

/// The message of a witness about one transaction.
pub fn witness_transaction(transaction: &Transaction, sender: &Proof, recipient: &Proof) -> Vec<u8> {
    let transaction = transaction.clone();
    let (sender, recipient) = (borrow(sender), borrow(recipient));
    wire(&Message::WitnessTransaction { transaction, sender, recipient })
}

/// A proof in the form in which messages carry it.
pub fn borrow(proof: &Proof) -> ProofRef<'_> {
    ProofOf { leaf: proof.leaf, path: proof.path.as_ref() }
}

/// The items as a list of a message.
pub fn with_list<T, R>(items: &[T], use_it: impl FnOnce(List<'_, T>) -> R) -> R
where
    T: Serialize + for<'d> Deserialize<'d>,
{
    let mut buffer = vec![0; items.iter().map(|item| wire(item).len()).sum()];
    let mut writer = ListWriter::new(&mut buffer);
    items.iter().for_each(|item| writer.push(item).expect("the buffer is as long as the items"));
    use_it(writer.finish())
}
