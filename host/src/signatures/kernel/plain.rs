//! The sum as the library of the curve works it out, with what it finds of the processor.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};

use super::Sum;

/// Whether eight times the sum is zero; `None` where one of the encodings is that of no point.
pub fn vanishes(sum: &Sum) -> Option<bool> {
    let terms = || sum.short.iter().chain(&sum.long);
    let scalars = terms().map(|term| Scalar::from_bytes_mod_order(term.scalar));
    let points = terms().map(|term| CompressedEdwardsY(term.point).decompress());
    let sum = EdwardsPoint::optional_multiscalar_mul(scalars, points)?;
    Some(sum.mul_by_cofactor().is_identity())
}
