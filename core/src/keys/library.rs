//! Making keys and signatures (RFC 8032 section 5.1) by `ed25519-dalek`.

use core::fmt;

use ed25519_dalek::{Signer, SigningKey};

use super::{PublicKey, Signature};

/// A private key. It is erased from memory when dropped and never printed.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key that belongs to a 32-byte seed (RFC 8032 section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key, which names the account.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` (RFC 8032 section 5.1.6); deterministic, no random source is needed.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}
