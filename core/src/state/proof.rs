//! Proofs of single accounts: one kind serves reading, changing, inserting and proving absence.
//!
//! A proof is the leaf that the search for a key ends in, and the path from that leaf up; see
//! [`super::Fold`] for what is made of it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fold::{Evidence, Fold, Roots};
use super::{Account, Leaf};
use crate::hash::Hash32;
use crate::keys::AccountKey;
use crate::params::ACCOUNT_PATH_MAX_STEPS;

/// Bytes of a step of a path: the bit index, then the sibling.
pub const STEP_BYTES: usize = 33;

/// One branch on the way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The bit in which the keys of the branch's two sides differ.
    pub index: u8,
    /// The hash of the side that the key does not lie on.
    pub sibling: Hash32,
}

impl Step {
    /// Reads a step: its bit index, then the sibling.
    pub fn from_bytes(bytes: &[u8; STEP_BYTES]) -> Self {
        let [index, sibling @ ..] = *bytes;
        Self { index, sibling: Hash32::from_bytes(sibling) }
    }
}

/// A proof whose path stands as bytes in any container, [`STEP_BYTES`] a step, nearest to the leaf
/// first.
///
/// Wire form: the leaf as an option (`key[32] balance varint, nonce varint`), the length of the path
/// in bytes as a varint, the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofOf<P> {
    /// The leaf that the search ends in; none for the empty tree.
    pub leaf: Option<Leaf>,
    /// The steps from the leaf up.
    pub path: P,
}

/// A proof that owns its path, at most 256 steps (8,448 bytes).
pub type Proof = ProofOf<PathBuffer>;

/// A proof whose path lies in a buffer that was received.
pub type ProofRef<'a> = ProofOf<&'a [u8]>;

/// Room for the longest path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathBuffer(heapless::Vec<u8, { ACCOUNT_PATH_MAX_STEPS * STEP_BYTES }>);

impl PathBuffer {
    /// The path without a step.
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    /// Adds a step above the others; a path that is full has one for each bit and takes no more.
    pub fn push(&mut self, step: Step) -> Result<(), ProofError> {
        let mut bytes = [step.index; STEP_BYTES];
        let (_, sibling) = bytes.split_at_mut(1);
        sibling.copy_from_slice(step.sibling.as_bytes());
        self.0.extend_from_slice(&bytes).map_err(|_| ProofError::Path { length: self.0.len() + STEP_BYTES })
    }
}

impl AsRef<[u8]> for PathBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for PathBuffer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for PathBuffer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        let path = heapless::Vec::from_slice(bytes);
        path.map(Self).map_err(|_| serde::de::Error::invalid_length(bytes.len(), &"at most 256 steps"))
    }
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The path is no whole number of steps, longer than 256 steps, or stands without a leaf.
    #[error("a path of {length} bytes is not up to 256 steps of 33 bytes above a leaf")]
    Path {
        /// Length of the path in bytes.
        length: usize,
    },
    /// The bit indices do not decrease from the leaf up.
    #[error("bit index {got} does not lie above bit index {below}")]
    Order {
        /// The index that is out of order.
        got: u8,
        /// The index of the step before it.
        below: u8,
    },
    /// The search for the key would have taken the other side.
    #[error("the search for the key parts from the proof's leaf at bit index {index}")]
    Search {
        /// The index at which key and leaf differ.
        index: u8,
    },
    /// The path was folded for another change of the account than the one that is made.
    #[error("the path was folded for another key or account")]
    Replacement,
    /// The proof belongs to another tree.
    #[error("the proof leads to root {got}, expected {expected}")]
    Root {
        /// The root that the proof leads to.
        got: Hash32,
        /// The root of the tree.
        expected: Hash32,
    },
}

impl<P: AsRef<[u8]>> ProofOf<P> {
    /// The root that the proof leads to when `key` is searched for.
    pub fn root(&self, key: &AccountKey) -> Result<Hash32, ProofError> {
        self.fold(key, None).map(|roots| roots.old)
    }

    /// The account at `key` in the tree with `root`, or `None` where the proof shows that there is none.
    pub fn get(&self, root: &Hash32, key: &AccountKey) -> Result<Option<Account>, ProofError> {
        expect_root(self.root(key)?, root)?;
        Ok(self.leaf.filter(|leaf| leaf.key == *key).map(|leaf| leaf.account))
    }

    /// The root of the tree with `root` once `account` stands at `key`, where it replaces the account
    /// or is inserted.
    pub fn set(&self, root: &Hash32, key: &AccountKey, account: Account) -> Result<Hash32, ProofError> {
        let roots = self.fold(key, Some(account))?;
        expect_root(roots.old, root)?;
        Ok(roots.new)
    }

    /// The steps from the leaf up.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        self.path.as_ref().as_chunks().0.iter().map(Step::from_bytes)
    }

    /// Folds the path to the root as it is, and to the root with `replacement` at `key`.
    fn fold(&self, key: &AccountKey, replacement: Option<Account>) -> Result<Roots, ProofError> {
        let length = self.path.as_ref().len();
        let mut fold = Fold::new(key, self.leaf, length, replacement)?;
        for step in self.steps() {
            fold.climb(step)?;
        }
        Ok(fold.finish())
    }
}

impl<P: AsRef<[u8]>> Evidence for ProofOf<P> {
    fn leaf(&self) -> Option<Leaf> {
        self.leaf
    }

    fn roots(&self, key: &AccountKey, replacement: Option<Account>) -> Result<Roots, ProofError> {
        self.fold(key, replacement)
    }
}

pub(super) fn expect_root(got: Hash32, expected: &Hash32) -> Result<(), ProofError> {
    if got == *expected { Ok(()) } else { Err(ProofError::Root { got, expected: *expected }) }
}
