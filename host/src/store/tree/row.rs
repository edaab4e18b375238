//! Rows of the tree's file: a branch with what is below it, down to accounts and to nodes that stand elsewhere in the
//! file. Every branch in a row is a node by itself, named by where its own bytes begin.

use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::state::{Account, Leaf, branch_preimage};
use mote_core::units::Amount;

use super::cell::SerialCell;
use super::search::separate;
use super::{Branch, Node, NodeRef};
use crate::sha256::many::SideBySide;
use crate::store::error::StoreError;
use crate::store::rows::Fields;

/// The most bytes of a row, of three levels of branches above eight accounts.
pub const ROW_BYTES_MAX: usize = 7 * 2 + 8 * 49;

/// No row is deeper than this, so that bytes of a damaged one do not decide how deep a walk goes.
const LEVELS_MAX: usize = 8;

/// Adds the bytes of a node, with what is below it and not stored yet.
pub fn encode_node(bytes: &mut Vec<u8>, node: &Node) {
    match node {
        Node::Branch(branch) => encode_branch(bytes, branch),
        other => encode_below(bytes, other),
    }
}

fn encode_branch(bytes: &mut Vec<u8>, branch: &Branch) {
    bytes.extend([2, branch.index]);
    encode_below(bytes, &branch.left);
    encode_below(bytes, &branch.right);
}

fn encode_below(bytes: &mut Vec<u8>, node: &Node) {
    match (node, node.stored()) {
        (_, Some(named)) => {
            bytes.push(1);
            bytes.extend(named.serial.to_be_bytes());
            bytes.extend(named.hash.as_bytes());
        }
        (Node::Leaf(Leaf { key, account }), None) => {
            bytes.push(0);
            bytes.extend(key.as_bytes());
            bytes.extend(account.balance.grains().to_be_bytes());
            bytes.extend(account.nonce.to_be_bytes());
        }
        (Node::Branch(branch), None) => encode_branch(bytes, branch),
        // No branch has an empty side, and the empty tree has no row.
        (Node::Empty | Node::Stored(_), None) => {}
    }
}

/// The node at `serial`, whose row begins with it and is the first of `bytes`.
pub fn decode_node(serial: u64, bytes: &[u8]) -> Result<Node, StoreError> {
    let rows = Rows::decode(&[(serial, bytes)])?;
    let node = rows.heads().next().map(|head| head.whole());
    node.ok_or(StoreError::Node { serial, problem: "a row without a node" })
}

/// Rows that were read, with what everything in them hashes to, and nothing made of it yet.
#[derive(Default)]
pub struct Rows {
    heads: Vec<Part>,
    leaves: Vec<Leaf>,
    leaf_hashes: Vec<Hash32>,
    branches: Vec<FlatBranch>,
}

/// A branch of a row.
struct FlatBranch {
    /// Where its bytes begin.
    serial: u64,
    index: u8,
    left: Part,
    right: Part,
    /// How many levels of branches there are in the row, this one and those below it.
    levels: usize,
    hash: Hash32,
}

/// A part of a row.
#[derive(Clone, Copy)]
enum Part {
    /// The leaf with this number.
    Leaf(usize),
    /// The branch with this number.
    Branch(usize),
    /// A node that stands elsewhere.
    Stored(NodeRef),
}

impl Rows {
    /// Decodes rows, each with where it begins. What a row names has smaller numbers: so no walk through nodes goes on
    /// for ever, whatever the disk returns.
    pub fn decode(rows: &[(u64, &[u8])]) -> Result<Self, StoreError> {
        let mut decoded = Self::default();
        for (serial, bytes) in rows {
            let fields = Fields::of("nodes", "that of its parts, each behind a 0, a 1 or a 2", bytes);
            let head = Reader { rows: &mut decoded, fields, serial: *serial }.part(LEVELS_MAX)?;
            if let Part::Stored(_) = head {
                return Err(StoreError::Node { serial: *serial, problem: "nothing but the name of another" });
            }
            decoded.heads.push(head);
        }
        decoded.hash();
        Ok(decoded)
    }

    /// The nodes that the rows begin with.
    pub fn heads(&self) -> impl Iterator<Item = Head<'_>> {
        self.heads.iter().map(|part| Head { rows: self, part: *part })
    }

    fn hash(&mut self) {
        let way = SideBySide::fastest();
        self.leaf_hashes = way.hash_each(&self.leaves.iter().map(Leaf::preimage).collect::<Vec<_>>());
        for levels in 1..=LEVELS_MAX {
            let of_level = self.branches.iter().enumerate().filter(|(_, branch)| branch.levels == levels);
            let (places, preimages): (Vec<usize>, Vec<_>) = of_level
                .map(|(at, branch)| {
                    let (left, right) = (self.hash_of(branch.left), self.hash_of(branch.right));
                    (at, branch_preimage(branch.index, &left, &right))
                })
                .unzip();
            for (at, hash) in places.into_iter().zip(way.hash_each(&preimages)) {
                self.branches[at].hash = hash;
            }
        }
    }

    fn hash_of(&self, part: Part) -> Hash32 {
        match part {
            Part::Leaf(at) => self.leaf_hashes[at],
            Part::Branch(at) => self.branches[at].hash,
            Part::Stored(named) => named.hash,
        }
    }

    fn levels(&self, part: Part) -> usize {
        match part {
            Part::Branch(at) => self.branches[at].levels,
            Part::Leaf(_) | Part::Stored(_) => 0,
        }
    }

    /// The node of a part, with the branches on the ways to these keys, all others only named; or, where it is not said
    /// which, with all that the row has of it.
    fn node(&self, part: Part, keys: Option<&mut [AccountKey]>) -> Node {
        let branch = match part {
            Part::Leaf(at) => return Node::Leaf(self.leaves[at]),
            Part::Stored(named) => return Node::Stored(named),
            Part::Branch(at) => &self.branches[at],
        };
        let (lower, upper) = match keys {
            None => (None, None),
            Some([]) => return Node::Stored(NodeRef { serial: branch.serial, hash: branch.hash }),
            Some(keys) => {
                let count = separate(keys, branch.index);
                let (lower, upper) = keys.split_at_mut(count);
                (Some(lower), Some(upper))
            }
        };
        let (left, right) = (self.node(branch.left, lower), self.node(branch.right, upper));
        let (hash, serial) = (branch.hash.into(), SerialCell::default());
        Node::Branch(Arc::new(Branch { index: branch.index, left, right, hash, serial }))
    }
}

/// The node that a row begins with.
pub struct Head<'r> {
    rows: &'r Rows,
    part: Part,
}

impl Head<'_> {
    /// The node, with the branches on the ways to these keys; all others are only named.
    pub fn on_the_way_to(&self, keys: &mut [AccountKey]) -> Node {
        self.stored(self.rows.node(self.part, Some(keys)))
    }

    fn whole(&self) -> Node {
        self.stored(self.rows.node(self.part, None))
    }

    /// The node, as one that has a row of its own.
    fn stored(&self, node: Node) -> Node {
        if let (Node::Branch(branch), Part::Branch(at)) = (&node, self.part) {
            branch.serial.set(self.rows.branches[at].serial);
        }
        node
    }
}

/// Reads a row, part by part.
struct Reader<'r, 'b> {
    rows: &'r mut Rows,
    fields: Fields<'b>,
    /// Where the row begins.
    serial: u64,
}

impl Reader<'_, '_> {
    /// The next part, at most so many levels deep.
    fn part(&mut self, levels: usize) -> Result<Part, StoreError> {
        let levels = levels.checked_sub(1).ok_or_else(|| self.fields.error())?;
        let begin = self.serial + self.fields.read() as u64;
        match self.fields.array()? {
            [0] => {
                let key = AccountKey::from_bytes(self.fields.array()?);
                let (balance, nonce) = (Amount::from_grains(self.fields.u64()?), self.fields.u64()?);
                self.rows.leaves.push(Leaf { key, account: Account { balance, nonce } });
                Ok(Part::Leaf(self.rows.leaves.len() - 1))
            }
            [1] => {
                let named =
                    NodeRef { serial: self.fields.u64()?, hash: Hash32::from_bytes(self.fields.array()?) };
                if named.serial >= self.serial {
                    let problem = "older than its child";
                    return Err(StoreError::Node { serial: self.serial, problem });
                }
                Ok(Part::Stored(named))
            }
            [2] => {
                let [index] = self.fields.array()?;
                let (left, right) = (self.part(levels)?, self.part(levels)?);
                let levels = 1 + self.rows.levels(left).max(self.rows.levels(right));
                let branch = FlatBranch { serial: begin, index, left, right, levels, hash: Hash32::ZERO };
                self.rows.branches.push(branch);
                Ok(Part::Branch(self.rows.branches.len() - 1))
            }
            _ => Err(self.fields.error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::hash::sha256;

    fn bytes_of(node: &Node) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_node(&mut bytes, node);
        bytes
    }

    #[test]
    fn nodes_are_read_as_they_were_written() {
        let account = Account { balance: Amount::from_grains(5), nonce: 6 };
        let leaf = Leaf { key: sha256(b"key"), account };
        let stored = |serial| Node::Stored(NodeRef { serial, hash: sha256(&[serial as u8]) });
        let lower = Node::branch(201, stored(4), Node::Leaf(leaf));
        let upper = Node::branch(200, stored(3), lower.clone());
        for node in [Node::Leaf(leaf), Node::branch(7, stored(3), stored(4)), lower, upper] {
            let bytes = bytes_of(&node);
            let again = decode_node(5, &[bytes.clone(), vec![0]].concat()).unwrap();
            assert_eq!((again.hash(), bytes_of(&again)), (node.hash(), bytes.clone()));
            assert!((0..bytes.len()).all(|length| decode_node(5, &bytes[..length]).is_err()));
        }
        // Nodes of all depths, with accounts on either side.
        let accounts = (0..8).map(|number| Leaf { key: AccountKey::from_bytes([number << 5; 32]), account });
        let leaves: Vec<Node> = accounts.clone().map(Node::Leaf).collect();
        let pairs = leaves.chunks(2).map(|pair| Node::branch(2, pair[0].clone(), pair[1].clone()));
        let pairs: Vec<Node> = pairs.collect();
        let fours = pairs.chunks(2).map(|pair| Node::branch(1, pair[0].clone(), pair[1].clone()));
        let fours: Vec<Node> = fours.collect();
        let whole = Node::branch(0, fours[0].clone(), fours[1].clone());
        let (bytes, begin) = (bytes_of(&whole), 1_000);
        assert_eq!(bytes.len(), ROW_BYTES_MAX);
        let rows = Rows::decode(&[(begin, &bytes), (begin, &bytes)]).unwrap();
        for (account, number) in accounts.zip(0..) {
            let heads: Vec<Head<'_>> = rows.heads().collect();
            let mut node = heads[number % 2].on_the_way_to(&mut [account.key]);
            assert_eq!(node.hash(), whole.hash());
            // What is not on the way can be read from where it is said to be.
            while let Node::Branch(branch) = &node {
                let sides = [branch.left.clone(), branch.right.clone()];
                let [on_the_way, other] = if number >> (2 - branch.index) & 1 == 0 {
                    sides
                } else {
                    let [left, right] = sides;
                    [right, left]
                };
                if let Node::Stored(named) = other {
                    let at = (named.serial - begin) as usize;
                    assert_eq!(decode_node(named.serial, &bytes[at..]).unwrap().hash(), named.hash);
                } else {
                    assert_eq!(branch.index, 2);
                }
                node = on_the_way;
            }
            assert!(matches!(node, Node::Leaf(leaf) if leaf == account));
        }
        assert!(decode_node(4, &bytes_of(&Node::branch(7, stored(3), stored(4)))).is_err());
        assert!(decode_node(5, &[2; 1_000]).is_err());
        // A row holds a node and not just the name of one.
        let named = Node::branch(7, stored(3), stored(4));
        assert!(decode_node(5, &bytes_of(&named)[2..]).is_err());
        // A bit that is wrong anywhere does not pass for the same, but in numbers, which no hash covers.
        let node = Node::branch(7, Node::branch(200, stored(3), Node::Leaf(leaf)), Node::Leaf(leaf));
        let mut bytes = bytes_of(&node);
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let is_same = decode_node(5, &bytes).is_ok_and(|read| read.hash() == node.hash());
            assert!(!is_same || (5..13).contains(&(bit / 8)), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
