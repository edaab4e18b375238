//! The wallet of a running node, for callers that must not block: one lock around it, and the costly
//! guesses at a passphrase on threads of their own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdMutexGuard, PoisonError};
use std::time::Duration;

use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey};
use mote_core::params::Params;
use mote_core::transaction::{Payment, Transaction};
use mote_core::units::Height;
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

use super::passphrase::TooSoon;
use super::{Passphrase, Protection, UnlockThrottle, Wallet, WalletError, Words};
use crate::checkpoint::Checkpoint;

/// Why the wallet did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is none.
    #[error("there is no wallet: create one or restore it from its words")]
    NoWallet,
    /// Too many wrong passphrases came before.
    #[error(transparent)]
    TooSoon(#[from] TooSoon),
    /// The thread that did the work is gone.
    #[error("the work on the wallet was interrupted")]
    Interrupted,
    /// The wallet refuses.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// What may be known of the wallet while it is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletInfo {
    /// The keys of its addresses, at least one.
    pub public_keys: Vec<PublicKey>,
    /// Whether the private keys need the passphrase first.
    pub is_locked: bool,
    /// Whether the file is encrypted.
    pub is_encrypted: bool,
}

impl WalletInfo {
    /// The key of the first address, which gets the rewards of mining.
    pub fn first_key(&self) -> PublicKey {
        // A wallet has at least one address; nobody can spend from the key of zeros.
        self.public_keys.first().copied().unwrap_or(PublicKey::from_bytes([0; 32]))
    }

    fn of(wallet: &Wallet) -> Self {
        let public_keys = wallet.public_keys().iter().copied().map(PublicKey::from_bytes).collect();
        Self { public_keys, is_locked: wallet.is_locked(), is_encrypted: wallet.is_encrypted() }
    }
}

/// The wallet of a node and the file that it is or will be in.
pub struct WalletService {
    state: Arc<Mutex<State>>,
    /// Held from the choice of a nonce until the node has taken the transaction in, so that two
    /// payments never choose the same one.
    spending: Mutex<()>,
    /// Held during a guess at the passphrase: one at a time, whose memory is bounded.
    guessing: Arc<Mutex<()>>,
    throttle: Arc<StdMutex<UnlockThrottle>>,
    clock: Ticks,
}

/// A clock that never goes back, as the time since any fixed point.
pub type Ticks = Arc<dyn Fn() -> Duration + Send + Sync>;

struct State {
    path: PathBuf,
    network: String,
    wallet: Option<Wallet>,
}

impl State {
    /// The wallet, which another program may have made since the last look.
    fn wallet(&mut self) -> Result<Option<&mut Wallet>, WalletError> {
        if self.wallet.is_none() {
            self.wallet = Wallet::open(&self.path, &self.network)?;
            if let Some(warning) = self.wallet.as_ref().and_then(Wallet::warning) {
                tracing::warn!("{warning}");
            }
        }
        Ok(self.wallet.as_mut())
    }
}

impl WalletService {
    /// Opens the wallet at `path`, where one may come later too. The clock tells when the next guess at the
    /// passphrase is due.
    pub fn open(path: &Path, network: &str, clock: Ticks) -> Result<Self, WalletError> {
        let mut state = State { path: path.into(), network: network.into(), wallet: None };
        state.wallet()?;
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            spending: Mutex::new(()),
            guessing: Arc::default(),
            throttle: Arc::default(),
            clock,
        })
    }

    /// What is known of the wallet, `None` where there is none.
    pub async fn info(&self) -> Result<Option<WalletInfo>, ServiceError> {
        self.run(|state| Ok(state.wallet()?.map(|wallet| WalletInfo::of(wallet)))).await
    }

    /// The key that rewards go to, `None` where there is no wallet.
    pub async fn first_key(&self) -> Result<Option<PublicKey>, ServiceError> {
        Ok(self.info().await?.map(|info| info.first_key()))
    }

    /// Makes a wallet; the words are its only backup and are never shown again.
    pub async fn create(&self, passphrase: Option<Passphrase>) -> Result<(WalletInfo, Words), ServiceError> {
        self.run(move |State { path, network, wallet }| {
            let (made, words) = Wallet::create(path, network, Protection::standard(passphrase.as_ref()))?;
            Ok((WalletInfo::of(wallet.insert(made)), words))
        })
        .await
    }

    /// Makes a wallet from the words of another.
    pub async fn restore(
        &self,
        words: Zeroizing<String>,
        passphrase: Option<Passphrase>,
    ) -> Result<WalletInfo, ServiceError> {
        self.run(move |State { path, network, wallet }| {
            let protection = Protection::standard(passphrase.as_ref());
            let made = Wallet::restore(path, network, &words, protection)?;
            Ok(WalletInfo::of(wallet.insert(made)))
        })
        .await
    }

    /// Makes the private keys usable. Everything else about the wallet goes on during the guess.
    pub async fn unlock(&self, passphrase: Passphrase) -> Result<WalletInfo, ServiceError> {
        // Where there is nothing to guess at, nobody has to wait for the next guess either.
        let guess = self.run(|state| Ok(state.wallet()?.ok_or(ServiceError::NoWallet)?.guess()?)).await?;
        let (throttle, clock) = (self.throttle.clone(), self.clock.clone());
        held(&throttle).attempt(clock())?;
        let turn = self.guessing.clone().lock_owned().await;
        // The guess goes on where whoever asked for it does not wait, and keeps its turn as long.
        let opening = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let opened = guess.open(&passphrase);
            match &opened {
                Ok(_) => held(&throttle).succeeded(),
                Err(_) => held(&throttle).failed(clock()),
            }
            opened
        });
        let opened = opening.await.map_err(|_| ServiceError::Interrupted)??;
        self.change(move |wallet| wallet.take(opened)).await
    }

    /// Forgets the private keys until the passphrase is given again.
    pub async fn lock(&self) -> Result<WalletInfo, ServiceError> {
        self.change(Wallet::lock).await
    }

    /// Takes the next address into use.
    pub async fn add_address(&self) -> Result<WalletInfo, ServiceError> {
        self.change(|wallet| wallet.add_address().map(drop)).await
    }

    /// Signs a payment from the address with number `index`.
    pub async fn sign(
        &self,
        index: u32,
        payment: Payment,
        params: Arc<Params>,
    ) -> Result<Transaction, ServiceError> {
        self.run(move |state| {
            let wallet = state.wallet()?.ok_or(ServiceError::NoWallet)?;
            let seed = wallet.secret_seed(index)?;
            Ok(payment.sign(&params, &SecretKey::from_seed(&seed)))
        })
        .await
    }

    /// Vouches for a block with the key of the address with number `index`.
    pub async fn vouch(
        &self,
        index: u32,
        genesis: Hash32,
        height: Height,
        block: Hash32,
    ) -> Result<Checkpoint, ServiceError> {
        self.run(move |state| {
            let wallet = state.wallet()?.ok_or(ServiceError::NoWallet)?;
            let seed = wallet.secret_seed(index)?;
            Ok(Checkpoint::sign(genesis, height, block, &SecretKey::from_seed(&seed)))
        })
        .await
    }

    /// Waits until no other payment is between the choice of its nonce and its acceptance.
    pub async fn spending(&self) -> MutexGuard<'_, ()> {
        self.spending.lock().await
    }

    async fn change(
        &self,
        change: impl FnOnce(&mut Wallet) -> Result<(), WalletError> + Send + 'static,
    ) -> Result<WalletInfo, ServiceError> {
        self.run(move |state| {
            let wallet = state.wallet()?.ok_or(ServiceError::NoWallet)?;
            change(wallet)?;
            Ok(WalletInfo::of(wallet))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let mut state = self.state.clone().lock_owned().await;
        let done = tokio::task::spawn_blocking(move || work(&mut state)).await;
        done.map_err(|_| ServiceError::Interrupted)?
    }
}

/// A panic during a guess leaves nothing half done here.
fn held(throttle: &StdMutex<UnlockThrottle>) -> StdMutexGuard<'_, UnlockThrottle> {
    throttle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned().into()).unwrap()
    }

    /// A clock that shows what it is set to, in seconds.
    fn clock(seconds: &Arc<AtomicU64>) -> Ticks {
        let seconds = seconds.clone();
        Arc::new(move || Duration::from_secs(seconds.load(Ordering::Relaxed)))
    }

    #[tokio::test]
    async fn a_wallet_is_made_once_and_guesses_are_slowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet");
        let seconds = Arc::new(AtomicU64::new(100));
        let service = WalletService::open(&path, "regtest", clock(&seconds)).unwrap();
        assert_eq!(service.info().await.unwrap(), None);
        assert!(matches!(service.lock().await, Err(ServiceError::NoWallet)));
        for _ in 0..10 {
            let nothing = service.unlock(passphrase("right")).await;
            assert!(matches!(nothing, Err(ServiceError::NoWallet)), "there is nothing to guess at");
        }
        let (info, words) = service.create(Some(passphrase("right"))).await.unwrap();
        let again = service.restore(Zeroizing::new(words.expose().to_owned()), None).await;
        assert!(matches!(again, Err(ServiceError::Wallet(WalletError::Exists { .. }))));
        assert!(service.lock().await.unwrap().is_locked);
        for _ in 0..4 {
            let wrong = service.unlock(passphrase("wrong")).await;
            assert!(matches!(wrong, Err(ServiceError::Wallet(WalletError::WrongPassphrase { .. }))));
        }
        // Each wrong guess makes the next wait twice as long, up to the longest. The right one before its time
        // is told no other thing than a wrong one, and makes nobody wait longer.
        for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let Err(ServiceError::TooSoon(early)) = service.unlock(passphrase("right")).await else {
                panic!("{wait} s have not passed");
            };
            assert_eq!(early.wait, Duration::from_secs(wait));
            seconds.fetch_add(wait, Ordering::Relaxed);
            let wrong = service.unlock(passphrase("wrong")).await;
            assert!(matches!(wrong, Err(ServiceError::Wallet(WalletError::WrongPassphrase { .. }))));
        }
        // Whoever knows it waits no longer than that, and begins anew.
        seconds.fetch_add(60, Ordering::Relaxed);
        assert!(!service.unlock(passphrase("right")).await.unwrap().is_locked);
        for _ in 0..4 {
            let wrong = service.unlock(passphrase("wrong")).await;
            assert!(matches!(wrong, Err(ServiceError::Wallet(WalletError::WrongPassphrase { .. }))));
        }
        assert!(!service.info().await.unwrap().unwrap().is_locked, "a wrong guess locks nothing");
        // Another service finds the same wallet, locked.
        let other = WalletService::open(&path, "regtest", clock(&seconds)).unwrap();
        let found = other.info().await.unwrap().unwrap();
        assert_eq!((found.public_keys, found.is_locked), (info.public_keys, true));
    }
}
