//! The account tree in versions that share their nodes: changing an account copies the path from
//! the root to it, so every older version stays readable from its own root.
//!
//! A stored node has a serial number, never changes and is never written twice. A version that is
//! being made owns the nodes that are new in it and changes them in place, so what is only
//! intermediate within a block is never stored, and a node is hashed once however often it changes.

use std::cell::Cell;

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::{
    Account, Accounts, Leaf, PathBuffer, Proof, Side, Step, UpdateError, branch_hash, first_difference, side,
};

use super::error::StoreError;

/// Names a stored node, or the empty tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRef {
    /// The order in which nodes were stored, from 1; 0 is the empty tree.
    pub serial: u64,
    /// What the node hashes to.
    pub hash: Hash32,
}

impl NodeRef {
    /// The tree without accounts.
    pub const EMPTY: Self = Self { serial: 0, hash: Hash32::ZERO };
}

/// A stored node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// An account.
    Leaf(Leaf),
    /// Two subtrees whose keys first differ at bit `index`.
    Branch {
        /// The bit.
        index: u8,
        /// The keys whose bit is 0.
        left: NodeRef,
        /// The keys whose bit is 1.
        right: NodeRef,
    },
}

/// Where stored nodes are read from.
pub trait Nodes {
    /// The node that a stored node or block has named. That it is missing or hashes to something else
    /// is damage, which must not pass for a block that breaks a rule.
    fn node(&self, named: NodeRef) -> Result<Node, StoreError>;
}

/// A version of the tree: a stored root, or one that is being made. It does not hold on to where the
/// stored nodes lie, so it can be kept; reading and changing it takes a [`TreeView`].
#[derive(Debug)]
pub struct TreeVersion {
    root: Link,
}

#[derive(Debug)]
enum Link {
    Stored(NodeRef),
    New(Box<New>),
}

/// A node that is not stored yet, with its hash once somebody asked for it.
#[derive(Debug)]
struct New {
    node: NewNode,
    hash: Cell<Option<Hash32>>,
}

#[derive(Debug)]
enum NewNode {
    Leaf(Leaf),
    Branch { index: u8, left: Link, right: Link },
}

impl Default for TreeVersion {
    fn default() -> Self {
        Self::stored(NodeRef::EMPTY)
    }
}

impl TreeVersion {
    /// The version with this stored root.
    pub fn stored(root: NodeRef) -> Self {
        Self { root: Link::Stored(root) }
    }

    /// The root's hash.
    pub fn hash(&self) -> Hash32 {
        self.root.hash()
    }

    /// Gives the new nodes serial numbers from `next` on, children first, and hands them out to be
    /// stored. Returns the root, which is what later reads this version.
    pub fn store(&self, next: &mut u64, mut sink: impl FnMut(u64, Node)) -> NodeRef {
        self.root.store(next, &mut sink)
    }
}

impl Link {
    fn new(node: NewNode) -> Self {
        Self::New(Box::new(New { node, hash: Cell::new(None) }))
    }

    fn hash(&self) -> Hash32 {
        let new = match self {
            Self::Stored(stored) => return stored.hash,
            Self::New(new) => new,
        };
        if let Some(hash) = new.hash.get() {
            return hash;
        }
        let hash = match &new.node {
            NewNode::Leaf(leaf) => leaf.hash(),
            NewNode::Branch { index, left, right } => branch_hash(*index, &left.hash(), &right.hash()),
        };
        new.hash.set(Some(hash));
        hash
    }

    fn store(&self, next: &mut u64, sink: &mut impl FnMut(u64, Node)) -> NodeRef {
        let new = match self {
            Self::Stored(stored) => return *stored,
            Self::New(new) => new,
        };
        let node = match &new.node {
            NewNode::Leaf(leaf) => Node::Leaf(*leaf),
            NewNode::Branch { index, left, right } => {
                Node::Branch { index: *index, left: left.store(next, sink), right: right.store(next, sink) }
            }
        };
        let stored = NodeRef { serial: *next, hash: self.hash() };
        *next += 1;
        sink(stored.serial, node);
        stored
    }

    /// Puts `leaf` where its key belongs: above the first node whose bit index is behind `split`,
    /// where it parts from the keys that are there, or in the place of the leaf with its key.
    fn place<N: Nodes>(&mut self, nodes: &N, leaf: Leaf, split: Option<u8>) -> Result<(), StoreError> {
        let mut stored = None;
        let index = match self {
            Self::Stored(NodeRef::EMPTY) => None,
            Self::Stored(reference) => stored.insert(nodes.node(*reference)?).index(),
            Self::New(new) => new.node.index(),
        };
        if let Some(split) = split.filter(|split| index.is_none_or(|index| *split < index)) {
            let old = std::mem::replace(self, Self::Stored(NodeRef::EMPTY));
            let new = Self::new(NewNode::Leaf(leaf));
            let (left, right) = order(&leaf.key, split, new, old);
            *self = Self::new(NewNode::Branch { index: split, left, right });
            return Ok(());
        }
        // Only here is it certain that the node is on the path that changes, so only here is it copied.
        if let Some(Node::Branch { index, left, right }) = stored {
            let (left, right) = (Self::Stored(left), Self::Stored(right));
            *self = Self::new(NewNode::Branch { index, left, right });
        }
        if let Self::New(new) = self
            && let NewNode::Branch { index, left, right } = &mut new.node
        {
            new.hash.set(None);
            return order(&leaf.key, *index, left, right).0.place(nodes, leaf, split);
        }
        *self = Self::new(NewNode::Leaf(leaf));
        Ok(())
    }
}

impl Node {
    /// What the node hashes to.
    pub fn hash(&self) -> Hash32 {
        match self {
            Self::Leaf(leaf) => leaf.hash(),
            Self::Branch { index, left, right } => branch_hash(*index, &left.hash, &right.hash),
        }
    }

    fn index(&self) -> Option<u8> {
        match self {
            Self::Leaf(_) => None,
            Self::Branch { index, .. } => Some(*index),
        }
    }
}

impl NewNode {
    fn index(&self) -> Option<u8> {
        match self {
            Self::Leaf(_) => None,
            Self::Branch { index, .. } => Some(*index),
        }
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

    /// The account at `key`, if there is one.
    pub fn get(&self, key: &AccountKey) -> Result<Option<Account>, StoreError> {
        let leaf = self.search(key, |_, _| {})?;
        Ok(leaf.filter(|leaf| leaf.key == *key).map(|leaf| leaf.account))
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

    /// The leaf that the search for `key` ends in; `visit` is shown the branches from the root down
    /// and the side of each that the search did not take.
    fn search(&self, key: &AccountKey, mut visit: impl FnMut(u8, &Link)) -> Result<Option<Leaf>, StoreError> {
        let mut link = &self.version.root;
        let mut stored = loop {
            let new = match link {
                Link::Stored(stored) => break *stored,
                Link::New(new) => new,
            };
            match &new.node {
                NewNode::Leaf(leaf) => return Ok(Some(*leaf)),
                NewNode::Branch { index, left, right } => {
                    let (next, other) = order(key, *index, left, right);
                    visit(*index, other);
                    link = next;
                }
            }
        };
        while stored != NodeRef::EMPTY {
            match self.nodes.node(stored)? {
                Node::Leaf(leaf) => return Ok(Some(leaf)),
                Node::Branch { index, left, right } => {
                    let (next, other) = order(key, index, left, right);
                    visit(index, &Link::Stored(other));
                    stored = next;
                }
            }
        }
        Ok(None)
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

    fn root(&self) -> Hash32 {
        self.version.hash()
    }
}

/// All accounts of a stored version, in the order of their keys.
#[derive(Debug)]
pub struct Leaves<'a, N> {
    nodes: &'a N,
    /// Subtrees that are still to be visited, the next one last.
    ahead: Vec<NodeRef>,
}

impl<'a, N: Nodes> Leaves<'a, N> {
    /// The accounts under `root`.
    pub fn new(nodes: &'a N, root: NodeRef) -> Self {
        Self { nodes, ahead: vec![root] }
    }
}

impl<N: Nodes> Iterator for Leaves<'_, N> {
    type Item = Result<Leaf, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.ahead.pop()?;
            if next == NodeRef::EMPTY {
                continue;
            }
            match self.nodes.node(next) {
                Ok(Node::Leaf(leaf)) => return Some(Ok(leaf)),
                Ok(Node::Branch { left, right, .. }) => self.ahead.extend([right, left]),
                Err(error) => {
                    self.ahead.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::hash::sha256;
    use mote_core::units::Amount;
    use std::collections::{BTreeMap, HashMap};

    #[derive(Default)]
    struct Memory(HashMap<u64, Node>);

    impl Nodes for Memory {
        fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
            let serial = named.serial;
            self.0.get(&serial).copied().ok_or(StoreError::Node { serial, problem: "missing" })
        }
    }

    /// The definition of the root, without a tree.
    fn oracle(leaves: &[Leaf]) -> Hash32 {
        match leaves {
            [] => Hash32::ZERO,
            [leaf] => leaf.hash(),
            [first, .., last] => {
                let index = first_difference(&first.key, &last.key).unwrap();
                let split = leaves.partition_point(|leaf| side(&leaf.key, index) == Side::Left);
                branch_hash(index, &oracle(&leaves[..split]), &oracle(&leaves[split..]))
            }
        }
    }

    fn sorted(accounts: &BTreeMap<AccountKey, Account>) -> Vec<Leaf> {
        accounts.iter().map(|(key, account)| Leaf { key: *key, account: *account }).collect()
    }

    /// Keys that share long prefixes as well as keys that differ at once.
    fn key(seed: u64) -> AccountKey {
        if seed.is_multiple_of(3) {
            let mut bytes = [0; 32];
            bytes[31] = seed as u8;
            bytes[15] = (seed >> 8) as u8;
            return AccountKey::from_bytes(bytes);
        }
        sha256(&(seed % 97).to_le_bytes())
    }

    #[test]
    fn every_version_agrees_with_the_definition_and_stays_readable() {
        let (mut memory, mut next) = (Memory::default(), 1);
        let mut accounts = BTreeMap::new();
        let mut versions = vec![(NodeRef::EMPTY, accounts.clone())];
        let mut seed = 7_u64;
        for round in 0..60 {
            let base = versions[if round % 7 == 6 { versions.len() / 2 } else { versions.len() - 1 }].clone();
            accounts = base.1;
            let mut view = TreeView::new(&memory, TreeVersion::stored(base.0));
            for _ in 0..round % 9 + 1 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let key = key(seed >> 40);
                let before = view.root();
                let proof = view.proof(&key).unwrap();
                let account = Account { balance: Amount::from_grains(seed >> 20), nonce: round };
                assert_eq!(proof.get(&before, &key), Ok(accounts.get(&key).copied()));
                assert_eq!(view.get(&key).unwrap(), accounts.get(&key).copied());
                view.update(&key, |_| Ok(account)).unwrap();
                accounts.insert(key, account);
                assert_eq!(view.root(), oracle(&sorted(&accounts)));
                assert_eq!(proof.set(&before, &key, account), Ok(view.root()));
            }
            let mut stored = HashMap::new();
            let version = view.into_version();
            let root =
                version.store(&mut next, |serial, node| assert!(stored.insert(serial, node).is_none()));
            memory.0.extend(stored);
            assert_eq!(root.hash, version.hash());
            versions.push((root, accounts.clone()));
        }
        for (root, accounts) in versions {
            let leaves: Vec<Leaf> = Leaves::new(&memory, root).collect::<Result<_, _>>().unwrap();
            assert_eq!(leaves, sorted(&accounts));
            assert_eq!(root.hash, oracle(&leaves));
        }
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let memory = Memory::default();
        let mut view = TreeView::new(&memory, TreeVersion::default());
        let refusal = RuleError::LedgerOverflow { left: 1, right: 2 };
        let refused = view.update(&key(1), |_| Err(refusal));
        assert!(matches!(refused, Err(UpdateError::Rule(error)) if error == refusal));
        assert_eq!(view.root(), Hash32::ZERO);
        assert!(matches!(Leaves::new(&memory, NodeRef { serial: 9, hash: key(1) }).next(), Some(Err(_))));
    }
}
