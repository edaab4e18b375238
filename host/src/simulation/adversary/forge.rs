//! Blocks and payments made with real work, right in all but one thing: each breaks the rule that it is asked
//! to break. What a header commits to is computed by the replay's plain code, so no rule of the core keeps a
//! forger from anything.

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey, Signature};
use mote_core::miner::Job;
use mote_core::params::{Network, Params};
use mote_core::pow::CompactTarget;
use mote_core::rules::Rule;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Height, Timestamp};

use crate::block::Block;
use crate::simulation::oracle::{Oracle, header_id, log_root, transaction_leaf};
use crate::simulation::random::Random;
use crate::simulation::replay::{Facts, Replay, Replayed, reward};

/// What a payer needs at least, in grains, to be of use to a forger.
const FUNDS_MIN: u64 = 1_000_000;

/// What one of several payments takes at the most, in grains: its number and a fee.
const PAYMENT_MAX: u64 = 2_000;

/// A block of the world takes a few attempts on average; so many without success do not happen.
const ATTEMPTS_MAX: u64 = 1 << 20;

/// The easiest target that can be written down.
const EASY: u32 = 0x2100_ffff;

/// A key of small order, for which anybody can sign: the point of order 2.
const SMALL_ORDER: PublicKey = {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xec, 0x7f);
    PublicKey::from_bytes(bytes)
};

/// Makes blocks and payments that break rules.
pub struct Forge<'w> {
    /// The world's network.
    pub params: &'w Params,
    /// What the rules must know of it.
    pub facts: Facts,
    /// The keys of the world's wallets; there is at least one.
    pub wallets: &'w [SecretKey],
    /// The time, in Unix seconds.
    pub now: u64,
    /// The latest time that any node takes, in Unix seconds.
    pub latest: u64,
    /// Chance.
    pub random: &'w mut Random,
    /// Payments that the owners of the sending accounts signed, to be noted as such.
    pub signed: Vec<Transaction>,
}

impl Forge<'_> {
    /// A block that obeys every rule where `transactions` do.
    pub fn block(&mut self, parent: &Replayed, transactions: Vec<Transaction>) -> Replayed {
        let miner = self.some_key();
        let (mut block, accounts) = self.template(parent, miner, transactions);
        mine(&mut block.header);
        parent.child(header_id(&block.header), block, accounts)
    }

    /// A block that breaks `rule`, and no other where that can be. None where nobody has the means.
    pub fn broken(&mut self, parent: &Replayed, replay: &Replay, rule: Rule) -> Option<Replayed> {
        if let Some(transactions) = self.flawed(parent, replay, rule)? {
            return Some(self.block(parent, transactions));
        }
        let miner = if rule == Rule::HeaderMiner { SMALL_ORDER } else { self.some_key() };
        let honest = self.payments(parent, 1);
        let (mut block, accounts) = self.template(parent, miner, honest);
        self.flaw(&mut block.header, parent, rule);
        if rule == Rule::HeaderProofOfWork {
            mine_badly(&mut block.header)
        } else {
            mine(&mut block.header)
        }
        Some(parent.child(header_id(&block.header), block, accounts))
    }

    /// Payments that nobody may take into a pool, or that are of no use there.
    /// None where nobody has the means.
    pub fn bad_payments(&mut self, tip: &Replayed, replay: &Replay) -> Option<Vec<Transaction>> {
        let rules = [
            Rule::TransactionAmount,
            Rule::TransactionFee,
            Rule::TransactionSender,
            Rule::TransactionRecipient,
            Rule::TransactionSignature,
            Rule::LedgerNonce,
            Rule::LedgerBalance,
        ];
        let rule = rules[self.random.index(rules.len())];
        self.flawed(tip, replay, rule).flatten()
    }

    /// Up to `count` right payments of one wallet.
    pub fn payments(&mut self, parent: &Replayed, count: u64) -> Vec<Transaction> {
        let Some((key, balance, nonce)) = self.payer(parent) else { return Vec::new() };
        let to = self.some_key();
        let affordable = (balance / PAYMENT_MAX).min(count);
        (0..affordable).map(|index| self.sign(key, to, 1 + index, 1_000, nonce + index)).collect()
    }

    /// The payments of a block that breaks `rule` by one of them; none inside where it is broken otherwise, and
    /// none at all where nobody has the means.
    fn flawed(&mut self, parent: &Replayed, replay: &Replay, rule: Rule) -> Option<Option<Vec<Transaction>>> {
        let Some((key, balance, nonce)) = self.payer(parent) else {
            return (!is_broken_by_payments(rule)).then_some(None);
        };
        let to = self.some_key();
        let choice = self.random.below(3);
        let transactions = match rule {
            Rule::TransactionAmount => vec![self.sign(key, to, 0, 1_000, nonce)],
            Rule::TransactionFee => vec![self.sign(key, to, 1, 999 * (choice / 2), nonce)],
            Rule::TransactionSender => vec![from_small_order(to)],
            Rule::TransactionRecipient => vec![self.sign(key, SMALL_ORDER, 1, 1_000, nonce)],
            Rule::TransactionSignature => vec![self.forged(key, to, nonce, choice)],
            Rule::LedgerNonce => match choice {
                0 => vec![self.sign(key, to, 1, 1_000, nonce + 1)],
                1 => vec![self.sign(key, to, 1, 1_000, nonce); 2],
                _ => vec![mined_before(parent, replay)?],
            },
            Rule::LedgerBalance => {
                // What wraps around to a few grains, for somebody who has none: more would not fit into an account.
                // Or a little more than there is.
                let nobody = SecretKey::from_seed(parent.block.header.state_root.as_bytes()).public_key();
                let (to, amount) = if choice == 0 { (nobody, u64::MAX - 500) } else { (to, balance - 999) };
                vec![self.sign(key, to, amount, 1_000, nonce)]
            }
            Rule::BlockCapacity => {
                let count = self.facts.capacity as u64 + 1;
                if balance < count * 1_001 {
                    return None;
                }
                (0..count).map(|index| self.sign(key, to, 1, 1_000, nonce + index)).collect()
            }
            // No account comes near 2^64 grains.
            Rule::LedgerOverflow => return None,
            _ => return Some(None),
        };
        Some(Some(transactions))
    }

    /// A payment that the owner of `key` did not sign as it stands.
    fn forged(&mut self, payer: usize, to: PublicKey, nonce: u64, choice: u64) -> Transaction {
        let (payment, key) = (payment(to, 1, 1_000, nonce), &self.wallets[payer]);
        match choice {
            0 => {
                let thief = SecretKey::from_seed(&[0x74; 32]);
                Transaction { sender: key.public_key(), ..payment.sign(self.params, &thief) }
            }
            1 => payment.sign(&Params::new(Network::Local), key),
            _ => Transaction { fee: Amount::from_grains(1_001), ..payment.sign(self.params, key) },
        }
    }

    fn flaw(&mut self, header: &mut Header, parent: &Replayed, rule: Rule) {
        let choice = self.random.below(3);
        match rule {
            Rule::HeaderVersion => header.version = 2 * choice as u16,
            Rule::HeaderTimeRange => header.time = Timestamp::from_seconds(1 << 40),
            Rule::HeaderPrevious => header.previous = flipped(&header.previous),
            Rule::HeaderHeight => header.height = Height::new(header.height.get() + 1 - choice.min(1) * 2),
            Rule::HeaderHistoryRoot => header.history_root = flipped(&header.history_root),
            Rule::HeaderTarget => {
                let bits = if choice == 0 { header.target.bits() - 1 } else { EASY };
                header.target = CompactTarget::from_bits(bits);
            }
            Rule::HeaderTimeMedian => header.time = Timestamp::from_seconds(parent.median() - choice * 1_000),
            Rule::HeaderTimeFuture => {
                let ahead = 1_800 * (1 + self.random.below(1_000));
                header.time = Timestamp::from_seconds(self.latest + ahead);
            }
            Rule::BlockTransactionCount => header.transaction_count += 1,
            Rule::BlockTransactionsRoot => header.transactions_root = flipped(&header.transactions_root),
            Rule::BlockStateRoot => header.state_root = flipped(&header.state_root),
            // Proof of work is broken by the search, the miner's key was chosen before, the rest is payments'.
            _ => {}
        }
    }

    /// A child of `parent` that lacks its nonce, and what accounts would be after it: payments apply whether
    /// they may or not.
    fn template(
        &self,
        parent: &Replayed,
        miner: PublicKey,
        transactions: Vec<Transaction>,
    ) -> (Block, Oracle) {
        let (mut accounts, height) = (parent.accounts.clone(), parent.height() + 1);
        let mut due = reward(height);
        for transaction in &transactions {
            accounts.debit_blindly(transaction);
            accounts.credit_blindly(&transaction.recipient, transaction.amount.grains());
            due = due.wrapping_add(transaction.fee.grains());
        }
        accounts.credit_blindly(&miner, due);
        let leaves: Vec<Vec<u8>> = transactions.iter().map(transaction_leaf).collect();
        let header = Header {
            version: 1,
            height: Height::new(height),
            previous: parent.id,
            history_root: parent.history_root(),
            transactions_root: log_root(&leaves),
            transaction_count: transactions.len() as u32,
            state_root: accounts.root(),
            miner,
            time: Timestamp::from_seconds(self.now.max(parent.median() + 1)),
            target: CompactTarget::from_bits(parent.next_target(self.facts)),
            nonce: 0,
        };
        (Block { header, transactions }, accounts)
    }

    /// The number of a wallet that can pay, what it has and its nonce.
    fn payer(&mut self, parent: &Replayed) -> Option<(usize, u64, u64)> {
        let count = self.wallets.len();
        let first = self.random.index(count);
        (first..first + count).map(|number| number % count).find_map(|number| {
            let account = parent.accounts.account(&self.wallets[number].public_key());
            let balance = account.balance.grains();
            // What was debited more than it had holds a wrapped number.
            (FUNDS_MIN..1 << 60).contains(&balance).then_some((number, balance, account.nonce))
        })
    }

    fn sign(&mut self, payer: usize, to: PublicKey, amount: u64, fee: u64, nonce: u64) -> Transaction {
        let signed = payment(to, amount, fee, nonce).sign(self.params, &self.wallets[payer]);
        self.signed.push(signed.clone());
        signed
    }

    fn some_key(&mut self) -> PublicKey {
        self.wallets[self.random.index(self.wallets.len())].public_key()
    }
}

/// Whether it takes payments to break a rule.
fn is_broken_by_payments(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::TransactionAmount
            | Rule::TransactionFee
            | Rule::TransactionSender
            | Rule::TransactionRecipient
            | Rule::TransactionSignature
            | Rule::LedgerNonce
            | Rule::LedgerBalance
            | Rule::LedgerOverflow
            | Rule::BlockCapacity
    )
}

fn payment(recipient: PublicKey, amount: u64, fee: u64, nonce: u64) -> Payment {
    let (amount, fee) = (Amount::from_grains(amount), Amount::from_grains(fee));
    Payment { recipient, amount, fee, nonce, memo: Memo::new() }
}

/// A payment with the signature that ZIP-215 takes for any message of such a key: the neutral point and 0.
fn from_small_order(recipient: PublicKey) -> Transaction {
    let Payment { recipient, amount, fee, nonce, memo } = payment(recipient, 1, 1_000, 0);
    let mut neutral = [0; 64];
    neutral[0] = 1;
    let signature = Signature::from_bytes(neutral);
    Transaction { sender: SMALL_ORDER, recipient, amount, fee, nonce, memo, signature }
}

/// A payment that the chain of `parent` has already.
fn mined_before(parent: &Replayed, replay: &Replay) -> Option<Transaction> {
    replay.chain(&parent.id).find_map(|(_, replayed)| replayed.block.transactions.first().cloned())
}

fn mine(header: &mut Header) {
    header.nonce = Job::new(header).and_then(|job| job.search(0..ATTEMPTS_MAX)).unwrap_or_default();
}

fn mine_badly(header: &mut Header) {
    let Some(job) = Job::new(header) else { return };
    let fails = |nonce: &u64| job.search(*nonce..*nonce + 1).is_none();
    header.nonce = (0..ATTEMPTS_MAX).find(fails).unwrap_or_default();
}

/// The hash with its last bit changed.
fn flipped(hash: &Hash32) -> Hash32 {
    let mut bytes = *hash.as_bytes();
    bytes[31] ^= 1;
    Hash32::from_bytes(bytes)
}
