//! Rules that look at one object alone.

use super::RuleError;
use crate::block::Header;
use crate::hash::Hash32;
use crate::params::{FEE_MIN_GRAINS, HEADER_VERSION, Params, TIME_LIMIT_SECONDS};
use crate::pow::Work;
use crate::transaction::Transaction;
use crate::units::{Amount, Timestamp};

/// A transaction that obeys T1 to T5: all that can be said without the accounts.
#[derive(Clone, Copy, Debug)]
pub struct CheckedTransaction<'a> {
    transaction: &'a Transaction,
    id: Hash32,
}

impl<'a> CheckedTransaction<'a> {
    /// The transaction.
    pub fn transaction(&self) -> &'a Transaction {
        self.transaction
    }

    /// Its id.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    /// A copy that can be kept.
    pub fn keep(&self) -> KeptTransaction {
        KeptTransaction { transaction: self.transaction.clone(), id: self.id }
    }
}

/// A transaction that obeys T1 to T5 and owns itself, so that it can be kept and need not be checked
/// again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTransaction {
    transaction: Transaction,
    id: Hash32,
}

impl KeptTransaction {
    /// The transaction, as checked as it was when it was kept.
    pub fn checked(&self) -> CheckedTransaction<'_> {
        CheckedTransaction { transaction: &self.transaction, id: self.id }
    }
}

/// Checks T1 to T5. The signature is judged last, since it costs a thousand times the rest.
pub fn check_transaction<'a>(
    params: &Params,
    transaction: &'a Transaction,
) -> Result<CheckedTransaction<'a>, RuleError> {
    let Transaction { sender, recipient, amount, fee, .. } = transaction;
    if *amount == Amount::ZERO {
        return Err(RuleError::TransactionAmount { got: *amount });
    }
    let fee_min = Amount::from_grains(FEE_MIN_GRAINS);
    if *fee < fee_min {
        return Err(RuleError::TransactionFee { got: *fee, expected: fee_min });
    }
    if sender.is_small_order() {
        return Err(RuleError::TransactionSender { got: Hash32::from_bytes(*sender.as_bytes()) });
    }
    if recipient.is_small_order() {
        return Err(RuleError::TransactionRecipient { got: Hash32::from_bytes(*recipient.as_bytes()) });
    }
    let id = transaction.id();
    if !transaction.is_signed(params) {
        return Err(RuleError::TransactionSignature { transaction: id });
    }
    Ok(CheckedTransaction { transaction, id })
}

/// What a header shows by itself: that it obeys H1 to H4 and B1. Whether its target is the right one
/// is for its chain to say.
#[derive(Clone, Copy, Debug)]
pub struct SoundHeader {
    id: Hash32,
    work: Work,
}

impl SoundHeader {
    /// The header's id.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    /// The work that its target stands for.
    pub fn work(&self) -> Work {
        self.work
    }
}

/// Checks H1 to H4, and B1 against the header's count.
pub fn inspect_header(params: &Params, header: &Header) -> Result<SoundHeader, RuleError> {
    if header.version != HEADER_VERSION {
        return Err(RuleError::HeaderVersion { got: header.version, expected: HEADER_VERSION });
    }
    if header.miner.is_small_order() {
        return Err(RuleError::HeaderMiner { got: Hash32::from_bytes(*header.miner.as_bytes()) });
    }
    let limit = Timestamp::from_seconds(TIME_LIMIT_SECONDS);
    if header.time >= limit {
        return Err(RuleError::HeaderTimeRange { got: header.time, limit });
    }
    check_capacity(params, u64::from(header.transaction_count))?;
    let id = header.id();
    match header.target.expand() {
        Some(target) if target.is_met_by(&id) => Ok(SoundHeader { id, work: target.work() }),
        _ => Err(RuleError::HeaderProofOfWork { id, target: header.target }),
    }
}

/// Checks B1.
fn check_capacity(params: &Params, got: u64) -> Result<(), RuleError> {
    let limit = params.block_transactions_max as u64;
    if got > limit { Err(RuleError::BlockCapacity { got, limit }) } else { Ok(()) }
}
