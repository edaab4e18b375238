//! Ed25519 keys and signatures: the only module that names the signature libraries.
//!
//! Keys and signatures are made by `ed25519-dalek` (RFC 8032); a device, whose flash has no room for its
//! table, makes the same ones without it. Signatures are judged by `ed25519-zebra`, which implements [ZIP-215](https://zips.z.cash/zip-0215):
//! there every verifier agrees on every input, alone and in batches. Two nodes that disagree on a signature
//! would fork the chain.

#[cfg(not(target_os = "none"))]
mod library;
#[cfg(any(test, target_os = "none"))]
mod table_free;

use core::fmt;

use ed25519_zebra::VerificationKey;
use serde::{Deserialize, Serialize};

#[cfg(not(target_os = "none"))]
pub use library::SecretKey;
#[cfg(target_os = "none")]
pub use table_free::SecretKey;

use crate::hash::{Hash32, Tag, preimage, tagged};

/// The 32 bytes of an Ed25519 public key, which name an account. They need not be a valid point:
/// nobody can sign for those that are not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicKey(#[serde(with = "crate::codec::bytes")] [u8; 32]);

/// The key under which an account stands in the account tree: `H(0x05 || public key)`, so that
/// nobody chooses its position freely.
pub type AccountKey = Hash32;

impl PublicKey {
    /// Wraps the encoding of a point.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The encoding of the point.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of this account in the account tree.
    pub fn account_key(&self) -> AccountKey {
        tagged(Tag::AccountKey, &[&self.0])
    }

    /// What [`PublicKey::account_key`] is the SHA-256 of.
    pub fn account_preimage(&self) -> [u8; 33] {
        preimage(Tag::AccountKey, &[&self.0])
    }

    /// Whether this is one of the 14 encodings of a point of order 1, 2, 4 or 8. Under ZIP-215
    /// anybody can sign for such a key.
    pub fn is_small_order(&self) -> bool {
        let mut y = self.0;
        if let Some(last) = y.last_mut() {
            *last &= 0x7f;
        }
        SMALL_ORDER_Y.contains(&y)
    }
}

/// The y coordinates of the small-order points, little-endian, canonical or not; with both signs of
/// x these are the 14 encodings (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs", 2020).
const SMALL_ORDER_Y: [[u8; 32]; 7] = {
    const fn ending(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        let [start, .., end] = &mut bytes;
        (*start, *end) = (first, last);
        bytes
    }
    [
        ending(0x00, 0x00, 0x00),
        ending(0x01, 0x00, 0x00),
        ending(0xec, 0xff, 0x7f),
        ending(0xed, 0xff, 0x7f),
        ending(0xee, 0xff, 0x7f),
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ]
};

impl AsRef<[u8]> for PublicKey {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Hash32::from_bytes(self.0), formatter)
    }
}

/// The 64 bytes of an Ed25519 signature; raw on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature(#[serde(with = "crate::codec::bytes")] [u8; 64]);

impl Signature {
    /// Wraps `R || s`.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes `R || s`.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Whether `signature` is `key`'s signature of `message` under ZIP-215: no key or signature is
/// treated specially, and the cofactored equation decides.
pub fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    VerificationKey::try_from(key.0)
        .is_ok_and(|key| key.verify(&ed25519_zebra::Signature::from_bytes(&signature.0), message).is_ok())
}
