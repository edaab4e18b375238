//! Checking and executing the transactions of a block over the stored accounts.

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::merkle::root_in_place;
use mote_core::params::Params;
use mote_core::rules::{
    CheckedTransaction, Executed, Execution, IdentifiedTransaction, InspectedTransaction, PlacedTransaction,
    RuleError, Signatures, judge_together,
};

use super::error::StoreError;
use super::ledger::AddError;
use super::log::Position;
use super::nodes::NodeReader;
use super::tree::{Nodes, TreeUpdate, TreeVersion};
use crate::block::Block;
use crate::sha256::many::SideBySide;
use crate::signatures::Known;

/// The transactions of a block with their ids.
pub(super) fn identify(block: &Block) -> Vec<IdentifiedTransaction<'_>> {
    IdentifiedTransaction::of_all(&block.transactions, &SideBySide::fastest()).collect()
}

/// The transactions with the places of their accounts.
pub(super) fn place<'a>(checked: &[CheckedTransaction<'a>]) -> Vec<PlacedTransaction<'a>> {
    PlacedTransaction::of_all(checked, &SideBySide::fastest()).collect()
}

/// Checks B2 and B3: that the transactions are those of the header, whether they are any good or not.
pub(super) fn check_body(
    header: &Header,
    transactions: &[IdentifiedTransaction<'_>],
) -> Result<(), RuleError> {
    let mut leaves: Vec<Hash32> = transactions.iter().map(IdentifiedTransaction::id).collect();
    Executed {
        // A vector of 2^32 transactions has no room in memory; here it would not match the header.
        transaction_count: u32::try_from(transactions.len()).unwrap_or(u32::MAX),
        transactions_root: root_in_place(&mut leaves, &SideBySide::fastest()),
        state_root: header.state_root,
    }
    .check(header)
}

/// Checks what can be said of each transaction alone; the signatures of those that are known were judged before. Of
/// several that break a rule, the first is named.
pub(super) fn check_transactions<'a>(
    params: &Params,
    transactions: &[IdentifiedTransaction<'a>],
    known: &dyn Known,
    signatures: &dyn Signatures,
) -> Result<Vec<CheckedTransaction<'a>>, AddError> {
    let rule = |place, error| AddError::Rule { error, transaction: Some(place) };
    let mut inspected = Vec::with_capacity(transactions.len());
    let mut broken = None;
    for (place, transaction) in transactions.iter().enumerate() {
        match transaction.inspect() {
            Ok(transaction) => inspected.push(transaction),
            // The signatures of those before it are judged first.
            Err(error) => {
                broken = Some(rule(place, error));
                break;
            }
        }
    }
    let judged = judge(params, &inspected, known, signatures);
    let checked = judged.map_err(|(place, error)| rule(place, error))?;
    broken.map_or(Ok(checked), Err)
}

/// Judges the signatures of all transactions that are not known.
fn judge<'a>(
    params: &Params,
    inspected: &[InspectedTransaction<'a>],
    known: &dyn Known,
    signatures: &dyn Signatures,
) -> Result<Vec<CheckedTransaction<'a>>, (usize, RuleError)> {
    let vouched: Vec<_> = inspected.iter().map(|transaction| vouch(known, transaction)).collect();
    let places =
        || vouched.iter().enumerate().filter(|(_, vouched)| vouched.is_none()).map(|(place, _)| place);
    let unknown: Vec<_> = places().filter_map(|place| inspected.get(place).copied()).collect();
    let judged = judge_together(params, &unknown, signatures);
    let mut judged = judged.map_err(|(nth, error)| (places().nth(nth).unwrap_or(nth), error))?;
    Ok(vouched.iter().filter_map(|vouched| vouched.or_else(|| judged.next())).collect())
}

/// The transaction as a checked one where it is known.
pub(super) fn vouch<'a>(
    known: &dyn Known,
    transaction: &InspectedTransaction<'a>,
) -> Option<CheckedTransaction<'a>> {
    known.get(&transaction.id()).and_then(|known| transaction.vouched_for_by(&known))
}

/// Executes a block over `accounts`, which are of no further use after an error.
pub(super) fn execute<N: Nodes>(
    mut execution: Execution,
    accounts: &mut TreeUpdate<'_, N>,
    transactions: &[PlacedTransaction<'_>],
) -> Result<Executed, AddError> {
    let keys = transactions.iter().flat_map(|transaction| [transaction.sender(), transaction.recipient()]);
    accounts.look_for(keys.collect())?;
    for (index, transaction) in transactions.iter().enumerate() {
        execution
            .apply_placed(accounts, transaction)
            .map_err(|error| AddError::update(error, Some(index)))?;
    }
    execution.finish(accounts).map_err(|error| AddError::update(error, None))
}

/// The transactions of a block of the log at `position`, which obeyed every rule once.
pub(super) fn accepted(block: &Block, position: Position) -> Result<Vec<PlacedTransaction<'_>>, StoreError> {
    let inspected = identify(block).into_iter().map(IdentifiedTransaction::inspect);
    let checked: Result<Vec<_>, _> =
        inspected.map(|inspected| inspected.map(InspectedTransaction::accepted_before)).collect();
    let refused = |error| StoreError::Replay { id: block.header.id(), position, error };
    Ok(place(&checked.map_err(refused)?))
}

/// The accounts after a block of the log at `position`, executed over those before it, in which it obeyed every
/// rule once.
pub(super) fn replay(
    params: &Params,
    mut accounts: TreeUpdate<'_, NodeReader>,
    block: &Block,
    position: Position,
) -> Result<TreeVersion, StoreError> {
    let state_root = block.header.state_root;
    let id = || block.header.id();
    let refused = |error| StoreError::Replay { id: id(), position, error };
    let transactions = accepted(block, position)?;
    match execute(Execution::of_compared(params, &block.header), &mut accounts, &transactions) {
        Ok(executed) if executed.state_root == state_root => Ok(accounts.into_version()),
        Ok(executed) => {
            Err(refused(RuleError::BlockStateRoot { got: executed.state_root, expected: state_root }))
        }
        Err(AddError::Rule { error, .. }) => Err(refused(error)),
        Err(AddError::Store(error)) => Err(error),
        // Execution looks at nothing else.
        Err(AddError::Orphan { parent }) => Err(StoreError::ReplayOrphan { id: id(), position, parent }),
        Err(AddError::Pinned(conflict)) => Err(StoreError::Pinned { position, conflict }),
    }
}
