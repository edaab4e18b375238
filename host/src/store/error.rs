//! Why the store cannot do what it was asked to.

use std::io;
use std::path::PathBuf;

use mote_core::codec::DecodeError;
use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::ProofError;

use super::journal::JournalError;
use super::log::{LogError, Position};
use super::pins::PinConflict;

/// What can go wrong between the ledger and its files. Nothing of this is the fault of a block.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The log cannot be opened, read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The system has no random number for the log's salt.
    #[error("the system gives no random number: {0}")]
    Entropy(#[source] getrandom::Error),
    /// The index file cannot be opened, made or removed.
    #[error("cannot use {}: {source}", path.display())]
    IndexFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The journal of open transactions cannot be opened or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file beside the log cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The index belongs to another network.
    #[error(
        "index.redb belongs to the chain with genesis {got}, expected {expected}; where the log beside it is of that chain, \
         delete index.redb to rebuild it"
    )]
    Genesis {
        /// The genesis id that stands in it.
        got: Hash32,
        /// The genesis id of this node.
        expected: Hash32,
    },
    /// The index has tables of another form.
    #[error("the index has schema {got}, this program reads {expected}")]
    Schema {
        /// The schema that stands in it.
        got: u64,
        /// The schema of this program.
        expected: u64,
    },
    /// The embedded database fails.
    #[error(
        "the index cannot be used: {0}; where it is damaged, delete index.redb and it is rebuilt from the log"
    )]
    Index(#[source] Box<redb::Error>),
    /// The embedded database comes upon damage that it has no error for.
    #[error("the index is damaged: {message}; delete index.redb and it is rebuilt from the log")]
    IndexPanic {
        /// What the database says.
        message: String,
    },
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
    /// The row of a block has the header of another one.
    #[error("the index has the header of {got} for block {expected}; delete index.redb to rebuild it")]
    Header {
        /// Whose header it has.
        got: Hash32,
        /// The block that the row is for.
        expected: Hash32,
    },
    /// A node of the account tree cannot be read.
    #[error(
        "accounts.tree is damaged: its node at {serial} is {problem}; delete index.redb, and both are rebuilt from the log"
    )]
    Node {
        /// Where it begins in the file of the account tree.
        serial: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file of the account tree ends too early.
    #[error(
        "accounts.tree has {got} bytes, expected at least {expected}; delete index.redb, and both are rebuilt from the log"
    )]
    NodeFile {
        /// Its length.
        got: u64,
        /// Up to where the index speaks of it.
        expected: u64,
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
        position: Position,
        /// The rule that it breaks.
        error: RuleError,
    },
    /// A block of the log stands before its parent.
    #[error("block {id} of the log at position {position} has the unknown parent {parent}")]
    ReplayOrphan {
        /// The block.
        id: Hash32,
        /// Where it stands in the log.
        position: Position,
        /// The parent that is missing.
        parent: Hash32,
    },
    /// A block of the log stands against one that the main chain must have.
    #[error("the log's block at {position}: {conflict}")]
    Pinned {
        /// Where it stands in the log.
        position: Position,
        /// What it stands against.
        conflict: PinConflict,
    },
}

impl StoreError {
    /// Whether the index cannot be used as it is but can be rebuilt from the log.
    pub(super) fn is_index_damage(&self) -> bool {
        match self {
            Self::Schema { .. }
            | Self::IndexPanic { .. }
            | Self::Row { .. }
            | Self::Missing { .. }
            | Self::Header { .. }
            | Self::Node { .. }
            | Self::NodeFile { .. }
            | Self::Proof { .. }
            | Self::Encoding { .. } => true,
            Self::Index(error) => match &**error {
                redb::Error::Io(error) => {
                    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
                }
                redb::Error::Corrupted(_)
                | redb::Error::UpgradeRequired(_)
                | redb::Error::RepairAborted
                | redb::Error::TableTypeMismatch { .. }
                | redb::Error::TableIsMultimap(_)
                | redb::Error::TypeDefinitionChanged { .. } => true,
                _ => false,
            },
            _ => false,
        }
    }
}

macro_rules! index_error {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Index(Box::new(error.into()))
            }
        })*
    };
}

index_error!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);
