//! The little of 256-bit arithmetic that proof of work needs.

/// An unsigned 256-bit number; the first limb is the least significant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct U256([u64; 4]);

impl U256 {
    pub(crate) const ZERO: Self = Self([0; 4]);
    pub(crate) const ONE: Self = Self([1, 0, 0, 0]);
    pub(crate) const MAX: Self = Self([u64::MAX; 4]);

    pub(crate) fn from_be_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
            *limb = chunk.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        }
        Self(limbs)
    }

    pub(crate) fn to_be_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0.iter().rev()) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }

    pub(crate) const fn from_u64(value: u64) -> Self {
        Self([value, 0, 0, 0])
    }

    /// The lowest 64 bits.
    pub(crate) const fn low_u64(self) -> u64 {
        let [low, ..] = self.0;
        low
    }

    /// Number of bits up to the highest one that is set.
    pub(crate) fn bits(self) -> u32 {
        let highest = self.0.iter().enumerate().rev().find(|(_, limb)| **limb != 0);
        highest.map_or(0, |(index, limb)| 64 * index as u32 + 64 - limb.leading_zeros())
    }

    /// The sum and whether it overflowed.
    pub(crate) fn overflowing_add(self, other: Self) -> (Self, bool) {
        let mut carry = false;
        let mut sum = self.0;
        for (limb, addend) in sum.iter_mut().zip(other.0) {
            let (partial, first) = limb.overflowing_add(addend);
            let (total, second) = partial.overflowing_add(u64::from(carry));
            (*limb, carry) = (total, first || second);
        }
        (Self(sum), carry)
    }

    /// The difference modulo 2^256.
    pub(crate) fn wrapping_sub(self, other: Self) -> Self {
        self.overflowing_add(other.not()).0.overflowing_add(Self::ONE).0
    }

    pub(crate) fn not(self) -> Self {
        Self(self.0.map(|limb| !limb))
    }

    /// The product's low 256 bits and what overflows them.
    pub(crate) fn widening_mul(self, factor: u64) -> (Self, u64) {
        let mut carry = 0_u128;
        let mut product = self.0;
        for limb in &mut product {
            carry += u128::from(*limb) * u128::from(factor);
            *limb = carry as u64;
            carry >>= 64;
        }
        (Self(product), carry as u64)
    }

    /// Shifted left; bits beyond the 256th are lost.
    pub(crate) fn shl(self, bits: u32) -> Self {
        let mut value = self;
        for _ in 0..(bits / 64).min(4) {
            let [a, b, c, _] = value.0;
            value = Self([0, a, b, c]);
        }
        match bits % 64 {
            0 => value,
            rest => {
                let [a, b, c, d] = value.0;
                let join = |high: u64, low: u64| high << rest | low >> (64 - rest);
                Self([a << rest, join(b, a), join(c, b), join(d, c)])
            }
        }
    }

    /// Shifted right; bits below the first are lost.
    pub(crate) fn shr(self, bits: u32) -> Self {
        let mut value = self;
        for _ in 0..(bits / 64).min(4) {
            let [_, b, c, d] = value.0;
            value = Self([b, c, d, 0]);
        }
        match bits % 64 {
            0 => value,
            rest => {
                let [a, b, c, d] = value.0;
                let join = |high: u64, low: u64| high << (64 - rest) | low >> rest;
                Self([join(b, a), join(c, b), join(d, c), d >> rest])
            }
        }
    }

    /// The quotient by a divisor that is not zero (zero gives the largest number). Schoolbook: one
    /// step per bit of the quotient, which for the work of a target is a few dozen.
    pub(crate) fn div(self, divisor: Self) -> Self {
        if divisor == Self::ZERO {
            return Self::MAX;
        }
        let (mut rest, mut quotient) = (self, Self::ZERO);
        for shift in (0..=self.bits().saturating_sub(divisor.bits())).rev() {
            let part = divisor.shl(shift);
            // A part whose top bits were shifted out is larger than any rest.
            if part.bits() == divisor.bits() + shift && part <= rest {
                rest = rest.wrapping_sub(part);
                quotient = quotient.overflowing_add(Self::ONE.shl(shift)).0;
            }
        }
        quotient
    }
}

impl PartialOrd for U256 {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for U256 {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small(value: u128) -> U256 {
        U256([value as u64, (value >> 64) as u64, 0, 0])
    }

    proptest! {
        #[test]
        fn agrees_with_u128(a in any::<u128>(), b in any::<u128>(), factor in any::<u64>(), shift in 0_u32..128) {
            let (a, b) = (a >> (shift / 2), b >> shift);
            prop_assert_eq!(small(a).cmp(&small(b)), a.cmp(&b));
            prop_assert_eq!(small(a).shr(shift), small(a >> shift));
            prop_assert_eq!(small(a).shl(shift).shr(shift), small(a));
            prop_assert_eq!(small(a).bits(), 128 - a.leading_zeros());
            if b != 0 {
                prop_assert_eq!(small(a).div(small(b)), small(a / b));
            }
            if a >= b {
                prop_assert_eq!(small(a).wrapping_sub(small(b)), small(a - b));
            }
            if let Some(product) = a.checked_mul(u128::from(factor)) {
                prop_assert_eq!(small(a).widening_mul(factor), (small(product), 0));
            }
        }

        #[test]
        fn bytes_and_division_invert(bytes in any::<[u8; 32]>(), factor in 1_u64..) {
            let value = U256::from_be_bytes(&bytes);
            prop_assert_eq!(value.to_be_bytes(), bytes);
            let (product, overflow) = value.widening_mul(factor);
            if overflow == 0 {
                prop_assert_eq!(product.div(U256::from_u64(factor)), value);
            }
            prop_assert_eq!(value.overflowing_add(value.not()), (U256::MAX, false));
        }

        /// Beyond 128 bits, where there is no ready-made type to compare with.
        #[test]
        fn limbs_carry_into_each_other(bytes in any::<[u8; 32]>(), other in any::<[u8; 32]>(), shift in 0_u32..300) {
            let (a, b) = (U256::from_be_bytes(&bytes), U256::from_be_bytes(&other));
            prop_assert_eq!(a.cmp(&b), bytes.cmp(&other));
            prop_assert_eq!(a.overflowing_add(b), b.overflowing_add(a));
            prop_assert_eq!(a.overflowing_add(b).0.wrapping_sub(b), a);
            prop_assert_eq!(a.overflowing_add(b).1, a.overflowing_add(b).0 < a);
            // A shift is that many doublings, or halvings.
            let doubled = (0..shift).fold(a, |value, _| value.overflowing_add(value).0);
            prop_assert_eq!(a.shl(shift), doubled);
            let halved = (0..shift).fold(a, |value, _| value.shr(1));
            prop_assert_eq!(a.shr(shift), halved);
            prop_assert_eq!(a.shr(1).shl(1).overflowing_add(U256::from_u64(a.low_u64() & 1)).0, a);
            let highest = (0..256).rev().find(|bit| bytes[31 - bit / 8] >> (bit % 8) & 1 == 1);
            prop_assert_eq!(a.bits() as usize, highest.map_or(0, |bit| bit + 1));
        }

        /// The quotient is the largest number whose multiple is not above the dividend.
        #[test]
        fn quotients_leave_less_than_the_divisor(bytes in any::<[u8; 32]>(), divisor in any::<[u8; 32]>(), shift in 192_u32..256) {
            let (a, b) = (U256::from_be_bytes(&bytes), U256::from_be_bytes(&divisor).shr(256 - shift));
            prop_assume!(b != U256::ZERO);
            let quotient = a.div(b);
            if quotient.bits() <= 64 {
                let (product, overflow) = b.widening_mul(quotient.low_u64());
                prop_assert_eq!(overflow, 0);
                prop_assert!(product <= a);
                prop_assert!(a.wrapping_sub(product) < b);
            }
        }
    }
}
