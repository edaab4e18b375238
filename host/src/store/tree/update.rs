//! Changing many accounts of a version: each is looked for once and put in its place once, however often it changes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::{Account, Accounts, Leaf, Side, UpdateError, first_difference, side};

use super::ahead::Ahead;
use super::{Branch, Node, NodeRef, Nodes, StoreError, TreeVersion, hash_all};
use crate::workers::Workers;

/// Where so many accounts were looked for it is worth waking a thread to hash them.
const SHARED_MIN: usize = 32;

/// A version that is being changed: what a block is executed over.
pub struct TreeUpdate<'a, N> {
    nodes: &'a N,
    workers: &'a Workers,
    version: TreeVersion,
    ahead: Option<&'a mut Ahead>,
    /// Accounts that were looked for.
    found: HashMap<AccountKey, Found>,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    account: Account,
    /// Whether the account is another one than in the version.
    is_changed: bool,
    /// Whether the version has no leaf for it.
    is_new: bool,
}

impl<'a, N: Nodes> TreeUpdate<'a, N> {
    /// Changes `version`, whose stored nodes are `nodes`. One half of it may be hashed by `workers`.
    pub fn new(nodes: &'a N, workers: &'a Workers, version: TreeVersion) -> Self {
        Self { nodes, workers, version, ahead: None, found: HashMap::new() }
    }

    /// The same, taking what was read ahead.
    pub fn with_ahead(self, ahead: &'a mut Ahead) -> Self {
        Self { ahead: Some(ahead), ..self }
    }

    /// Looks for accounts that will be changed, all at once, which takes a fraction of what it takes one by one.
    pub fn look_for(&mut self, mut keys: Vec<AccountKey>) -> Result<(), StoreError> {
        put_in_order(&mut keys);
        let Self { nodes, version, ahead, found, .. } = self;
        found.reserve(keys.len());
        let read = |named: &[NodeRef]| {
            let mut taken = Vec::with_capacity(named.len());
            let mut missing = Vec::new();
            for named in named {
                let node = ahead.as_mut().and_then(|ahead| ahead.take(named));
                missing.extend(node.is_none().then_some(*named));
                taken.push(node);
            }
            let mut read = nodes.nodes_to_change(&missing)?.into_iter();
            Ok(taken.into_iter().filter_map(|node| node.or_else(|| read.next())).collect())
        };
        load(vec![Search { node: &mut version.root, keys: &mut keys }], read, |key, account| {
            let (is_new, account) = (account.is_none(), account.unwrap_or_default());
            found.insert(key, Found { account, is_changed: false, is_new });
        })
    }

    /// The version as it was last settled.
    pub fn into_version(self) -> TreeVersion {
        self.version
    }

    /// Puts all changes into the version.
    fn put_in_place(&mut self) -> Result<(), StoreError> {
        let (mut old, mut new) = (Vec::with_capacity(self.found.len()), Vec::new());
        for (key, found) in self.found.drain().filter(|(_, found)| found.is_changed) {
            let leaves = if found.is_new { &mut new } else { &mut old };
            leaves.push(Leaf { key, account: found.account });
        }
        let root = &mut self.version.root;
        old.sort_unstable_by(|left, right| compare(&left.key, &right.key));
        root.replace_all(&old);
        for leaf in new {
            // Where it parts from the others depends on those that came before it.
            let found = root.search(self.nodes, &leaf.key, |_, _| {})?;
            let split = found.and_then(|found| first_difference(&leaf.key, &found.key));
            root.place(self.nodes, leaf, split)?;
        }
        Ok(())
    }
}

impl<N: Nodes> Accounts for TreeUpdate<'_, N> {
    type Error = StoreError;

    fn update(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(Account) -> Result<Account, RuleError>,
    ) -> Result<(), UpdateError<StoreError>> {
        if !self.found.contains_key(key) {
            self.look_for(vec![*key]).map_err(UpdateError::Accounts)?;
        }
        if let Entry::Occupied(mut found) = self.found.entry(*key) {
            let found = found.get_mut();
            (found.account, found.is_changed) = (change(found.account)?, true);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<Hash32, StoreError> {
        let found = self.found.len();
        self.put_in_place()?;
        if let Node::Branch(root) = &self.version.root
            && found >= SHARED_MIN
        {
            let right = root.right.clone();
            let other = self.workers.run(move || hash_all(&[right]));
            hash_all(std::slice::from_ref(&root.left));
            other.wait();
        }
        Ok(self.version.hash())
    }
}

/// Puts keys in their order, each once.
pub(super) fn put_in_order(keys: &mut Vec<AccountKey>) {
    keys.sort_unstable_by(compare);
    keys.dedup();
}

/// The order of keys. Most differ in their first bytes, which are compared as a number.
fn compare(left: &AccountKey, right: &AccountKey) -> Ordering {
    let first = |key: &AccountKey| key.as_bytes().first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    first(left).cmp(&first(right)).then_with(|| left.cmp(right))
}

/// Puts the keys whose bit at `index` is 0 before the others, and returns how many they are. Their order does not do
/// it: keys that are not in a subtree may differ from those in it in bits that it has no branch for.
pub(super) fn part(keys: &mut [AccountKey], index: u8) -> usize {
    let mut lower = 0;
    for at in 0..keys.len() {
        if side(&keys[at], index) == Side::Left {
            keys.swap(lower, at);
            lower += 1;
        }
    }
    lower
}

/// Takes all branches into memory on the ways to the keys of these searches, level by level: `read` is asked for many
/// subtrees at a time, and `find` is told of each key's account, where there is one.
pub(super) fn load(
    mut searches: Vec<Search<'_, '_>>,
    mut read: impl FnMut(&[NodeRef]) -> Result<Vec<Node>, StoreError>,
    mut find: impl FnMut(AccountKey, Option<Account>),
) -> Result<(), StoreError> {
    while !searches.is_empty() {
        let mut stored = Vec::new();
        for search in searches.drain(..) {
            search.descend(&mut find, &mut stored);
        }
        let named: Vec<NodeRef> = stored.iter().map(|(named, _)| *named).collect();
        searches.extend(stored.into_iter().zip(read(&named)?).map(|((_, search), node)| {
            *search.node = node;
            search
        }));
    }
    Ok(())
}

/// Keys that are looked for in a subtree.
pub(super) struct Search<'n, 'k> {
    pub node: &'n mut Node,
    pub keys: &'k mut [AccountKey],
}

impl<'n, 'k> Search<'n, 'k> {
    /// Tells of the accounts that are found, and takes note of the searches that go on in the store.
    fn descend(self, find: &mut impl FnMut(AccountKey, Option<Account>), stored: &mut Vec<(NodeRef, Self)>) {
        let Self { node, keys } = self;
        if keys.is_empty() {
            return;
        }
        let leaf = match node {
            Node::Stored(named) => return stored.push((*named, Self { node, keys })),
            Node::Branch(branch) => {
                let Branch { index, left, right, .. } = Arc::make_mut(branch);
                let count = part(keys, *index);
                let (lower, upper) = keys.split_at_mut(count);
                Search { node: left, keys: lower }.descend(find, stored);
                return Search { node: right, keys: upper }.descend(find, stored);
            }
            Node::Leaf(leaf) => Some(*leaf),
            Node::Empty => None,
        };
        for key in keys {
            find(*key, leaf.filter(|leaf| leaf.key == *key).map(|leaf| leaf.account));
        }
    }
}

impl Node {
    /// Puts leaves, in the order of their keys, in the place of those with the same keys, which are all in memory.
    fn replace_all(&mut self, leaves: &[Leaf]) {
        let Some(leaf) = leaves.first() else { return };
        let Self::Branch(branch) = self else {
            *self = Self::Leaf(*leaf);
            return;
        };
        let Branch { index, left, right, hash, serial } = Arc::make_mut(branch);
        (*hash, *serial) = (OnceLock::new(), OnceLock::new());
        let (lower, upper) =
            leaves.split_at(leaves.partition_point(|leaf| side(&leaf.key, *index) == Side::Left));
        left.replace_all(lower);
        right.replace_all(upper);
    }
}
