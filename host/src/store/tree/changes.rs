//! Putting many accounts that have changed into a version, all in one walk.

use mote_core::keys::AccountKey;
use mote_core::state::{Leaf, Side, first_difference, side};

use super::search::{Search, compare, load};
use super::{Node, Nodes, StoreError, order};

/// Accounts that have changed.
#[derive(Default)]
pub struct LeafChanges {
    /// Those that had leaves before.
    pub old: Vec<Leaf>,
    /// Those that had none.
    pub new: Vec<Leaf>,
}

impl LeafChanges {
    /// Puts them where they belong below this node.
    pub fn put_in_place<N: Nodes>(mut self, node: &mut Node, nodes: &N) -> Result<(), StoreError> {
        put_leaves_in_order(&mut self.old);
        node.replace_all(&self.old, nodes)?;
        put_leaves_in_order(&mut self.new);
        let mut keys: Vec<AccountKey> = self.new.iter().map(|leaf| leaf.key).collect();
        let mut splits = Vec::with_capacity(keys.len());
        load(nodes, vec![Search { node, keys: &mut keys }], |key, found| {
            splits.push((key, found.and_then(|found| first_difference(&key, &found.key))));
        })?;
        splits.sort_unstable_by(|(left, _), (right, _)| compare(left, right));
        let splits = splits.into_iter().map(|(_, split)| split.unwrap_or_default());
        node.insert_all(&self.new.into_iter().zip(splits).collect::<Vec<New>>());
        Ok(())
    }
}

/// A new leaf, and the bit in which it first differs from the leaf that the search for its key ends in; of no meaning in
/// the empty tree.
type New = (Leaf, u8);

fn put_leaves_in_order(leaves: &mut [Leaf]) {
    leaves.sort_unstable_by(|left, right| compare(&left.key, &right.key));
}

/// How many of these leaves, in the order of their keys, lie to the left of a branch at bit `index`.
fn count_left<T>(leaves: &[T], index: u8, key: impl Fn(&T) -> &AccountKey) -> usize {
    leaves.partition_point(|leaf| side(key(leaf), index) == Side::Left)
}

impl Node {
    /// Puts leaves, in the order of their keys, in the place of those with the same keys.
    fn replace_all<N: Nodes>(&mut self, leaves: &[Leaf], nodes: &N) -> Result<(), StoreError> {
        let Some(leaf) = leaves.first() else { return Ok(()) };
        if let Self::Stored(named) = self {
            *self = nodes.node(*named)?;
        }
        let branch = match self {
            Self::Branch(branch) => branch,
            Self::Leaf(old) if leaves.len() == 1 && old.key == leaf.key => {
                *old = *leaf;
                return Ok(());
            }
            Self::Empty | Self::Leaf(_) | Self::Stored(_) => {
                return Err(StoreError::Missing { table: "nodes", what: leaf.key.to_string() });
            }
        };
        let (lower, upper) = leaves.split_at(count_left(leaves, branch.index, |leaf| &leaf.key));
        let (left, right) = branch.change();
        left.replace_all(lower, nodes)?;
        right.replace_all(upper, nodes)
    }

    /// Puts new leaves, in the order of their keys, where they belong; all branches on the ways there are in memory.
    fn insert_all(&mut self, new: &[New]) {
        let Some(split) = new.iter().map(|(_, split)| *split).min() else { return };
        match self {
            Self::Empty => *self = Self::of_leaves(new),
            // All of them have the bits that the keys below this branch have in common.
            Self::Branch(branch) if branch.index < split => {
                let (lower, upper) = new.split_at(count_left(new, branch.index, |(leaf, _)| &leaf.key));
                let (left, right) = branch.change();
                left.insert_all(lower);
                right.insert_all(upper);
            }
            // Some part here from what there is, and with it from the others.
            _ => {
                let (lower, upper) = new.split_at(count_left(new, split, |(leaf, _)| &leaf.key));
                let are_lower = lower.first().is_some_and(|(_, first)| *first == split);
                let (parting, others) = if are_lower { (lower, upper) } else { (upper, lower) };
                let Some((leaf, _)) = parting.first() else { return };
                let mut rest = std::mem::replace(self, Self::Empty);
                rest.insert_all(others);
                let (left, right) = order(&leaf.key, split, Self::of_leaves(parting), rest);
                *self = Self::branch(split, left, right);
            }
        }
    }

    /// The subtree of nothing but these leaves, in the order of their keys.
    fn of_leaves(leaves: &[New]) -> Self {
        let [(first, _), .., (last, _)] = leaves else {
            return leaves.first().map_or(Self::Empty, |(leaf, _)| Self::Leaf(*leaf));
        };
        // Keys that are each there once differ in some bit.
        let index = first_difference(&first.key, &last.key).unwrap_or_default();
        let (lower, upper) = leaves.split_at(count_left(leaves, index, |(leaf, _)| &leaf.key));
        Self::branch(index, Self::of_leaves(lower), Self::of_leaves(upper))
    }
}
