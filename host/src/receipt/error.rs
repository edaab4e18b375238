//! Which step of a receipt failed, with what was got and what was expected.

use mote_core::hash::Hash32;
use mote_core::merkle::InclusionError;
use mote_core::pow::CompactTarget;
use mote_core::rules::RuleError;
use mote_core::state::ProofError;

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It is too large to be one.
    #[error("a receipt has at most {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// It is no JSON, or not of this form.
    #[error("{}{reason}", field.as_ref().map(|field| format!("field {field}: ")).unwrap_or_default())]
    Malformed {
        /// The field that is to blame, where there is one.
        field: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
    /// A field says something else than what is proven, or spells it otherwise.
    #[error("field {field}: got {got}, but the rest of the receipt gives {expected}")]
    Field {
        /// The field.
        field: String,
        /// What it says.
        got: String,
        /// What it should say.
        expected: String,
    },
    /// The transaction could be in no block: most often its signature is not the sender's.
    #[error("the transaction: {0}")]
    Transaction(RuleError),
    /// The transaction is not in the block.
    #[error("the transaction is not under the header's transactions_root: {0}")]
    TransactionPath(InclusionError),
    /// The account is not in the block's state.
    #[error("the account is not under the header's state_root: {0}")]
    AccountPath(ProofError),
    /// A header obeys no rules, or shows no proof of work.
    #[error("field {field}: {error}")]
    Header {
        /// Which of the two.
        field: &'static str,
        /// The broken rule.
        error: RuleError,
    },
    /// A header's target is too easy for the network.
    #[error("field {field}.target: got {got}, which is easier than {expected}, the easiest of the network")]
    Floor {
        /// Which of the two headers.
        field: &'static str,
        /// Its target.
        got: CompactTarget,
        /// The network's.
        expected: CompactTarget,
    },
    /// The block is not below the tip.
    #[error("the block is not under the tip's history_root: {0}")]
    HistoryPath(InclusionError),
    /// Without a path the block must be the tip.
    #[error("nothing leads from block {got} to the tip {expected}: there is no history_path")]
    Below {
        /// The block.
        got: Hash32,
        /// The tip.
        expected: Hash32,
    },
    /// The tip is not the block that the reader trusts.
    #[error("the receipt leads to the block {got}, not to {expected}, which is to be trusted")]
    Anchor {
        /// The receipt's tip.
        got: Hash32,
        /// The block that is trusted.
        expected: Hash32,
    },
}

impl ReceiptError {
    /// A field that cannot be read.
    pub(super) fn field(field: &str, reason: impl ToString) -> Self {
        Self::Malformed { field: Some(field.to_owned()), reason: reason.to_string() }
    }
}
