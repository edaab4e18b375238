//! The data folder while no node runs. The folder's lock decides who may use it.

use std::path::PathBuf;
use std::sync::Arc;

use mote_core::params::Params;

use super::client::{Client, ClientError};
use super::error::CliError;
use super::progress::Progress;
use crate::config::{Config, FolderChoice};
use crate::store::disk::FileDisk;
use crate::store::ledger::Ledger;
use crate::store::lock::{FolderLock, LockError};
use crate::store::opening::random_salt;

/// A node's folder, kept from others until it is dropped.
pub struct Folder {
    path: PathBuf,
    _lock: FolderLock,
}

/// Where a verb is carried out.
pub enum Place {
    /// By the running node.
    Node(Client),
    /// On the folder of a node that does not run.
    Folder(Folder),
}

impl Folder {
    /// The folder of a node that has run before.
    pub fn existing(config: &Config, hint: &'static str) -> Result<Self, CliError> {
        if !config.folder.is_dir() {
            return Err(CliError::NoData(config.folder.clone()));
        }
        Self::take(config, hint)
    }

    /// The folder, made where there is none.
    pub fn made(config: &Config, hint: &'static str) -> Result<Self, CliError> {
        config.make_folder().map_err(|source| CliError::File {
            action: "make",
            path: config.folder.clone(),
            source,
        })?;
        Self::take(config, hint)
    }

    fn take(config: &Config, hint: &'static str) -> Result<Self, CliError> {
        match FolderLock::acquire(&config.folder) {
            Ok(lock) => Ok(Self { path: config.folder.clone(), _lock: lock }),
            Err(error) => Err(refused(error, hint)),
        }
    }

    /// Its files.
    pub fn disk(&self) -> Result<FileDisk, CliError> {
        let failed = |source| CliError::File { action: "use", path: self.path.clone(), source };
        FileDisk::new(&self.path).map_err(failed)
    }

    /// Opens the chain, and shows how it goes where that takes long.
    pub fn ledger(&self, params: Arc<Params>) -> Result<Ledger<FileDisk>, CliError> {
        let disk = self.disk()?;
        let mut bar = Progress::new("catching up the index");
        let (ledger, opened) = Ledger::open(disk, params, random_salt()?, |progress| {
            bar.update(progress.done, progress.total, "");
        })?;
        bar.finish();
        if let Some(cut) = opened.cut {
            eprintln!("note: {cut}");
        }
        Ok(ledger)
    }
}

impl Place {
    /// The node that answers, or the folder where none does, had by `take`. Who names a data folder
    /// means the node that uses that one, whatever else answers.
    pub fn of(
        config: &Config,
        take: impl Fn(&Config, &'static str) -> Result<Folder, CliError>,
    ) -> Result<Self, CliError> {
        let client = Client::new(config)?;
        let answer = client.get("/status");
        match (answer, config.folder_choice) {
            (Err(ClientError::NoNode { .. }), _) | (Ok(_), FolderChoice::Named) => {
                match take(config, "it does not answer; see --host and --port") {
                    // A node has the folder and answers, so it is the one.
                    Err(CliError::InUse { .. }) if client.get("/status").is_ok() => Ok(Self::Node(client)),
                    taken => taken.map(Self::Folder),
                }
            }
            (Ok(_), FolderChoice::Default) => Ok(Self::Node(client)),
            (Err(error), _) => Err(error.into()),
        }
    }
}

/// What the lock says, with what to do about it.
pub fn refused(error: LockError, hint: &'static str) -> CliError {
    match error {
        LockError::Held { path, pid } => CliError::InUse { folder: path, pid, hint },
        other => CliError::Lock(other),
    }
}
