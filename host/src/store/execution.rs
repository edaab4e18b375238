//! Checking and executing the transactions of a block over the stored accounts.

use std::num::NonZero;
use std::thread;

use mote_core::block::transactions_root;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, Executed, Execution, RuleError, check_transaction};
use mote_core::transaction::Transaction;
use mote_core::units::Height;

use super::ledger::AddError;
use super::tree::{Nodes, TreeView};
use crate::block::Block;

/// Up to this many signatures are checked sooner than threads are started.
const CHECKED_ALONE: usize = 32;

/// Checks B2 and B3: that the transactions are those of the header, whether they are any good or not.
pub(super) fn check_body(block: &Block) -> Result<(), RuleError> {
    let Block { header, transactions } = block;
    Executed {
        // A vector of 2^32 transactions has no room in memory; here it would not match the header.
        transaction_count: u32::try_from(transactions.len()).unwrap_or(u32::MAX),
        transactions_root: transactions_root(transactions),
        state_root: header.state_root,
    }
    .check(header)
}

/// Checks what can be said of each transaction alone, on up to `workers` threads. Of several that
/// break a rule, the first is named.
pub(super) fn check_transactions<'a>(
    params: &Params,
    transactions: &'a [Transaction],
    workers: NonZero<usize>,
) -> Result<Vec<CheckedTransaction<'a>>, AddError> {
    if transactions.len() <= CHECKED_ALONE || workers.get() == 1 {
        return check_from(params, 0, transactions);
    }
    let size = transactions.len().div_ceil(workers.get());
    let parts = thread::scope(|scope| {
        let spawn = |(number, part)| scope.spawn(move || check_from(params, number * size, part));
        let threads: Vec<_> = transactions.chunks(size).enumerate().map(spawn).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect::<Vec<_>>()
    });
    let mut checked = Vec::with_capacity(transactions.len());
    for part in parts {
        checked.extend(part?);
    }
    Ok(checked)
}

fn check_from<'a>(
    params: &Params,
    first: usize,
    transactions: &'a [Transaction],
) -> Result<Vec<CheckedTransaction<'a>>, AddError> {
    let check = |(offset, transaction)| {
        check_transaction(params, transaction)
            .map_err(|error| AddError::Rule { error, transaction: Some(first + offset) })
    };
    transactions.iter().enumerate().map(check).collect()
}

/// Executes a block at `height` over `accounts`, which are of no further use after an error.
pub(super) fn execute<N: Nodes>(
    params: &Params,
    accounts: &mut TreeView<'_, N>,
    height: Height,
    miner: PublicKey,
    transactions: &[CheckedTransaction<'_>],
) -> Result<Executed, AddError> {
    let mut execution = Execution::new(params, height, miner);
    for (index, transaction) in transactions.iter().enumerate() {
        execution.apply(accounts, transaction).map_err(|error| AddError::update(error, Some(index)))?;
    }
    execution.finish(accounts).map_err(|error| AddError::update(error, None))
}
