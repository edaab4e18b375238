//! What the tests are built from: keys by number, chains over an [`Oracle`], blocks that obey every
//! rule, and blocks that break exactly one.

use std::convert::Infallible;

use mote_core::block::{BlockOf, Header};
use mote_core::chain::Tip;
use mote_core::codec::{encode, encoded_len};
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey, Signature};
use mote_core::merkle::Frontier;
use mote_core::miner::{Job, template};
use mote_core::params::{FUTURE_MAX_SECONDS, Network, Params, TIME_LIMIT_SECONDS, reward};
use mote_core::pow::{CompactTarget, Work};
use mote_core::rules::{CheckedHeader, Clock, Executed, Execution, Rule, RuleError};
use mote_core::rules::{check_header, check_transaction};
use mote_core::state::{Account, Accounts, ProofOf, ProofRef, UpdateError, WitnessAccounts};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Height, Timestamp};
use serde::Serialize;

use mote::simulation::oracle::{Oracle, log_root, transaction_leaf};

/// A block of any size.
pub type VecBlock = BlockOf<Vec<Transaction>>;

/// The accounts of [`Chain::funded`] that can pay are those of the keys 1 to this number.
pub const FUNDED: u64 = 8;

/// What each of them has, in grains: 1,000 motes.
pub const FUNDS: u64 = 1_000_000_000;

/// The account of [`Chain::funded`] that can take nothing, since it holds all that 64 bits can count.
pub const FULL: u64 = 1_000;

/// The most transactions in a block of [`Chain::funded`]: few, so that one too many is cheap.
pub const FUNDED_CAPACITY: usize = 8;

/// The encoding of the point of order 2: a key for which anybody can sign.
pub const SMALL_ORDER: PublicKey = {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xec, 0x7f);
    PublicKey::from_bytes(bytes)
};

/// The private key of account `number`.
pub fn key(number: u64) -> SecretKey {
    let mut seed = [0x4d; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

/// The public key of account `number`.
pub fn account(number: u64) -> PublicKey {
    key(number).public_key()
}

/// The parameters of `regtest`, where a block takes two attempts.
pub fn regtest() -> Params {
    Params::new(Network::Regtest)
}

/// The parameters of the network called `name`.
pub fn network(name: &str) -> Params {
    Params::new(name.parse().expect("tests name networks that there are"))
}

/// The wire form of a value.
pub fn wire<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0; encoded_len(value)];
    encode(value, &mut buffer).expect("the buffer is as long as the encoding");
    buffer
}

/// Finds a nonce for the header.
pub fn mine(header: &mut Header) {
    let job = Job::new(header).expect("the target is one");
    header.nonce = job.search(0..u64::MAX).expect("some nonce meets the target");
}

/// Finds a nonce that does not meet the header's target.
pub fn mine_badly(header: &mut Header) {
    let job = Job::new(header).expect("the target is one");
    let fails = |nonce: &u64| job.search(*nonce..*nonce + 1).is_none();
    header.nonce = (0..u64::MAX).find(fails).expect("most nonces do not meet the target");
}

/// A payment of `amount` and `fee` grains between accounts by number, for the network of `params`.
pub fn pay(params: &Params, from: u64, to: PublicKey, amount: u64, fee: u64, nonce: u64) -> Transaction {
    let (amount, fee) = (Amount::from_grains(amount), Amount::from_grains(fee));
    Payment { recipient: to, amount, fee, nonce, memo: Memo::new() }.sign(params, &key(from))
}

/// A payment from a key of small order, with the signature that ZIP-215 takes for any message: the
/// neutral point and 0.
pub fn pay_from_small_order(to: PublicKey, amount: u64, fee: u64, nonce: u64) -> Transaction {
    let mut neutral = [0; 64];
    neutral[0] = 1;
    Transaction {
        sender: SMALL_ORDER,
        recipient: to,
        amount: Amount::from_grains(amount),
        fee: Amount::from_grains(fee),
        nonce,
        memo: Memo::new(),
        signature: Signature::from_bytes(neutral),
    }
}

/// What somebody who checks nothing would put into a header.
pub fn execute_blindly(
    accounts: &mut Oracle,
    height: Height,
    miner: &PublicKey,
    transactions: &[Transaction],
) -> Executed {
    let mut due = reward(height).grains();
    for transaction in transactions {
        accounts.debit_blindly(transaction);
        accounts.credit_blindly(&transaction.recipient, transaction.amount.grains());
        due = due.wrapping_add(transaction.fee.grains());
    }
    accounts.credit_blindly(miner, due);
    let leaves: Vec<Vec<u8>> = transactions.iter().map(transaction_leaf).collect();
    Executed {
        transaction_count: transactions.len() as u32,
        transactions_root: log_root(&leaves),
        state_root: accounts.root(),
    }
}

/// Judges a block by every rule, as a node does over a tree and a device over a witness.
pub fn judge<A: Accounts>(
    params: &Params,
    tip: &Tip,
    clock: Clock,
    block: &VecBlock,
    accounts: &mut A,
) -> Result<CheckedHeader, UpdateError<A::Error>> {
    let checked = check_header(params, tip, &block.header, clock)?;
    let mut execution = Execution::new(params, block.header.height, block.header.miner);
    for transaction in &block.transactions {
        execution.apply(accounts, &check_transaction(params, transaction)?)?;
    }
    execution.finish(accounts)?.check(&block.header)?;
    Ok(checked)
}

/// The rule that an oracle's accounts broke: they cannot fail otherwise.
pub fn broken_rule(error: UpdateError<Infallible>) -> RuleError {
    match error {
        UpdateError::Rule(error) => error,
        UpdateError::Accounts(never) => match never {},
    }
}

/// A chain, its accounts, and a clock that shows the time at which the next block is due.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The network.
    pub params: Params,
    /// The last header.
    pub tip: Tip,
    /// All accounts.
    pub accounts: Oracle,
}

impl Chain {
    /// The chain that consists of the genesis block.
    pub fn new(params: Params) -> Self {
        let tip = Tip::genesis(&params);
        Self { params, tip, accounts: Oracle::default() }
    }

    /// A chain of `regtest` whose first header commits to these accounts, so that a test can start
    /// from states that take very long to reach, or cannot be reached at all.
    pub fn with(accounts: Oracle) -> Self {
        let params = regtest();
        let header = Header { state_root: accounts.root(), ..params.genesis().clone() };
        let tip = Tip::restore(&header, Work::ZERO, &[header.time], Frontier::new());
        Self { params, tip, accounts }
    }

    /// A chain with a few rich accounts and small blocks; see [`FUNDED`] and [`FULL`].
    pub fn funded() -> Self {
        let holding = |grains| Account { balance: Amount::from_grains(grains), nonce: 0 };
        let rich = (1..=FUNDED).map(|number| (account(number), holding(FUNDS)));
        let strange = [(account(FULL), holding(u64::MAX)), (SMALL_ORDER, holding(FUNDS))];
        let mut chain = Self::with(Oracle::with(rich.chain(strange)));
        chain.params.block_transactions_max = FUNDED_CAPACITY;
        chain
    }

    /// The time at which the next block is due, which is what the clock shows.
    pub fn now(&self) -> Timestamp {
        self.tip.time().plus(10)
    }

    /// The clock that blocks are judged by.
    pub fn clock(&self) -> Clock {
        Clock::Now(self.now())
    }

    /// A block on the tip, mined, with these transactions whether they are valid or not.
    pub fn block(&self, miner: PublicKey, transactions: Vec<Transaction>) -> VecBlock {
        let height = self.tip.height().next();
        let executed = execute_blindly(&mut self.accounts.clone(), height, &miner, &transactions);
        let mut header = template(&self.params, &self.tip, miner, self.now(), &executed);
        mine(&mut header);
        VecBlock { header, transactions }
    }

    /// Judges a block on the tip; the accounts after it.
    pub fn judge(&self, block: &VecBlock) -> Result<(CheckedHeader, Oracle), RuleError> {
        let mut accounts = self.accounts.clone();
        let checked = judge(&self.params, &self.tip, self.clock(), block, &mut accounts);
        checked.map(|checked| (checked, accounts)).map_err(broken_rule)
    }

    /// Judges a block, and moves on to it.
    pub fn accept(&mut self, block: &VecBlock) -> Result<(), RuleError> {
        let (checked, accounts) = self.judge(block)?;
        self.accounts = accounts;
        self.tip.extend(&checked);
        Ok(())
    }

    /// The proofs that executing the block asks for, in their wire form. Of a broken block they are
    /// what somebody would offer who wants it believed.
    pub fn witness(&self, block: &VecBlock) -> Vec<Vec<u8>> {
        let mut accounts = self.accounts.clone();
        let mut proofs = Vec::new();
        let mut due = reward(block.header.height).grains();
        for transaction in &block.transactions {
            proofs.push(wire(&accounts.prove(&transaction.sender.account_key())));
            accounts.debit_blindly(transaction);
            proofs.push(wire(&accounts.prove(&transaction.recipient.account_key())));
            accounts.credit_blindly(&transaction.recipient, transaction.amount.grains());
            due = due.wrapping_add(transaction.fee.grains());
        }
        if due > 0 {
            proofs.push(wire(&accounts.prove(&block.header.miner.account_key())));
        }
        proofs
    }

    /// Accounts of which only the root after the tip and these proofs are known.
    pub fn witnessed<'a>(
        &self,
        proofs: Vec<ProofRef<'a>>,
    ) -> WitnessAccounts<impl Iterator<Item = ProofOf<&'a [u8]>>> {
        WitnessAccounts::new(self.tip.state_root(), proofs.into_iter())
    }

    /// The same block, but for breaking `rule` and no other, mined again. For a chain made by
    /// [`Chain::funded`] and a block on its tip that is not full.
    ///
    /// Where the flaw is a transaction, it comes last, and the roots are what a miner that does not
    /// know the rule would commit to.
    pub fn broken(&self, block: &VecBlock, rule: Rule) -> VecBlock {
        let mut block = block.clone();
        match self.flawed_transaction(&block, rule) {
            Some(transaction) => {
                block.transactions.push(transaction);
                return self.block(block.header.miner, block.transactions);
            }
            None => self.flaw_header(&mut block, rule),
        }
        if rule == Rule::HeaderProofOfWork {
            mine_badly(&mut block.header);
        } else {
            mine(&mut block.header);
        }
        block
    }

    /// The transaction by which `rule` is broken, where it is broken by one.
    fn flawed_transaction(&self, block: &VecBlock, rule: Rule) -> Option<Transaction> {
        let mut accounts = self.accounts.clone();
        execute_blindly(&mut accounts, block.header.height, &block.header.miner, &block.transactions);
        let Account { balance, nonce } = accounts.account(&account(1));
        let to = account(2);
        let make = |to, amount, fee, nonce| pay(&self.params, 1, to, amount, fee, nonce);
        Some(match rule {
            Rule::TransactionAmount => make(to, 0, 1_000, nonce),
            Rule::TransactionFee => make(to, 1, 999, nonce),
            Rule::TransactionSender => {
                pay_from_small_order(to, 1, 1_000, accounts.account(&SMALL_ORDER).nonce)
            }
            Rule::TransactionRecipient => make(SMALL_ORDER, 1, 1_000, nonce),
            Rule::TransactionSignature => {
                Transaction { sender: account(1), ..pay(&self.params, 3, to, 1, 1_000, nonce) }
            }
            Rule::LedgerNonce => make(to, 1, 1_000, nonce + 1),
            Rule::LedgerBalance => make(to, balance.grains() - 999, 1_000, nonce),
            Rule::LedgerOverflow => make(account(FULL), 1, 1_000, nonce),
            _ => return None,
        })
    }

    fn flaw_header(&self, block: &mut VecBlock, rule: Rule) {
        let VecBlock { header, transactions } = block;
        match rule {
            Rule::HeaderVersion => header.version = 2,
            Rule::HeaderMiner => *block = self.block(SMALL_ORDER, transactions.clone()),
            Rule::HeaderTimeRange => header.time = Timestamp::from_seconds(TIME_LIMIT_SECONDS),
            Rule::BlockCapacity => {
                let missing = self.params.block_transactions_max + 1 - transactions.len();
                let nonce = transactions.iter().filter(|paid| paid.sender == account(FUNDED)).count() as u64
                    + self.accounts.account(&account(FUNDED)).nonce;
                let more = (nonce..nonce + missing as u64)
                    .map(|nonce| pay(&self.params, FUNDED, account(1), 1, 1_000, nonce));
                let all = transactions.iter().cloned().chain(more).collect();
                *block = self.block(header.miner, all);
            }
            Rule::HeaderPrevious => header.previous = flipped(&header.previous),
            Rule::HeaderHeight => header.height = header.height.next(),
            Rule::HeaderHistoryRoot => header.history_root = flipped(&header.history_root),
            Rule::HeaderTarget => header.target = CompactTarget::from_bits(header.target.bits() - 1),
            Rule::HeaderTimeMedian => header.time = self.tip.median_time(),
            Rule::HeaderTimeFuture => header.time = self.now().plus(FUTURE_MAX_SECONDS + 1),
            Rule::BlockTransactionCount => header.transaction_count += 1,
            Rule::BlockTransactionsRoot => header.transactions_root = flipped(&header.transactions_root),
            Rule::BlockStateRoot => header.state_root = flipped(&header.state_root),
            // Proof of work is broken by the search that follows, the rest by a transaction.
            Rule::HeaderProofOfWork
            | Rule::TransactionAmount
            | Rule::TransactionFee
            | Rule::TransactionSender
            | Rule::TransactionRecipient
            | Rule::TransactionSignature
            | Rule::LedgerNonce
            | Rule::LedgerBalance
            | Rule::LedgerOverflow => {}
        }
    }
}

/// The hash with its last bit changed.
pub fn flipped(hash: &Hash32) -> Hash32 {
    let mut bytes = *hash.as_bytes();
    bytes[31] ^= 1;
    Hash32::from_bytes(bytes)
}
