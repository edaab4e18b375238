//! The wallet: keys that all come from 24 words, kept in one file.
//!
//! It holds no node logic and does no networking. Whoever owns the node's state may call it;
//! creating, restoring and unlocking take as long as one guess at the passphrase costs, and so
//! belong on a thread that may block.
//!
//! - [`seed`]: entropy and words (BIP-39); [`slip10`]: the derivation of keys.
//! - [`seal`]: encryption under a passphrase; [`passphrase`]: the passphrase, and the wait after
//!   wrong ones.
//! - [`mod@file`]: the text of the wallet file; `disk`: how it is written, so that no crash or second
//!   program can cost a key.
//! - [`service`]: the wallet of a running node, for callers that must not block.
//!
//! The public keys are in the file in clear, so that a locked wallet can show its balance. Until it
//! is unlocked, when they are compared with the derived ones, they are as trustworthy as the file.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

mod disk;
mod error;
pub mod file;
pub(crate) mod hex;
mod keychain;
pub mod passphrase;
pub mod seal;
pub mod seed;
pub mod service;
pub mod slip10;
#[cfg(test)]
mod tests;

pub use disk::Warning;
pub use error::WalletError;
pub use passphrase::{Passphrase, UnlockThrottle};
pub use seal::KdfCost;
pub use seed::Words;

use file::{Contents, MAX_ADDRESSES, Secret};
use keychain::Keychain;
use seal::Sealed;
use seed::Entropy;
use slip10::HardenedIndex;

/// How a new wallet's entropy is kept.
#[derive(Clone, Copy, Debug)]
pub enum Protection<'a> {
    /// In clear: whoever reads the file has the coins.
    Plain,
    /// Encrypted under a passphrase, at this cost a guess.
    Encrypted(&'a Passphrase, KdfCost),
}

impl<'a> Protection<'a> {
    /// Encrypted at the standard cost where there is a passphrase, in clear where there is none.
    pub fn standard(passphrase: Option<&'a Passphrase>) -> Self {
        passphrase.map_or(Self::Plain, |passphrase| Self::Encrypted(passphrase, KdfCost::STANDARD))
    }
}

/// A wallet and the file that it lives in.
pub struct Wallet {
    path: PathBuf,
    network: String,
    public_keys: Vec<[u8; 32]>,
    vault: Vault,
    warning: Option<Warning>,
}

/// The costly part of unlocking, apart from the wallet.
pub struct Guess {
    path: PathBuf,
    sealed: Sealed,
    header: Vec<u8>,
}

/// The private keys of a wallet whose passphrase was right.
pub struct Opened {
    sealed: Sealed,
    keychain: Keychain,
}

impl Guess {
    /// Tries a passphrase.
    pub fn open(self, passphrase: &Passphrase) -> Result<Opened, WalletError> {
        let entropy = self.sealed.open(passphrase, &self.header);
        let entropy = entropy.map_err(|error| WalletError::seal(error, self.path))?;
        Ok(Opened { keychain: Keychain::new(&entropy), sealed: self.sealed })
    }
}

/// What is known of the private keys; only an encrypted wallet can be without them.
enum Vault {
    Plain(Keychain),
    Locked(Sealed),
    Unlocked(Sealed, Keychain),
}

impl Wallet {
    /// Makes a wallet with one address; when this returns, its file is on the disk.
    ///
    /// The words are its only backup, to be shown to the owner once. The wallet is unlocked.
    pub fn create(
        path: &Path,
        network: &str,
        protection: Protection<'_>,
    ) -> Result<(Self, Words), WalletError> {
        let entropy = Entropy::generate().map_err(WalletError::Random)?;
        let words = entropy.words();
        Ok((Self::keep(path, network, entropy, protection)?, words))
    }

    /// Makes a wallet with one address from the words of another; else as [`Wallet::create`].
    pub fn restore(
        path: &Path,
        network: &str,
        words: &str,
        protection: Protection<'_>,
    ) -> Result<Self, WalletError> {
        Self::keep(path, network, Entropy::from_words(words)?, protection)
    }

    /// Opens the wallet at `path`, none if there is none; an encrypted one is locked.
    ///
    /// A look at [`Wallet::warning`] is due afterwards.
    pub fn open(path: &Path, network: &str) -> Result<Option<Self>, WalletError> {
        let Some(found) = disk::read(path)? else {
            return Ok(None);
        };
        let contents = decode(path, &found.bytes)?;
        if contents.network != network {
            return Err(WalletError::Network {
                path: path.into(),
                got: contents.network,
                expected: network.into(),
            });
        }
        let vault = match contents.secret {
            Secret::Plain(entropy) => {
                let keychain = Keychain::new(&entropy);
                check_public_keys(path, &keychain, &contents.public_keys)?;
                Vault::Plain(keychain)
            }
            Secret::Encrypted(sealed) => Vault::Locked(sealed),
        };
        Ok(Some(Self {
            path: path.into(),
            network: contents.network,
            public_keys: contents.public_keys,
            vault,
            warning: found.warning,
        }))
    }

    /// Makes the private keys usable; on an unlocked wallet, checks the passphrase all the same.
    pub fn unlock(&mut self, passphrase: &Passphrase) -> Result<(), WalletError> {
        let opened = self.guess()?.open(passphrase)?;
        self.take(opened)
    }

    /// What a guess at the passphrase needs of the wallet, so that nobody waits for the wallet meanwhile.
    pub fn guess(&self) -> Result<Guess, WalletError> {
        let (Vault::Locked(sealed) | Vault::Unlocked(sealed, _)) = &self.vault else {
            return Err(self.not_encrypted());
        };
        let header = file::header(&self.network);
        Ok(Guess { path: self.path.clone(), sealed: sealed.clone(), header })
    }

    /// Makes the private keys usable that a right guess has opened.
    pub fn take(&mut self, opened: Opened) -> Result<(), WalletError> {
        check_public_keys(&self.path, &opened.keychain, &self.public_keys)?;
        self.vault = Vault::Unlocked(opened.sealed, opened.keychain);
        Ok(())
    }

    /// Forgets the private keys until the passphrase is given again.
    pub fn lock(&mut self) -> Result<(), WalletError> {
        let (Vault::Locked(sealed) | Vault::Unlocked(sealed, _)) = &self.vault else {
            return Err(self.not_encrypted());
        };
        self.vault = Vault::Locked(sealed.clone());
        Ok(())
    }

    /// Whether the private keys need the passphrase first.
    pub fn is_locked(&self) -> bool {
        matches!(self.vault, Vault::Locked(_))
    }

    /// Whether the file is encrypted.
    pub fn is_encrypted(&self) -> bool {
        !matches!(self.vault, Vault::Plain(_))
    }

    /// The network that the wallet belongs to.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// How many addresses are in use, at least one.
    pub fn address_count(&self) -> u32 {
        u32::try_from(self.public_keys.len()).expect("at most MAX_ADDRESSES are read or added")
    }

    /// The public keys of the addresses in use; also of a locked wallet.
    pub fn public_keys(&self) -> &[[u8; 32]] {
        &self.public_keys
    }

    /// Takes the next address into use and returns its index; it is on the disk before.
    pub fn add_address(&mut self) -> Result<u32, WalletError> {
        let keychain = self.keychain()?;
        if self.public_keys.len() >= MAX_ADDRESSES {
            return Err(WalletError::Full);
        }
        let index = self.address_count();
        let public_key = keychain.public_key(self.step(index)?);
        let warning = disk::update(&self.path, |bytes| {
            // The secret is carried over from the file, so only the keys can be out of date.
            let mut contents = decode(&self.path, bytes)?;
            if contents.network != self.network || contents.public_keys != self.public_keys {
                return Err(WalletError::Changed { path: self.path.clone() });
            }
            contents.public_keys.push(public_key);
            Ok(file::encode(&contents))
        })?;
        self.warning = warning.or(self.warning.take());
        self.public_keys.push(public_key);
        Ok(index)
    }

    /// The ed25519 seed of address `index`, to sign with and to drop.
    pub fn secret_seed(&self, index: u32) -> Result<Zeroizing<[u8; 32]>, WalletError> {
        let keychain = self.keychain()?;
        if index >= self.address_count() {
            return Err(self.no_such_address(index));
        }
        Ok(keychain.secret_seed(self.step(index)?))
    }

    /// What the owner should hear of the file, as it was last read: to be logged.
    pub fn warning(&self) -> Option<&Warning> {
        self.warning.as_ref()
    }

    fn keep(
        path: &Path,
        network: &str,
        entropy: Entropy,
        protection: Protection<'_>,
    ) -> Result<Self, WalletError> {
        // Only to refuse before the costly part: what decides is the creation of the file.
        if path.symlink_metadata().is_ok() {
            return Err(WalletError::Exists { path: path.into() });
        }
        let keychain = Keychain::new(&entropy);
        let public_keys = vec![keychain.public_key(FIRST)];
        let (secret, vault) = match protection {
            Protection::Plain => (Secret::Plain(entropy), Vault::Plain(keychain)),
            Protection::Encrypted(passphrase, cost) => {
                let sealed = Sealed::seal(&entropy, passphrase, cost, &file::header(network))
                    .map_err(|error| WalletError::seal(error, path.into()))?;
                let vault = Vault::Unlocked(sealed.clone(), keychain);
                (Secret::Encrypted(sealed), vault)
            }
        };
        let contents = Contents { network: network.into(), secret, public_keys };
        disk::create(path, &file::encode(&contents))?;
        Ok(Self {
            path: path.into(),
            network: contents.network,
            public_keys: contents.public_keys,
            vault,
            warning: None,
        })
    }

    fn keychain(&self) -> Result<&Keychain, WalletError> {
        match &self.vault {
            Vault::Plain(keychain) | Vault::Unlocked(_, keychain) => Ok(keychain),
            Vault::Locked(_) => Err(WalletError::Locked),
        }
    }

    fn step(&self, index: u32) -> Result<HardenedIndex, WalletError> {
        HardenedIndex::new(index).ok_or_else(|| self.no_such_address(index))
    }

    fn no_such_address(&self, index: u32) -> WalletError {
        WalletError::NoSuchAddress { index, count: self.address_count() }
    }

    fn not_encrypted(&self) -> WalletError {
        WalletError::NotEncrypted { path: self.path.clone() }
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("path", &self.path)
            .field("network", &self.network)
            .field("address_count", &self.address_count())
            .field("encrypted", &self.is_encrypted())
            .field("locked", &self.is_locked())
            .finish_non_exhaustive()
    }
}

/// The step of the first address.
const FIRST: HardenedIndex = HardenedIndex::new(0).expect("below 2^31");

fn decode(path: &Path, bytes: &[u8]) -> Result<Contents, WalletError> {
    file::decode(bytes).map_err(|source| WalletError::Format { path: path.into(), source })
}

fn check_public_keys(path: &Path, keychain: &Keychain, public_keys: &[[u8; 32]]) -> Result<(), WalletError> {
    let steps = (0..).map_while(HardenedIndex::new);
    for (index, (step, got)) in steps.zip(public_keys).enumerate() {
        let expected = keychain.public_key(step);
        if *got != expected {
            return Err(WalletError::PublicKey { path: path.into(), index, got: *got, expected });
        }
    }
    Ok(())
}
