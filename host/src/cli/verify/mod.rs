//! Checking a receipt, or a whole data folder without changing it. Of the folder:
//!
//! 1. Every record of the log and of the journal of open transactions has the checksum that it says.
//! 2. Every block, in the order in which it was accepted, obeys every rule: all are replayed from
//!    genesis on a fresh ledger, in a temporary folder that needs as much room as the data.
//! 3. The index says of all that the same as the fresh one: tip, chain, blocks, transactions, histories, accounts.
//! 4. The journal reaches as far as the index says that it was written.
//! 5. The wallet and the checkpoints, where there are any, are in their form.
//!
//! The folder's own programs do the reading, over an overlay that keeps what they would write.

mod compare;
mod receipt;
mod replay;

use std::io::Write;
use std::sync::Arc;

use mote_core::params::Params;
use serde_json::json;

use self::replay::Journal;
use super::error::CliError;
use super::flags::VerifyArguments;
use super::folder::refused;
use super::output::{Facts, Form};
use super::overlay::OverlayDisk;
use super::progress::Progress;
use crate::config::Config;
use crate::node::checkpoints::Checkpoints;
use crate::store::ledger::Ledger;
use crate::store::lock::FolderLock;
use crate::store::opening::{IndexState, random_salt};
use crate::wallet::Wallet;

/// Checks what the arguments name.
pub fn verify(config: &Config, arguments: &VerifyArguments, out: &mut impl Write) -> Result<(), CliError> {
    match &arguments.receipt {
        Some(file) => receipt::verify(file, arguments.tip, arguments.form, out),
        None => verify_folder(config, arguments.form, out),
    }
}

/// Checks the folder and reports the first damage, with the file and the offset.
fn verify_folder(config: &Config, form: Form, out: &mut impl Write) -> Result<(), CliError> {
    let folder = &config.folder;
    if !folder.is_dir() {
        return Err(CliError::NoData(folder.clone()));
    }
    let hint = "stop it first: what it is writing cannot be checked";
    let _lock = FolderLock::hold(folder).map_err(|error| refused(error, hint))?;
    let params = Arc::new(Params::new(config.network.clone()));
    let disk = OverlayDisk::new(folder);
    let replayed = replay::replay(&disk, &params)?;
    let mut bar = Progress::new("reading the index");
    let (mut stored, opened) = Ledger::open(disk.clone(), params.clone(), random_salt()?, |progress| {
        bar.update(progress.done, progress.total, "");
    })?;
    bar.finish();
    if let IndexState::Rebuilt { reason } = opened.index {
        let reason = format!("the log is intact, the index is not: {reason}; the next start rebuilds it");
        return Err(CliError::Failed(reason));
    }
    compare::compare(&stored, &replayed.ledger)?;
    Wallet::open(&config.wallet_path(), &params.network().to_string())?;
    let kept = Checkpoints::read(&disk, &params, config.checkpoint_keys.clone(), &mut stored);
    kept.map_err(|error| CliError::Failed(error.to_string()))?;
    let mut torn = replayed.torn;
    let (open, journal) = replay::read_journal(&disk, &params, stored.journal_end(), &mut torn)?;
    let (tip, counts) = (replayed.ledger.tip(), replayed.counts);
    let unfinished: Vec<String> = torn.iter().map(ToString::to_string).collect();
    let is_given_up = journal == Journal::GivenUp;
    let value = json!({
        "folder": folder.display().to_string(), "network": params.network().to_string(),
        "blocks": counts.blocks, "transactions": counts.transactions, "open_transactions": open,
        "height": tip.height().get(), "tip": tip.id().to_string(), "state_root": tip.state_root().to_string(),
        "unfinished": unfinished, "open_transactions_given_up": is_given_up,
    });
    Ok(form.print(out, &value, |out| {
        let mut facts = Facts::default()
            .add("sound", folder.display())
            .add("network", params.network())
            .add("blocks", format!("{}, other branches included", counts.blocks))
            .add("transactions", counts.transactions)
            .add("open", format!("{open} records of open transactions"))
            .add("height", tip.height())
            .add("tip", tip.id())
            .add("state root", tip.state_root());
        for cut in unfinished {
            facts = facts.add("note", format!("an unfinished write at the end is harmless: {cut}"));
        }
        if is_given_up {
            facts =
                facts.add("note", "the open transactions are given up: no open-*.seg file is there any more");
        }
        facts.write(out)
    })?)
}
