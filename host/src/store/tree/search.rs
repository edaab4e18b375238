//! Looking for many accounts at once.

use std::cmp::Ordering;
use std::sync::Arc;

use mote_core::keys::AccountKey;
use mote_core::state::{Account, Leaf, Side, side};

use super::{Branch, Node, Nodes, StoreError};

/// Puts keys in their order, each once.
pub fn put_in_order(keys: &mut Vec<AccountKey>) {
    keys.sort_unstable_by(compare);
    keys.dedup();
}

/// The order of keys. Most differ in their first bytes, which are compared as a number.
pub fn compare(left: &AccountKey, right: &AccountKey) -> Ordering {
    beginning(left).cmp(&beginning(right)).then_with(|| left.cmp(right))
}

/// The first bytes of a key as a number, in whose order keys are as far as they differ in it.
pub fn beginning(key: &AccountKey) -> u64 {
    key.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Puts the keys whose bit at `index` is 0 before the others, and returns how many they are. Their order does not do
/// it: keys that are not in a subtree may differ from those in it in bits that it has no branch for.
pub fn separate(keys: &mut [AccountKey], index: u8) -> usize {
    let mut lower = 0;
    for at in 0..keys.len() {
        if side(&keys[at], index) == Side::Left {
            keys.swap(lower, at);
            lower += 1;
        }
    }
    lower
}

/// Takes all branches into memory on the ways to the keys of these searches, level by level, many rows at a time;
/// `find` is told of the leaf that the search for each key ends in, if there is one.
pub fn load<N: Nodes>(
    nodes: &N,
    searches: Vec<Search<'_, '_>>,
    mut find: impl FnMut(AccountKey, Option<Leaf>),
) -> Result<(), StoreError> {
    let mut going_on = searches;
    going_on.retain(|search| !search.keys.is_empty());
    while !going_on.is_empty() {
        nodes.load(&mut going_on)?;
        let mut stored = Vec::new();
        going_on.drain(..).for_each(|search| search.descend(&mut find, &mut stored));
        going_on = stored;
    }
    Ok(())
}

/// The account at `key`, where the search for it ends in this leaf.
pub fn account_at(key: &AccountKey, leaf: Option<Leaf>) -> Option<Account> {
    leaf.filter(|leaf| leaf.key == *key).map(|leaf| leaf.account)
}

/// Keys that are looked for in a subtree.
pub struct Search<'n, 'k> {
    /// The subtree.
    pub node: &'n mut Node,
    /// The keys, each once.
    pub keys: &'k mut [AccountKey],
}

impl<'n, 'k> Search<'n, 'k> {
    /// Tells of the leaves that are found, and takes note of the searches that go on in the store.
    fn descend(self, find: &mut impl FnMut(AccountKey, Option<Leaf>), stored: &mut Vec<Self>) {
        let Self { node, keys } = self;
        if keys.is_empty() {
            return;
        }
        match node {
            Node::Stored(_) => stored.push(Self { node, keys }),
            Node::Branch(branch) => {
                let Branch { index, left, right, .. } = Arc::make_mut(branch);
                let count = separate(keys, *index);
                let (lower, upper) = keys.split_at_mut(count);
                Search { node: left, keys: lower }.descend(find, stored);
                Search { node: right, keys: upper }.descend(find, stored);
            }
            Node::Leaf(leaf) => keys.iter().for_each(|key| find(*key, Some(*leaf))),
            Node::Empty => keys.iter().for_each(|key| find(*key, None)),
        }
    }
}
