//! The rows of the index as typed values; see [`super::index`] for their bytes.

use mote_core::block::{HEADER_MAX_BYTES, Header};
use mote_core::codec;
use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::pow::Work;
use mote_core::state::{Account, Leaf};
use mote_core::units::{Amount, Height};

use super::error::StoreError;
use super::index::{Index, Table};
use super::tree::{Node, NodeRef};

/// The log position of the genesis block, which is not in the log.
pub const NOT_IN_LOG: u64 = u64::MAX;

/// The index under which a miner's credit stands in an account's history: behind all transactions.
pub const MINER_INDEX: u32 = u32::MAX;

/// A row of `blocks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Where the block is in the log.
    pub position: u64,
    /// The work of the chain up to and including the block.
    pub work: Work,
    /// Serial number of the root of the accounts after the block.
    pub root: u64,
    /// The header.
    pub header: Header,
}

impl BlockRow {
    /// The root of the accounts after the block.
    pub fn root(&self) -> NodeRef {
        NodeRef { serial: self.root, hash: self.header.state_root }
    }

    /// The row's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(48 + HEADER_MAX_BYTES);
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.work.to_be_bytes());
        bytes.extend(self.root.to_be_bytes());
        codec::encode_into(&self.header, |piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// The row that `bytes` stand for.
    pub fn decode(id: &Hash32, bytes: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::of(Table::Blocks.name(), "at least 48", bytes);
        let (position, work, root) = (fields.u64()?, fields.array()?, fields.u64()?);
        let header = codec::decode(fields.rest)
            .map_err(|error| StoreError::Encoding { what: format!("header {id}"), error })?;
        Ok(Self { position, work: Work::from_be_bytes(&work), root, header })
    }
}

/// What an account has to do with an entry of its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It paid.
    Sender,
    /// It was paid.
    Recipient,
    /// It paid itself.
    Both,
    /// It got the reward and the fees of a block.
    Miner,
}

impl Role {
    const ALL: [Self; 4] = [Self::Sender, Self::Recipient, Self::Both, Self::Miner];
}

/// Something that happened to an account on the main chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The block's height.
    pub height: u64,
    /// The transaction's place in the block; [`MINER_INDEX`] for the miner's credit.
    pub index: u32,
    /// What the account had to do with it.
    pub role: Role,
    /// The transaction's id, or for the miner's credit the block's.
    pub id: Hash32,
}

impl HistoryEntry {
    /// The key of an entry of the history of `account`.
    pub fn key(account: &AccountKey, height: u64, index: u32) -> [u8; 44] {
        let mut key = [0; 44];
        key[..32].copy_from_slice(account.as_bytes());
        key[32..40].copy_from_slice(&height.to_be_bytes());
        key[40..].copy_from_slice(&index.to_be_bytes());
        key
    }

    /// The value of the entry.
    pub fn value(&self) -> [u8; 33] {
        let mut value = [self.role as u8; 33];
        value[1..].copy_from_slice(self.id.as_bytes());
        value
    }

    /// The entry at `key`.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::of(Table::History.name(), "44 in its key", key);
        let _: [u8; 32] = fields.array()?;
        let (height, index) = (fields.u64()?, u32::from_be_bytes(fields.array()?));
        let mut fields = Fields::of(Table::History.name(), "33, the first at most 3", value);
        let [role] = fields.array()?;
        let role = *Role::ALL.get(usize::from(role)).ok_or_else(|| fields.error())?;
        let id = Hash32::from_bytes(fields.array()?);
        Ok(Self { height, index, role, id })
    }
}

/// Where a transaction is on the main chain: the value of a row of `transactions`.
pub fn encode_place(height: u64, index: u32) -> [u8; 12] {
    let mut value = [0; 12];
    value[..8].copy_from_slice(&height.to_be_bytes());
    value[8..].copy_from_slice(&index.to_be_bytes());
    value
}

/// Height and index of a row of `transactions`.
pub fn decode_place(bytes: &[u8]) -> Result<(u64, u32), StoreError> {
    let mut fields = Fields::of(Table::Transactions.name(), "12", bytes);
    Ok((fields.u64()?, u32::from_be_bytes(fields.array()?)))
}

/// The key of a row of `subtrees`. A level is below 64.
pub fn subtree_key(level: u32, index: u64) -> [u8; 9] {
    let mut key = [level as u8; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

/// The key of a row of `aside` and of `ends`.
pub fn place_key(height: u64, id: &Hash32) -> [u8; 40] {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&height.to_be_bytes());
    key[8..].copy_from_slice(id.as_bytes());
    key
}

/// Height and id of such a key.
pub fn place_of(table: Table, key: &[u8]) -> Result<(u64, Hash32), StoreError> {
    let mut fields = Fields::of(table.name(), "40 in its key", key);
    Ok((fields.u64()?, Hash32::from_bytes(fields.array()?)))
}

fn decode_hash(table: Table, bytes: &[u8]) -> Result<Hash32, StoreError> {
    Fields::of(table.name(), "32", bytes).array().map(Hash32::from_bytes)
}

/// The bytes of a node of the account tree.
pub fn encode_node(node: &Node) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(82);
    match node {
        Node::Leaf(Leaf { key, account }) => {
            bytes.push(0);
            bytes.extend(key.as_bytes());
            bytes.extend(account.balance.grains().to_be_bytes());
            bytes.extend(account.nonce.to_be_bytes());
        }
        Node::Branch { index, left, right } => {
            bytes.extend([1, *index]);
            for child in [left, right] {
                bytes.extend(child.serial.to_be_bytes());
                bytes.extend(child.hash.as_bytes());
            }
        }
    }
    bytes
}

/// The node with number `serial`, whose children have smaller numbers: so no walk through nodes goes
/// on for ever, whatever the disk returns.
pub fn decode_node(serial: u64, bytes: &[u8]) -> Result<Node, StoreError> {
    let mut fields = Fields::of("nodes", "49 or 82, the first 0 or 1", bytes);
    match fields.array()? {
        [0] => {
            let key = AccountKey::from_bytes(fields.array()?);
            let (balance, nonce) = (Amount::from_grains(fields.u64()?), fields.u64()?);
            Ok(Node::Leaf(Leaf { key, account: Account { balance, nonce } }))
        }
        [1] => {
            let [index] = fields.array()?;
            let mut child = || -> Result<NodeRef, StoreError> {
                let child = NodeRef { serial: fields.u64()?, hash: Hash32::from_bytes(fields.array()?) };
                if child.serial < serial {
                    return Ok(child);
                }
                Err(StoreError::Node { serial, problem: "older than its child" })
            };
            Ok(Node::Branch { index, left: child()?, right: child()? })
        }
        _ => Err(fields.error()),
    }
}

impl Index {
    /// The row of a block.
    pub fn block(&self, id: &Hash32) -> Result<Option<BlockRow>, StoreError> {
        let row = self.get(Table::Blocks, id.as_bytes())?;
        row.map(|bytes| BlockRow::decode(id, &bytes)).transpose()
    }

    /// The block of the main chain at `height`.
    pub fn main(&self, height: u64) -> Result<Option<Hash32>, StoreError> {
        let row = self.get(Table::Main, &height.to_be_bytes())?;
        row.map(|bytes| decode_hash(Table::Main, &bytes)).transpose()
    }

    /// Height and index of a transaction on the main chain.
    pub fn place(&self, transaction: &Hash32) -> Result<Option<(u64, u32)>, StoreError> {
        let row = self.get(Table::Transactions, transaction.as_bytes())?;
        row.map(|bytes| decode_place(&bytes)).transpose()
    }

    /// The root of a perfect subtree of the log of all blocks of the main chain.
    pub fn subtree(&self, level: u32, index: u64) -> Result<Option<Hash32>, StoreError> {
        let row = self.get(Table::Subtrees, &subtree_key(level, index))?;
        row.map(|bytes| decode_hash(Table::Subtrees, &bytes)).transpose()
    }

    /// The row of a block that another row has named.
    pub fn row(&self, id: &Hash32) -> Result<BlockRow, StoreError> {
        self.block(id)?.ok_or_else(|| missing(Table::Blocks, id))
    }

    /// The block of the main chain at a height that the chain has.
    pub fn main_id(&self, height: u64) -> Result<Hash32, StoreError> {
        self.main(height)?.ok_or_else(|| missing(Table::Main, &height))
    }

    /// Whether block `id`, which has this height, is on the main chain.
    pub fn is_main(&self, id: &Hash32, height: Height) -> Result<bool, StoreError> {
        Ok(self.main(height.get())?.as_ref() == Some(id))
    }

    /// A row of `meta` that is a hash.
    pub fn meta_hash(&self, name: &str) -> Result<Option<Hash32>, StoreError> {
        let row = self.get(Table::Meta, name.as_bytes())?;
        row.map(|bytes| decode_hash(Table::Meta, &bytes)).transpose()
    }

    /// A row of `meta` that is a number.
    pub fn meta_number(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let row = self.get(Table::Meta, name.as_bytes())?;
        row.map(|bytes| Fields::of(Table::Meta.name(), "8", &bytes).u64()).transpose()
    }
}

/// Says that a row which another one promises is not there.
pub(super) fn missing(table: Table, key: &dyn std::fmt::Display) -> StoreError {
    StoreError::Missing { table: table.name(), what: key.to_string() }
}

/// Reads the fields of a row one after another.
struct Fields<'a> {
    rest: &'a [u8],
    table: &'static str,
    expected: &'static str,
    got: usize,
}

impl<'a> Fields<'a> {
    fn of(table: &'static str, expected: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, table, expected, got: bytes.len() }
    }

    fn error(&self) -> StoreError {
        StoreError::Row { table: self.table, got: self.got, expected: self.expected }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| self.error())?;
        self.rest = rest;
        Ok(*field)
    }

    fn u64(&mut self) -> Result<u64, StoreError> {
        self.array().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::hash::sha256;
    use mote_core::params::{Network, Params};

    #[test]
    fn rows_are_read_as_they_were_written() {
        let header = Params::new(Network::Regtest).genesis().clone();
        let row = BlockRow { position: 7, work: Work::ZERO, root: 9, header };
        let id = row.header.id();
        assert_eq!(BlockRow::decode(&id, &row.encode()).unwrap(), row);
        assert!(BlockRow::decode(&id, &row.encode()[..40]).is_err());

        let child = |serial| NodeRef { serial, hash: sha256(&[serial as u8]) };
        let account = Account { balance: Amount::from_grains(5), nonce: 6 };
        let branch = Node::Branch { index: 200, left: child(3), right: child(4) };
        for node in [Node::Leaf(Leaf { key: id, account }), branch] {
            assert_eq!(decode_node(5, &encode_node(&node)).unwrap(), node);
            assert!(decode_node(5, &encode_node(&node)[..48]).is_err());
        }
        assert!(decode_node(4, &encode_node(&branch)).is_err());

        for role in Role::ALL {
            let entry = HistoryEntry { height: 300, index: 2, role, id };
            let key = HistoryEntry::key(&id, 300, 2);
            assert_eq!(HistoryEntry::decode(&key, &entry.value()).unwrap(), entry);
        }
        assert_eq!(decode_place(&encode_place(1 << 40, 3)).unwrap(), (1 << 40, 3));
        assert_eq!(place_of(Table::Ends, &place_key(1 << 40, &id)).unwrap(), (1 << 40, id));
        assert!(place_of(Table::Ends, &[0; 39]).is_err());
    }
}
