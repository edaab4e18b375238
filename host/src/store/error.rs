//! Why the store cannot do what it was asked to.

use mote_core::codec::DecodeError;
use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::ProofError;

/// What can go wrong between the ledger and its files. Nothing of this is the fault of a block.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The embedded database fails.
    #[error(
        "the index cannot be used: {0}; where it is damaged, delete index.redb and it is rebuilt from the log"
    )]
    Index(#[source] Box<redb::Error>),
    /// A row of the index does not have the form that its table asks for.
    #[error(
        "a row of index table {table} is {got} bytes long, expected {expected}; delete index.redb to rebuild it"
    )]
    Row {
        /// The table.
        table: &'static str,
        /// Length of what was found.
        got: usize,
        /// What its length should be.
        expected: &'static str,
    },
    /// A row that another one promises is not there.
    #[error("index table {table} lacks {what}; delete index.redb to rebuild it")]
    Missing {
        /// The table.
        table: &'static str,
        /// What was looked for.
        what: String,
    },
    /// A node of the account tree cannot be read.
    #[error("node {serial} of the account tree is {problem}; delete index.redb to rebuild it")]
    Node {
        /// The node's serial number.
        serial: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The account tree is deeper than a key has bits.
    #[error("the account tree has no proof for {key}: {error}; delete index.redb to rebuild it")]
    Proof {
        /// The account.
        key: AccountKey,
        /// What is wrong with its path.
        error: ProofError,
    },
    /// A header of the index or a block of the log is not in its wire form.
    #[error("the stored bytes of {what} are not in their wire form: {error}")]
    Encoding {
        /// What was read.
        what: String,
        /// What is wrong with the bytes.
        error: DecodeError,
    },
    /// A block of the log breaks a rule, although it obeyed all of them when it was written.
    #[error("block {id} of the log at position {position} is not acceptable: {error}")]
    Replay {
        /// The block.
        id: Hash32,
        /// Where it stands in the log.
        position: u64,
        /// The rule that it breaks.
        error: RuleError,
    },
    /// A block of the log stands before its parent.
    #[error("block {id} of the log at position {position} has the unknown parent {parent}")]
    ReplayOrphan {
        /// The block.
        id: Hash32,
        /// Where it stands in the log.
        position: u64,
        /// The parent that is missing.
        parent: Hash32,
    },
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Index(Box::new(error.into()))
    }
}
