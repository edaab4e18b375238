//! Headers and blocks.

use serde::{Deserialize, Serialize};

use crate::hash::{Hash32, Tag, attempt, tagged};
use crate::keys::PublicKey;
use crate::merkle::root_of_hashes;
use crate::pow::CompactTarget;
use crate::transaction::Transaction;
use crate::units::{Height, Timestamp};

/// What proof of work covers. The wire form is the fields in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the rules, 1.
    pub version: u16,
    /// The number of blocks below.
    pub height: Height,
    /// Id of the parent.
    pub previous: Hash32,
    /// RFC 6962 root over all blocks before this one; see [`history_leaf`].
    pub history_root: Hash32,
    /// RFC 6962 root over the transactions.
    pub transactions_root: Hash32,
    /// How many transactions the block has.
    pub transaction_count: u32,
    /// Root of the account tree after this block.
    pub state_root: Hash32,
    /// The account that gets the reward and the fees.
    pub miner: PublicKey,
    /// When the miner says that it made the block.
    pub time: Timestamp,
    /// What the id must not be above.
    pub target: CompactTarget,
    /// What the miner varied to get there.
    pub nonce: u64,
}

/// The most bytes of a header on the wire: five digests and keys, and varints at their longest.
pub const HEADER_MAX_BYTES: usize = 5 * 32 + 3 + 10 + 5 + 10 + 5 + 10;

impl Header {
    /// `H(0x04 || all fields but the nonce)`, integers little-endian in fixed width. A mining job is
    /// this and the target.
    pub fn commitment(&self) -> Hash32 {
        tagged(
            Tag::HeaderCommitment,
            &[
                &self.version.to_le_bytes(),
                &self.height.get().to_le_bytes(),
                self.previous.as_bytes(),
                self.history_root.as_bytes(),
                self.transactions_root.as_bytes(),
                &self.transaction_count.to_le_bytes(),
                self.state_root.as_bytes(),
                self.miner.as_bytes(),
                &self.time.seconds().to_le_bytes(),
                &self.target.bits().to_le_bytes(),
            ],
        )
    }

    /// Names the block: `H(commitment || nonce)`.
    pub fn id(&self) -> Hash32 {
        attempt(&self.commitment(), self.nonce)
    }
}

/// The data of a block's leaf in the history log: its id, then the work of the chain up to and
/// including it as 32 big-endian bytes.
pub fn history_leaf(id: &Hash32, work: &crate::pow::Work) -> [u8; 64] {
    let mut data = [0; 64];
    let (head, tail) = data.split_at_mut(32);
    head.copy_from_slice(id.as_bytes());
    tail.copy_from_slice(&work.to_be_bytes());
    data
}

/// A header and its transactions in any container: a fixed array on a device, a vector on a host.
/// The wire form is the header's, the number of transactions as a varint, and theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockOf<T> {
    /// What proof of work covers.
    pub header: Header,
    /// In the order in which they apply.
    pub transactions: T,
}

/// A block that holds at most `N` transactions and needs no allocator.
pub type Block<const N: usize> = BlockOf<heapless::Vec<Transaction, N>>;

/// Root over the transactions of a block.
pub fn transactions_root(transactions: &[Transaction]) -> Hash32 {
    root_of_hashes(transactions.iter().map(Transaction::id))
}
