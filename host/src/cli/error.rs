//! Why a verb failed.

use std::io;
use std::path::PathBuf;

use super::client::ClientError;
use crate::config::ConfigError;
use crate::device::emulator::EmulatorError;
use crate::device::image::ImageError;
use crate::store::error::StoreError;
use crate::store::lock::LockError;
use crate::wallet::WalletError;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node did not do it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A node uses the folder.
    #[error(
        "a node{} uses this folder: {}; {hint}",
        pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default(),
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The node's process, where it is known.
        pid: Option<u32>,
        /// What to do.
        hint: &'static str,
    },
    /// The folder cannot be locked.
    #[error(transparent)]
    Lock(LockError),
    /// There is no data.
    #[error("{}: no node has kept data here; --data, --network and --port name another folder", .0.display())]
    NoData(PathBuf),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The wallet failed.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The image of a card failed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A device cannot be emulated.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// A file cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was asked for on the terminal cannot be read.
    #[error("cannot read {what}: {reason}")]
    Input {
        /// What was asked for.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
    /// The verb did what it should and what it found is bad.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// The exit code of the program.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => 2,
            // Whoever reads the result has seen enough, as `head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            _ => 1,
        }
    }
}
