//! Entropy encrypted under a passphrase: Argon2id makes the key, XChaCha20-Poly1305 uses it.
//!
//! Sources: [RFC 9106](https://www.rfc-editor.org/rfc/rfc9106) for Argon2id, and
//! [draft-irtf-cfrg-xchacha](https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03) for
//! the cipher, whose 24-byte nonce is long enough to be drawn at random.

use argon2::{Algorithm, Argon2, Params};
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::passphrase::Passphrase;
use super::seed::Entropy;

/// The most memory a file may ask for: 16 times what we write, and what a small computer has.
pub const MAX_MEMORY_KIB: u32 = 1 << 20;

/// The most passes a file may ask for: with [`MAX_MEMORY_KIB`] some ten seconds, not for ever.
pub const MAX_PASSES: u32 = 16;

/// The most lanes a file may ask for: RFC 9106 recommends 4.
pub const MAX_LANES: u32 = 16;

/// Argon2 needs two blocks of 1 KiB in each of the four slices of a lane.
const MIN_MEMORY_KIB_PER_LANE: u32 = 8;

/// What one guess at the passphrase costs; within bounds, so that no file can exhaust the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl KdfCost {
    /// What new wallets use: 64 MiB and 3 passes as in the second recommendation of RFC 9106,
    /// section 4, with one lane, because lanes are computed one after the other here.
    pub const STANDARD: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 1 };

    /// A cost of `memory_kib` KiB filled `passes` times in `lanes` lanes.
    pub fn new(memory_kib: u64, passes: u64, lanes: u64) -> Result<Self, KdfCostError> {
        let lanes = bounded("lanes", lanes, 1, MAX_LANES)?;
        let least = MIN_MEMORY_KIB_PER_LANE * lanes;
        Ok(Self {
            memory_kib: bounded("memory_kib", memory_kib, least, MAX_MEMORY_KIB)?,
            passes: bounded("passes", passes, 1, MAX_PASSES)?,
            lanes,
        })
    }

    /// Memory in KiB.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Lanes of the memory.
    pub fn lanes(&self) -> u32 {
        self.lanes
    }
}

/// A cost is outside its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argon2id {field}: got {got}, expected {min} to {max}")]
pub struct KdfCostError {
    /// The number that is out of bounds.
    pub field: &'static str,
    /// What it is.
    pub got: u64,
    /// The least it may be.
    pub min: u32,
    /// The most it may be.
    pub max: u32,
}

/// Encrypted entropy with all that is needed, but for the passphrase, to decrypt it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) cost: KdfCost,
    pub(super) salt: [u8; 16],
    pub(super) nonce: [u8; 24],
    /// 32 bytes of ciphertext, then the 16 of the tag.
    pub(super) ciphertext: [u8; 48],
}

/// Why entropy could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    #[error(transparent)]
    Kdf(#[from] argon2::Error),
    #[error(transparent)]
    Random(#[from] getrandom::Error),
}

impl Sealed {
    /// Encrypts `entropy`; `header` names the file's version and network and is authenticated too.
    pub(super) fn seal(
        entropy: &Entropy,
        passphrase: &Passphrase,
        cost: KdfCost,
        header: &[u8],
    ) -> Result<Self, SealError> {
        let mut sealed = Self { cost, salt: [0; 16], nonce: [0; 24], ciphertext: [0; 48] };
        getrandom::fill(&mut sealed.salt)?;
        getrandom::fill(&mut sealed.nonce)?;
        let mut text = Zeroizing::new(*entropy.as_bytes());
        let tag = sealed
            .cipher(passphrase)?
            .encrypt_inout_detached(
                &XNonce::from(sealed.nonce),
                &sealed.associated_data(header),
                text.as_mut_slice().into(),
            )
            .expect("32 bytes are fewer than the cipher's limit");
        let (body, end) = sealed.ciphertext.split_at_mut(32);
        body.copy_from_slice(&*text);
        end.copy_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts the entropy; a changed header, cost, salt, nonce or ciphertext cannot be told from
    /// a wrong passphrase.
    pub(super) fn open(&self, passphrase: &Passphrase, header: &[u8]) -> Result<Entropy, SealError> {
        let (body, end) = self.ciphertext.split_at(32);
        let mut text = Zeroizing::new([0; 32]);
        text.copy_from_slice(body);
        let mut tag = Tag::default();
        tag.copy_from_slice(end);
        self.cipher(passphrase)?
            .decrypt_inout_detached(
                &XNonce::from(self.nonce),
                &self.associated_data(header),
                text.as_mut_slice().into(),
                &tag,
            )
            .map_err(|_| SealError::WrongPassphrase)?;
        Ok(Entropy::from_bytes(text))
    }

    fn cipher(&self, passphrase: &Passphrase) -> Result<XChaCha20Poly1305, SealError> {
        let cost = self.cost;
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params).hash_password_into(
            passphrase.as_bytes(),
            &self.salt,
            &mut *key,
        )?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }

    /// `header`, then memory, passes and lanes as 4 little-endian bytes each, then the salt: only
    /// the header's length varies, so no two inputs give the same bytes.
    fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        let mut data = header.to_vec();
        for number in [self.cost.memory_kib, self.cost.passes, self.cost.lanes] {
            data.extend_from_slice(&number.to_le_bytes());
        }
        data.extend_from_slice(&self.salt);
        data
    }
}

fn bounded(field: &'static str, got: u64, min: u32, max: u32) -> Result<u32, KdfCostError> {
    match u32::try_from(got) {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(KdfCostError { field, got, min, max }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned().into()).unwrap()
    }

    #[test]
    fn every_part_is_authenticated() {
        let entropy = Entropy::generate().unwrap();
        let cost = KdfCost::new(16, 1, 1).unwrap();
        let right = passphrase("right");
        let sealed = Sealed::seal(&entropy, &right, cost, b"header").unwrap();
        let opened = sealed.open(&right, b"header").unwrap();
        assert_eq!(opened.as_bytes(), entropy.as_bytes());

        let refused = |sealed: &Sealed, passphrase: &Passphrase, header: &[u8]| {
            assert!(matches!(sealed.open(passphrase, header), Err(SealError::WrongPassphrase)));
        };
        refused(&sealed, &passphrase("wrong"), b"header");
        refused(&sealed, &right, b"heade");
        for change in [
            |sealed: &mut Sealed| sealed.salt[15] ^= 1,
            |sealed: &mut Sealed| sealed.nonce[23] ^= 1,
            |sealed: &mut Sealed| sealed.ciphertext[0] ^= 1,
            |sealed: &mut Sealed| sealed.ciphertext[47] ^= 1,
            |sealed: &mut Sealed| sealed.cost.memory_kib += 8,
            |sealed: &mut Sealed| sealed.cost.passes += 1,
            |sealed: &mut Sealed| sealed.cost.lanes += 1,
        ] {
            let mut changed = sealed.clone();
            change(&mut changed);
            refused(&changed, &right, b"header");
        }
    }

    #[test]
    fn costs_out_of_bounds_are_named() {
        for (cost, field) in [
            ((7, 1, 1), "memory_kib"),
            ((15, 1, 2), "memory_kib"),
            ((u64::from(MAX_MEMORY_KIB) + 1, 1, 1), "memory_kib"),
            ((u64::MAX, 1, 1), "memory_kib"),
            ((64, 0, 1), "passes"),
            ((64, u64::from(MAX_PASSES) + 1, 1), "passes"),
            ((64, 1, 0), "lanes"),
            ((1 << 20, 1, u64::from(MAX_LANES) + 1), "lanes"),
        ] {
            let error = KdfCost::new(cost.0, cost.1, cost.2).unwrap_err();
            assert_eq!(error.field, field, "{cost:?}");
        }
        assert_eq!(
            KdfCost::new(1 << 40, 3, 1).unwrap_err().to_string(),
            "argon2id memory_kib: got 1099511627776, expected 8 to 1048576"
        );
        assert_eq!(KdfCost::new(65_536, 3, 1), Ok(KdfCost::STANDARD));
    }
}
