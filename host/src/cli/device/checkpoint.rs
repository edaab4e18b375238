//! A block of the main chain as the checkpoint that a device can be built with: it starts there instead
//! of genesis.
//!
//! A checkpoint is the genesis id of its network (32 bytes) and the [`codec`]'s form of the [`Tip`] at the
//! block, written as lower-case hex.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use mote_core::card::SNAPSHOT_BLOCKS;
use mote_core::chain::Tip;
use mote_core::codec;
use mote_core::params::Params;
use serde_json::json;

use super::flags::CheckpointArguments;
use crate::cli::error::CliError;
use crate::cli::folder::refused;
use crate::cli::overlay::OverlayDisk;
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::store::ledger::Ledger;
use crate::store::lock::FolderLock;
use crate::store::opening::random_salt;

/// Blocks above a checkpoint that nobody chose: as many as a device can go back by itself.
const BLOCKS_ABOVE: u64 = 80;

/// Prints the checkpoint at a height of the main chain, and changes nothing in the folder.
pub fn checkpoint(
    config: &Config,
    arguments: &CheckpointArguments,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let folder = &config.folder;
    if !folder.is_dir() {
        return Err(CliError::NoData(folder.clone()));
    }
    let hint = "stop it first: its chain is read from the folder";
    let _lock = FolderLock::hold(folder).map_err(|error| refused(error, hint))?;
    let params = Arc::new(Params::new(config.network.clone()));
    let mut bar = Progress::new("reading the index");
    let (ledger, _) = Ledger::open(OverlayDisk::new(folder), params.clone(), random_salt()?, |progress| {
        bar.update(progress.done, progress.total, "");
    })?;
    bar.finish();
    let newest = ledger.tip().height().get();
    let height = match arguments.height {
        Some(height) => height,
        None => settled(newest).ok_or_else(|| {
            let least = SNAPSHOT_BLOCKS + BLOCKS_ABOVE;
            let reason = format!(
                "no block is old enough yet: expected a chain up to height {least}, got {newest}; \
                 a height that is named is taken as it is"
            );
            CliError::Failed(reason)
        })?,
    };
    let lacking = || CliError::Failed(format!("the chain has no block {height}: expected at most {newest}"));
    let id = ledger.id_at(height)?.ok_or_else(lacking)?;
    let tip = ledger.tip_of(&id)?.ok_or_else(lacking)?;
    let checkpoint = text(&params, &tip);
    let value = json!({
        "network": params.network().to_string(), "height": height, "id": id.to_string(),
        "checkpoint": checkpoint,
    });
    Ok(arguments.form.print(out, &value, |out| writeln!(out, "{checkpoint}"))?)
}

/// The highest block that is as deep as a device could go back, and that devices keep a snapshot of.
fn settled(newest: u64) -> Option<u64> {
    let deep = newest.checked_sub(BLOCKS_ABOVE)?;
    Some(deep - deep % SNAPSHOT_BLOCKS).filter(|height| *height > 0)
}

/// The digits of a checkpoint.
fn text(params: &Params, tip: &Tip) -> String {
    let mut text = params.genesis_id().to_string();
    codec::encode_into(tip, |piece| {
        for byte in piece {
            // A string takes everything.
            let _ = write!(text, "{byte:02x}");
        }
    });
    text
}
