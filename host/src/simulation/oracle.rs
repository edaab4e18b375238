//! A slow and obvious ledger to hold the core against: one sorted map, arithmetic in 128 bits, and
//! every root by its recursive definition. It shares no arithmetic and no hash with the core.

use std::collections::BTreeMap;
use std::convert::Infallible;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey};
use mote_core::rules::{Rule, RuleError};
use mote_core::state::{Account, Accounts, Leaf, PathBuffer, Proof, ProofOf, Step, UpdateError};
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use sha2::{Digest, Sha256};

/// All accounts that were ever touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oracle(BTreeMap<AccountKey, Account>);

impl Oracle {
    /// The accounts of a ledger that already has some.
    pub fn with(accounts: impl IntoIterator<Item = (PublicKey, Account)>) -> Self {
        Self(accounts.into_iter().map(|(key, account)| (account_key(&key), account)).collect())
    }

    /// What `key` holds; nothing, where it was never touched.
    pub fn account(&self, key: &PublicKey) -> Account {
        self.0.get(&account_key(key)).copied().unwrap_or_default()
    }

    /// How many accounts there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The sum of all balances, in grains.
    pub fn total(&self) -> u128 {
        self.0.values().map(|account| u128::from(account.balance.grains())).sum()
    }

    /// Applies a block by the text of the rules; the first that breaks, in the order of execution.
    pub fn execute(
        &mut self,
        reward: Amount,
        miner: &PublicKey,
        transactions: &[Transaction],
    ) -> Result<(), Rule> {
        let mut due = reward.grains();
        let mut fees = 0_u64;
        for transaction in transactions {
            let (amount, fee) = (transaction.amount.grains(), transaction.fee.grains());
            fees = fees.checked_add(fee).ok_or(Rule::LedgerOverflow)?;
            let Account { balance, nonce } = self.account(&transaction.sender);
            if nonce != transaction.nonce {
                return Err(Rule::LedgerNonce);
            }
            if u128::from(balance.grains()) < u128::from(amount) + u128::from(fee) {
                return Err(Rule::LedgerBalance);
            }
            if nonce == u64::MAX {
                return Err(Rule::LedgerOverflow);
            }
            let rest = Amount::from_grains(balance.grains() - amount - fee);
            self.0.insert(account_key(&transaction.sender), Account { balance: rest, nonce: nonce + 1 });
            self.credit(&transaction.recipient, amount)?;
        }
        due = due.checked_add(fees).ok_or(Rule::LedgerOverflow)?;
        if due > 0 { self.credit(miner, due) } else { Ok(()) }
    }

    fn credit(&mut self, key: &PublicKey, grains: u64) -> Result<(), Rule> {
        let Account { balance, nonce } = self.account(key);
        let balance = balance.grains().checked_add(grains).ok_or(Rule::LedgerOverflow)?;
        self.0.insert(account_key(key), Account { balance: Amount::from_grains(balance), nonce });
        Ok(())
    }

    /// Takes from the sender what the transaction says, whatever it has: what somebody does who wants
    /// others to believe in a broken block.
    pub fn debit_blindly(&mut self, transaction: &Transaction) {
        let spent = transaction.amount.grains().wrapping_add(transaction.fee.grains());
        let account = self.0.entry(account_key(&transaction.sender)).or_default();
        account.balance = Amount::from_grains(account.balance.grains().wrapping_sub(spent));
        account.nonce = account.nonce.wrapping_add(1);
    }

    /// Adds to an account, and wraps.
    pub fn credit_blindly(&mut self, key: &PublicKey, grains: u64) {
        let account = self.0.entry(account_key(key)).or_default();
        account.balance = Amount::from_grains(account.balance.grains().wrapping_add(grains));
    }

    /// The proof of `key`: the leaf that its search ends in, and the path from there up.
    pub fn prove(&self, key: &AccountKey) -> Proof {
        let leaves: Vec<Leaf> = self.leaves().collect();
        let mut path = PathBuffer::new();
        let leaf = search(&leaves, key, &mut path);
        ProofOf { leaf, path }
    }

    /// The root of their tree.
    pub fn root(&self) -> Hash32 {
        tree_root(&self.leaves().collect::<Vec<_>>())
    }

    fn leaves(&self) -> impl Iterator<Item = Leaf> {
        self.0.iter().map(|(key, account)| Leaf { key: *key, account: *account })
    }
}

impl Accounts for Oracle {
    type Error = Infallible;

    fn update(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(Account) -> Result<Account, RuleError>,
    ) -> Result<(), UpdateError<Infallible>> {
        let changed = change(self.0.get(key).copied().unwrap_or_default())?;
        self.0.insert(*key, changed);
        Ok(())
    }

    fn settle(&mut self) -> Result<Hash32, Infallible> {
        Ok(self.root())
    }
}

/// Where an account stands in the tree.
pub fn account_key(key: &PublicKey) -> AccountKey {
    hash(&[&[0x05], key.as_bytes()])
}

/// The root of the account tree over leaves in the order of their keys.
pub fn tree_root(leaves: &[Leaf]) -> Hash32 {
    match leaves {
        [] => Hash32::ZERO,
        [Leaf { key, account }] => {
            let (balance, nonce) = (account.balance.grains().to_le_bytes(), account.nonce.to_le_bytes());
            hash(&[&[0x02], key.as_bytes(), &balance, &nonce])
        }
        _ => {
            let (index, left, right) = part(leaves);
            hash(&[&[0x03, index], tree_root(left).as_bytes(), tree_root(right).as_bytes()])
        }
    }
}

/// The first bit that is not the same in all keys, and the leaves on its two sides.
fn part(leaves: &[Leaf]) -> (u8, &[Leaf], &[Leaf]) {
    for index in 0..=255 {
        // The keys are sorted and agree in all bits before, so this bit is 0 in a first part of them.
        let split = leaves.iter().take_while(|leaf| !bit(&leaf.key, index)).count();
        if split > 0 && split < leaves.len() {
            return (index, &leaves[..split], &leaves[split..]);
        }
    }
    panic!("the keys of a map differ");
}

fn search(leaves: &[Leaf], key: &AccountKey, path: &mut PathBuffer) -> Option<Leaf> {
    let ([_, _, ..], true) = (leaves, leaves.len() > 1) else { return leaves.first().copied() };
    let (index, left, right) = part(leaves);
    let (near, far) = if bit(key, index) { (right, left) } else { (left, right) };
    let leaf = search(near, key, path);
    path.push(Step { index, sibling: tree_root(far) }).expect("there is one step a bit at the most");
    leaf
}

/// Bit 0 is the top bit of byte 0.
fn bit(key: &AccountKey, index: u8) -> bool {
    key.as_bytes()[usize::from(index) / 8] >> (7 - index % 8) & 1 == 1
}

/// RFC 6962 section 2.1: the root of a log whose leaves hold this data.
pub fn log_root(leaves: &[Vec<u8>]) -> Hash32 {
    match leaves {
        [] => hash(&[]),
        [leaf] => hash(&[&[0x00], leaf]),
        _ => {
            let mut split = 1;
            while 2 * split < leaves.len() {
                split *= 2;
            }
            let (left, right) = leaves.split_at(split);
            hash(&[&[0x01], log_root(left).as_bytes(), log_root(right).as_bytes()])
        }
    }
}

/// What a transaction's leaf holds: all its fields, the signature last.
pub fn transaction_leaf(transaction: &Transaction) -> Vec<u8> {
    [
        &transaction.sender.as_bytes()[..],
        transaction.recipient.as_bytes(),
        &transaction.amount.grains().to_le_bytes(),
        &transaction.fee.grains().to_le_bytes(),
        &transaction.nonce.to_le_bytes(),
        &[transaction.memo.len() as u8],
        &transaction.memo,
        transaction.signature.as_bytes(),
    ]
    .concat()
}

/// The id of a header.
pub fn header_id(header: &Header) -> Hash32 {
    let commitment = hash(&[
        &[0x04],
        &header.version.to_le_bytes(),
        &header.height.get().to_le_bytes(),
        header.previous.as_bytes(),
        header.history_root.as_bytes(),
        header.transactions_root.as_bytes(),
        &header.transaction_count.to_le_bytes(),
        header.state_root.as_bytes(),
        header.miner.as_bytes(),
        &header.time.seconds().to_le_bytes(),
        &header.target.bits().to_le_bytes(),
    ]);
    hash(&[commitment.as_bytes(), &header.nonce.to_le_bytes()])
}

/// SHA-256 of `parts`, one after another.
pub fn hash(parts: &[&[u8]]) -> Hash32 {
    Hash32::from_bytes(Sha256::digest(parts.concat()).into())
}
