//! Reading what blocks will change before they are executed, beside whatever else is done until then.

use std::collections::HashMap;
use std::sync::Arc;

use mote_core::keys::AccountKey;

use super::update::{Search, load, part, put_in_order};
use super::{Node, NodeRef, Nodes, TreeVersion};
use crate::workers::{Answer, Workers};

/// Subtrees that are being read, or were and nobody has taken yet. Whatever version they were read for, they are what
/// the store has under their names.
#[derive(Default)]
pub struct Ahead {
    /// There until somebody has waited for it.
    going: Option<Answer<Subtrees>>,
    read: Subtrees,
}

/// Subtrees by the numbers of their names.
type Subtrees = HashMap<u64, Node>;

impl Ahead {
    /// Has `workers` read all that stands in the store alone on the ways to these accounts of `version`.
    pub fn begin<N: Nodes + Send + Sync + 'static>(
        nodes: Arc<N>,
        workers: &Workers,
        version: &TreeVersion,
        mut keys: Vec<AccountKey>,
    ) -> Self {
        put_in_order(&mut keys);
        let mut ends = Vec::new();
        version.root.find_ends(&mut keys, &mut ends);
        let going = (!ends.is_empty()).then(|| workers.run(move || read(&*nodes, ends)));
        Self { going, read: Subtrees::new() }
    }

    /// The subtree with this name, where it was read and not taken before.
    pub fn take(&mut self, named: &NodeRef) -> Option<Node> {
        if let Some(going) = self.going.take() {
            self.read = going.wait();
        }
        self.read.remove(&named.serial).filter(|node| node.hash() == named.hash)
    }
}

/// Where searches go on in the store, and the keys that they are for.
struct End {
    named: NodeRef,
    keys: Vec<AccountKey>,
}

fn read<N: Nodes>(nodes: &N, mut ends: Vec<End>) -> Subtrees {
    let mut subtrees: Vec<Node> = ends.iter().map(|end| Node::Stored(end.named)).collect();
    let searches = subtrees.iter_mut().zip(&mut ends).map(|(node, end)| Search { node, keys: &mut end.keys });
    // Who cannot do without what is damaged reads it again, and is told.
    let _ = load(searches.collect(), |named| nodes.nodes_to_change(named), |_, _| {});
    let read = ends.into_iter().zip(subtrees).filter(|(_, node)| !matches!(node, Node::Stored(_)));
    read.map(|(end, node)| (end.named.serial, node)).collect()
}

impl Node {
    /// Follows the searches for these keys as far as there are branches in memory.
    fn find_ends(&self, keys: &mut [AccountKey], ends: &mut Vec<End>) {
        match self {
            _ if keys.is_empty() => {}
            Self::Empty | Self::Leaf(_) => {}
            Self::Stored(named) => ends.push(End { named: *named, keys: keys.to_vec() }),
            Self::Branch(branch) => {
                let count = part(keys, branch.index);
                let (lower, upper) = keys.split_at_mut(count);
                branch.left.find_ends(lower, ends);
                branch.right.find_ends(upper, ends);
            }
        }
    }
}
