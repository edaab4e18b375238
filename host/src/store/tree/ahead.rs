//! Reading what blocks will change before they are executed, beside whatever else is done until then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::state::Account;

use super::search::{Search, load, put_in_order, separate};
use super::{Node, NodeRef, Nodes, StoreError, TreeVersion};
use crate::workers::{Answer, Workers};

/// Accounts and subtrees that are being read, or were.
#[derive(Default)]
pub struct Ahead {
    /// There until somebody has waited for it.
    going: Option<Answer<Read>>,
    read: Read,
}

/// What was read of one version.
#[derive(Default)]
struct Read {
    /// What the version hashes to.
    root: Hash32,
    /// Accounts of the version, where there is one.
    accounts: Accounts,
    subtrees: Arc<Subtrees>,
}

type Accounts = HashMap<AccountKey, Option<Account>>;

/// Subtrees by the numbers of their names, each to be taken once. Whatever version they were read for, they are what
/// the store has under their names.
type Subtrees = Mutex<HashMap<u64, Node>>;

impl Ahead {
    /// Has `workers` look for accounts of `version`, and read all that stands in the store alone on the ways to them.
    /// `keys` says which; it may take a while to know.
    pub fn begin<N: Nodes + Send + Sync + 'static>(
        nodes: Arc<N>,
        workers: &Workers,
        version: TreeVersion,
        keys: impl FnOnce() -> Vec<AccountKey> + Send + 'static,
    ) -> Self {
        Self { going: Some(workers.run(move || read(&*nodes, &version, keys()))), read: Read::default() }
    }

    /// Waits until all is read. From then on it has no part in the version, which can be changed where it lies.
    pub fn finish(&mut self) {
        if let Some(going) = self.going.take() {
            self.read = going.wait();
        }
    }

    /// The same; what is known of the accounts of other versions than that with this root is forgotten.
    pub(super) fn finish_for(&mut self, root: &Hash32) {
        self.finish();
        if self.read.root != *root {
            self.read.accounts.clear();
        }
    }

    /// The account at `key`, where it is known whether there is one.
    pub(super) fn account(&self, key: &AccountKey) -> Option<Option<Account>> {
        self.read.accounts.get(key).copied()
    }

    /// Takes note that these accounts have changed, with which the version has this root.
    pub(super) fn change(&mut self, changed: impl Iterator<Item = (AccountKey, Account)>, root: Hash32) {
        for (key, account) in changed {
            if let Some(known) = self.read.accounts.get_mut(&key) {
                *known = Some(account);
            }
        }
        self.read.root = root;
    }

    /// The nodes of `nodes`, where those that were read are taken from here.
    pub(super) fn over<N>(&self, nodes: Arc<N>) -> NodesAhead<N> {
        NodesAhead { nodes, subtrees: self.read.subtrees.clone() }
    }
}

/// Stored nodes, of which some were read before.
pub(super) struct NodesAhead<N> {
    nodes: Arc<N>,
    subtrees: Arc<Subtrees>,
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

fn read<N: Nodes>(nodes: &N, version: &TreeVersion, mut keys: Vec<AccountKey>) -> Read {
    put_in_order(&mut keys);
    let mut accounts = Accounts::with_capacity(keys.len());
    let mut ends = Vec::new();
    version.root.follow(&mut keys, &mut accounts, &mut ends);
    let mut subtrees: Vec<Node> = ends.iter().map(|end| Node::Stored(end.named)).collect();
    let searches = subtrees.iter_mut().zip(&mut ends).map(|(node, end)| Search { node, keys: &mut end.keys });
    // Who cannot do without what is damaged reads it again, and is told.
    let _ = load(nodes, searches.collect(), |key, account| {
        accounts.insert(key, account);
    });
    let subtrees = ends.into_iter().zip(subtrees).filter(|(_, node)| !matches!(node, Node::Stored(_)));
    let subtrees = subtrees.map(|(end, node)| (end.named.serial, node)).collect();
    Read { root: version.hash(), accounts, subtrees: Arc::new(Mutex::new(subtrees)) }
}

impl Node {
    /// Follows the searches for these keys as far as there are branches in memory.
    fn follow(&self, keys: &mut [AccountKey], accounts: &mut Accounts, ends: &mut Vec<End>) {
        match self {
            _ if keys.is_empty() => {}
            Self::Stored(named) => ends.push(End { named: *named, keys: keys.to_vec() }),
            Self::Branch(branch) => {
                let count = separate(keys, branch.index);
                let (lower, upper) = keys.split_at_mut(count);
                branch.left.follow(lower, accounts, ends);
                branch.right.follow(upper, accounts, ends);
            }
            Self::Empty | Self::Leaf(_) => accounts.extend(keys.iter().map(|key| (*key, self.account(key)))),
        }
    }

    /// The account at `key`, where this is its leaf.
    pub(super) fn account(&self, key: &AccountKey) -> Option<Account> {
        let Self::Leaf(leaf) = self else { return None };
        (leaf.key == *key).then_some(leaf.account)
    }
}
