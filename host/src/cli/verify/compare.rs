//! Whether an index says the same as one that was just made from the log.

use super::super::error::CliError;
use super::super::progress::Progress;
use crate::store::disk::Disk;
use crate::store::index::Places;
use crate::store::ledger::Ledger;

/// Compares everything that can be asked of the main chain, and the accounts at its tip.
pub fn compare<A: Disk, B: Disk>(stored: &Ledger<A>, fresh: &Ledger<B>) -> Result<(), CliError> {
    same("the tip", &stored.tip().id(), &fresh.tip().id())?;
    same("the chain's work", &stored.tip().work(), &fresh.tip().work())?;
    same("the state root", &stored.tip().state_root(), &fresh.tip().state_root())?;
    same("the history root", &stored.tip().history_root(), &fresh.tip().history_root())?;
    same("the number of blocks", &stored.statistics().blocks, &fresh.statistics().blocks)?;
    let ends = usize::MAX;
    same("the ends of branches", &stored.branch_ends(ends)?, &fresh.branch_ends(ends)?)?;
    let (tip, mut bar) = (fresh.tip().height().get(), Progress::new("comparing the index"));
    for height in 0..=tip {
        let id = fresh.id_at(height)?;
        same_at("the id", height, &stored.id_at(height)?, &id)?;
        let Some(id) = id else { continue };
        same_at("the header", height, &stored.header(&id)?, &fresh.header(&id)?)?;
        let block = fresh.block(&id)?;
        same_at("the block", height, &stored.block(&id)?, &block)?;
        for transaction in block.iter().flat_map(|block| &block.transactions) {
            let id = transaction.id();
            same_at("a transaction", height, &stored.transaction(&id)?, &fresh.transaction(&id)?)?;
        }
        bar.update(height, tip, "");
    }
    bar.finish();
    for places in Places::ALL {
        compare_places(places, stored, fresh)?;
    }
    compare_accounts(stored, fresh)
}

/// How many rows of a table of places are compared at a time.
const ROWS: usize = 4_096;

fn compare_places<A: Disk, B: Disk>(
    places: Places,
    stored: &Ledger<A>,
    fresh: &Ledger<B>,
) -> Result<(), CliError> {
    let mut last = u128::MAX;
    loop {
        let rows = fresh.places(places, last, ROWS)?;
        same(&format!("the table {}", places.name()), &stored.places(places, last, ROWS)?, &rows)?;
        match rows.last().and_then(|row| row.checked_sub(1)) {
            Some(next) if rows.len() == ROWS => last = next,
            _ => return Ok(()),
        }
    }
}

fn compare_accounts<A: Disk, B: Disk>(stored: &Ledger<A>, fresh: &Ledger<B>) -> Result<(), CliError> {
    let tip = fresh.tip().id();
    let mut stored = stored.accounts(&tip)?.into_iter().flatten();
    let mut fresh = fresh.accounts(&tip)?.into_iter().flatten();
    loop {
        let (stored, fresh) = (stored.next().transpose()?, fresh.next().transpose()?);
        same("an account", &stored, &fresh)?;
        if fresh.is_none() {
            return Ok(());
        }
    }
}

fn same_at<T: PartialEq>(what: &str, height: u64, got: &T, expected: &T) -> Result<(), CliError> {
    same(&format!("{what} at height {height}"), got, expected)
}

fn same<T: PartialEq>(what: &str, got: &T, expected: &T) -> Result<(), CliError> {
    if got == expected {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "the log is intact, the index is not: {what} is not what the log gives; delete index.redb and the next start \
         rebuilds it"
    )))
}
