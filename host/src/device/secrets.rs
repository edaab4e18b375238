//! The key and the entropy of a new device. They are made here since its board may have no random source.

use mote_core::hash::sha256;
use zeroize::Zeroizing;

/// The fewest bytes of entropy that a key may be made from.
pub const ENTROPY_MIN_BYTES: usize = 32;

/// What a device must not share with any other.
pub struct Secrets {
    /// The seed of its key (RFC 8032).
    pub seed: Zeroizing<[u8; 32]>,
    /// What it derives from what must not be guessed.
    pub entropy: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// From the random source of this computer.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut secrets = Self { seed: Zeroizing::default(), entropy: Zeroizing::default() };
        getrandom::fill(&mut *secrets.seed)?;
        getrandom::fill(&mut *secrets.entropy)?;
        Ok(secrets)
    }

    /// From entropy that somebody has brought, the same from the same bytes: SHA-256 over a name of what is
    /// made and the bytes.
    pub fn derived(entropy: &[u8]) -> Self {
        let derive = |name: &[u8]| {
            let mut message = Zeroizing::new(Vec::with_capacity(name.len() + entropy.len()));
            message.extend_from_slice(name);
            message.extend_from_slice(entropy);
            Zeroizing::new(*sha256(&message).as_bytes())
        };
        Self { seed: derive(b"mote device key v1"), entropy: derive(b"mote device entropy v1") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_same_entropy_makes_the_same_device() {
        let (one, two) = (Secrets::derived(&[7; 32]), Secrets::derived(&[8; 32]));
        assert_eq!(*one.seed, *Secrets::derived(&[7; 32]).seed);
        assert_ne!(*one.seed, *two.seed);
        assert_ne!(*one.seed, *one.entropy);
        let expected: [u8; 32] = Sha256::digest([&b"mote device key v1"[..], &[7; 32]].concat()).into();
        assert_eq!(*one.seed, expected);
    }

    #[test]
    fn two_random_devices_differ() {
        let (one, two) = (Secrets::random().unwrap(), Secrets::random().unwrap());
        assert_ne!(*one.seed, *two.seed);
        assert_ne!(*one.entropy, *two.entropy);
        assert_ne!(*one.seed, *one.entropy);
    }
}
