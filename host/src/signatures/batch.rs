//! The equation of a batch: it holds where every signature is valid under ZIP-215, and where one is not, with a
//! chance of 2^-127.
//!
//! A signature (R, s) of a message by the key A is valid where R and A are encodings of points, canonical or
//! not, s is below the order of the base point B, and `8 s B = 8 R + 8 k A` with `k = SHA-512(R || A || message)`. With
//! numbers z of 127 bits that nobody can foresee, all of them are where
//!
//! ```text
//! 8 (sum of z R + sum of z k A - (sum of z s) B) = 0
//! ```
//!
//! (Bernstein, Duif, Lange, Schwabe, Yang: "High-speed high-security signatures", 2011, section 5; [ZIP-215] on why
//! the factor of 8 makes batches agree with single checks). The terms of one key are added up before it is multiplied.
//!
//! [ZIP-215]: https://zips.z.cash/zip-0215

use std::collections::HashMap;

use curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED;
use curve25519_dalek::scalar::Scalar;
use mote_core::params::Params;
use mote_core::transaction::{Message, Transaction};
use sha2::{Digest, Sha512};

use super::kernel::{Kernel, Sum, Term};

/// That a key signed a message.
pub struct Claim {
    key: [u8; 32],
    message: Message,
    signature: [u8; 64],
}

impl Claim {
    /// What a transaction claims on the network of `params`.
    pub fn of(params: &Params, transaction: &Transaction) -> Self {
        Self {
            key: *transaction.sender.as_bytes(),
            message: transaction.message(params),
            signature: *transaction.signature.as_bytes(),
        }
    }
}

/// Whether all claims are true. `false` also where the system has no random numbers.
pub fn are_valid(kernel: Kernel, claims: &[Claim]) -> bool {
    let mut random = vec![[0; 16]; claims.len()];
    let is_random = getrandom::fill(random.as_flattened_mut()).is_ok();
    is_random && equation(claims, &random).is_some_and(|sum| kernel.vanishes(&sum))
}

/// The left side of the equation with these numbers; `None` where an s is too large.
fn equation(claims: &[Claim], random: &[[u8; 16]]) -> Option<Sum> {
    let mut base = Scalar::ZERO;
    let mut short = Vec::with_capacity(claims.len());
    let mut keys: HashMap<&[u8; 32], Scalar> = HashMap::with_capacity(claims.len());
    for (claim, random) in claims.iter().zip(random) {
        let (commitment, s) = claim.signature.split_at(32);
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s.try_into().ok()?))?;
        let hash =
            Sha512::new().chain_update(commitment).chain_update(claim.key).chain_update(&claim.message);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let z = Scalar::from(u128::from_le_bytes(*random) >> 1);
        base -= z * s;
        *keys.entry(&claim.key).or_insert(Scalar::ZERO) += z * k;
        short.push(Term { point: commitment.try_into().ok()?, scalar: z.to_bytes() });
    }
    let keys = keys.into_iter().map(|(key, scalar)| Term { point: *key, scalar: scalar.to_bytes() });
    let base = Term { point: ED25519_BASEPOINT_COMPRESSED.to_bytes(), scalar: base.to_bytes() };
    Some(Sum { short, long: keys.chain([base]).collect() })
}
