//! Changing many accounts of a version: each is looked for once and put in its place once, however often it changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::{Account, Accounts, Leaf, Side, UpdateError, first_difference, side};

use super::{Branch, Node, NodeRef, Nodes, StoreError, TreeVersion, hash_all};
use crate::workers::Workers;

/// Where so many accounts were looked for it is worth waking a thread to hash them.
const SHARED_MIN: usize = 32;

/// A version that is being changed: what a block is executed over.
pub struct TreeUpdate<'a, N> {
    nodes: &'a N,
    workers: &'a Workers,
    version: TreeVersion,
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
        Self { nodes, workers, version, found: HashMap::new() }
    }

    /// Looks for accounts that will be changed, all at once, which takes a fraction of what it takes one by one.
    pub fn look_for(&mut self, mut keys: Vec<AccountKey>) -> Result<(), StoreError> {
        keys.sort_unstable();
        keys.dedup();
        self.found.reserve(keys.len());
        let mut searches = vec![Search { node: &mut self.version.root, keys: &mut keys }];
        while !searches.is_empty() {
            let mut stored = Vec::new();
            for search in searches.drain(..) {
                search.descend(&mut self.found, &mut stored);
            }
            let named: Vec<NodeRef> = stored.iter().map(|(named, _)| *named).collect();
            let nodes = self.nodes.nodes_to_change(&named)?;
            searches.extend(stored.into_iter().zip(nodes).map(|((_, search), node)| {
                *search.node = node;
                search
            }));
        }
        Ok(())
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
        old.sort_unstable_by_key(|leaf| leaf.key);
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

/// Puts the keys whose bit at `index` is 0 before the others, and returns how many they are. Their order does not do
/// it: keys that are not in a subtree may differ from those in it in bits that it has no branch for.
fn part(keys: &mut [AccountKey], index: u8) -> usize {
    let mut lower = 0;
    for at in 0..keys.len() {
        if side(&keys[at], index) == Side::Left {
            keys.swap(lower, at);
            lower += 1;
        }
    }
    lower
}

/// Keys that are looked for in a subtree.
struct Search<'n, 'k> {
    node: &'n mut Node,
    keys: &'k mut [AccountKey],
}

impl<'n, 'k> Search<'n, 'k> {
    /// Takes note of the accounts that are found, and of the searches that go on in the store.
    fn descend(self, found: &mut HashMap<AccountKey, Found>, stored: &mut Vec<(NodeRef, Self)>) {
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
                Search { node: left, keys: lower }.descend(found, stored);
                return Search { node: right, keys: upper }.descend(found, stored);
            }
            Node::Leaf(leaf) => Some(*leaf),
            Node::Empty => None,
        };
        for key in keys {
            let account = leaf.filter(|leaf| leaf.key == *key).map(|leaf| leaf.account);
            let (is_new, account) = (account.is_none(), account.unwrap_or_default());
            found.insert(*key, Found { account, is_changed: false, is_new });
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
