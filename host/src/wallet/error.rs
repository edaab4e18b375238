//! What can go wrong with a wallet.

use std::io;
use std::path::PathBuf;

use super::file::{FormatError, MAX_ADDRESSES};
use super::seal::SealError;
use super::seed::WordsError;

/// Why a wallet could not be made, read, changed or used. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// A wallet is there already, and is never overwritten.
    #[error("{}: there is a wallet already, and it is never overwritten", path.display())]
    Exists {
        /// The wallet file.
        path: PathBuf,
    },
    /// The wallet file is gone.
    #[error("{}: the wallet file is gone", path.display())]
    Missing {
        /// The wallet file.
        path: PathBuf,
    },
    /// Something else than a file has the wallet's name.
    #[error("{}: got a link, a folder or a device, expected a file", path.display())]
    NotAFile {
        /// The path of the wallet file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no wallet of the version that is read.
    #[error("{}: {source}", path.display())]
    Format {
        /// The wallet file.
        path: PathBuf,
        /// What is wrong in it.
        source: FormatError,
    },
    /// The wallet belongs to another network.
    #[error("{}: network: got {got:?}, expected {expected:?}", path.display())]
    Network {
        /// The wallet file.
        path: PathBuf,
        /// The network of the file.
        got: String,
        /// The network of the node.
        expected: String,
    },
    /// A public key in the file is not the one that the words give.
    #[error(
        "{}: public_keys[{index}] is not the key that the wallet's words give: got {}, expected {}",
        path.display(),
        hex(got),
        hex(expected)
    )]
    PublicKey {
        /// The wallet file.
        path: PathBuf,
        /// Which key, counted from 0.
        index: usize,
        /// The key in the file.
        got: [u8; 32],
        /// The key that the words give.
        expected: [u8; 32],
    },
    /// Another program changed the file since it was opened here.
    #[error("{}: the file was changed by another program: open it again", path.display())]
    Changed {
        /// The wallet file.
        path: PathBuf,
    },
    /// The passphrase does not decrypt the file.
    #[error("{}: wrong passphrase, or the file was altered", path.display())]
    WrongPassphrase {
        /// The wallet file.
        path: PathBuf,
    },
    /// The key derivation failed, as for want of memory.
    #[error("argon2id failed: {0}")]
    Kdf(argon2::Error),
    /// The operating system gave no entropy.
    #[error("the operating system gave no entropy: {0}")]
    Random(getrandom::Error),
    /// The words are no backup of a wallet.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The wallet is locked.
    #[error("the wallet is locked: unlock it with its passphrase")]
    Locked,
    /// The wallet has no passphrase, so it can be neither locked nor unlocked.
    #[error("{}: the wallet has no passphrase", path.display())]
    NotEncrypted {
        /// The wallet file.
        path: PathBuf,
    },
    /// The wallet has no such address.
    #[error("address {index}: the wallet has {count}, counted from 0")]
    NoSuchAddress {
        /// The address asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// The wallet has all the addresses that it can have.
    #[error("the wallet has {MAX_ADDRESSES} addresses, which is the most")]
    Full,
}

impl WalletError {
    pub(super) fn seal(error: SealError, path: PathBuf) -> Self {
        match error {
            SealError::WrongPassphrase => Self::WrongPassphrase { path },
            SealError::Kdf(error) => Self::Kdf(error),
            SealError::Random(error) => Self::Random(error),
        }
    }
}

fn hex(key: &[u8; 32]) -> String {
    super::hex::encode(key).to_string()
}
