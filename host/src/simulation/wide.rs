//! Numbers of 320 bits by schoolbook methods, for targets and work: slow, short and independent of the core's.

use std::cmp::Ordering;

use mote_core::hash::Hash32;

const LIMBS: usize = 5;

/// An unsigned number below 2^320; the first limb is the least significant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wide([u64; LIMBS]);

impl Wide {
    /// A small number.
    pub fn new(value: u64) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = value;
        Self(limbs)
    }

    /// A hash read as a big-endian number.
    pub fn of_hash(hash: &Hash32) -> Self {
        hash.as_bytes()
            .iter()
            .fold(Self::default(), |value, byte| value.shl(8).add(Self::new((*byte).into())))
    }

    /// The number that a target in compact form stands for; none where it is negative, zero or too large.
    pub fn of_compact(bits: u32) -> Option<Self> {
        let (size, mantissa) = (bits >> 24, Self::new(u64::from(bits & 0x7f_ffff)));
        if bits & 0x80_0000 != 0 || size > 36 {
            return None;
        }
        let value = if size < 3 { mantissa.shr(8 * (3 - size)) } else { mantissa.shl(8 * (size - 3)) };
        (value != Self::default() && value.bits() <= 256).then_some(value)
    }

    /// The compact form of a target.
    pub fn compact(self) -> u32 {
        let mut size = self.bits().div_ceil(8);
        let mut mantissa = if size < 3 { self.shl(8 * (3 - size)) } else { self.shr(8 * (size - 3)) };
        if mantissa.bits() == 24 {
            (mantissa, size) = (mantissa.shr(8), size + 1);
        }
        size << 24 | mantissa.0[0] as u32
    }

    /// `2^256 / (self + 1)`, rounded down: the work that a target stands for.
    pub fn work(self) -> Self {
        let divisor = self.add(Self::new(1));
        let (mut quotient, mut rest) = (Self::default(), Self::new(1));
        // Long division, bit by bit: the dividend is a one and 256 zeros.
        for _ in 0..256 {
            (quotient, rest) = (quotient.shl(1), rest.shl(1));
            if rest >= divisor {
                (quotient, rest) = (quotient.add(Self::new(1)), rest.sub(divisor));
            }
        }
        quotient
    }

    /// The sum.
    pub fn add(self, other: Self) -> Self {
        let mut carry = 0;
        Self(std::array::from_fn(|limb| {
            let sum = u128::from(self.0[limb]) + u128::from(other.0[limb]) + carry;
            carry = sum >> 64;
            sum as u64
        }))
    }

    fn sub(self, other: Self) -> Self {
        let mut borrow = false;
        Self(std::array::from_fn(|limb| {
            let (rest, first) = self.0[limb].overflowing_sub(other.0[limb]);
            let (rest, second) = rest.overflowing_sub(borrow.into());
            borrow = first || second;
            rest
        }))
    }

    /// The product with a small number.
    pub fn times(self, factor: u64) -> Self {
        let mut carry = 0;
        Self(self.0.map(|limb| {
            let product = u128::from(limb) * u128::from(factor) + carry;
            carry = product >> 64;
            product as u64
        }))
    }

    /// Doubled so many times.
    pub fn shl(self, times: u32) -> Self {
        (0..times).fold(self, |value, _| value.add(value))
    }

    /// Halved so many times, rounded down.
    pub fn shr(self, times: u32) -> Self {
        (0..times).fold(self, |value, _| {
            Self(std::array::from_fn(|limb| {
                let above = value.0.get(limb + 1).copied().unwrap_or_default();
                value.0[limb] >> 1 | above << 63
            }))
        })
    }

    /// The place of the highest bit that is set, counted from 1; 0 where none is.
    pub fn bits(self) -> u32 {
        let highest = (0..LIMBS).rev().find(|limb| self.0[*limb] != 0);
        highest.map_or(0, |limb| 64 * limb as u32 + 64 - self.0[limb].leading_zeros())
    }

    /// The lower 256 bits as 32 big-endian bytes.
    pub fn to_be_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().rev().enumerate() {
            *byte = (self.0[index / 8] >> (8 * (index % 8))) as u8;
        }
        bytes
    }

    /// The lowest 64 bits.
    pub fn low(self) -> u64 {
        self.0[0]
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_forms_and_work_are_bitcoins() {
        // The first targets of Bitcoin's and of its regtest network.
        for (bits, work) in [(0x1d00_ffff, 4_295_032_833), (0x207f_ffff, 2), (0x1f00_ffff, 65_537)] {
            let target = Wide::of_compact(bits).unwrap();
            assert_eq!((target.compact(), target.work()), (bits, Wide::new(work)));
        }
        for bits in [0, 0x2080_0000, 0x0100_3456, 0x2300_0001, 0xff12_3456] {
            assert_eq!(Wide::of_compact(bits), None, "{bits:x}");
        }
        assert_eq!(Wide::of_compact(0x0212_3456), Some(Wide::new(0x1234)));
        assert_eq!(Wide::new(0x80).compact(), 0x0200_8000);
        assert_eq!(Wide::new(0x1234_5600).compact(), 0x0412_3456);
    }

    #[test]
    fn sums_carry_and_shifts_return() {
        let ones = Wide::new(u64::MAX);
        assert_eq!(ones.add(Wide::new(1)), Wide::new(1).shl(64));
        assert_eq!(Wide::new(1).shl(200).sub(Wide::new(1)).bits(), 200);
        assert_eq!(ones.shl(100).shr(100), ones);
        assert_eq!(ones.times(u64::MAX), ones.shl(64).sub(ones));
        assert!(Wide::new(1).shl(64) > ones);
        let hash = Hash32::from_bytes(std::array::from_fn(|index| index as u8));
        assert_eq!(Wide::of_hash(&hash).to_be_bytes(), *hash.as_bytes());
    }
}
