//! The account tree in versions that share their nodes: changing an account copies the path from
//! the root to it, so every older version stays readable from its own root.
//!
//! A version lies in memory, where versions hold their branches together, over what is stored. Storing a version
//! writes the branches of it that are not stored yet, each under a number of its own, and nothing ever
//! changes or is written twice: so versions can be stored now and then only, and what lay between two of them
//! costs no space. A row holds a branch with the accounts and branches of the next levels below it.

use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::{
    Account, Accounts, Leaf, PathBuffer, Proof, Side, Step, UpdateError, branch_hash, first_difference, side,
};

use self::cell::{HashCell, SerialCell};
use self::hashing::hash_all;
use self::search::account_at;
use super::error::StoreError;

/// Names a stored node, or the empty tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRef {
    /// Grows in the order in which nodes are stored; 0 is the empty tree.
    pub serial: u64,
    /// What the node hashes to.
    pub hash: Hash32,
}

impl NodeRef {
    /// The tree without accounts.
    pub const EMPTY: Self = Self { serial: 0, hash: Hash32::ZERO };
}

/// The levels of branches in one row: 8 subtrees below, some 400 bytes. More of them save reads, and cost space
/// where versions are stored in which only few accounts have changed. What is in a row and has not changed since is named
/// by the next row where it is not in memory: that saves space as well, and costs a search a read.
const LEVELS_IN_ROW: u32 = 3;

/// Where stored nodes are read from.
pub trait Nodes: Send + Sync + 'static {
    /// The node that a stored node or block has named. That it is missing or hashes to something else
    /// is damage, which must not pass for a block that breaks a rule.
    fn node(&self, named: NodeRef) -> Result<Node, StoreError>;

    /// Takes the nodes where these searches go on in the store into memory, as far as they are on the ways to the keys.
    /// None is kept for the next who asks: they will be changed.
    fn load(&self, searches: &mut [Search<'_, '_>]) -> Result<(), StoreError> {
        for Search { node, .. } in searches {
            if let Node::Stored(named) = node {
                **node = self.node(*named)?;
            }
        }
        Ok(())
    }
}

/// A subtree. Copies share all branches.
#[derive(Clone, Debug)]
pub enum Node {
    /// No account.
    Empty,
    /// One account.
    Leaf(Leaf),
    /// What stands in the store alone.
    Stored(NodeRef),
    /// Two subtrees.
    Branch(Arc<Branch>),
}

/// Two subtrees whose keys first differ at bit `index`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The bit.
    pub index: u8,
    /// The keys whose bit is 0.
    pub left: Node,
    /// The keys whose bit is 1.
    pub right: Node,
    /// Known once somebody asked for it.
    hash: HashCell,
    /// Known once it is stored as the first of a row.
    serial: SerialCell,
}

/// A version of the tree. It does not hold on to where the stored nodes lie, so it can be kept; reading and
/// changing it takes a [`TreeView`]. A copy shares all nodes with what it was made of.
#[derive(Clone, Debug)]
pub struct TreeVersion {
    root: Node,
}

impl Default for TreeVersion {
    fn default() -> Self {
        Self { root: Node::Empty }
    }
}

impl TreeVersion {
    /// The version with this stored root.
    pub fn stored(root: NodeRef) -> Self {
        Self { root: if root == NodeRef::EMPTY { Node::Empty } else { Node::Stored(root) } }
    }

    /// The root's hash.
    pub fn hash(&self) -> Hash32 {
        hash_all(&self.root);
        self.root.hash()
    }

    /// Hands out what is not stored yet, children first, to be stored under a number above those of all that
    /// was stored before; it is taken to be stored from then on. Returns the root, which is what later reads this
    /// version.
    pub fn store(&self, sink: &mut impl FnMut(&Node) -> u64) -> NodeRef {
        match &self.root {
            Node::Empty => NodeRef::EMPTY,
            Node::Stored(root) => *root,
            Node::Branch(branch) => NodeRef { serial: branch.store(sink), hash: self.hash() },
            Node::Leaf(_) => NodeRef { serial: sink(&self.root), hash: self.hash() },
        }
    }

    /// Lets go of all stored branches that are `levels` or more below the root: they are read again where they
    /// are needed.
    pub fn keep_levels(&mut self, levels: u32) {
        self.root.keep_levels(levels);
    }
}

impl Branch {
    /// The two sides of this branch, to be changed.
    fn change(self: &mut Arc<Self>) -> (&mut Node, &mut Node) {
        let Self { left, right, hash, serial, .. } = Arc::make_mut(self);
        (*hash, *serial) = (HashCell::default(), SerialCell::default());
        (left, right)
    }

    /// Stores this branch, and what is below it and not stored yet. A row holds a branch and the branches of the
    /// next levels below, so that a search reads one row for all of them.
    fn store(self: &Arc<Self>, sink: &mut impl FnMut(&Node) -> u64) -> u64 {
        if let Some(serial) = self.serial.get() {
            return serial;
        }
        self.store_below(LEVELS_IN_ROW - 1, sink);
        let serial = sink(&Node::Branch(self.clone()));
        self.serial.set(serial);
        serial
    }

    /// Stores what is below this branch and belongs in rows of its own.
    fn store_below(&self, levels: u32, sink: &mut impl FnMut(&Node) -> u64) {
        for child in [&self.left, &self.right] {
            match (child, levels.checked_sub(1)) {
                (Node::Branch(branch), None) => {
                    branch.store(sink);
                }
                (Node::Branch(branch), Some(levels)) if branch.serial.get().is_none() => {
                    branch.store_below(levels, sink);
                }
                _ => {}
            }
        }
    }
}

impl Node {
    /// The branch at bit `index` above two subtrees.
    pub fn branch(index: u8, left: Self, right: Self) -> Self {
        let (hash, serial) = (HashCell::default(), SerialCell::default());
        Self::Branch(Arc::new(Branch { index, left, right, hash, serial }))
    }

    /// The name under which this subtree stands in the store, where it has a row of its own.
    pub fn stored(&self) -> Option<NodeRef> {
        match self {
            Self::Stored(named) => Some(*named),
            Self::Branch(branch) => branch.serial.get().map(|serial| NodeRef { serial, hash: self.hash() }),
            Self::Empty | Self::Leaf(_) => None,
        }
    }

    /// What the subtree hashes to.
    pub fn hash(&self) -> Hash32 {
        match self {
            Self::Empty => Hash32::ZERO,
            Self::Leaf(leaf) => leaf.hash(),
            Self::Stored(stored) => stored.hash,
            Self::Branch(branch) => branch.hash.get().unwrap_or_else(|| {
                let hash = branch_hash(branch.index, &branch.left.hash(), &branch.right.hash());
                branch.hash.set(&hash);
                hash
            }),
        }
    }

    fn keep_levels(&mut self, levels: u32) {
        if let (0, Some(named)) = (levels, self.stored()) {
            *self = Self::Stored(named);
        } else if let Self::Branch(branch) = self {
            let Branch { left, right, .. } = Arc::make_mut(branch);
            left.keep_levels(levels.saturating_sub(1));
            right.keep_levels(levels.saturating_sub(1));
        }
    }

    /// The leaf that the search for `key` ends in, or where it goes on in the store; `visit` is shown the branches
    /// and the side of each that the search did not take.
    fn descend(&self, key: &AccountKey, visit: &mut impl FnMut(u8, &Self)) -> Result<Option<Leaf>, NodeRef> {
        let mut node = self;
        loop {
            match node {
                Self::Empty => return Ok(None),
                Self::Leaf(leaf) => return Ok(Some(*leaf)),
                Self::Stored(named) => return Err(*named),
                Self::Branch(branch) => {
                    let (next, other) = order(key, branch.index, &branch.left, &branch.right);
                    visit(branch.index, other);
                    node = next;
                }
            }
        }
    }

    /// The leaf that the search for `key` ends in; `visit` is shown the branches from here down and the side of each
    /// that the search did not take.
    fn search<N: Nodes>(
        &self,
        nodes: &N,
        key: &AccountKey,
        mut visit: impl FnMut(u8, &Self),
    ) -> Result<Option<Leaf>, StoreError> {
        let mut found = self.descend(key, &mut visit);
        loop {
            match found {
                Ok(leaf) => return Ok(leaf),
                Err(named) => found = nodes.node(named)?.descend(key, &mut visit),
            }
        }
    }

    /// Puts `leaf` where its key belongs: above the first branch whose bit index is behind `split`,
    /// where it parts from the keys that are there, or in the place of the leaf with its key.
    fn place<N: Nodes>(&mut self, nodes: &N, leaf: Leaf, split: Option<u8>) -> Result<(), StoreError> {
        let loaded = if let Self::Stored(named) = self { Some(nodes.node(*named)?) } else { None };
        let index = match loaded.as_ref().unwrap_or(self) {
            Self::Branch(branch) => Some(branch.index),
            _ => None,
        };
        let is_empty = matches!(self, Self::Empty);
        if let Some(split) = split.filter(|split| !is_empty && index.is_none_or(|index| *split < index)) {
            let old = std::mem::replace(self, Self::Empty);
            let (left, right) = order(&leaf.key, split, Self::Leaf(leaf), old);
            *self = Self::branch(split, left, right);
            return Ok(());
        }
        // Only here is it certain that the node is on the path that changes, so only here is it taken into memory.
        if let Some(loaded) = loaded {
            *self = loaded;
        }
        let Self::Branch(branch) = self else {
            *self = Self::Leaf(leaf);
            return Ok(());
        };
        let index = branch.index;
        let (left, right) = branch.change();
        order(&leaf.key, index, left, right).0.place(nodes, leaf, split)
    }
}

/// A version together with the stored nodes: what transactions are executed over.
#[derive(Debug)]
pub struct TreeView<'a, N> {
    nodes: &'a N,
    version: TreeVersion,
}

impl<'a, N: Nodes> TreeView<'a, N> {
    /// Looks at `version` through `nodes`.
    pub fn new(nodes: &'a N, version: TreeVersion) -> Self {
        Self { nodes, version }
    }

    /// The version as it stands now.
    pub fn into_version(self) -> TreeVersion {
        self.version
    }

    /// The root as it stands now.
    pub fn root(&self) -> Hash32 {
        self.version.hash()
    }

    /// The account at `key`, if there is one.
    pub fn get(&self, key: &AccountKey) -> Result<Option<Account>, StoreError> {
        let leaf = self.search(key, |_, _| {})?;
        Ok(account_at(key, leaf))
    }

    /// What proves the account at `key`, or its absence, against the root as it stands now.
    pub fn proof(&self, key: &AccountKey) -> Result<Proof, StoreError> {
        let mut path = PathBuffer::new();
        let mut steps = Vec::new();
        let leaf = self.search(key, |index, sibling| steps.push(Step { index, sibling: sibling.hash() }))?;
        for step in steps.into_iter().rev() {
            path.push(step).map_err(|error| StoreError::Proof { key: *key, error })?;
        }
        Ok(Proof { leaf, path })
    }

    fn search(&self, key: &AccountKey, visit: impl FnMut(u8, &Node)) -> Result<Option<Leaf>, StoreError> {
        self.version.root.search(self.nodes, key, visit)
    }
}

/// Of two things for the sides of a branch at bit `index`, the one for the side on which `key` lies
/// comes first; applied to what it returns, it puts them back, since exchanging twice is no change.
fn order<T>(key: &AccountKey, index: u8, left: T, right: T) -> (T, T) {
    match side(key, index) {
        Side::Left => (left, right),
        Side::Right => (right, left),
    }
}

impl<N: Nodes> Accounts for TreeView<'_, N> {
    type Error = StoreError;

    fn update(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(Account) -> Result<Account, RuleError>,
    ) -> Result<(), UpdateError<StoreError>> {
        let found = self.search(key, |_, _| {}).map_err(UpdateError::Accounts)?;
        let same = found.filter(|leaf| leaf.key == *key);
        let account = change(same.map(|leaf| leaf.account).unwrap_or_default())?;
        let split = found.and_then(|leaf| first_difference(key, &leaf.key));
        let leaf = Leaf { key: *key, account };
        self.version.root.place(self.nodes, leaf, split).map_err(UpdateError::Accounts)
    }

    fn settle(&mut self) -> Result<Hash32, StoreError> {
        Ok(self.root())
    }
}

/// All accounts of a version, in the order of their keys.
#[derive(Debug)]
pub struct Leaves<'a, N> {
    nodes: &'a N,
    /// Subtrees that are still to be visited, the next one last.
    ahead: Vec<Node>,
}

impl<'a, N: Nodes> Leaves<'a, N> {
    /// The accounts of `version`.
    pub fn new(nodes: &'a N, version: TreeVersion) -> Self {
        Self { nodes, ahead: vec![version.root] }
    }
}

impl<N: Nodes> Iterator for Leaves<'_, N> {
    type Item = Result<Leaf, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.ahead.pop()? {
                Node::Empty => {}
                Node::Leaf(leaf) => return Some(Ok(leaf)),
                Node::Branch(branch) => self.ahead.extend([branch.right.clone(), branch.left.clone()]),
                Node::Stored(named) => match self.nodes.node(named) {
                    Ok(node) => self.ahead.push(node),
                    Err(error) => {
                        self.ahead.clear();
                        return Some(Err(error));
                    }
                },
            }
        }
    }
}

mod ahead;
mod cell;
mod changes;
mod found;
mod hashing;
pub mod row;
mod search;
#[cfg(test)]
mod tests;
mod update;

pub use ahead::Ahead;
pub use search::Search;
pub use update::TreeUpdate;
