//! Folding a path to the root, a step at a time, as the steps arrive.
//!
//! A path is folded with the bits of the key that was *searched for*, the leaf first, old root and new
//! root in one pass, so that memory does not grow with the path.

use super::proof::{ProofError, STEP_BYTES, Step};
use super::{Account, Leaf, Side, branch_hash, first_difference, side};
use crate::hash::Hash32;
use crate::keys::AccountKey;
use crate::params::ACCOUNT_PATH_MAX_STEPS;

/// The root before and after a replacement; equal where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The root of the tree that the path belongs to.
    pub old: Hash32,
    /// The root with the replacement.
    pub new: Hash32,
}

/// What shows that an account stands in a tree, and what becomes of the tree when it changes: a whole
/// proof, or one that was folded while it arrived.
pub trait Evidence {
    /// The leaf that the search for the key ends in; none for the empty tree. Only worth something once
    /// the old root was compared.
    fn leaf(&self) -> Option<Leaf>;

    /// The roots before and after `replacement` stands at `key`.
    fn roots(&self, key: &AccountKey, replacement: Option<Account>) -> Result<Roots, ProofError>;
}

/// A path that is being folded.
#[derive(Clone, Debug)]
pub struct Fold {
    key: AccountKey,
    /// The leaf that the search for the key ended in.
    leaf: Option<Leaf>,
    replacement: Option<Account>,
    roots: Roots,
    /// A new leaf that is not in yet: the bit at which it parts from its neighbours, and its hash.
    pending: Option<(u8, Hash32)>,
    /// The bit index of the step before.
    below: Option<u8>,
}

impl Fold {
    /// Starts at `leaf`, above which a path of `length` bytes stands, to see what becomes of the tree when
    /// `replacement` stands at `key`.
    pub fn new(
        key: &AccountKey,
        leaf: Option<Leaf>,
        length: usize,
        replacement: Option<Account>,
    ) -> Result<Self, ProofError> {
        let fits = length.is_multiple_of(STEP_BYTES) && length <= ACCOUNT_PATH_MAX_STEPS * STEP_BYTES;
        if !fits || (leaf.is_none() && length != 0) {
            return Err(ProofError::Path { length });
        }
        let inserted = replacement.map(|account| Leaf { key: *key, account }.hash());
        let old = leaf.map_or(Hash32::ZERO, |leaf| leaf.hash());
        let mut roots = Roots { old, new: old };
        let mut pending = None;
        match (inserted, leaf.map(|leaf| first_difference(key, &leaf.key))) {
            (Some(hash), None | Some(None)) => roots.new = hash,
            (Some(hash), Some(Some(index))) => pending = Some((index, hash)),
            (None, _) => {}
        }
        Ok(Self { key: *key, leaf, replacement, roots, pending, below: None })
    }

    /// The key that is searched for.
    pub fn key(&self) -> AccountKey {
        self.key
    }

    /// Goes up one step.
    pub fn climb(&mut self, step: Step) -> Result<(), ProofError> {
        let Step { index, sibling } = step;
        if let Some(below) = self.below.filter(|below| index >= *below) {
            return Err(ProofError::Order { got: index, below });
        }
        let side = side(&self.key, index);
        if self.leaf.is_some_and(|leaf| side != super::side(&leaf.key, index)) {
            return Err(ProofError::Search { index });
        }
        self.insert_above(Some(index));
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

    /// The roots, once every step of the path was climbed.
    pub fn finish(mut self) -> Roots {
        self.insert_above(None);
        self.roots
    }

    /// What was folded, for execution to use in its turn, once every step of the path was climbed.
    pub fn into_folded(self) -> Folded {
        let (key, leaf, replacement) = (self.key, self.leaf, self.replacement);
        Folded { key, leaf, replacement, roots: self.finish() }
    }

    /// Puts the pending leaf in once the path is above the bit at which it belongs.
    fn insert_above(&mut self, next: Option<u8>) {
        if let Some((index, leaf)) = self.pending.filter(|(index, _)| next.is_none_or(|next| next < *index)) {
            self.roots.new = match side(&self.key, index) {
                Side::Left => branch_hash(index, &leaf, &self.roots.new),
                Side::Right => branch_hash(index, &self.roots.new, &leaf),
            };
            self.pending = None;
        }
    }
}

/// A path that was folded while it arrived, for the change that was foreseen. Execution makes the change
/// itself, and takes the roots only if it is the same one.
#[derive(Clone, Debug)]
pub struct Folded {
    key: AccountKey,
    leaf: Option<Leaf>,
    replacement: Option<Account>,
    roots: Roots,
}

impl Evidence for Folded {
    fn leaf(&self) -> Option<Leaf> {
        self.leaf
    }

    fn roots(&self, key: &AccountKey, replacement: Option<Account>) -> Result<Roots, ProofError> {
        if *key == self.key && replacement == self.replacement {
            Ok(self.roots)
        } else {
            Err(ProofError::Replacement)
        }
    }
}
