//! Reading what blocks will change before they are executed, beside whatever else is done until then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::state::Account;

use super::search::{Search, account_at, load, put_in_order, separate};
use super::{Node, NodeRef, Nodes, StoreError, TreeVersion};
use crate::workers::{Answer, Workers};

/// Accounts are read in so many parts, so that whoever waits for them can do some.
const PARTS: usize = 4;

/// Accounts of a version and subtrees on the ways to them that are being read, or were.
#[derive(Default)]
pub struct Ahead {
    /// What the version hashes to.
    root: Hash32,
    /// There until somebody has waited for them.
    going: Vec<Answer<Part>>,
    /// Accounts of the version, where there is one.
    accounts: HashMap<AccountKey, Option<Account>>,
    subtrees: Arc<Mutex<Subtrees>>,
}

/// Subtrees by the numbers of their names, each to be taken once. Whatever version they were read for, they are what
/// the store has under their names.
type Subtrees = HashMap<u64, Node>;

/// What was read for some accounts.
struct Part {
    accounts: Vec<(AccountKey, Option<Account>)>,
    subtrees: Vec<(u64, Node)>,
}

impl Ahead {
    /// Has `workers` look for these accounts of `version`, and read all that stands in the store alone on the ways to
    /// them.
    pub fn begin<N: Nodes>(
        nodes: &Arc<N>,
        workers: &Workers,
        version: &TreeVersion,
        mut keys: Vec<AccountKey>,
    ) -> Self {
        put_in_order(&mut keys);
        // Before the root is in memory all ways begin in the same row.
        let parts = if matches!(version.root, Node::Stored(_)) { 1 } else { PARTS };
        let parts = keys.chunks(keys.len().div_ceil(parts).max(1));
        let going = parts.map(|keys| {
            let (nodes, version, keys) = (nodes.clone(), version.clone(), keys.to_vec());
            workers.run(move || read(&*nodes, &version, keys))
        });
        Self { root: version.hash(), going: going.collect(), ..Self::default() }
    }

    /// Waits until all is read, and forgets the accounts where they are those of another version than that with this
    /// root. From then on it has no part in the version, which can be changed where it lies.
    pub(super) fn finish(&mut self, root: &Hash32) {
        for going in self.going.drain(..) {
            let part = going.wait();
            self.accounts.extend(part.accounts);
            self.subtrees.lock().unwrap_or_else(PoisonError::into_inner).extend(part.subtrees);
        }
        if self.root != *root {
            self.accounts.clear();
        }
    }

    /// The account at `key`, where it is known whether there is one.
    pub(super) fn account(&self, key: &AccountKey) -> Option<Option<Account>> {
        self.accounts.get(key).copied()
    }

    /// Takes note that these accounts have changed, with which the version has this root.
    pub(super) fn change(&mut self, changed: impl Iterator<Item = (AccountKey, Account)>, root: Hash32) {
        for (key, account) in changed {
            if let Some(known) = self.accounts.get_mut(&key) {
                *known = Some(account);
            }
        }
        self.root = root;
    }

    /// The nodes of `nodes`, where those that were read are taken from here.
    pub(super) fn over<N>(&self, nodes: Arc<N>) -> NodesAhead<N> {
        NodesAhead { nodes, subtrees: self.subtrees.clone() }
    }
}

/// Stored nodes, of which some were read before.
pub(super) struct NodesAhead<N> {
    nodes: Arc<N>,
    subtrees: Arc<Mutex<Subtrees>>,
}

impl<N> Clone for NodesAhead<N> {
    fn clone(&self) -> Self {
        Self { nodes: self.nodes.clone(), subtrees: self.subtrees.clone() }
    }
}

impl<N> NodesAhead<N> {
    fn take(&self, named: &NodeRef) -> Option<Node> {
        let mut subtrees = self.subtrees.lock().unwrap_or_else(PoisonError::into_inner);
        subtrees.remove(&named.serial).filter(|node| node.hash() == named.hash)
    }
}

impl<N: Nodes> Nodes for NodesAhead<N> {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        self.take(&named).map_or_else(|| self.nodes.node(named), Ok)
    }

    fn load(&self, searches: &mut [Search<'_, '_>]) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        for Search { node, keys } in searches {
            let Node::Stored(named) = &**node else { continue };
            match self.take(named) {
                Some(taken) => **node = taken,
                None => missing.push(Search { node, keys }),
            }
        }
        self.nodes.load(&mut missing)
    }
}

/// Where searches go on in the store, and the keys that they are for.
struct End {
    named: NodeRef,
    keys: Vec<AccountKey>,
}

fn read<N: Nodes>(nodes: &N, version: &TreeVersion, mut keys: Vec<AccountKey>) -> Part {
    let mut accounts = Vec::with_capacity(keys.len());
    let mut ends = Vec::new();
    version.root.follow(&mut keys, &mut accounts, &mut ends);
    let mut subtrees: Vec<Node> = ends.iter().map(|end| Node::Stored(end.named)).collect();
    let searches = subtrees.iter_mut().zip(&mut ends).map(|(node, end)| Search { node, keys: &mut end.keys });
    // Who cannot do without what is damaged reads it again, and is told.
    let _ = load(nodes, searches.collect(), |key, leaf| {
        accounts.push((key, account_at(&key, leaf)));
    });
    let subtrees = ends.into_iter().zip(subtrees).filter(|(_, node)| !matches!(node, Node::Stored(_)));
    let subtrees = subtrees.map(|(end, node)| (end.named.serial, node)).collect();
    Part { accounts, subtrees }
}

impl Node {
    /// Follows the searches for these keys as far as there are branches in memory.
    fn follow(
        &self,
        keys: &mut [AccountKey],
        accounts: &mut Vec<(AccountKey, Option<Account>)>,
        ends: &mut Vec<End>,
    ) {
        match self {
            _ if keys.is_empty() => {}
            Self::Stored(named) => ends.push(End { named: *named, keys: keys.to_vec() }),
            Self::Branch(branch) => {
                let count = separate(keys, branch.index);
                let (lower, upper) = keys.split_at_mut(count);
                branch.left.follow(lower, accounts, ends);
                branch.right.follow(upper, accounts, ends);
            }
            Self::Leaf(leaf) => accounts.extend(keys.iter().map(|key| (*key, account_at(key, Some(*leaf))))),
            Self::Empty => accounts.extend(keys.iter().map(|key| (*key, None))),
        }
    }
}
