//! The rows of the index as typed values; see [`super::index`] for their bytes.

use std::fmt;
use std::ops::RangeInclusive;

use mote_core::block::{HEADER_MAX_BYTES, Header};
use mote_core::codec;
use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::units::Height;

use super::error::StoreError;
use super::index::{Index, Table};
use super::tree::{NodeRef, TreeVersion};
use crate::encoding;

/// The log position of the genesis block, which is not in the log.
pub const NOT_IN_LOG: u64 = u64::MAX;

/// A row of `blocks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Where the block is in the log.
    pub position: u64,
    /// The work of the chain up to and including the block.
    pub work: Work,
    /// Serial number of the root of the accounts after the block; 0 where that is not stored.
    pub root: u64,
    /// The header.
    pub header: Header,
}

impl BlockRow {
    /// The accounts after the block, where they are stored.
    pub fn accounts(&self) -> Option<TreeVersion> {
        let root = NodeRef { serial: self.root, hash: self.header.state_root };
        (root == NodeRef::EMPTY || root.serial != 0).then(|| TreeVersion::stored(root))
    }

    /// The row's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(48 + HEADER_MAX_BYTES);
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.work.to_be_bytes());
        bytes.extend(self.root.to_be_bytes());
        encoding::append(&mut bytes, &self.header);
        bytes
    }

    /// The row that `bytes` stand for.
    pub fn decode(id: &Hash32, bytes: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::of(Table::Blocks.name(), "at least 48", bytes);
        let (position, work, root) = (fields.u64()?, fields.array()?, fields.u64()?);
        let header: Header = codec::decode(fields.rest)
            .map_err(|error| StoreError::Encoding { what: format!("header {id}"), error })?;
        // Peers would take a header that is not the one for a lie.
        let got = header.id();
        if got != *id {
            return Err(StoreError::Header { got, expected: *id });
        }
        Ok(Self { position, work: Work::from_be_bytes(&work), root, header })
    }
}

/// A place on the main chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The height of a block, below 2^40.
    pub height: u64,
    /// The index of one of its transactions, below 2^24 - 1; none for the miner's credit, which comes last.
    pub index: Option<u32>,
}

impl Place {
    const INDEX_BITS: u32 = 24;
    const MINER: u64 = (1 << Self::INDEX_BITS) - 1;
    const HEIGHT_MAX: u64 = (1 << (64 - Self::INDEX_BITS)) - 1;

    /// The place that is written as these two numbers; see its text form.
    pub fn of_parts(height: u64, index: u32) -> Self {
        Self { height, index: (index != u32::MAX).then_some(index) }
    }

    /// A number that grows with the place. What no chain reaches gets the largest one.
    pub fn number(self) -> u64 {
        let index = self.index.map_or(Self::MINER, |index| u64::from(index).min(Self::MINER));
        if self.height > Self::HEIGHT_MAX { u64::MAX } else { self.height << Self::INDEX_BITS | index }
    }

    /// The keys of a table of places for what begins like `id`, up to but without `end`.
    pub fn keys(id: &Hash32, end: u64) -> Option<RangeInclusive<u128>> {
        let first = Self::prefix(id);
        Some(first..=first | u128::from(end.checked_sub(1)?))
    }

    /// The key of this place for `id`.
    pub fn key(self, id: &Hash32) -> u128 {
        Self::prefix(id) | u128::from(self.number())
    }

    /// The place of such a key.
    pub fn of_key(key: u128) -> Self {
        // The lower half is the place.
        let number = key as u64;
        let index = number & Self::MINER;
        let index = (index != Self::MINER).then_some(index as u32);
        Self { height: number >> Self::INDEX_BITS, index }
    }

    fn prefix(id: &Hash32) -> u128 {
        let [first, ..] = id.as_bytes().as_chunks::<8>().0 else { return 0 };
        u128::from(u64::from_be_bytes(*first)) << 64
    }
}

/// Height and index, `120:0`; the miner's credit has the index 2^32 - 1.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.height, self.index.unwrap_or(u32::MAX))
    }
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
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    table: &'static str,
    expected: &'static str,
    got: usize,
}

impl<'a> Fields<'a> {
    pub fn of(table: &'static str, expected: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, table, expected, got: bytes.len() }
    }

    /// How many bytes were read.
    pub fn read(&self) -> usize {
        self.got - self.rest.len()
    }

    /// That there are too few bytes, or others than expected.
    pub fn error(&self) -> StoreError {
        StoreError::Row { table: self.table, got: self.got, expected: self.expected }
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| self.error())?;
        self.rest = rest;
        Ok(*field)
    }

    pub fn u64(&mut self) -> Result<u64, StoreError> {
        self.array().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::params::{Network, Params};

    #[test]
    fn rows_are_read_as_they_were_written() {
        let header = Params::new(Network::Regtest).genesis().clone();
        let row = BlockRow { position: 7, work: Work::ZERO, root: 9, header };
        let id = row.header.id();
        assert_eq!(BlockRow::decode(&id, &row.encode()).unwrap(), row);
        assert!(BlockRow::decode(&id, &row.encode()[..40]).is_err());

        let places = [(0, Some(0)), (300, Some(2)), (300, Some(1023)), (300, None), (301, Some(0))];
        let places = places.map(|(height, index)| Place { height, index });
        for (place, next) in places.iter().zip(&places[1..]) {
            let keys = Place::keys(&id, next.number()).unwrap();
            assert!(keys.contains(&place.key(&id)) && !keys.contains(&next.key(&id)));
            assert_eq!(Place::of_key(place.key(&id)), *place);
        }
        assert_eq!(Place { height: u64::MAX, index: Some(u32::MAX) }.number(), u64::MAX);
        assert_eq!(Place::keys(&id, 0), None);
        assert_eq!(place_of(Table::Ends, &place_key(1 << 40, &id)).unwrap(), (1 << 40, id));
        assert!(place_of(Table::Ends, &[0; 39]).is_err());
    }
}
