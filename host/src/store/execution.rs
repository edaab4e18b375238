//! Executing the transactions of a block over the stored accounts.

use mote_core::params::Params;
use mote_core::rules::{
    CheckedTransaction, Executed, Execution, IdentifiedTransaction, InspectedTransaction, PlacedTransaction,
    RuleError,
};

use super::error::StoreError;
use super::ledger::AddError;
use super::log::Position;
use super::nodes::NodeReader;
use super::tree::{Nodes, TreeUpdate, TreeVersion};
use crate::block::Block;
use crate::sha256::many::SideBySide;

/// The transactions with the places of their accounts.
pub(super) fn place<'a>(checked: &[CheckedTransaction<'a>]) -> Vec<PlacedTransaction<'a>> {
    PlacedTransaction::of_all(checked, &SideBySide::fastest()).collect()
}

/// Executes a block over `accounts`, which are of no further use after an error.
pub(super) fn execute<N: Nodes>(
    mut execution: Execution,
    accounts: &mut TreeUpdate<'_, N>,
    transactions: &[PlacedTransaction<'_>],
) -> Result<Executed, AddError> {
    let keys = transactions.iter().flat_map(|transaction| [transaction.sender(), transaction.recipient()]);
    accounts.look_for(&keys.collect::<Vec<_>>())?;
    for (index, transaction) in transactions.iter().enumerate() {
        execution
            .apply_placed(accounts, transaction)
            .map_err(|error| AddError::update(error, Some(index)))?;
    }
    execution.finish(accounts).map_err(|error| AddError::update(error, None))
}

/// The transactions of a block of the log at `position`, which obeyed every rule once.
pub(super) fn accepted(block: &Block, position: Position) -> Result<Vec<PlacedTransaction<'_>>, StoreError> {
    let hashes = SideBySide::fastest();
    let inspected =
        IdentifiedTransaction::of_all(&block.transactions, &hashes).map(IdentifiedTransaction::inspect);
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
