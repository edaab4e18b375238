//! Targets in their two forms, and cumulative work.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::u256::U256;
use crate::hash::Hash32;

/// A target as it stands in a header: Bitcoin's compact form (`nBits`). The top byte is the length of
/// the number in bytes, the lower three are its most significant bytes, bit 23 being a sign.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompactTarget(u32);

/// A target as a number: an id read as a big-endian number must not be above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(pub(super) U256);

/// A number of expected attempts: `2^256 / (target + 1)` for a block, and sums of that. Saturates,
/// and is 32 big-endian bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work(U256);

impl CompactTarget {
    /// Wraps the bits of the compact form; every value can be held, not every one is a target.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits of the compact form.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The number, or `None` where the form is negative, zero or above 2^256 - 1.
    pub fn expand(self) -> Option<Target> {
        let (length, mantissa) = (self.0 >> 24, self.0 & 0x007f_ffff);
        let value = U256::from_u64(u64::from(mantissa));
        let is_negative = self.0 & 0x0080_0000 != 0;
        let shifted = if length <= 3 { value.shr(8 * (3 - length)) } else { value.shl(8 * (length - 3)) };
        let overflows = length > 3 && value.bits() + 8 * (length - 3) > 256;
        (!is_negative && !overflows && shifted != U256::ZERO).then_some(Target(shifted))
    }
}

impl fmt::Debug for CompactTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#010x}", self.0)
    }
}

impl fmt::Display for CompactTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}", self.0)
    }
}

impl Target {
    /// The compact form, which keeps the most significant two or three bytes.
    pub fn compact(self) -> CompactTarget {
        let mut length = self.0.bits().div_ceil(8);
        let mut mantissa = if length <= 3 {
            (self.0.low_u64() << (8 * (3 - length))) as u32
        } else {
            self.0.shr(8 * (length - 3)).low_u64() as u32
        };
        if mantissa & 0x0080_0000 != 0 {
            mantissa >>= 8;
            length += 1;
        }
        CompactTarget(length << 24 | mantissa)
    }

    /// Whether `id`, read as a big-endian number, is not above the target.
    pub fn is_met_by(self, id: &Hash32) -> bool {
        U256::from_be_bytes(id.as_bytes()) <= self.0
    }

    /// The first 32 bits: no id whose first 32 bits are above them meets the target.
    pub fn leading(self) -> u32 {
        let [a, b, c, d, ..] = self.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// The number as 32 big-endian bytes, in the order of an id's bytes.
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0.to_be_bytes()
    }

    /// How many attempts a block of this target takes on average: `2^256 / (target + 1)`.
    pub fn work(self) -> Work {
        // 2^256 does not fit, but 2^256 / (t + 1) == (2^256 - t - 1) / (t + 1) + 1 does (Bitcoin's
        // GetBlockProof); a target of 2^256 - 1 takes one attempt.
        match self.0.overflowing_add(U256::ONE) {
            (divisor, false) => Work(self.0.not().div(divisor).overflowing_add(U256::ONE).0),
            (_, true) => Work(U256::ONE),
        }
    }
}

impl Work {
    /// No attempts.
    pub const ZERO: Self = Self(U256::ZERO);

    /// Reads 32 big-endian bytes.
    pub fn from_be_bytes(bytes: &[u8; 32]) -> Self {
        Self(U256::from_be_bytes(bytes))
    }

    /// The number as 32 big-endian bytes.
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0.to_be_bytes()
    }

    /// The sum, at most 2^256 - 1.
    pub fn saturating_add(self, other: Self) -> Self {
        match self.0.overflowing_add(other.0) {
            (sum, false) => Self(sum),
            (_, true) => Self(U256::MAX),
        }
    }

    /// The difference, at least 0.
    pub fn saturating_sub(self, other: Self) -> Self {
        if self < other { Self::ZERO } else { Self(self.0.wrapping_sub(other.0)) }
    }

    /// `count` times as much, at most 2^256 - 1.
    pub fn saturating_mul(self, count: u64) -> Self {
        match self.0.widening_mul(count) {
            (product, 0) => Self(product),
            _ => Self(U256::MAX),
        }
    }

    /// The number where it fits `u64`, else the largest `u64`.
    pub fn saturating_u64(self) -> u64 {
        if self.0.bits() > 64 { u64::MAX } else { self.0.low_u64() }
    }

    /// The number as a floating-point value, for people to look at and never for a decision.
    pub fn as_f64(self) -> f64 {
        self.to_be_bytes().iter().fold(0.0, |value, &byte| value * 256.0 + f64::from(byte))
    }
}

impl fmt::Display for Work {
    /// Hexadecimal without leading zeros, as Bitcoin's nodes show work.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_be_bytes();
        let mut rest = bytes.iter().skip_while(|byte| **byte == 0);
        match rest.next() {
            Some(first) => write!(formatter, "{first:x}")?,
            None => return formatter.write_str("0"),
        }
        rest.try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Serialize for Work {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_be_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Work {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::codec::bytes::deserialize(deserializer).map(|bytes| Self::from_be_bytes(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_forms_of_bitcoin() {
        for bits in
            [0x1d00_ffff, 0x207f_ffff, 0x1f00_ffff, 0x1b04_04cb, 0x0512_3456, 0x0200_8000, 0x2012_3456]
        {
            let target = CompactTarget(bits).expand();
            assert_eq!(target.map(Target::compact), Some(CompactTarget(bits)), "{bits:08x}");
        }
        // From Bitcoin Core's arith_uint256 tests: zero, negative and overflowing forms.
        for bits in [0, 0x0012_3456, 0x0100_3456, 0x0180_0000, 0x0492_3456, 0xff12_3456, 0x2200_0100] {
            assert_eq!(CompactTarget(bits).expand(), None, "{bits:08x}");
        }
        let smallest = CompactTarget(0x0101_0000).expand();
        assert_eq!(smallest.map(Target::work), Some(Work(U256::ONE.shl(255))));
    }

    #[test]
    fn work_counts_attempts() {
        let attempts = |bits| CompactTarget(bits).expand().map(|target| target.work().saturating_u64());
        assert_eq!(attempts(0x1d00_ffff), Some(0x1_0001_0001));
        assert_eq!(attempts(0x207f_ffff), Some(2));
        assert_eq!(attempts(0x1f00_ffff), Some(0x1_0001));
    }
}
