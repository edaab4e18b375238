//! The accounts: a binary Patricia (crit-bit) tree whose root every header commits to.
//!
//! `leaf = H(0x02 || key || balance || nonce)`, `branch = H(0x03 || bit index || left || right)`; the
//! empty tree's root is 32 zero bytes. Bit 0 of a key is the top bit of its byte 0, and `left` holds
//! the keys whose bit is 0. Leaves are never removed: the nonce is what stops replays.

mod fold;
mod proof;
mod witness;

use serde::{Deserialize, Serialize};

pub use fold::{Evidence, Fold, Folded, Roots};
pub use proof::{PathBuffer, Proof, ProofError, ProofOf, ProofRef, STEP_BYTES, Step};
pub use witness::{WitnessAccounts, WitnessError};

use crate::hash::{Hash32, Tag, preimage, tagged};
use crate::keys::AccountKey;
use crate::rules::RuleError;
use crate::units::Amount;

/// What an account holds. An absent account reads as the default, nothing and 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What the account can spend.
    pub balance: Amount,
    /// How many transactions the account has made: the nonce of its next one.
    pub nonce: u64,
}

/// An account in its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Where the account stands.
    pub key: AccountKey,
    /// What it holds.
    pub account: Account,
}

impl Leaf {
    /// `H(0x02 || key || balance || nonce)`, integers as 8 little-endian bytes.
    pub fn hash(&self) -> Hash32 {
        let Account { balance, nonce } = self.account;
        tagged(
            Tag::AccountLeaf,
            &[self.key.as_bytes(), &balance.grains().to_le_bytes(), &nonce.to_le_bytes()],
        )
    }

    /// What [`Leaf::hash`] is the SHA-256 of.
    pub fn preimage(&self) -> [u8; 49] {
        let Account { balance, nonce } = self.account;
        let fields = [self.key.as_bytes(), &balance.grains().to_le_bytes()[..], &nonce.to_le_bytes()];
        preimage(Tag::AccountLeaf, &fields)
    }
}

/// What [`branch_hash`] is the SHA-256 of.
pub fn branch_preimage(index: u8, left: &Hash32, right: &Hash32) -> [u8; 66] {
    preimage(Tag::AccountBranch, &[&[index], left.as_bytes(), right.as_bytes()])
}

/// `H(0x03 || bit index || left || right)`.
pub fn branch_hash(index: u8, left: &Hash32, right: &Hash32) -> Hash32 {
    tagged(Tag::AccountBranch, &[&[index], left.as_bytes(), right.as_bytes()])
}

/// The side of a branch at bit `index` on which `key` lies.
pub fn side(key: &AccountKey, index: u8) -> Side {
    let byte = key.as_bytes().get(usize::from(index / 8)).copied().unwrap_or_default();
    if byte << (index % 8) & 0x80 == 0 { Side::Left } else { Side::Right }
}

/// The first bit in which two keys differ, `None` where they are equal.
pub fn first_difference(a: &AccountKey, b: &AccountKey) -> Option<u8> {
    let mut bytes = a.as_bytes().iter().zip(b.as_bytes()).enumerate();
    bytes.find(|(_, (a, b))| a != b).map(|(index, (a, b))| (8 * index as u32 + (a ^ b).leading_zeros()) as u8)
}

/// One of the two children of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The keys whose bit is 0.
    Left,
    /// The keys whose bit is 1.
    Right,
}

/// A set of accounts that transactions can be executed over: a full tree, or a stream of proofs
/// against a running root.
pub trait Accounts {
    /// What can go wrong besides a broken rule: a store that fails, a proof that is forged.
    type Error;

    /// Replaces the account at `key` by what `change` makes of it. Where `change` refuses, nothing is
    /// changed and its error is returned, once the account that it was shown is known to be genuine.
    fn update(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(Account) -> Result<Account, RuleError>,
    ) -> Result<(), UpdateError<Self::Error>>;

    /// Makes all changes so far part of the tree, and returns its root.
    fn settle(&mut self) -> Result<Hash32, Self::Error>;
}

/// Why an account was not updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError<E> {
    /// The change breaks a rule.
    #[error(transparent)]
    Rule(RuleError),
    /// The accounts could not be read or written.
    #[error(transparent)]
    Accounts(E),
}

impl<E> From<RuleError> for UpdateError<E> {
    fn from(error: RuleError) -> Self {
        Self::Rule(error)
    }
}
