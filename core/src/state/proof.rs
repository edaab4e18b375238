//! Proofs of single accounts: one kind serves reading, changing, inserting and proving absence.
//!
//! A proof is the leaf that the search for a key ends in, and the path from that leaf up. It is
//! folded with the bits of the key that was *searched for*, the leaf first, old root and new root in
//! one pass, so that memory does not grow with the path.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Account, Leaf, Side, branch_hash, first_difference, side};
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
        Ok(self.found(key))
    }

    /// The root of the tree with `root` once `account` stands at `key`, where it replaces the account
    /// or is inserted.
    pub fn set(&self, root: &Hash32, key: &AccountKey, account: Account) -> Result<Hash32, ProofError> {
        let roots = self.fold(key, Some(account))?;
        expect_root(roots.old, root)?;
        Ok(roots.new)
    }

    /// What the proof claims to stand at `key`; only worth something once its root was compared.
    pub(super) fn found(&self, key: &AccountKey) -> Option<Account> {
        self.leaf.filter(|leaf| leaf.key == *key).map(|leaf| leaf.account)
    }

    /// The steps from the leaf up.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        self.path.as_ref().chunks_exact(STEP_BYTES).filter_map(|bytes| {
            let (index, sibling) = bytes.split_first()?;
            Some(Step { index: *index, sibling: Hash32::from_bytes(sibling.try_into().ok()?) })
        })
    }

    /// Folds the path to the root as it is, and to the root with `replacement` at `key`.
    pub(super) fn fold(&self, key: &AccountKey, replacement: Option<Account>) -> Result<Roots, ProofError> {
        let length = self.path.as_ref().len();
        let fits = length.is_multiple_of(STEP_BYTES) && length <= ACCOUNT_PATH_MAX_STEPS * STEP_BYTES;
        if !fits || (self.leaf.is_none() && length != 0) {
            return Err(ProofError::Path { length });
        }
        let inserted = replacement.map(|account| Leaf { key: *key, account }.hash());
        let Some(leaf) = self.leaf else {
            return Ok(Roots { old: Hash32::ZERO, new: inserted.unwrap_or(Hash32::ZERO) });
        };
        let old = leaf.hash();
        let mut fold = Fold { roots: Roots { old, new: old }, pending: None, below: None };
        match (inserted, first_difference(key, &leaf.key)) {
            (Some(hash), None) => fold.roots.new = hash,
            (Some(hash), Some(index)) => fold.pending = Some((index, hash)),
            (None, _) => {}
        }
        for step in self.steps() {
            fold.climb(key, &leaf.key, step)?;
        }
        fold.insert_above(key, None);
        Ok(fold.roots)
    }
}

/// The root before and after a replacement; equal where there is none.
pub(super) struct Roots {
    pub(super) old: Hash32,
    pub(super) new: Hash32,
}

struct Fold {
    roots: Roots,
    /// A new leaf that is not in yet: the bit at which it parts from its neighbours, and its hash.
    pending: Option<(u8, Hash32)>,
    /// The bit index of the step before.
    below: Option<u8>,
}

impl Fold {
    fn climb(&mut self, key: &AccountKey, found: &AccountKey, step: Step) -> Result<(), ProofError> {
        let Step { index, sibling } = step;
        if let Some(below) = self.below.filter(|below| index >= *below) {
            return Err(ProofError::Order { got: index, below });
        }
        let side = side(key, index);
        if side != super::side(found, index) {
            return Err(ProofError::Search { index });
        }
        self.insert_above(key, Some(index));
        let join = |hash: &Hash32| match side {
            Side::Left => branch_hash(index, hash, &sibling),
            Side::Right => branch_hash(index, &sibling, hash),
        };
        let unchanged = self.roots.old == self.roots.new;
        self.roots.old = join(&self.roots.old);
        self.roots.new = if unchanged { self.roots.old } else { join(&self.roots.new) };
        self.below = Some(index);
        Ok(())
    }

    /// Puts the pending leaf in once the path is above the bit at which it belongs.
    fn insert_above(&mut self, key: &AccountKey, next: Option<u8>) {
        if let Some((index, leaf)) = self.pending.filter(|(index, _)| next.is_none_or(|next| next < *index)) {
            self.roots.new = match side(key, index) {
                Side::Left => branch_hash(index, &leaf, &self.roots.new),
                Side::Right => branch_hash(index, &self.roots.new, &leaf),
            };
            self.pending = None;
        }
    }
}

pub(super) fn expect_root(got: Hash32, expected: &Hash32) -> Result<(), ProofError> {
    if got == *expected { Ok(()) } else { Err(ProofError::Root { got, expected: *expected }) }
}
