//! Rules that look at one object alone.

use super::RuleError;
use crate::block::Header;
use crate::hash::{Hash32, Hashes, SIDE_BY_SIDE, hash_all};
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

/// A transaction with its id, of which nothing is known yet.
#[derive(Clone, Copy, Debug)]
pub struct IdentifiedTransaction<'a> {
    transaction: &'a Transaction,
    id: Hash32,
}

/// A transaction that obeys T1 to T4. Its signature is still to be judged, and this is where every
/// [`CheckedTransaction`] comes from that was none before: see [`judge`](Self::judge), [`judge_together`],
/// [`judge_all`] and [`accepted_before`](Self::accepted_before).
#[derive(Clone, Copy, Debug)]
pub struct InspectedTransaction<'a> {
    transaction: &'a Transaction,
    id: Hash32,
}

impl<'a> InspectedTransaction<'a> {
    /// The transaction.
    pub fn transaction(&self) -> &'a Transaction {
        self.transaction
    }

    /// Its id.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    /// Checks T5, which costs a hundred times the rest.
    pub fn judge(self, params: &Params) -> Result<CheckedTransaction<'a>, RuleError> {
        if !self.transaction.is_signed(params) {
            return Err(RuleError::TransactionSignature { transaction: self.id });
        }
        Ok(self.unjudged())
    }

    /// For a transaction of a block that this node accepted before, read back from its own log: whoever can change
    /// that can change the accounts as well. For nothing that comes from anywhere else.
    pub fn accepted_before(self) -> CheckedTransaction<'a> {
        self.unjudged()
    }

    fn unjudged(self) -> CheckedTransaction<'a> {
        CheckedTransaction { transaction: self.transaction, id: self.id }
    }
}

/// A faster way to judge many signatures than one by one.
///
/// Whoever implements it answers for consensus: `true` where [`keys::verify`](crate::keys::verify) refuses a
/// single one of them would split this node off the others, on whatever bytes an attacker may choose. `false` is
/// never wrong, since each is then judged alone; it is only slow.
pub trait Signatures {
    /// Whether the sender of each signed it for the network of `params`, exactly as [`Transaction::is_signed`]
    /// says of each.
    fn are_signed(&self, params: &Params, transactions: &[InspectedTransaction<'_>]) -> bool;
}

/// Checks T5 of many at once, in their order. Where one breaks it the first that does is named by its place.
pub fn judge_together<'i, 'a>(
    params: &Params,
    transactions: &'i [InspectedTransaction<'a>],
    signatures: &dyn Signatures,
) -> Result<impl Iterator<Item = CheckedTransaction<'a>> + use<'i, 'a>, (usize, RuleError)> {
    if !signatures.are_signed(params, transactions) {
        for (place, transaction) in transactions.iter().enumerate() {
            transaction.judge(params).map_err(|error| (place, error))?;
        }
    }
    Ok(transactions.iter().map(|transaction| transaction.unjudged()))
}

/// Checks T5 of many at once, in their order, in as few steps as that takes: where one breaks it there is none, and
/// which one it is takes [`judge_together`].
pub fn judge_all<'i, 'a>(
    params: &Params,
    transactions: &'i [InspectedTransaction<'a>],
    signatures: &dyn Signatures,
) -> Option<impl Iterator<Item = CheckedTransaction<'a>> + use<'i, 'a>> {
    signatures
        .are_signed(params, transactions)
        .then(|| transactions.iter().map(|transaction| transaction.unjudged()))
}

impl<'a> From<&'a Transaction> for IdentifiedTransaction<'a> {
    fn from(transaction: &'a Transaction) -> Self {
        Self { transaction, id: transaction.id() }
    }
}

impl<'a> IdentifiedTransaction<'a> {
    /// All of them, in their order, many hashed at a time.
    pub fn of_all<'h, H: Hashes>(
        transactions: &'a [Transaction],
        hashes: &'h H,
    ) -> impl Iterator<Item = Self> + use<'a, 'h, H> {
        transactions.chunks(SIDE_BY_SIDE).flat_map(|transactions| {
            let mut preimages = heapless::Vec::new();
            for transaction in transactions {
                let _ = preimages.push(transaction.preimage());
            }
            let ids = hash_all(hashes, &preimages);
            transactions.iter().zip(ids).map(|(transaction, id)| Self { transaction, id })
        })
    }

    /// The id.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    /// The same transaction as one that was checked on this network before, as those in a mempool were; none where
    /// the two differ in anything.
    pub fn vouched_for_by(self, checked: &CheckedTransaction<'_>) -> Option<CheckedTransaction<'a>> {
        let Self { transaction, id } = self;
        let is_same = id == checked.id && transaction == checked.transaction;
        is_same.then_some(CheckedTransaction { transaction, id })
    }

    /// Checks T1 to T4.
    pub fn inspect(self) -> Result<InspectedTransaction<'a>, RuleError> {
        let Self { transaction, id } = self;
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
        Ok(InspectedTransaction { transaction, id })
    }
}

/// Checks T1 to T5 of one transaction.
pub fn check_transaction<'a>(
    params: &Params,
    transaction: &'a Transaction,
) -> Result<CheckedTransaction<'a>, RuleError> {
    IdentifiedTransaction::from(transaction).inspect()?.judge(params)
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
