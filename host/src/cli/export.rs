//! The chain as text, from the running node or from its folder.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::units::Height;
use serde_json::Value;

use super::client::Client;
use super::error::CliError;
use super::flags::ExportArguments;
use super::folder::{Folder, Place};
use super::output::{count, scaled};
use super::progress::{Progress, rate};
use crate::block::{self, Block};
use crate::chain_file;
use crate::config::Config;
use crate::store::disk::FileDisk;
use crate::store::ledger::Ledger;

/// Writes the main chain to a file or to `out`.
pub fn export(config: &Config, arguments: &ExportArguments, out: &mut impl Write) -> Result<(), CliError> {
    let params = Arc::new(Params::new(config.network.clone()));
    let (mut source, _folder) = match Place::of(config, Folder::existing)? {
        Place::Node(client) => (Source::of_node(client)?, None),
        Place::Folder(folder) => (Source::Ledger(Box::new(folder.ledger(params.clone())?)), Some(folder)),
    };
    match &arguments.output {
        None => write_all(&mut source, &params, out).map(drop),
        Some(path) => {
            let blocks = write_file(&mut source, &params, path)?;
            Ok(writeln!(out, "exported {} to {}", count(blocks, "block"), path.display())?)
        }
    }
}

/// Where blocks come from.
enum Source {
    /// The running node, whose tip was this high when the export began.
    Node(Client, u64),
    /// The folder.
    Ledger(Box<Ledger<FileDisk>>),
}

impl Source {
    fn of_node(client: Client) -> Result<Self, CliError> {
        let status = client.get("/status")?;
        let height = status.get("height").and_then(Value::as_u64);
        let height = height.ok_or_else(|| CliError::Failed("the node's status has no height".to_owned()))?;
        Ok(Self::Node(client, height))
    }

    fn tip(&self) -> u64 {
        match self {
            Self::Node(_, height) => *height,
            Self::Ledger(ledger) => ledger.tip().height().get(),
        }
    }

    fn block(&self, height: u64) -> Result<Block, CliError> {
        let lost = || CliError::Failed(format!("there is no block at height {height} any more: try again"));
        match self {
            Self::Node(client, _) => {
                let bytes = client.get_bytes(&format!("/blocks/{height}/raw"))?;
                let wrong = |error| {
                    CliError::Failed(format!("the node's block {height} is not in its wire form: {error}"))
                };
                block::decode(&bytes).map_err(wrong)
            }
            Self::Ledger(ledger) => {
                let id = ledger.id_at(height)?.ok_or_else(lost)?;
                ledger.block(&id)?.ok_or_else(lost)
            }
        }
    }
}

fn write_all(source: &mut Source, params: &Params, out: &mut impl Write) -> Result<u64, CliError> {
    let (tip, mut bar) = (source.tip(), Progress::new("export"));
    let mut previous: Option<Hash32> = None;
    for height in 0..=tip {
        let block = source.block(height)?;
        let (got, id) = (block.header.height, block.header.id());
        let follows = match previous {
            Some(previous) => block.header.previous == previous,
            None => id == params.genesis_id(),
        };
        if height == 0 && !follows {
            return Err(CliError::Failed(format!("the node is not on the network {}", params.network())));
        }
        if !follows || got != Height::new(height) {
            // The part that is written may not be of the chain that won.
            let reason =
                format!("the chain was reorganised below height {height} during the export: try again");
            return Err(CliError::Failed(reason));
        }
        chain_file::write(out, &block, (height == 0).then(|| params.network()))?;
        previous = Some(id);
        let detail = format!("{} blocks/s", scaled(rate(height, bar.elapsed())));
        bar.update(height, tip, &detail);
    }
    out.flush()?;
    bar.finish();
    Ok(tip + 1)
}

/// Writes beside `path` first, so that a file that was there is lost only to a whole one. What is there and no file,
/// such as a pipe or a terminal, is written to.
fn write_file(source: &mut Source, params: &Params, path: &Path) -> Result<u64, CliError> {
    // A link is followed: whoever made it wants the file that it names.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let error = |action, path: &Path| {
        let path = path.to_owned();
        move |source| CliError::File { action, path, source }
    };
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let file = File::options().write(true).open(path).map_err(error("write", path))?;
        return write_all(source, params, &mut BufWriter::new(file));
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".partial");
    let temporary = Path::new(&temporary);
    let file = File::create(temporary).map_err(error("write", temporary))?;
    let mut writer = BufWriter::new(file);
    let written = write_all(source, params, &mut writer).and_then(|blocks| {
        let file =
            writer.into_inner().map_err(|failed| failed.into_error()).map_err(error("write", temporary))?;
        file.sync_all().map_err(error("write", temporary))?;
        std::fs::rename(temporary, path).map_err(error("replace", path))?;
        Ok(blocks)
    });
    if written.is_err() {
        // What remains of it is of no use; that it cannot be removed changes nothing about that.
        let _ = std::fs::remove_file(temporary);
    }
    written
}
