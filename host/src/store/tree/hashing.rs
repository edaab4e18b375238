//! Hashing what has changed in a version of the tree, many branches at a time.

use mote_core::state::{Leaf, branch_preimage};

use super::{Branch, Node};
use crate::sha256::many::SideBySide;

/// Most blocks change at least so many branches of each level.
const LEVEL_ROOM: usize = 64;

/// What hashes are missing.
#[derive(Default)]
struct Missing<'a> {
    leaves: Vec<&'a Leaf>,
    /// Branches without a hash, by how many levels of such branches there are below them.
    levels: Vec<Vec<Changed<'a>>>,
}

/// A branch whose hash is not known.
struct Changed<'a> {
    branch: &'a Branch,
    left: Option<LeafNumber>,
    right: Option<LeafNumber>,
}

/// The place of a leaf among those that are hashed.
type LeafNumber = usize;

/// Works out what all branches at or below this node hash to.
pub fn hash_all(node: &Node) {
    let mut missing = Missing::default();
    if let Node::Branch(branch) = node {
        missing.gather(branch);
    }
    let Missing { leaves, levels } = missing;
    let way = SideBySide::fastest();
    let leaves = way.hash_each(&leaves.into_iter().map(Leaf::preimage).collect::<Vec<_>>());
    for level in levels {
        let hash = |child: &Node, leaf: Option<LeafNumber>| {
            // Those of the branches of lower levels are known by now.
            leaf.and_then(|number| leaves.get(number).copied()).unwrap_or_else(|| child.hash())
        };
        let preimage = |Changed { branch, left, right }: &Changed<'_>| {
            branch_preimage(branch.index, &hash(&branch.left, *left), &hash(&branch.right, *right))
        };
        let hashes = way.hash_each(&level.iter().map(preimage).collect::<Vec<_>>());
        for (changed, hash) in level.iter().zip(hashes) {
            changed.branch.hash.set(&hash);
        }
    }
}

impl<'a> Missing<'a> {
    /// Takes note of a branch and those below it; how many levels these are.
    fn gather(&mut self, branch: &'a Branch) -> usize {
        if branch.hash.get().is_some() {
            return 0;
        }
        let (left, below_left) = self.gather_child(&branch.left);
        let (right, below_right) = self.gather_child(&branch.right);
        let below = below_left.max(below_right);
        if self.levels.len() <= below {
            self.levels.resize_with(below + 1, || Vec::with_capacity(LEVEL_ROOM));
        }
        self.levels[below].push(Changed { branch, left, right });
        below + 1
    }

    fn gather_child(&mut self, child: &'a Node) -> (Option<LeafNumber>, usize) {
        match child {
            Node::Empty | Node::Stored(_) => (None, 0),
            Node::Leaf(leaf) => {
                self.leaves.push(leaf);
                (Some(self.leaves.len() - 1), 0)
            }
            Node::Branch(branch) => (None, self.gather(branch)),
        }
    }
}
