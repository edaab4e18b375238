//! Making keys and signatures (RFC 8032 section 5.1) on a device, on the curve of `curve25519-dalek`.
//!
//! The library multiplies the base point by a table of 30 KB, an eighth of a device's flash, which makes the
//! few signatures of a day three times as fast. Without it the curve's own multiplication does, in constant
//! time as well. The tests hold every key and signature against the library's.

use core::fmt;

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{PublicKey, Signature};
use crate::hash::sha512;

/// A private key. It is erased from memory when dropped and never printed.
#[derive(ZeroizeOnDrop)]
pub struct SecretKey {
    scalar: Scalar,
    /// What makes the secret number of a signature one that nobody can guess.
    prefix: [u8; 32],
    #[zeroize(skip)]
    public: PublicKey,
}

impl SecretKey {
    /// The key that belongs to a 32-byte seed (RFC 8032 section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let hash = Zeroizing::new(sha512(&[seed]));
        let (mut low, mut prefix) = (Zeroizing::new([0; 32]), [0; 32]);
        let (first, second) = hash.split_at(32);
        low.copy_from_slice(first);
        prefix.copy_from_slice(second);
        let scalar = Scalar::from_bytes_mod_order(clamp_integer(*low));
        Self { scalar, prefix, public: PublicKey(multiple_of_base(&scalar)) }
    }

    /// The public key, which names the account.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs `message` (RFC 8032 section 5.1.6); deterministic, no random source is needed.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let secret = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&sha512(&[&self.prefix, message])));
        let point = multiple_of_base(&secret);
        let challenge = sha512(&[&point, self.public.as_bytes(), message]);
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge);
        let sum =
            Zeroizing::new(multiply_add(challenge.as_bytes(), self.scalar.as_bytes(), secret.as_bytes()));
        let mut signature = [0; 64];
        let (first, second) = signature.split_at_mut(32);
        first.copy_from_slice(&point);
        second.copy_from_slice(Scalar::from_bytes_mod_order_wide(&sum).as_bytes());
        Signature::from_bytes(signature)
    }
}

/// The encoding of `scalar` times the base point.
fn multiple_of_base(scalar: &Scalar) -> [u8; 32] {
    let point: EdwardsPoint = ED25519_BASEPOINT_POINT * scalar;
    point.compress().to_bytes()
}

/// `left * right + more` of little-endian numbers below 2^255, digit by digit as on paper: what the curve's
/// own reduction then takes at once, whose product of scalars would be 4 KB of code for this one use. Products
/// of bytes take a processor the same time whatever they are.
fn multiply_add(left: &[u8; 32], right: &[u8; 32], more: &[u8; 32]) -> [u8; 64] {
    let mut sum = [0; 64];
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = *more);
    for (place, left) in left.iter().enumerate() {
        let mut carry = 0;
        let digits = right.iter().chain(core::iter::repeat(&0));
        for (sum, right) in sum.iter_mut().skip(place).zip(digits) {
            let digit = u32::from(*sum) + u32::from(*left) * u32::from(*right) + carry;
            *sum = digit as u8;
            carry = digit >> 8;
        }
    }
    sum
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::library;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn signatures_are_those_of_the_library(seed: [u8; 32], message: std::vec::Vec<u8>) {
            let (ours, theirs) = (SecretKey::from_seed(&seed), library::SecretKey::from_seed(&seed));
            prop_assert_eq!(ours.public_key(), theirs.public_key());
            prop_assert_eq!(ours.sign(&message), theirs.sign(&message));
        }

        #[test]
        fn products_are_those_of_the_library(left: [u8; 32], right: [u8; 32], more: [u8; 32]) {
            let [left, right, more] = [left, right, more].map(Scalar::from_bytes_mod_order);
            let sum = multiply_add(left.as_bytes(), right.as_bytes(), more.as_bytes());
            prop_assert_eq!(Scalar::from_bytes_mod_order_wide(&sum), left * right + more);
        }
    }

    #[test]
    fn the_largest_numbers_fit() {
        let largest = (-Scalar::ONE).to_bytes();
        let sum = Scalar::from_bytes_mod_order_wide(&multiply_add(&largest, &largest, &largest));
        assert_eq!(sum, Scalar::ZERO);
    }
}
