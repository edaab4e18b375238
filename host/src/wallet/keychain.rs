//! The keys of a wallet: `m/44'/7700'/i'` of its seed.

use mote_core::keys::SecretKey;
use zeroize::Zeroizing;

use super::seed::Entropy;
use super::slip10::{ExtendedKey, HardenedIndex};

/// `44'`, the purpose of [BIP-44](https://github.com/bitcoin/bips/blob/master/bip-0044.mediawiki).
const PURPOSE: HardenedIndex = HardenedIndex::new(44).expect("below 2^31");

/// `7700'`, Mote's coin type.
const COIN: HardenedIndex = HardenedIndex::new(7700).expect("below 2^31");

/// The branch `m/44'/7700'`, whose hardened children are the wallet's keys.
///
/// The stretching of the seed (BIP-39's 2,048 rounds) is done once; a key after that is one HMAC.
pub(super) struct Keychain(ExtendedKey);

impl Keychain {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self(ExtendedKey::master(&*entropy.seed()).derive(&[PURPOSE, COIN]))
    }

    /// The ed25519 seed of key `index`.
    pub(super) fn secret_seed(&self, index: HardenedIndex) -> Zeroizing<[u8; 32]> {
        self.0.derive(&[index]).secret().clone()
    }

    /// The public key of key `index`.
    pub(super) fn public_key(&self, index: HardenedIndex) -> [u8; 32] {
        public_key(&self.secret_seed(index))
    }
}

/// The public key of an ed25519 seed.
pub(super) fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    *SecretKey::from_seed(seed).public_key().as_bytes()
}
