//! The numbered rules and the errors that name them.

use crate::hash::Hash32;
use crate::pow::CompactTarget;
use crate::units::{Amount, Height, Timestamp};

/// A rule of consensus. Its number never changes and is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// See [`Rule::sentence`]; so for each.
    TransactionAmount,
    /// The fee's minimum.
    TransactionFee,
    /// The sender's key.
    TransactionSender,
    /// The recipient's key.
    TransactionRecipient,
    /// The sender's signature.
    TransactionSignature,
    /// The header's version.
    HeaderVersion,
    /// The miner's key.
    HeaderMiner,
    /// The range of times.
    HeaderTimeRange,
    /// Proof of work.
    HeaderProofOfWork,
    /// The block's capacity.
    BlockCapacity,
    /// The link to the parent.
    HeaderPrevious,
    /// The height.
    HeaderHeight,
    /// The log of all blocks before.
    HeaderHistoryRoot,
    /// The retarget.
    HeaderTarget,
    /// The median of times.
    HeaderTimeMedian,
    /// The checker's clock.
    HeaderTimeFuture,
    /// The sender's nonce.
    LedgerNonce,
    /// The sender's balance.
    LedgerBalance,
    /// Sums that do not fit.
    LedgerOverflow,
    /// The number of transactions.
    BlockTransactionCount,
    /// The transactions themselves.
    BlockTransactionsRoot,
    /// The accounts after the block.
    BlockStateRoot,
}

impl Rule {
    /// Every rule, in the order of their numbers.
    pub const ALL: [Self; 22] = [
        Self::TransactionAmount,
        Self::TransactionFee,
        Self::TransactionSender,
        Self::TransactionRecipient,
        Self::TransactionSignature,
        Self::HeaderVersion,
        Self::HeaderMiner,
        Self::HeaderTimeRange,
        Self::HeaderProofOfWork,
        Self::BlockCapacity,
        Self::HeaderPrevious,
        Self::HeaderHeight,
        Self::HeaderHistoryRoot,
        Self::HeaderTarget,
        Self::HeaderTimeMedian,
        Self::HeaderTimeFuture,
        Self::LedgerNonce,
        Self::LedgerBalance,
        Self::LedgerOverflow,
        Self::BlockTransactionCount,
        Self::BlockTransactionsRoot,
        Self::BlockStateRoot,
    ];

    /// The rule's number and name, for people and programs.
    pub const fn id(self) -> &'static str {
        match self {
            Self::TransactionAmount => "T1-amount",
            Self::TransactionFee => "T2-fee",
            Self::TransactionSender => "T3-sender",
            Self::TransactionRecipient => "T4-recipient",
            Self::TransactionSignature => "T5-signature",
            Self::HeaderVersion => "H1-version",
            Self::HeaderMiner => "H2-miner",
            Self::HeaderTimeRange => "H3-time-range",
            Self::HeaderProofOfWork => "H4-proof-of-work",
            Self::BlockCapacity => "B1-capacity",
            Self::HeaderPrevious => "C1-previous",
            Self::HeaderHeight => "C2-height",
            Self::HeaderHistoryRoot => "C3-history-root",
            Self::HeaderTarget => "C4-target",
            Self::HeaderTimeMedian => "C5-time-median",
            Self::HeaderTimeFuture => "C6-time-future",
            Self::LedgerNonce => "L1-nonce",
            Self::LedgerBalance => "L2-balance",
            Self::LedgerOverflow => "L3-overflow",
            Self::BlockTransactionCount => "B2-transaction-count",
            Self::BlockTransactionsRoot => "B3-transactions-root",
            Self::BlockStateRoot => "B4-state-root",
        }
    }

    /// What the rule demands.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TransactionAmount => "a transaction moves at least one grain",
            Self::TransactionFee => "a transaction pays a fee of at least 1,000 grains",
            Self::TransactionSender => "the sender is no point of small order",
            Self::TransactionRecipient => "the recipient is no point of small order",
            Self::TransactionSignature => "the sender signed every field for this network (ZIP-215)",
            Self::HeaderVersion => "the version is 1",
            Self::HeaderMiner => "the miner is no point of small order",
            Self::HeaderTimeRange => "the time is below 2^40 seconds",
            Self::HeaderProofOfWork => {
                "the id, read as a big-endian number, is not above the header's target"
            }
            Self::BlockCapacity => "a block holds no more transactions than the network allows",
            Self::HeaderPrevious => "the header names its parent's id",
            Self::HeaderHeight => "the height is the parent's plus 1",
            Self::HeaderHistoryRoot => "the history root is that of all blocks before this one",
            Self::HeaderTarget => "the target is the one that the parent's chain asks for",
            Self::HeaderTimeMedian => {
                "the time is greater than the median of the last min(11, height) headers"
            }
            Self::HeaderTimeFuture => "the time is at most 120 seconds ahead of the checker's clock",
            Self::LedgerNonce => "the nonce is the number of transactions that the sender has made",
            Self::LedgerBalance => "the sender's balance covers amount and fee",
            Self::LedgerOverflow => "no balance, sum of fees or nonce exceeds 2^64 - 1",
            Self::BlockTransactionCount => "the header's count is the number of transactions",
            Self::BlockTransactionsRoot => "the transactions root is that of the block's transactions",
            Self::BlockStateRoot => "the state root is that of the accounts after the block",
        }
    }

    /// Why the rule is there.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TransactionAmount => "payments of nothing would grow the state for the fee alone",
            Self::TransactionFee => "every account is kept by every node for ever",
            Self::TransactionSender => "anybody can sign for such a key",
            Self::TransactionRecipient => "what such a key holds would belong to anybody or nobody",
            Self::TransactionSignature => {
                "only the owner of an account can spend from it, and only where it meant to"
            }
            Self::HeaderVersion => "a node must not guess what a later version means",
            Self::HeaderMiner => "what such a key holds would belong to anybody or nobody",
            Self::HeaderTimeRange => "differences of times must fit the arithmetic",
            Self::HeaderProofOfWork => "rewriting the chain must cost as much as writing it",
            Self::BlockCapacity => "the smallest validator must keep up with the chain",
            Self::HeaderPrevious => "the chain is one line of blocks, each fixing all before it",
            Self::HeaderHeight => "rewards and look-ups go by height",
            Self::HeaderHistoryRoot => "a single header must prove any older block",
            Self::HeaderTarget => "the interval between blocks must follow the clock, not the hash rate",
            Self::HeaderTimeMedian => "time must go forward, whatever a few miners say",
            Self::HeaderTimeFuture => {
                "a block from the future would make the next ones too easy; time heals this, so it is no offence"
            }
            Self::LedgerNonce => "a transaction applies once, in the order in which its sender signed",
            Self::LedgerBalance => "nobody spends what they do not have",
            Self::LedgerOverflow => "arithmetic that wraps would mint or burn",
            Self::BlockTransactionCount => "a reader of the header alone must know how many there are",
            Self::BlockTransactionsRoot => "proof of work covers every byte of the block",
            Self::BlockStateRoot => "a single header must prove any account",
        }
    }
}

/// A broken rule, with what was got and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// T1.
    #[error("T1-amount: expected an amount above 0, got {got}")]
    TransactionAmount {
        /// The amount.
        got: Amount,
    },
    /// T2.
    #[error("T2-fee: expected a fee of at least {expected}, got {got}")]
    TransactionFee {
        /// The fee.
        got: Amount,
        /// The least fee.
        expected: Amount,
    },
    /// T3.
    #[error("T3-sender: the sender's key {got} has small order")]
    TransactionSender {
        /// The key.
        got: Hash32,
    },
    /// T4.
    #[error("T4-recipient: the recipient's key {got} has small order")]
    TransactionRecipient {
        /// The key.
        got: Hash32,
    },
    /// T5.
    #[error("T5-signature: transaction {transaction} is not signed by its sender for this network")]
    TransactionSignature {
        /// The id of the transaction.
        transaction: Hash32,
    },
    /// H1.
    #[error("H1-version: expected version {expected}, got {got}")]
    HeaderVersion {
        /// The version.
        got: u16,
        /// The known version.
        expected: u16,
    },
    /// H2.
    #[error("H2-miner: the miner's key {got} has small order")]
    HeaderMiner {
        /// The key.
        got: Hash32,
    },
    /// H3.
    #[error("H3-time-range: expected a time below {limit}, got {got}")]
    HeaderTimeRange {
        /// The time.
        got: Timestamp,
        /// What it must be below.
        limit: Timestamp,
    },
    /// H4.
    #[error("H4-proof-of-work: id {id} is above the target {target}")]
    HeaderProofOfWork {
        /// The id.
        id: Hash32,
        /// The header's target.
        target: CompactTarget,
    },
    /// B1.
    #[error("B1-capacity: expected at most {limit} transactions, got {got}")]
    BlockCapacity {
        /// How many there are.
        got: u64,
        /// How many there may be.
        limit: u64,
    },
    /// C1.
    #[error("C1-previous: expected parent {expected}, got {got}")]
    HeaderPrevious {
        /// The parent that the header names.
        got: Hash32,
        /// The parent.
        expected: Hash32,
    },
    /// C2.
    #[error("C2-height: expected height {expected}, got {got}")]
    HeaderHeight {
        /// The height.
        got: Height,
        /// The parent's plus 1.
        expected: Height,
    },
    /// C3.
    #[error("C3-history-root: expected {expected}, got {got}")]
    HeaderHistoryRoot {
        /// The root that the header names.
        got: Hash32,
        /// The root of all blocks before.
        expected: Hash32,
    },
    /// C4.
    #[error("C4-target: expected target {expected}, got {got}")]
    HeaderTarget {
        /// The header's target.
        got: CompactTarget,
        /// The target that the chain asks for.
        expected: CompactTarget,
    },
    /// C5.
    #[error("C5-time-median: expected a time after {median}, got {got}")]
    HeaderTimeMedian {
        /// The time.
        got: Timestamp,
        /// The median that it must be greater than.
        median: Timestamp,
    },
    /// C6.
    #[error("C6-time-future: expected a time up to {limit}, got {got}")]
    HeaderTimeFuture {
        /// The time.
        got: Timestamp,
        /// The latest time that is acceptable now.
        limit: Timestamp,
    },
    /// L1.
    #[error("L1-nonce: expected nonce {expected}, got {got}")]
    LedgerNonce {
        /// The transaction's nonce.
        got: u64,
        /// The account's.
        expected: u64,
    },
    /// L2.
    #[error("L2-balance: amount and fee need {needed}, the balance is {balance}")]
    LedgerBalance {
        /// Amount and fee, or the largest amount where their sum does not fit.
        needed: Amount,
        /// What the sender has.
        balance: Amount,
    },
    /// L3.
    #[error("L3-overflow: {left} and {right} do not fit into 64 bits")]
    LedgerOverflow {
        /// One summand.
        left: u64,
        /// The other.
        right: u64,
    },
    /// B2.
    #[error("B2-transaction-count: expected {expected} transactions, got {got}")]
    BlockTransactionCount {
        /// How many there are.
        got: u64,
        /// How many the header says.
        expected: u64,
    },
    /// B3.
    #[error("B3-transactions-root: expected {expected}, got {got}")]
    BlockTransactionsRoot {
        /// The root of the transactions.
        got: Hash32,
        /// The root that the header names.
        expected: Hash32,
    },
    /// B4.
    #[error("B4-state-root: expected {expected}, got {got}")]
    BlockStateRoot {
        /// The root after execution.
        got: Hash32,
        /// The root that the header names.
        expected: Hash32,
    },
}

impl RuleError {
    /// The rule that was broken.
    pub const fn rule(&self) -> Rule {
        match self {
            Self::TransactionAmount { .. } => Rule::TransactionAmount,
            Self::TransactionFee { .. } => Rule::TransactionFee,
            Self::TransactionSender { .. } => Rule::TransactionSender,
            Self::TransactionRecipient { .. } => Rule::TransactionRecipient,
            Self::TransactionSignature { .. } => Rule::TransactionSignature,
            Self::HeaderVersion { .. } => Rule::HeaderVersion,
            Self::HeaderMiner { .. } => Rule::HeaderMiner,
            Self::HeaderTimeRange { .. } => Rule::HeaderTimeRange,
            Self::HeaderProofOfWork { .. } => Rule::HeaderProofOfWork,
            Self::BlockCapacity { .. } => Rule::BlockCapacity,
            Self::HeaderPrevious { .. } => Rule::HeaderPrevious,
            Self::HeaderHeight { .. } => Rule::HeaderHeight,
            Self::HeaderHistoryRoot { .. } => Rule::HeaderHistoryRoot,
            Self::HeaderTarget { .. } => Rule::HeaderTarget,
            Self::HeaderTimeMedian { .. } => Rule::HeaderTimeMedian,
            Self::HeaderTimeFuture { .. } => Rule::HeaderTimeFuture,
            Self::LedgerNonce { .. } => Rule::LedgerNonce,
            Self::LedgerBalance { .. } => Rule::LedgerBalance,
            Self::LedgerOverflow { .. } => Rule::LedgerOverflow,
            Self::BlockTransactionCount { .. } => Rule::BlockTransactionCount,
            Self::BlockTransactionsRoot { .. } => Rule::BlockTransactionsRoot,
            Self::BlockStateRoot { .. } => Rule::BlockStateRoot,
        }
    }
}
