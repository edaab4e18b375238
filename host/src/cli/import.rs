//! Reading a chain from text into the data folder, every rule checked.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mote_core::params::{Network, Params};
use mote_core::rules::Clock as RuleClock;
use serde_json::json;

use super::error::CliError;
use super::flags::ImportArguments;
use super::folder::Folder;
use super::output::{Facts, count, scaled};
use super::progress::{Progress, rate};
use crate::chain_file::{self, LineError, Lines, ParsedLine};
use crate::clock::Clock;
use crate::config::Config;
use crate::node::checkpoints::Checkpoints;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::ledger::{AddError, Added, Ledger};

/// Reads the file and takes in its blocks. What is before a bad line stays; the same import again goes
/// on from there.
pub fn import(config: &Config, arguments: &ImportArguments, out: &mut impl Write) -> Result<(), CliError> {
    let is_stdin = arguments.file.as_os_str() == "-";
    let (reader, total): (Box<dyn BufRead>, u64) = if is_stdin {
        (Box::new(std::io::stdin().lock()), 0)
    } else {
        let error = |source| CliError::File { action: "read", path: arguments.file.clone(), source };
        let file = File::open(&arguments.file).map_err(error)?;
        let length = file.metadata().map_err(error)?.len();
        (Box::new(BufReader::with_capacity(1 << 20, file)), length)
    };
    let params = Arc::new(Params::new(config.network.clone()));
    let folder = Folder::made(config, "stop it first: the import takes the folder for itself")?;
    let mut ledger = folder.ledger(params.clone())?;
    // What the node would refuse must not come in by this door.
    Checkpoints::read(&folder.disk()?, &params, config.checkpoint_keys.clone(), &mut ledger)
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let mut import = Import { ledger: &mut ledger, params: &params, counts: Counts::default() };
    let read = import.read(Lines::new(reader), total);
    let counts = import.counts;
    let tip = (ledger.tip().height(), ledger.tip().id());
    // Also after a bad line: everything before it stays.
    ledger.close()?;
    if let Err(error) = read {
        return Err(error.into_cli(&arguments.file, counts));
    }
    let value = json!({
        "added": counts.added, "known": counts.known, "height": tip.0.get(), "tip": tip.1.to_string(),
    });
    Ok(arguments.form.print(out, &value, |out| {
        Facts::default()
            .add("added", count(counts.added, "block"))
            .add("known before", count(counts.known, "block"))
            .add("height", tip.0)
            .add("tip", tip.1)
            .write(out)
    })?)
}

/// What became of the blocks of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    added: u64,
    known: u64,
}

#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("{0}")]
    Line(#[from] LineError),
    #[error("line {line}: block {height} is not acceptable: {error}")]
    Block { line: u64, height: u64, error: Box<AddError> },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Read(std::io::Error),
}

impl ImportError {
    fn into_cli(self, file: &Path, counts: Counts) -> CliError {
        match self {
            Self::Store(error) => CliError::Store(error),
            Self::Read(source) => CliError::File { action: "read", path: PathBuf::from(file), source },
            error => {
                let Counts { added, known } = counts;
                CliError::Failed(format!(
                    "{}: {error}; the blocks before it are kept ({added} added, {known} known before)",
                    file.display()
                ))
            }
        }
    }
}

struct Import<'a, D: Disk> {
    ledger: &'a mut Ledger<D>,
    params: &'a Params,
    counts: Counts,
}

impl<D: Disk> Import<'_, D> {
    fn read(&mut self, mut lines: Lines<impl BufRead>, total: u64) -> Result<(), ImportError> {
        let (clock, mut bar) = (Clock::start(), Progress::new("import"));
        loop {
            let number = lines.number() + 1;
            let Some(line) = lines.next_line()? else { break };
            let parsed = chain_file::parse(number, line)?;
            self.take(number, parsed, clock)?;
            let blocks = self.counts.added + self.counts.known;
            let speed = scaled(rate(blocks, bar.elapsed()));
            let detail = format!("{blocks} blocks, {speed} blocks/s");
            bar.update(lines.bytes(), total.max(lines.bytes()), &detail);
        }
        self.ledger.sync()?;
        bar.finish();
        Ok(())
    }

    fn take(&mut self, line: u64, parsed: ParsedLine, clock: Clock) -> Result<(), ImportError> {
        let ParsedLine { block, id, network } = parsed;
        let height = block.header.height.get();
        if line == 1 && height == 0 {
            self.check_genesis(id, network.as_ref())?;
        } else if network.is_some() {
            return Err(bad_network(
                line,
                "only the first line, which is the genesis block's, names the network",
            )
            .into());
        }
        let added = self.ledger.add(&block, RuleClock::Now(clock.time()));
        match added {
            Ok(Added::Known) => self.counts.known += 1,
            Ok(_) => self.counts.added += 1,
            Err(AddError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(ImportError::Block { line, height, error: Box::new(error) }),
        }
        Ok(self.ledger.maintain(clock.moment())?)
    }

    fn check_genesis(&self, id: mote_core::hash::Hash32, network: Option<&Network>) -> Result<(), LineError> {
        let expected = self.params.network();
        match network {
            Some(got) if got != expected => {
                Err(bad_network(1, &format!("the file is of the network {got}, expected {expected}")))
            }
            None => {
                Err(bad_network(1, &format!("the first line must name the network, expected {expected}")))
            }
            Some(_) if id != self.params.genesis_id() => {
                let expected = self.params.genesis_id();
                let reason = format!("the genesis block is {id}, expected {expected}");
                Err(LineError { line: 1, column: 1, field: Some("id".to_owned()), reason })
            }
            Some(_) => Ok(()),
        }
    }
}

fn bad_network(line: u64, reason: &str) -> LineError {
    LineError { line, column: 1, field: Some("network".to_owned()), reason: reason.to_owned() }
}

impl From<chain_file::LinesError> for ImportError {
    fn from(error: chain_file::LinesError) -> Self {
        match error {
            chain_file::LinesError::Io(error) => Self::Read(error),
            chain_file::LinesError::Line(error) => Self::Line(error),
        }
    }
}
