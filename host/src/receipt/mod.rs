//! Receipts: files that prove a payment, or what an account held, to whoever trusts the id of one block.
//! Nothing else is needed: no node, no data, no network.
//!
//! A receipt is one JSON object of at most [`RECEIPT_MAX_BYTES`]. A node gives it out at
//! `/api/v1/transactions/{id}/proof` and `/api/v1/accounts/{address}/proof`; [`check`] judges it, and so
//! does `mote verify`. What it proves is computed step by step, and each step uses only what the steps
//! before it have computed:
//!
//! 1. `network` gives the genesis block, and its id is `genesis`.
//! 2. A transaction's fields give its id, and the sender has signed them for this network. Its id is the
//!    leaf with number `index` under the header's `transactions_root`, by `path` (RFC 6962).
//! 3. Or an account's address gives its key, and `leaf` and `path` lead to the header's `state_root`. A
//!    leaf with another key, or none, shows that the account was never used.
//! 4. The fields of `header` give its id, whose proof of work meets its target, and that is no easier than
//!    the network allows. Only the genesis block needs none.
//! 5. That id and `work` are the leaf with number `header.height` under the `history_root` of `tip`, by
//!    `history_path`. Where the block is the tip itself, `work` and `history_path` are null.
//! 6. The fields of `tip` give its id in the same way.
//! 7. Every other field says what these steps give, in the one spelling that a value has; there are no
//!    further fields.
//!
//! What remains open is whether the tip is on the chain: for that, its id must be one that the reader
//! trusts, as [`Proven::anchored_at`] checks. Without it a receipt shows no more than the work of its headers.
//!
//! | file | purpose |
//! | --- | --- |
//! | `form` | receipts as JSON |
//! | `read` | from JSON to what it speaks of |
//! | `steps` | the proofs, step by step |
//! | `error` | which step failed |

pub mod error;
pub mod form;
mod read;
mod steps;
#[cfg(test)]
mod tests;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::pow::Work;
use mote_core::state::{Account, Proof};
use mote_core::transaction::Transaction;
use mote_core::units::Height;

pub use error::ReceiptError;

/// The largest receipt, in bytes. An account's longest path takes a third of it.
pub const RECEIPT_MAX_BYTES: usize = 128 * 1024;

/// A block, and what leads from it to the tip of its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockProof {
    /// The block's header.
    pub header: Header,
    /// Where the block is in the tip's history; none where it is the tip.
    pub place: Option<Place>,
    /// The header of the tip.
    pub tip: Header,
}

/// A block's place in the log of all blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The work of the chain up to and including the block.
    pub work: Work,
    /// The siblings from the block's leaf up to the tip's history root.
    pub path: Vec<Hash32>,
}

/// A transaction, and what leads from it to its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionProof {
    /// The transaction.
    pub transaction: Transaction,
    /// Its place in the block.
    pub index: u32,
    /// The siblings from its leaf up to the block's transactions root.
    pub path: Vec<Hash32>,
    /// The block.
    pub block: BlockProof,
}

/// An account, and what leads from it to the block after which it stood so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The account's public key.
    pub owner: PublicKey,
    /// The way to the block's state root.
    pub proof: Proof,
    /// The block.
    pub block: BlockProof,
}

/// What a receipt is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This transaction is in the block.
    Transaction {
        /// The transaction.
        transaction: Box<Transaction>,
        /// Its place in the block.
        index: u32,
    },
    /// This account stood so after the block.
    Account {
        /// The account's public key.
        owner: PublicKey,
        /// What it held; none where it was never used.
        account: Option<Account>,
    },
}

/// What a receipt proves to whoever trusts the id of its tip.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The network.
    pub params: Params,
    /// What is proven.
    pub subject: Subject,
    /// The block, and its place below the tip.
    pub block: BlockProof,
    /// Id of the block.
    pub id: Hash32,
    /// Id of the tip.
    pub tip_id: Hash32,
}

impl Proven {
    /// Whether the tip is the block that the reader trusts.
    pub fn anchored_at(&self, trusted: &Hash32) -> Result<(), ReceiptError> {
        if self.tip_id == *trusted {
            return Ok(());
        }
        Err(ReceiptError::Anchor { got: self.tip_id, expected: *trusted })
    }

    /// The work that the receipt itself shows, by the targets of its headers: what it takes to make one up
    /// for a reader who trusts no block.
    pub fn shown_work(&self) -> Work {
        let BlockProof { header, place, tip } = &self.block;
        let mined = [Some(tip), place.as_ref().map(|_| header)].into_iter().flatten();
        let targets =
            mined.filter(|header| header.height > Height::GENESIS).map(|header| header.target.expand());
        targets.flatten().fold(Work::ZERO, |sum, target| sum.saturating_add(target.work()))
    }

    /// How many blocks confirm it, the block itself included.
    pub fn confirmations(&self) -> u64 {
        self.block.tip.height.above(self.block.header.height).saturating_add(1)
    }
}

/// Checks every step of a receipt.
pub fn check(text: &[u8]) -> Result<Proven, ReceiptError> {
    if text.len() > RECEIPT_MAX_BYTES {
        return Err(ReceiptError::TooLarge { limit: RECEIPT_MAX_BYTES });
    }
    read::receipt(text)
}
